package main

import "sesi.dev/sesi/api/bot"

const tagChats, tagContacts, tagGroups = "chats", "contacts", "groups"

// labelID names a label in a path.
type labelID struct {
	ID string `path:"id" example:"1"`
}

type labelRequest struct {
	labelID
	bot.LabelRequest
}

type chatLabelsRequest struct {
	chatRequest
	bot.ChatLabelsRequest
}

type pageOfChats struct {
	Before int64 `query:"before" description:"before from an earlier answer."`
	Limit  int   `query:"limit" default:"50" minimum:"1" maximum:"100" description:"At most so many. A page also ends at about 1 MiB; before says where to go on."`
}

// groupID names a group in a path.
type groupID struct {
	ID string `path:"id" example:"120363025246125888@g.us"`
}

type changeGroupRequest struct {
	groupID
	bot.ChangeGroupRequest
}

type participantsRequest struct {
	groupID
	bot.ParticipantsRequest
}

type answerRequests struct {
	groupID
	bot.AnswerRequests
}

type changeChatRequest struct {
	chatRequest
	bot.ChangeChatRequest
}

type nameContactRequest struct {
	contactID
	bot.NameContactRequest
}

type inviteRequest struct {
	Code string `query:"code" required:"true" description:"The code of an invite, or its whole link."`
}

type pageOfContacts struct {
	After string `query:"after" description:"after from an earlier answer."`
	Limit int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
}

// contactID names a person in a path.
type contactID struct {
	ID string `path:"id" example:"+6281234567890" description:"A phone number, or the address of a person."`
}

// showsPicture describes a picture that is passed on.
func showsPicture(summary string, request any) operation {
	return operation{summary: summary,
		description: "The picture itself comes through the bot; its id is the ETag, and If-None-Match asks WhatsApp whether it is still the one. With Accept: application/json the answer is where it is.",
		tag:         tagContacts, request: request, answer: bot.Picture{}, media: []media{{kind: "image/jpeg", format: "binary"}}, problems: []int{404, 406, 409, 422, 429, 502, 504}}
}

// setsPicture describes the change of a picture.
func setsPicture(summary string, request any) operation {
	return operation{summary: summary, description: "The body of PUT is a JPEG (Content-Type: image/jpeg) with sides of 192 to 4096 pixels, at most 1 MiB, or JSON with the url where the bot fetches it. Best is a square.",
		tag: tagContacts, request: request, answer: bot.Picture{}, problems: []int{403, 404, 409, 413, 415, 422, 429, 502, 504}}
}

var directoryOperations = map[string]operation{
	"GET " + bot.PathContacts: {summary: "The people whose names the account knows",
		description: "By their address. WhatsApp is not asked; see one contact for what it tells. With contactId this is WAHA's path of one contact.",
		tag:         tagContacts, request: pageOfContacts{}, answer: bot.Contacts{}, problems: []int{400, 409}},
	"GET " + bot.PathContact: {summary: "One contact", description: "The names that the account knows, and what WhatsApp tells of the person. A number that nobody has answers with onWhatsApp false.",
		tag: tagContacts, request: contactID{}, answer: bot.Contact{}, problems: []int{409, 422, 429, 502, 504}},
	"GET " + bot.PathContactAbout:      {summary: "The text below a person's name", tag: tagContacts, request: contactID{}, answer: bot.About{}, problems: []int{409, 422, 429, 502, 504}},
	"PUT " + bot.PathContactBlock:      {summary: "Block a person", tag: tagContacts, request: contactID{}, answer: bot.Blocked{}, problems: []int{404, 409, 422, 429, 502, 504}},
	"DELETE " + bot.PathContactBlock:   {summary: "Unblock a person", tag: tagContacts, request: contactID{}, answer: bot.Blocked{}, problems: []int{404, 409, 422, 429, 502, 504}},
	"GET " + bot.PathContactPicture:    showsPicture("A person's picture", contactID{}),
	"GET " + bot.PathGroupPicture:      showsPicture("A group's picture", groupID{}),
	"PUT " + bot.PathGroupPicture:      setsPicture("Set a group's picture", groupID{}),
	"DELETE " + bot.PathGroupPicture:   setsPicture("Remove a group's picture", groupID{}),
	"GET " + bot.PathProfilePicture:    showsPicture("The account's picture", nil),
	"PUT " + bot.PathProfilePicture:    setsPicture("Set the account's picture", nil),
	"DELETE " + bot.PathProfilePicture: setsPicture("Remove the account's picture", nil),
	"GET " + bot.PathProfile:           {summary: "The account's profile", tag: tagContacts, answer: bot.Profile{}, problems: []int{409, 429, 502, 504}},
	"PATCH " + bot.PathProfile: {summary: "Change the account's name and about",
		description: "The name needs a key that the phone sends soon after the linking; before, the answer is 409.",
		tag:         tagContacts, request: bot.ChangeProfileRequest{}, answer: bot.Profile{}, problems: []int{400, 409, 413, 415, 429, 502, 504}},
	"GET " + bot.PathBlocked: {summary: "Whom the account has blocked", tag: tagContacts, answer: bot.BlockedContacts{}, problems: []int{409, 429, 502, 504}},

	"GET " + bot.PathChats: {summary: "Chats, the newest first",
		description: "The chats of which the bot keeps a message, with the last one and how many are unread. The status is not among them.",
		tag:         tagChats, request: pageOfChats{}, answer: bot.Chats{}, problems: []int{400, 409}},

	"PATCH " + bot.PathChat: {summary: "Archive a chat, or mark it as unread",
		description: "On all devices of the account. It needs a key that the phone sends soon after the linking; before, the answer is 409.",
		tag:         tagChats, request: changeChatRequest{}, answer: bot.Party{}, problems: []int{400, 409, 413, 415, 422, 429, 502, 504}},
	"DELETE " + bot.PathChat: {summary: "Delete a chat from the account's devices", description: "What the bot keeps of the chat stays.",
		tag: tagChats, request: chatRequest{}, answer: bot.Party{}, problems: []int{409, 422, 429, 502, 504}},
	"PUT " + bot.PathMessageStar: {summary: "Put a star at a message", description: "On all devices of the account.",
		tag: tagChats, request: messageRequest{}, answer: bot.Starred{}, problems: []int{404, 409, 422, 429, 502, 504}},
	"DELETE " + bot.PathMessageStar: {summary: "Take the star away from a message", tag: tagChats, request: messageRequest{}, answer: bot.Starred{},
		problems: []int{404, 409, 422, 429, 502, 504}},
	"PUT " + bot.PathContact: {summary: "Name a person in the account's address book",
		tag: tagContacts, request: nameContactRequest{}, answer: bot.Party{}, problems: []int{400, 409, 413, 415, 422, 429, 502, 504}},

	"GET " + bot.PathLabels: {summary: "The account's labels", description: "The labels of the WhatsApp Business app. WhatsApp is asked at each request; it needs a key that the phone sends soon after the linking.",
		tag: tagChats, answer: bot.Labels{}, problems: []int{409, 429, 502, 504}},
	"POST " + bot.PathLabels: {summary: "Make a label", description: "A repeated request makes a second label.",
		tag: tagChats, request: bot.LabelRequest{}, status: 201, answer: bot.Label{}, problems: []int{400, 409, 413, 415, 429, 502, 504}},
	"PUT " + bot.PathLabel: {summary: "Change a label's name and color",
		tag: tagChats, request: labelRequest{}, answer: bot.Label{}, problems: []int{400, 404, 409, 413, 415, 429, 502, 504}},
	"DELETE " + bot.PathLabel:   {summary: "Delete a label", tag: tagChats, request: labelID{}, answer: bot.Label{}, problems: []int{404, 409, 429, 502, 504}},
	"GET " + bot.PathLabelChats: {summary: "The chats that have a label", tag: tagChats, request: labelID{}, answer: bot.LabelChats{}, problems: []int{404, 409, 429, 502, 504}},
	"GET " + bot.PathChatLabels: {summary: "The labels of a chat", tag: tagChats, request: chatRequest{}, answer: bot.Labels{}, problems: []int{409, 422, 429, 502, 504}},
	"PUT " + bot.PathChatLabels: {summary: "Set the labels of a chat", description: "Gives the chat the labels that it names, and takes all others away.",
		tag: tagChats, request: chatLabelsRequest{}, answer: bot.Labels{}, problems: []int{400, 404, 409, 413, 415, 422, 429, 502, 504}},

	"GET " + bot.PathGroups: {summary: "The account's groups", tag: tagGroups, answer: bot.Groups{}, problems: []int{409, 429, 502, 504}},
	"POST " + bot.PathGroups: {summary: "Make a group",
		description: "The answer says for each participant whether WhatsApp added them. A repeated request makes a second group.",
		tag:         tagGroups, request: bot.CreateGroupRequest{}, status: 201, answer: bot.CreatedGroup{}, problems: []int{400, 409, 413, 415, 422, 429, 502, 504}},
	"GET " + bot.PathGroup: {summary: "One group", tag: tagGroups, request: groupID{}, answer: bot.Group{}, problems: []int{404, 409, 422, 429, 502, 504}},
	"PATCH " + bot.PathGroup: {summary: "Change a group's subject, description and settings",
		description: "Changes what the request names, one after the other; after a problem the earlier ones stay.",
		tag:         tagGroups, request: changeGroupRequest{}, answer: bot.Group{}, problems: []int{400, 404, 409, 413, 415, 422, 429, 502, 504}},
	"POST " + bot.PathGroupParticipants: {summary: "Add, remove, promote or demote participants",
		description: "WhatsApp decides for each person. A person who cannot be added can join with an invite. The answer has an invite code for each such person.",
		tag:         tagGroups, request: participantsRequest{}, answer: bot.ParticipantOutcomes{}, problems: []int{400, 404, 409, 413, 415, 422, 429, 502, 504}},
	"GET " + bot.PathGroupInvite:    {summary: "The invite of a group", tag: tagGroups, request: groupID{}, answer: bot.GroupInvite{}, problems: []int{404, 409, 422, 429, 502, 504}},
	"DELETE " + bot.PathGroupInvite: {summary: "Replace the invite of a group", description: "The old one no longer works; the answer is the new one.", tag: tagGroups, request: groupID{}, answer: bot.GroupInvite{}, problems: []int{404, 409, 422, 429, 502, 504}},
	"GET " + bot.PathGroupJoin:      {summary: "The group that an invite leads to", tag: tagGroups, request: inviteRequest{}, answer: bot.Group{}, problems: []int{400, 404, 409, 429, 502, 504}},
	"POST " + bot.PathGroupJoin: {summary: "Join a group",
		description: "With pending, an admin must approve first: an event of type group follows.",
		tag:         tagGroups, request: bot.JoinGroupRequest{}, answer: bot.JoinedGroup{}, problems: []int{400, 404, 409, 413, 415, 429, 502, 504}},
	"POST " + bot.PathGroupLeave:   {summary: "Leave a group", tag: tagGroups, request: groupID{}, answer: bot.GroupLeft{}, problems: []int{404, 409, 422, 429, 502, 504}},
	"GET " + bot.PathGroupRequests: {summary: "Who asks to join a group", tag: tagGroups, request: groupID{}, answer: bot.GroupRequests{}, problems: []int{404, 409, 422, 429, 502, 504}},
	"POST " + bot.PathGroupRequests: {summary: "Approve or reject people who ask to join", tag: tagGroups, request: answerRequests{},
		answer: bot.ParticipantOutcomes{}, problems: []int{400, 404, 409, 413, 415, 422, 429, 502, 504}},
}

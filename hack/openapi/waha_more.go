package main

import "sesi.dev/sesi/api/bot"

type wahaPageRequest struct {
	named
	Limit  int `query:"limit" minimum:"1"`
	Offset int `query:"offset" minimum:"0"`
}

type wahaCodeNamed struct {
	named
	Code string `query:"code" required:"true"`
}

type wahaGroupNamed struct {
	named
	ID string `path:"id" example:"120363012345678901@g.us"`
}

// WAHATextStatusInSession is exported for its name in the document.
type WAHATextStatusInSession struct {
	named
	bot.WAHATextStatus
}

// WAHADeleteStatusInSession is exported for its name in the document.
type WAHADeleteStatusInSession struct {
	named
	bot.WAHADeleteStatus
}

// WAHASetPresenceInSession is exported for its name in the document.
type WAHASetPresenceInSession struct {
	named
	bot.WAHASetPresence
}

// WAHARejectCallInSession is exported for its name in the document.
type WAHARejectCallInSession struct {
	named
	bot.WAHARejectCall
}

// WAHAOverviewInSession is exported for its name in the document.
type WAHAOverviewInSession struct {
	named
	bot.WAHAOverview
}

// WAHACreateGroupInSession is exported for its name in the document.
type WAHACreateGroupInSession struct {
	named
	bot.WAHACreateGroup
}

// WAHAJoinGroupInSession is exported for its name in the document.
type WAHAJoinGroupInSession struct {
	named
	bot.WAHAJoinGroup
}

// WAHASubjectInGroup is exported for its name in the document.
type WAHASubjectInGroup struct {
	wahaGroupNamed
	bot.WAHASubject
}

// WAHADescriptionInGroup is exported for its name in the document.
type WAHADescriptionInGroup struct {
	wahaGroupNamed
	bot.WAHADescription
}

// WAHAAdminsOnlyInGroup is exported for its name in the document.
type WAHAAdminsOnlyInGroup struct {
	wahaGroupNamed
	bot.WAHAAdminsOnly
}

// WAHAParticipantsInGroup is exported for its name in the document.
type WAHAParticipantsInGroup struct {
	wahaGroupNamed
	bot.WAHAParticipants
}

// WAHAFileStatusInSession is exported for its name in the document.
type WAHAFileStatusInSession struct {
	named
	bot.WAHAFileStatus
}

// WAHAConvertInSession is exported for its name in the document.
type WAHAConvertInSession struct {
	named
	bot.WAHAConvert
}

// wahaSendsFile describes a request that sends a file.
func wahaSendsFile(summary string, request any) operation {
	o := wahaSends(summary, request)
	o.problems = append([]int{507}, sendProblems...)
	return o
}

// wahaConverts describes a request that converts a file.
func wahaConverts(summary, kind string) operation {
	return operation{summary: summary, description: "A file that is one already comes back as it is; any other needs MEDIA_FFMPEG.",
		tag: tagWAHA, request: WAHAConvertInSession{}, answer: bot.WAHABase64File{}, media: []media{{kind, "binary"}}, problems: []int{400, 409, 413, 415, 422, 507}}
}

// wahaDoes describes a request that answers only that it is done.
func wahaDoes(summary string, request any) operation {
	return operation{summary: summary, tag: tagWAHA, request: request, status: 201, answer: bot.WAHADone{}, problems: sendProblems}
}

// created gives an operation the status 201.
func created(o operation) operation {
	o.status = 201
	return o
}

// WAHAPictureInGroup is exported for its name in the document.
type WAHAPictureInGroup struct {
	wahaGroupNamed
	bot.WAHAPictureFile
}

// WAHAPictureInSession is exported for its name in the document.
type WAHAPictureInSession struct {
	named
	bot.WAHAPictureFile
}

// WAHANameInSession is exported for its name in the document.
type WAHANameInSession struct {
	named
	bot.WAHAName
}

// WAHAStatusInSession is exported for its name in the document.
type WAHAStatusInSession struct {
	named
	bot.WAHAStatusText
}

// WAHAContactNameInSession is exported for its name in the document.
type WAHAContactNameInSession struct {
	wahaContactNamed
	bot.WAHAContactName
}

type wahaContactQuery struct {
	Session   string `query:"session" default:"default"`
	ContactID string `query:"contactId" required:"true" example:"6281234567890@c.us"`
}

type wahaContactsQuery struct {
	Session string `query:"session" default:"default"`
	Limit   int    `query:"limit" minimum:"1" maximum:"500"`
	Offset  int    `query:"offset" minimum:"0"`
}

type wahaContactNamed struct {
	named
	ID string `path:"id" example:"6281234567890@c.us"`
}

// WAHALabelBodyInSession is exported for its name in the document.
type WAHALabelBodyInSession struct {
	named
	bot.WAHALabelBody
}

// WAHALabelBodyOfLabel is exported for its name in the document.
type WAHALabelBodyOfLabel struct {
	wahaLabelNamed
	bot.WAHALabelBody
}

// WAHASetLabelsOfChat is exported for its name in the document.
type WAHASetLabelsOfChat struct {
	chatNamed
	bot.WAHASetLabels
}

// WAHASendEventInSession is exported for its name in the document.
type WAHASendEventInSession struct {
	named
	bot.WAHASendEvent
}

type wahaLabelNamed struct {
	named
	ID string `path:"id" example:"1"`
}

var wahaMoreOperations = map[string]operation{
	"GET " + bot.PathWAHALabels:     wahaReads("The account's labels", named{}, []bot.WAHALabel{}, sendProblems...),
	"POST " + bot.PathWAHALabels:    created(wahaReads("Make a label", WAHALabelBodyInSession{}, bot.WAHALabel{}, sendProblems...)),
	"PUT " + bot.PathWAHALabel:      wahaReads("Change a label", WAHALabelBodyOfLabel{}, bot.WAHALabel{}, sendProblems...),
	"DELETE " + bot.PathWAHALabel:   wahaReads("Delete a label", wahaLabelNamed{}, bot.WAHADone{}, sendProblems...),
	"GET " + bot.PathWAHALabelChats: wahaReads("The chats that have a label", wahaLabelNamed{}, []bot.WAHAChatID{}, sendProblems...),
	"GET " + bot.PathWAHAChatLabels: wahaReads("The labels of a chat", chatNamed{}, []bot.WAHALabel{}, sendProblems...),
	"PUT " + bot.PathWAHAChatLabels: wahaReads("Set the labels of a chat", WAHASetLabelsOfChat{}, bot.WAHADone{}, sendProblems...),

	"POST " + bot.PathWAHASendEvent: wahaSends("Send an appointment", WAHASendEventInSession{}),

	"GET " + bot.PathWAHAContacts:        wahaReads("The people whose names the account knows", wahaContactsQuery{}, []bot.WAHAContactInfo{}, sendProblems...),
	"GET " + bot.PathWAHAContact:         wahaReads("One contact", wahaContactNamed{}, bot.WAHAContactInfo{}, sendProblems...),
	"GET " + bot.PathWAHAAbout:           wahaReads("The text below a person's name", wahaContactQuery{}, bot.WAHAAbout{}, sendProblems...),
	"GET " + bot.PathWAHAProfilePicture:  wahaReads("Where a person's picture is", wahaContactQuery{}, bot.WAHAProfilePicture{}, sendProblems...),
	"GET " + bot.PathWAHAChatPicture:     wahaReads("Where a chat's picture is", chatNamed{}, bot.WAHAPicture{}, sendProblems...),
	"GET " + bot.PathWAHAGroupPicture:    wahaReads("Where a group's picture is", wahaGroupNamed{}, bot.WAHAPicture{}, sendProblems...),
	"PUT " + bot.PathWAHAGroupPicture:    wahaReads("Set a group's picture", WAHAPictureInGroup{}, bot.WAHADone{}, sendProblems...),
	"DELETE " + bot.PathWAHAGroupPicture: wahaReads("Remove a group's picture", wahaGroupNamed{}, bot.WAHADone{}, sendProblems...),
	"GET " + bot.PathWAHAProfile:         wahaReads("The account's profile", named{}, bot.WAHAProfile{}, sendProblems...),
	"PUT " + bot.PathWAHAProfileName:     wahaReads("Change the account's name", WAHANameInSession{}, bot.WAHADone{}, sendProblems...),
	"PUT " + bot.PathWAHAProfileAbout:    wahaReads("Change the text below the account's name", WAHAStatusInSession{}, bot.WAHADone{}, sendProblems...),
	"PUT " + bot.PathWAHAProfileImage:    wahaReads("Set the account's picture", WAHAPictureInSession{}, bot.WAHADone{}, sendProblems...),
	"DELETE " + bot.PathWAHAProfileImage: wahaReads("Remove the account's picture", named{}, bot.WAHADone{}, sendProblems...),
	"PUT " + bot.PathWAHAContact:         wahaReads("Name a person in the account's address book", WAHAContactNameInSession{}, bot.WAHADone{}, sendProblems...),
	"DELETE " + bot.PathWAHAChat:         wahaReads("Delete a chat from the account's devices", chatNamed{}, bot.WAHADone{}, sendProblems...),
	"DELETE " + bot.PathWAHAMessages:     wahaReads("Clear a chat, on the account's devices and on the bot", chatNamed{}, bot.WAHADone{}, sendProblems...),
	"PUT " + bot.PathWAHAStar:            wahaReads("Put a star at a message, or take it away", bot.WAHAStar{}, bot.WAHADone{}, sendProblems...),
	"POST " + bot.PathWAHAChatArchive:    wahaDoes("Archive a chat", chatNamed{}),
	"POST " + bot.PathWAHAChatUnarchive:  wahaDoes("Take a chat out of the archive", chatNamed{}),
	"POST " + bot.PathWAHAChatUnread:     wahaDoes("Mark a chat as unread", chatNamed{}),
	"POST " + bot.PathWAHABlock:          wahaDoes("Block a person", bot.WAHAContactID{}),
	"POST " + bot.PathWAHAUnblock:        wahaDoes("Unblock a person", bot.WAHAContactID{}),

	"POST " + bot.PathWAHASendLocation:       wahaSends("Send a place", bot.WAHASendLocation{}),
	"POST " + bot.PathWAHASendContacts:       wahaSends("Share contacts", bot.WAHASendContacts{}),
	"POST " + bot.PathWAHASendPoll:           wahaSends("Send a poll", bot.WAHASendPoll{}),
	"POST " + bot.PathWAHASendVote:           wahaSends("Vote in a poll", bot.WAHASendVote{}),
	"POST " + bot.PathWAHAStartTyping:        wahaDoes("Show that the account types", bot.WAHAChat{}),
	"POST " + bot.PathWAHAStopTyping:         wahaDoes("Show that the account no longer types", bot.WAHAChat{}),
	"POST " + bot.PathWAHATextStatus:         wahaSends("Post a text to the status", WAHATextStatusInSession{}),
	"POST " + bot.PathWAHASendImage:          wahaSendsFile("Send an image", bot.WAHASendFile{}),
	"POST " + bot.PathWAHASendFile:           wahaSendsFile("Send a document", bot.WAHASendFile{}),
	"POST " + bot.PathWAHASendVoice:          wahaSendsFile("Send a voice message", bot.WAHASendFile{}),
	"POST " + bot.PathWAHASendVideo:          wahaSendsFile("Send a video", bot.WAHASendFile{}),
	"POST " + bot.PathWAHAStatusImage:        wahaSendsFile("Post an image to the status", WAHAFileStatusInSession{}),
	"POST " + bot.PathWAHAStatusVoice:        wahaSendsFile("Post a voice message to the status", WAHAFileStatusInSession{}),
	"POST " + bot.PathWAHAStatusVideo:        wahaSendsFile("Post a video to the status", WAHAFileStatusInSession{}),
	"POST " + bot.PathWAHAConvertVoice:       wahaConverts("A recording as WhatsApp's voice messages are", "audio/ogg"),
	"POST " + bot.PathWAHAConvertVideo:       wahaConverts("A video as WhatsApp shows it", "video/mp4"),
	"POST " + bot.PathWAHADeleteStatus:       wahaSends("Take a status post back", WAHADeleteStatusInSession{}),
	"POST " + bot.PathWAHAPresence:           wahaDoes("Show the account as online, offline or typing", WAHASetPresenceInSession{}),
	"GET " + bot.PathWAHAPresence:            wahaReads("The presence of every chat that was asked for", named{}, []bot.WAHAPresences{}, sendProblems...),
	"GET " + bot.PathWAHAChatPresence:        wahaReads("The presence of a chat", chatNamed{}, bot.WAHAPresences{}, sendProblems...),
	"POST " + bot.PathWAHASubscribe:          wahaDoes("Ask for the presence of a chat", chatNamed{}),
	"POST " + bot.PathWAHACallReject:         wahaDoes("Reject a call", WAHARejectCallInSession{}),
	"GET " + bot.PathWAHAChats:               wahaReads("Chats, the newest first", wahaPageRequest{}, []bot.WAHAChatSummary{}, sendProblems...),
	"GET " + bot.PathWAHAOverview:            wahaReads("Chats with their last message", wahaPageRequest{}, []bot.WAHAChatSummary{}, sendProblems...),
	"POST " + bot.PathWAHAOverview:           created(wahaReads("Chats with their last message", WAHAOverviewInSession{}, []bot.WAHAChatSummary{}, sendProblems...)),
	"GET " + bot.PathWAHAGroups:              wahaReads("The account's groups", wahaPageRequest{}, []bot.WAHAGroupInfo{}, sendProblems...),
	"POST " + bot.PathWAHAGroups:             created(wahaReads("Make a group", WAHACreateGroupInSession{}, bot.WAHAGroupInfo{}, sendProblems...)),
	"GET " + bot.PathWAHAGroupCount:          wahaReads("How many groups the account is in", named{}, bot.WAHACount{}, sendProblems...),
	"POST " + bot.PathWAHAGroupRefresh:       wahaReads("Read the groups again", named{}, bot.WAHADone{}, sendProblems...),
	"GET " + bot.PathWAHAGroupJoinInfo:       wahaReads("The group of an invite", wahaCodeNamed{}, bot.WAHAGroupInfo{}, sendProblems...),
	"POST " + bot.PathWAHAGroupJoin:          wahaReads("Join a group", WAHAJoinGroupInSession{}, bot.WAHAJoined{}, sendProblems...),
	"GET " + bot.PathWAHAGroup:               wahaReads("One group", wahaGroupNamed{}, bot.WAHAGroupInfo{}, sendProblems...),
	"DELETE " + bot.PathWAHAGroup:            wahaReads("Leave a group, and delete its chat from the account's devices", wahaGroupNamed{}, bot.WAHADone{}, sendProblems...),
	"POST " + bot.PathWAHAGroupLeave:         wahaReads("Leave a group", wahaGroupNamed{}, bot.WAHADone{}, sendProblems...),
	"PUT " + bot.PathWAHAGroupSubject:        wahaReads("Change a group's subject", WAHASubjectInGroup{}, bot.WAHADone{}, sendProblems...),
	"PUT " + bot.PathWAHAGroupDescription:    wahaReads("Change a group's description", WAHADescriptionInGroup{}, bot.WAHADone{}, sendProblems...),
	"GET " + bot.PathWAHAGroupInvite:         wahaReads("A group's invite", wahaGroupNamed{}, "", sendProblems...),
	"POST " + bot.PathWAHAGroupInviteRevoke:  wahaReads("Make a new invite", wahaGroupNamed{}, "", sendProblems...),
	"GET " + bot.PathWAHAGroupInfoAdmins:     wahaReads("May only admins change the group's info?", wahaGroupNamed{}, bot.WAHAAdminsOnly{}, sendProblems...),
	"PUT " + bot.PathWAHAGroupInfoAdmins:     wahaReads("Let only admins change the group's info", WAHAAdminsOnlyInGroup{}, bot.WAHADone{}, sendProblems...),
	"GET " + bot.PathWAHAGroupMessagesAdmins: wahaReads("May only admins write?", wahaGroupNamed{}, bot.WAHAAdminsOnly{}, sendProblems...),
	"PUT " + bot.PathWAHAGroupMessagesAdmins: wahaReads("Let only admins write", WAHAAdminsOnlyInGroup{}, bot.WAHADone{}, sendProblems...),
	"GET " + bot.PathWAHAGroupParticipants:   wahaReads("A group's participants", wahaGroupNamed{}, []bot.WAHAParticipant{}, sendProblems...),
	"GET " + bot.PathWAHAGroupParticipants2:  wahaReads("A group's participants", wahaGroupNamed{}, []bot.WAHAParticipant{}, sendProblems...),
	"POST " + bot.PathWAHAGroupAdd:           wahaReads("Add people to a group", WAHAParticipantsInGroup{}, bot.ParticipantOutcomes{}, sendProblems...),
	"POST " + bot.PathWAHAGroupRemove:        wahaReads("Remove people from a group", WAHAParticipantsInGroup{}, bot.ParticipantOutcomes{}, sendProblems...),
	"POST " + bot.PathWAHAGroupPromote:       wahaReads("Make people admins", WAHAParticipantsInGroup{}, bot.ParticipantOutcomes{}, sendProblems...),
	"POST " + bot.PathWAHAGroupDemote:        wahaReads("Make admins members", WAHAParticipantsInGroup{}, bot.ParticipantOutcomes{}, sendProblems...),
}

package main

import (
	"maps"

	"sesi.dev/sesi/api/bot"
)

const tagMessages = "messages"

type eventsRequest struct {
	After       string `query:"after" description:"Read the events after this cursor: oldest (the default), latest, or next from an earlier answer."`
	LastEventID string `header:"Last-Event-ID" description:"The cursor of a stream that reconnects."`
	Types       string `query:"types" description:"Event types, separated by commas; empty means all."`
	Chat        string `query:"chat" description:"Only events of this chat."`
	Limit       int    `query:"limit" default:"100" minimum:"1" maximum:"500" description:"At most so many. An answer also ends at about 1 MiB; next says where to go on."`
	Wait        int    `query:"wait" default:"0" minimum:"0" maximum:"50" description:"Seconds to wait for the next event when no event is there yet."`
}

type messagesRequest struct {
	Chat   string `query:"chat" description:"A phone number or WhatsApp address; empty means all chats."`
	Before int64  `query:"before" description:"before from an earlier answer."`
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500" description:"At most so many. A page also ends at about 1 MiB; before says where to go on."`
}

type messageRequest struct {
	ID   string `path:"id"`
	Chat string `query:"chat" description:"The chat, if several have a message with this id."`
}

type fileRequest struct {
	messageRequest
	Range       string `header:"Range" example:"bytes=0-1023"`
	IfNoneMatch string `header:"If-None-Match" description:"The ETag of an earlier answer: 304 when the file is the same."`
}

type chatRequest struct {
	Chat string `path:"chat" description:"A phone number or WhatsApp address."`
}

type sendRequest struct {
	Key    string `header:"Idempotency-Key" maxLength:"255" description:"Makes a repeated request safe: the same key, with the same body, returns the first message and sends nothing again. Kept for 14 days."`
	Prefer string `header:"Prefer" example:"respond-async" description:"respond-async answers 202 at once; wait=10 waits at most that many seconds for WhatsApp's server, else 30."`
	bot.SendRequest
}

type editRequest struct {
	messageRequest
	Key string `header:"Idempotency-Key" maxLength:"255"`
	bot.EditRequest
}

type eraseRequest struct {
	chatRequest
	Devices bool `query:"devices" default:"false" description:"Clear the chat on the account's devices too. It needs a key that the phone sends soon after the linking; before, the answer is 409."`
}

type pinRequest struct {
	messageRequest
	Key string `header:"Idempotency-Key" maxLength:"255"`
	bot.PinRequest
}

type deleteRequest struct {
	messageRequest
	Key string `header:"Idempotency-Key" maxLength:"255"`
}

var messageOperations = map[string]operation{
	"GET " + bot.PathEvents: {summary: "Events after a cursor",
		description: "Events in order, each at least once; a repeated event has the same id. With wait, the answer comes with the first event. With Accept: text/event-stream the answer is a stream: id is the cursor, event the type, data the Event, and a comment every 15 seconds. 410 means that events after the cursor were deleted; the header Sesi-Oldest-Cursor names the oldest cursor.",
		tag:         tagMessages, request: eventsRequest{}, answer: bot.Events{}, media: []media{{kind: "text/event-stream"}}, problems: []int{400, 409, 410, 422, 503}},
	"GET " + bot.PathMessages: {summary: "Stored messages, newest first", tag: tagMessages, request: messagesRequest{}, answer: bot.Messages{}, problems: []int{400, 409, 422}},
	"GET " + bot.PathMessage:  {summary: "One message", tag: tagMessages, request: messageRequest{}, answer: bot.Message{}, problems: []int{404, 409, 422}},
	"GET " + bot.PathMessageMedia: {summary: "The file of a message",
		description: "From the bot's disk, else from WhatsApp, else from the phone by way of WhatsApp; its hash is checked. Parts (Range) and If-None-Match work; the ETag is the file's SHA-256.",
		tag:         tagMessages, request: fileRequest{}, media: []media{{"application/octet-stream", "binary"}}, problems: []int{404, 409, 410, 413, 416, 422, 502, 503, 504, 507}},
	"POST " + bot.PathMessages: {summary: "Send a message",
		description: "A text, a file, a place, contacts, a poll, an appointment, a vote, a reaction or a forwarded message. A file comes from its url, as data (Base64), or in a form (multipart/form-data): the file's part is named by the kind of message (image, video, audio, voice, document, sticker), beside to, caption or message (this JSON). It is kept on disk before it is tried, under an id that every retry keeps. 200 says that WhatsApp's server took it; 202 that it waits, is held, or that the answer is missing: GET the message, or read the events message.state. A message that was not sent is a problem with its messageId.",
		tag:         tagMessages, request: sendRequest{}, answer: bot.Message{}, problems: []int{400, 403, 404, 409, 413, 415, 422, 500, 502, 503, 504, 507}},
	"PATCH " + bot.PathMessage: {summary: "Edit a message",
		description: "Gives a text of the account another text, for 15 minutes. The edit is a message with an id and a state of its own.",
		tag:         tagMessages, request: editRequest{}, answer: bot.Message{}, problems: []int{400, 403, 404, 409, 413, 415, 422, 502, 503, 504}},
	"DELETE " + bot.PathMessage: {summary: "Cancel a message, or take it back",
		description: "A message that WhatsApp cannot have yet is cancelled, and is the answer. Any other is taken back at everyone, for 60 hours: the answer is the revocation, a message with an id and a state of its own.",
		tag:         tagMessages, request: deleteRequest{}, answer: bot.Message{}, problems: []int{403, 404, 409, 422, 502, 503, 504}},
	"PUT " + bot.PathMessagePin: {summary: "Pin a message",
		description: "Shows the message at the top of its chat for everyone, for a day, a week or 30 days. In a group, WhatsApp may let only admins do it. The pin is a message with an id and a state of its own.",
		tag:         tagMessages, request: pinRequest{}, answer: bot.Message{}, problems: []int{400, 403, 404, 409, 413, 415, 422, 502, 503, 504}},
	"DELETE " + bot.PathMessagePin: {summary: "Take a pinned message down",
		description: "The bot does not know what is pinned: to take down a message that is not changes nothing. The answer is a message with an id and a state of its own.",
		tag:         tagMessages, request: deleteRequest{}, answer: bot.Message{}, problems: []int{403, 404, 409, 422, 502, 503, 504}},
	"POST " + bot.PathMessageRead: {summary: "Mark a message as read", tag: tagMessages, request: messageRequest{}, answer: bot.MarkedRead{}, problems: []int{404, 409, 422, 504}},
	"POST " + bot.PathContactsCheck: {summary: "Who is on WhatsApp?",
		description: "Finds the address that WhatsApp uses for each contact, and says whether a message would go now.",
		tag:         tagMessages, request: bot.CheckRequest{}, answer: bot.CheckedContacts{}, problems: []int{400, 409, 413, 415, 422, 504}},
	"GET " + bot.PathAccountLimits: {summary: "What the account may send",
		description: "WhatsApp's limits on writing to new people, as WhatsApp last said, and the bot's own pace.",
		tag:         tagMessages, answer: bot.AccountLimits{}, problems: []int{409, 504}},
	"GET " + bot.PathActivity: {summary: "What came of messages since the start",
		description: "Counters and the last error, as the bot's page shows them. They hold no content, number or name.",
		tag:         tagMessages, answer: bot.Activity{}, problems: []int{409, 504}},
	"DELETE " + bot.PathChatMessages: {summary: "Delete a chat from the bot",
		description: "Deletes the chat's messages and events from the bot's disk. With devices=true also from the account's phone and its other devices, those with a star too; else nothing changes at WhatsApp.",
		tag:         tagMessages, request: eraseRequest{}, answer: bot.Erased{}, problems: []int{400, 409, 422, 429, 502, 504}},
}

// allOperations describes every route, by method and path.
func allOperations() map[string]operation {
	all := maps.Clone(operations)
	maps.Copy(all, messageOperations)
	maps.Copy(all, liveOperations)
	maps.Copy(all, webhookOperations)
	maps.Copy(all, directoryOperations)
	maps.Copy(all, channelOperations)
	maps.Copy(all, wahaOperations)
	maps.Copy(all, wahaMoreOperations)
	return all
}

package main

import (
	"maps"

	"sesi.dev/sesi/api/bot"
)

const tagMessages = "messages"

type eventsRequest struct {
	After       string `query:"after" description:"The cursor behind which to read: oldest (the default), latest, or the next of an earlier answer."`
	LastEventID string `header:"Last-Event-ID" description:"The same for a stream that reconnects."`
	Types       string `query:"types" description:"Event types with commas; all when empty."`
	Chat        string `query:"chat" description:"Only events of this chat."`
	Limit       int    `query:"limit" default:"100" minimum:"1" maximum:"500"`
	Wait        int    `query:"wait" default:"0" minimum:"0" maximum:"50" description:"Seconds to wait for an event when there is none yet."`
}

type messagesRequest struct {
	Chat   string `query:"chat" description:"A number, or an address of WhatsApp; all chats when empty."`
	Before int64  `query:"before" description:"The before of an earlier answer."`
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
}

type messageRequest struct {
	ID   string `path:"id"`
	Chat string `query:"chat" description:"The chat, where several hold a message with this id."`
}

type chatRequest struct {
	Chat string `path:"chat" description:"A number, or an address of WhatsApp."`
}

var messageOperations = map[string]operation{
	"GET " + bot.PathEvents: {summary: "What happened, from a cursor",
		description: "Events in order, each at least once, under an id that a repeat keeps. With wait the answer comes with the first event. With Accept: text/event-stream the answer is a stream: id is the cursor, event the type, data the Event; a comment every 15 seconds. 410 says that events behind the cursor are gone, and names the oldest cursor in the header Sesi-Oldest-Cursor.",
		tag:         tagMessages, request: eventsRequest{}, answer: bot.Events{}, media: []media{{kind: "text/event-stream"}}, problems: []int{400, 409, 410, 422, 503}},
	"GET " + bot.PathMessages: {summary: "Messages that the bot keeps, newest first", tag: tagMessages, request: messagesRequest{}, answer: bot.Messages{}, problems: []int{400, 409, 422}},
	"GET " + bot.PathMessage:  {summary: "One message", tag: tagMessages, request: messageRequest{}, answer: bot.Message{}, problems: []int{404, 409, 422}},
	"DELETE " + bot.PathChatMessages: {summary: "Erase a chat from the bot",
		description: "Removes the chat's messages and events from the bot's disk. Nothing changes at WhatsApp.",
		tag:         tagMessages, request: chatRequest{}, answer: bot.Erased{}, problems: []int{409, 422}},
}

// allOperations describes every route, by method and path.
func allOperations() map[string]operation {
	all := maps.Clone(operations)
	maps.Copy(all, messageOperations)
	return all
}

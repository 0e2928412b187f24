package main

import "sesi.dev/sesi/api/bot"

type typingRequest struct {
	chatRequest
	bot.TypingRequest
}

type rejectRequest struct {
	ID string `path:"id" description:"The call's id, from its event."`
	bot.RejectCallRequest
}

var liveOperations = map[string]operation{
	"POST " + bot.PathChatTyping: {summary: "Show that the account types", description: "composing and recording end by themselves after some seconds, or with paused.",
		tag: tagMessages, request: typingRequest{}, answer: bot.Done{}, problems: []int{400, 409, 413, 415, 422, 504}},
	"GET " + bot.PathPresence: {summary: "Who is online?", description: "What WhatsApp has said of the chats that the bot subscribed to.",
		tag: tagMessages, answer: bot.Presences{}, problems: []int{409}},
	"POST " + bot.PathPresence: {summary: "Show the account as online or offline",
		description: "A bot is offline until it is asked. While it is online, the phone shows no notifications. It stays so over reconnections, until the bot restarts.",
		tag:         tagMessages, request: bot.PresenceRequest{}, answer: bot.Done{}, problems: []int{400, 409, 413, 415, 504}},
	"GET " + bot.PathChatPresence: {summary: "Who is online in a chat?", description: "What WhatsApp has said since the bot subscribed to the chat.",
		tag: tagMessages, request: chatRequest{}, answer: bot.Presence{}, problems: []int{409, 422}},
	"PUT " + bot.PathChatPresence: {summary: "Subscribe to a chat's presence",
		description: "Events of type presence follow, until the bot restarts. WhatsApp tells only an account that is online, and only what the person's privacy settings allow.",
		tag:         tagMessages, request: chatRequest{}, answer: bot.Presence{}, problems: []int{409, 422, 504}},
	"DELETE " + bot.PathChatPresence: {summary: "End the events of a chat's presence", tag: tagMessages, request: chatRequest{}, answer: bot.Presence{}, problems: []int{409, 422}},
	"POST " + bot.PathCallReject: {summary: "Reject a call", description: "WhatsApp does not say whether the call still rang.",
		tag: tagMessages, request: rejectRequest{}, answer: bot.Done{}, problems: []int{400, 409, 413, 415, 422, 504}},
}

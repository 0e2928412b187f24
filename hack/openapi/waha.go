package main

import "sesi.dev/sesi/api/bot"

// chatNamed is a chat in a WAHA path.
type chatNamed struct {
	named
	Chat string `path:"chat" example:"6281234567890@c.us" description:"A number or an address of WhatsApp; in a list, all for every chat."`
}

type wahaMessageNamed struct {
	chatNamed
	ID string `path:"id" example:"false_6281234567890@c.us_3EB0C767D26A1D8B" description:"The message's id, in WAHA's form or bare."`
}

type wahaMessagesRequest struct {
	chatNamed
	Limit     int    `query:"limit" default:"10" minimum:"1" maximum:"500"`
	Offset    int    `query:"offset" minimum:"0"`
	SortOrder string `query:"sortOrder" enum:"asc,desc" default:"desc"`
	From      int64  `query:"filter.timestamp.gte" description:"In seconds."`
	To        int64  `query:"filter.timestamp.lte" description:"In seconds."`
	FromMe    bool   `query:"filter.fromMe"`
	Ack       string `query:"filter.ack" enum:"ERROR,PENDING,SERVER,DEVICE,READ,PLAYED"`
}

type wahaReadRequest struct {
	chatNamed
	Messages int `query:"messages" minimum:"0" maximum:"500" description:"How many of the newest; without it 30, in a group 100."`
	Days     int `query:"days" default:"7" minimum:"0" maximum:"366"`
}

// WAHAEditRequest is exported for its name in the document.
type WAHAEditRequest struct {
	wahaMessageNamed
	bot.WAHAEdit
}

// WAHAPinRequest is exported for its name in the document.
type WAHAPinRequest struct {
	wahaMessageNamed
	bot.WAHAPin
}

type wahaSocketRequest struct {
	Session string `query:"session" default:"*" description:"The client id, default, or *."`
	Events  string `query:"events" default:"*" description:"WAHA's events, with commas or repeated; * means all."`
	Key     string `query:"x-api-key" description:"The token, where no header can be sent."`
}

type wahaFileNamed struct {
	named
	File string `path:"file" example:"3EB0C767D26A1D8B.jpeg"`
	Key  string `query:"x-api-key" description:"The token, where no header can be sent."`
}

type wahaPhoneRequest struct {
	Session string `query:"session" default:"default"`
	Phone   string `query:"phone" required:"true" example:"6281234567890"`
}

type wahaLIDsRequest struct {
	named
	Limit  int `query:"limit" default:"100" minimum:"1" maximum:"500"`
	Offset int `query:"offset" minimum:"0"`
}

type wahaLIDRequest struct {
	named
	LID string `path:"lid" example:"123456789012345@lid"`
}

type wahaPhoneNamed struct {
	named
	Phone string `path:"phone" example:"6281234567890"`
}

// sendProblems are the problems of WAHA's requests that send.
var sendProblems = []int{400, 403, 404, 409, 413, 415, 422, 500, 502, 503, 504}

// wahaSends describes a request that sends a message.
func wahaSends(summary string, request any) operation {
	return operation{summary: summary, description: "Waits up to 30 seconds for WhatsApp's server; a message that waits longer has ack 0.",
		tag: tagWAHA, request: request, status: 201, answer: bot.WAHAMessage{}, problems: sendProblems}
}

// wahaReads describes a request that reads.
func wahaReads(summary string, request, answer any, problems ...int) operation {
	return operation{summary: summary, tag: tagWAHA, request: request, answer: answer, problems: problems}
}

// changed gives an operation the status 200.
func changed(o operation) operation {
	o.status = 200
	return o
}

var wahaOperations = map[string]operation{
	"GET " + bot.PathWebSocket: {summary: "WAHA's WebSocket", description: "Events in WAHA's form, from now on; wrong parameters close it with 4001.",
		tag: tagWAHA, request: wahaSocketRequest{}, status: 101, problems: []int{409, 503}},
	"GET " + bot.PathWAHAFile:          {summary: "The file of a message", tag: tagWAHA, request: wahaFileNamed{}, media: []media{{"application/octet-stream", "binary"}}, problems: []int{404, 409, 501}},
	"GET " + bot.PathWAHAVersion:       wahaReads("The bot's version", nil, bot.WAHAEnvironment{}),
	"GET " + bot.PathWAHAServerVersion: wahaReads("The bot's version", nil, bot.WAHAEnvironment{}),
	"GET " + bot.PathWAHAServerStatus:  wahaReads("Since when the bot runs", nil, bot.WAHAServer{}),

	"POST " + bot.PathWAHASendText:    wahaSends("Send a text", bot.WAHASendText{}),
	"POST " + bot.PathWAHASendPreview: wahaSends("Send a text with the preview of a link", bot.WAHASendPreview{}),
	"POST " + bot.PathWAHASendLink:    wahaSends("Send a link below its title (older)", bot.WAHASendLink{}),
	"POST " + bot.PathWAHAReply:       wahaSends("Send a text (older name)", bot.WAHASendText{}),
	"PUT " + bot.PathWAHAReaction:     changed(wahaSends("React to a message", bot.WAHAReact{})),
	"POST " + bot.PathWAHAForward:     wahaSends("Pass a message on", bot.WAHAForward{}),
	"POST " + bot.PathWAHASeen:        {summary: "Mark messages as read", tag: tagWAHA, request: bot.WAHASeen{}, status: 201, answer: bot.WAHADone{}, problems: sendProblems},
	"GET " + bot.PathWAHANewID:        wahaReads("A new message id", named{}, bot.WAHANewID{}, 404),
	"GET " + bot.PathWAHANewStatusID:  wahaReads("A new message id for a status", named{}, bot.WAHANewID{}, 404),

	"GET " + bot.PathWAHAMessages:      wahaReads("Messages of a chat", wahaMessagesRequest{}, []bot.WAHAMessage{}, 400, 404, 409, 422),
	"GET " + bot.PathWAHAMessage:       wahaReads("One message", wahaMessageNamed{}, bot.WAHAMessage{}, 400, 404, 409, 422),
	"PUT " + bot.PathWAHAMessage:       changed(wahaSends("Edit a message", WAHAEditRequest{})),
	"DELETE " + bot.PathWAHAMessage:    changed(wahaSends("Take a message back", wahaMessageNamed{})),
	"POST " + bot.PathWAHAPin:          wahaDoes("Pin a message in its chat", WAHAPinRequest{}),
	"POST " + bot.PathWAHAUnpin:        wahaDoes("Take a pinned message down", wahaMessageNamed{}),
	"POST " + bot.PathWAHAMessagesRead: {summary: "Mark the newest messages of a chat as read", tag: tagWAHA, request: wahaReadRequest{}, status: 201, answer: bot.WAHARead{}, problems: sendProblems},

	"GET " + bot.PathWAHACheckExists: wahaReads("Is a number on WhatsApp?", wahaPhoneRequest{}, bot.WAHANumber{}, 400, 404, 409, 422, 504),
	"GET " + bot.PathWAHACheckNumber: wahaReads("Is a number on WhatsApp? (older name)", wahaPhoneRequest{}, bot.WAHANumber{}, 400, 404, 409, 422, 504),

	"GET " + bot.PathWAHALIDs:       wahaReads("The people whose both addresses are known", wahaLIDsRequest{}, []bot.WAHALID{}, 400, 404),
	"GET " + bot.PathWAHALIDCount:   wahaReads("How many people's both addresses are known", named{}, bot.WAHACount{}, 404),
	"GET " + bot.PathWAHALID:        wahaReads("The number of a hidden address", wahaLIDRequest{}, bot.WAHALID{}, 400, 404),
	"GET " + bot.PathWAHALIDOfPhone: wahaReads("The hidden address of a number", wahaPhoneNamed{}, bot.WAHALID{}, 400, 404),
}

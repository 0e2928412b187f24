package main

import "sesi.dev/sesi/api/bot"

const tagChannels = "channels"

// channelID names a channel in a path.
type channelID struct {
	ID string `path:"id" example:"120363400000000001@newsletter" description:"The address of a channel, or its invite: the code, or the link."`
}

type channelMessagesRequest struct {
	channelID
	Before int `query:"before" minimum:"0" description:"before from an earlier answer."`
	Limit  int `query:"limit" default:"50" minimum:"1" maximum:"100"`
}

type channelSearchRequest struct {
	Text       string `query:"text" maxLength:"100" description:"What a channel's name has. Without it, a choice of channels is listed."`
	View       string `query:"view" default:"RECOMMENDED" description:"The directory's word for the choice."`
	Countries  string `query:"countries" example:"ID,MY" description:"Codes of countries, separated by commas; not with text."`
	Categories string `query:"categories" description:"The directory's words for kinds of channels, separated by commas."`
	After      string `query:"after" description:"after from an earlier answer."`
	Limit      int    `query:"limit" default:"50" minimum:"1" maximum:"100"`
}

type wahaPreviewRequest struct {
	wahaChannelNamed
	DownloadMedia bool `query:"downloadMedia" description:"Changes nothing: the bot fetches a file when it is asked for."`
	Limit         int  `query:"limit" default:"10" minimum:"1" maximum:"100"`
}

// WAHAChannelsByViewInSession is exported for its name in the document.
type WAHAChannelsByViewInSession struct {
	named
	bot.WAHAChannelsByView
}

// WAHAChannelsByTextInSession is exported for its name in the document.
type WAHAChannelsByTextInSession struct {
	named
	bot.WAHAChannelsByText
}

type wahaChannelsRequest struct {
	named
	Role string `query:"role" enum:"OWNER,ADMIN,SUBSCRIBER"`
}

type wahaChannelNamed struct {
	named
	channelID
}

// WAHACreateChannelInSession is exported for its name in the document.
type WAHACreateChannelInSession struct {
	named
	bot.WAHACreateChannel
}

// changesChannel describes a change of what the account is in a channel.
func changesChannel(summary string) operation {
	return operation{summary: summary, tag: tagChannels, request: channelID{}, answer: bot.Channel{}, problems: []int{404, 409, 422, 429, 502, 504}}
}

var channelOperations = map[string]operation{
	"GET " + bot.PathChannels: {summary: "The channels that the account has or follows", tag: tagChannels, answer: bot.Channels{}, problems: []int{409, 429, 502, 504}},
	"POST " + bot.PathChannels: {summary: "Make a channel",
		description: "This accepts WhatsApp's terms for channels. A repeated request makes a second channel.",
		tag:         tagChannels, request: bot.CreateChannelRequest{}, status: 201, answer: bot.Channel{}, problems: []int{400, 409, 413, 415, 422, 429, 502, 504}},
	"GET " + bot.PathChannel: changesChannel("One channel"),
	"DELETE " + bot.PathChannel: {summary: "Delete a channel", description: "For everyone; only its owner can. The answer is the channel as it was.",
		tag: tagChannels, request: channelID{}, answer: bot.Channel{}, problems: []int{403, 404, 409, 422, 429, 502, 504}},
	"GET " + bot.PathChannelMessages: {summary: "What was published in a channel",
		description: "Newest first, as WhatsApp has it, also of a channel that the account does not follow. Only messages that came to the bot have a file.",
		tag:         tagChannels, request: channelMessagesRequest{}, answer: bot.ChannelMessages{}, problems: []int{400, 404, 409, 422, 429, 502, 504}},
	"GET " + bot.PathChannelSearch: {summary: "Look for channels",
		description: "In WhatsApp's directory: by text, or a choice of channels. What the account is in them is not told: role is guest.",
		tag:         tagChannels, request: channelSearchRequest{}, answer: bot.FoundChannels{}, problems: []int{400, 409, 429, 502, 504}},
	"PUT " + bot.PathChannelFollow:    changesChannel("Follow a channel"),
	"DELETE " + bot.PathChannelFollow: changesChannel("No longer follow a channel"),
	"PUT " + bot.PathChannelMute:      changesChannel("Mute a channel"),
	"DELETE " + bot.PathChannelMute:   changesChannel("No longer mute a channel"),

	"GET " + bot.PathWAHAChannels:         wahaReads("The channels that the account has or follows", wahaChannelsRequest{}, []bot.WAHAChannel{}, sendProblems...),
	"POST " + bot.PathWAHAChannels:        created(wahaReads("Make a channel", WAHACreateChannelInSession{}, bot.WAHAChannel{}, sendProblems...)),
	"GET " + bot.PathWAHAChannel:          wahaReads("One channel", wahaChannelNamed{}, bot.WAHAChannel{}, sendProblems...),
	"DELETE " + bot.PathWAHAChannel:       wahaReads("Delete a channel", wahaChannelNamed{}, bot.WAHADone{}, sendProblems...),
	"GET " + bot.PathWAHAChannelPreview:   wahaReads("The newest messages of a channel", wahaPreviewRequest{}, []bot.WAHAChannelMessage{}, sendProblems...),
	"POST " + bot.PathWAHAChannelsByView:  wahaReads("A choice of channels", WAHAChannelsByViewInSession{}, bot.WAHAChannelPage{}, sendProblems...),
	"POST " + bot.PathWAHAChannelsByText:  wahaReads("Look for channels by text", WAHAChannelsByTextInSession{}, bot.WAHAChannelPage{}, sendProblems...),
	"POST " + bot.PathWAHAChannelFollow:   wahaDoes("Follow a channel", wahaChannelNamed{}),
	"POST " + bot.PathWAHAChannelUnfollow: wahaDoes("No longer follow a channel", wahaChannelNamed{}),
	"POST " + bot.PathWAHAChannelMute:     wahaDoes("Mute a channel", wahaChannelNamed{}),
	"POST " + bot.PathWAHAChannelUnmute:   wahaDoes("No longer mute a channel", wahaChannelNamed{}),
}

package main

import "sesi.dev/sesi/api/bot"

const tagChannels = "channels"

// channelID names a channel in a path.
type channelID struct {
	ID string `path:"id" example:"120363400000000001@newsletter" description:"The address of a channel, or its invite: the code, or the link."`
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
	"GET " + bot.PathChannel:          changesChannel("One channel"),
	"PUT " + bot.PathChannelFollow:    changesChannel("Follow a channel"),
	"DELETE " + bot.PathChannelFollow: changesChannel("No longer follow a channel"),
	"PUT " + bot.PathChannelMute:      changesChannel("Mute a channel"),
	"DELETE " + bot.PathChannelMute:   changesChannel("No longer mute a channel"),

	"GET " + bot.PathWAHAChannels:         wahaReads("The channels that the account has or follows", wahaChannelsRequest{}, []bot.WAHAChannel{}, sendProblems...),
	"POST " + bot.PathWAHAChannels:        created(wahaReads("Make a channel", WAHACreateChannelInSession{}, bot.WAHAChannel{}, sendProblems...)),
	"GET " + bot.PathWAHAChannel:          wahaReads("One channel", wahaChannelNamed{}, bot.WAHAChannel{}, sendProblems...),
	"POST " + bot.PathWAHAChannelFollow:   wahaDoes("Follow a channel", wahaChannelNamed{}),
	"POST " + bot.PathWAHAChannelUnfollow: wahaDoes("No longer follow a channel", wahaChannelNamed{}),
	"POST " + bot.PathWAHAChannelMute:     wahaDoes("Mute a channel", wahaChannelNamed{}),
	"POST " + bot.PathWAHAChannelUnmute:   wahaDoes("No longer mute a channel", wahaChannelNamed{}),
}

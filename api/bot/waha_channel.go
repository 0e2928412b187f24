package bot

// The paths of WAHA's channels.
const (
	PathWAHAChannels        = "/api/{name}/channels"
	PathWAHAChannel         = "/api/{name}/channels/{id}"
	PathWAHAChannelPreview  = "/api/{name}/channels/{id}/messages/preview"
	PathWAHAChannelsByView  = "/api/{name}/channels/search/by-view"
	PathWAHAChannelsByText  = "/api/{name}/channels/search/by-text"
	PathWAHAChannelFollow   = "/api/{name}/channels/{id}/follow"
	PathWAHAChannelUnfollow = "/api/{name}/channels/{id}/unfollow"
	PathWAHAChannelMute     = "/api/{name}/channels/{id}/mute"
	PathWAHAChannelUnmute   = "/api/{name}/channels/{id}/unmute"
)

// WAHAChannel describes a channel.
type WAHAChannel struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Invite is a link.
	Invite           string `json:"invite"`
	Role             string `json:"role"`
	Description      string `json:"description"`
	Verified         bool   `json:"verified"`
	SubscribersCount int    `json:"subscribersCount"`
}

// WAHAChannelMessage is a message that was published in a channel.
type WAHAChannelMessage struct {
	Message   WAHAMessage    `json:"message"`
	Reactions map[string]int `json:"reactions"`
	ViewCount int            `json:"viewCount"`
}

// WAHAChannelsByView lists a choice of channels.
type WAHAChannelsByView struct {
	// View is WhatsApp's word for the choice, RECOMMENDED when it is empty.
	View        string   `json:"view" default:"RECOMMENDED"`
	Countries   []string `json:"countries"`
	Categories  []string `json:"categories"`
	Limit       int      `json:"limit" default:"50" minimum:"1" maximum:"100"`
	StartCursor string   `json:"startCursor"`
}

// WAHAChannelsByText looks for channels.
type WAHAChannelsByText struct {
	Text        string   `json:"text" required:"true"`
	Categories  []string `json:"categories"`
	Limit       int      `json:"limit" default:"50" minimum:"1" maximum:"100"`
	StartCursor string   `json:"startCursor"`
}

// WAHAChannelPage are channels that were found.
type WAHAChannelPage struct {
	Page     WAHACursors   `json:"page"`
	Channels []WAHAChannel `json:"channels"`
}

// WAHACursors say where a page of channels begins and ends; EndCursor is null on the last one.
type WAHACursors struct {
	StartCursor     *string `json:"startCursor"`
	EndCursor       *string `json:"endCursor"`
	HasNextPage     bool    `json:"hasNextPage"`
	HasPreviousPage bool    `json:"hasPreviousPage"`
}

// WAHACreateChannel makes a channel.
type WAHACreateChannel struct {
	Name        string `json:"name" required:"true"`
	Description string `json:"description,omitempty"`
	// Picture is a JPEG: its address, or its data in base64.
	Picture *WAHAPicturePart `json:"picture,omitempty"`
}

package bot

// The paths of WAHA's channels.
const (
	PathWAHAChannels        = "/api/{name}/channels"
	PathWAHAChannel         = "/api/{name}/channels/{id}"
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

// WAHACreateChannel makes a channel.
type WAHACreateChannel struct {
	Name        string `json:"name" required:"true"`
	Description string `json:"description,omitempty"`
	// Picture is a JPEG: its address, or its data in base64.
	Picture *WAHAPicturePart `json:"picture,omitempty"`
}

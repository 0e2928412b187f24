package bot

// The paths of channels, in which people publish for everyone. {id} is the address of a channel, or its invite: the code,
// or the whole link with its slashes escaped.
const (
	// PathChannels answers with Channels, and takes a CreateChannelRequest, which it answers with the Channel.
	PathChannels = "/api/channels"
	// PathChannel answers with a Channel.
	PathChannel = "/api/channels/{id}"
	// PathChannelFollow follows a channel with PUT, and ends that with DELETE; PathChannelMute mutes it. All answer with
	// the Channel.
	PathChannelFollow = "/api/channels/{id}/follow"
	PathChannelMute   = "/api/channels/{id}/mute"
)

// ChannelRole is what the account is in a channel.
type ChannelRole string

// The roles.
const (
	ChannelOwner    ChannelRole = "owner"
	ChannelAdmin    ChannelRole = "admin"
	ChannelFollower ChannelRole = "subscriber"
	ChannelGuest    ChannelRole = "guest"
)

// Channel describes a channel.
type Channel struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	Description string      `json:"description,omitempty"`
	Created     Time        `json:"created"`
	Role        ChannelRole `json:"role"`
	// Followers is how many people follow it.
	Followers int `json:"followers"`
	// Verified is true where WhatsApp has checked whose channel it is.
	Verified bool `json:"verified"`
	// Muted is true where the account's phone shows no notifications of it.
	Muted bool `json:"muted"`
	// Link leads people to the channel.
	Link string `json:"link"`
}

// Channels answers GET /api/channels.
type Channels struct {
	Channels []Channel `json:"channels"`
}

// CreateChannelRequest makes a channel of the account.
type CreateChannelRequest struct {
	Name        string `json:"name" required:"true" minLength:"1" maxLength:"100"`
	Description string `json:"description,omitempty" maxLength:"2048"`
	// Picture is a JPEG in base64, as for PathGroupPicture.
	Picture []byte `json:"picture,omitempty"`
}

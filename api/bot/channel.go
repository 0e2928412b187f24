package bot

// The paths of channels, in which people publish for everyone. {id} is the address of a channel, or its invite: the code,
// or the whole link with its slashes escaped.
const (
	// PathChannels answers with Channels, and takes a CreateChannelRequest, which it answers with the Channel.
	PathChannels = "/api/channels"
	// PathChannel answers with a Channel; DELETE deletes it, for everyone.
	PathChannel = "/api/channels/{id}"
	// PathChannelMessages answers with ChannelMessages, PathChannelSearch with FoundChannels.
	PathChannelMessages = "/api/channels/{id}/messages"
	PathChannelSearch   = "/api/channels/search"
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

// MaxChannelPage bounds the messages, and the channels, of one answer.
const MaxChannelPage = 100

// ChannelMessage is a message that was published in a channel, as WhatsApp has it.
type ChannelMessage struct {
	Message
	// Number is the message's place in the channel.
	Number int `json:"number"`
	// Views is how often it was seen, Reactions how often each emoji was put at it.
	Views     int            `json:"views"`
	Reactions map[string]int `json:"reactions"`
}

// ChannelMessages answers GET /api/channels/{id}/messages, newest first.
type ChannelMessages struct {
	Messages []ChannelMessage `json:"messages"`
	// Before is the cursor for the next page: before=BEFORE. It is 0 on the last page.
	Before int `json:"before"`
}

// ChannelSearch looks for channels in WhatsApp's directory.
type ChannelSearch struct {
	// Text is what a channel's name has; without it the directory's own choice is listed, by View.
	Text string
	// View is the directory's word for a choice of channels: RECOMMENDED when it is empty.
	View string
	// Countries are codes of two letters, such as ID. They narrow a View.
	Countries []string
	// Categories are the directory's words for kinds of channels.
	Categories []string
	// Limit is the most channels of one answer, 1 to 100.
	Limit int
	// After is the cursor of an earlier answer.
	After string
}

// FoundChannels answers GET /api/channels/search.
type FoundChannels struct {
	Channels []Channel `json:"channels"`
	// After is the cursor for the next page: after=AFTER. It is empty on the last page.
	After string `json:"after,omitempty"`
}

// CreateChannelRequest makes a channel of the account.
type CreateChannelRequest struct {
	Name        string `json:"name" required:"true" minLength:"1" maxLength:"100"`
	Description string `json:"description,omitempty" maxLength:"2048"`
	// Picture is a JPEG in base64, as for PathGroupPicture.
	Picture []byte `json:"picture,omitempty"`
}

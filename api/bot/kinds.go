package bot

// The bounds of what a request may share.
const (
	// MaxContacts bounds the contacts of one message.
	MaxContacts = 50
	// MaxVCardBytes bounds a vCard.
	MaxVCardBytes = 32 << 10
	// MaxNameBytes bounds a name, an organization, an address and a place's web address.
	MaxNameBytes = 1024
	// MinPollOptions and MaxPollOptions bound the options of a poll, MaxPollName the characters of its question,
	// MaxPollOption those of an option.
	MinPollOptions = 2
	MaxPollOptions = 12
	MaxPollName    = 255
	MaxPollOption  = 100
	// MaxStatusContacts bounds the people who get a status post.
	MaxStatusContacts = 1000
	// MaxPresences bounds the chats whose presence is subscribed to.
	MaxPresences = 256
)

// SendContact is a contact to share: a name and a number, or a whole vCard.
type SendContact struct {
	// Name is the contact's name. With vcard it may be left out: the vCard has one.
	Name string `json:"name,omitempty"`
	// Phone is the number in international form.
	Phone string `json:"phone,omitempty" example:"+6281234567890"`
	// Organization is the company that the contact belongs to.
	Organization string `json:"organization,omitempty"`
	// VCard is the whole contact in the vCard format, in place of phone and organization.
	VCard string `json:"vcard,omitempty"`
}

// SendVote chooses options of a poll of the chat. It replaces an earlier vote.
type SendVote struct {
	MessageID string `json:"messageId" required:"true"`
	// Options are the chosen options, word by word; none takes an earlier vote back.
	Options []string `json:"options"`
}

// StatusOptions say how a status post looks, and who gets it.
type StatusOptions struct {
	// BackgroundColor is the colour behind a text, as #RRGGBB.
	BackgroundColor string `json:"backgroundColor,omitempty" example:"#38b42f"`
	// Font is WhatsApp's number of the font of a text: 0, 1, 2, or 6 to 10.
	Font uint32 `json:"font,omitempty"`
	// Contacts are the people who get it. Without them it goes to whom the account's privacy settings name.
	Contacts []string `json:"contacts,omitempty"`
}

// PollCount is how often an option of a poll was chosen.
type PollCount struct {
	Option string `json:"option"`
	Votes  int    `json:"votes"`
	// Voters are those who chose it. An event of a poll with more than 100 voters leaves them out.
	Voters []Party `json:"voters"`
}

// PollUpdate is someone's vote in a poll, and the poll's tally with it.
type PollUpdate struct {
	// ID is the vote's own message id.
	ID string `json:"id"`
	// MessageID is the poll.
	MessageID string `json:"messageId"`
	Chat      Party  `json:"chat"`
	From      Party  `json:"from"`
	FromMe    bool   `json:"fromMe"`
	At        Time   `json:"at"`
	// Options are all that the voter now chooses; none when the vote was taken back.
	Options []string `json:"options"`
	// Tally counts every option of the poll.
	Tally []PollCount `json:"tally"`
	// Unreadable is true for a vote in a poll that the bot does not have, or whose key does not fit. When the poll
	// comes later, the same vote follows as another event.
	Unreadable bool `json:"unreadable,omitempty"`
}

// CallState says how far a call has come.
type CallState string

// The states of a call.
const (
	// CallOffered: it rings.
	CallOffered CallState = "offered"
	// CallAccepted: it was taken, on this account's phone or on another device of it.
	CallAccepted CallState = "accepted"
	// CallRejected: it was rejected, by a device of the account or by the bot.
	CallRejected CallState = "rejected"
	// CallEnded: the caller hung up, or nobody took it.
	CallEnded CallState = "ended"
)

// Call is a call to the account.
type Call struct {
	ID   string `json:"id"`
	Chat Party  `json:"chat"`
	// From is the caller.
	From  Party     `json:"from"`
	At    Time      `json:"at"`
	Video bool      `json:"video"`
	Group bool      `json:"group"`
	State CallState `json:"state"`
}

// RejectCallRequest rejects a call.
type RejectCallRequest struct {
	// From is the caller, as in the call's event.
	From string `json:"from" required:"true" example:"+6281234567890"`
}

// TypingState is what the account seems to do in a chat.
type TypingState string

// What the account can seem to do.
const (
	TypingComposing TypingState = "composing"
	TypingRecording TypingState = "recording"
	TypingPaused    TypingState = "paused"
)

// TypingRequest shows a chat that the account types, or that it no longer does.
type TypingRequest struct {
	State TypingState `json:"state" required:"true"`
}

// Availability says whether someone is online.
type Availability string

// The availabilities.
const (
	Available   Availability = "available"
	Unavailable Availability = "unavailable"
)

// PresenceRequest shows the account as online or as offline.
type PresenceRequest struct {
	// Presence available silences the phone's notifications; a bot is unavailable until it is asked.
	Presence Availability `json:"presence" required:"true"`
}

// Presence is what is known of whether someone is online, and what they do in a chat.
type Presence struct {
	Chat Party `json:"chat"`
	// Subscribed is true while the bot asks WhatsApp for this chat's presence.
	Subscribed bool `json:"subscribed"`
	// People are those of whom something is known: the person, or members of the group.
	People []PersonPresence `json:"people"`
}

// Presences answers GET /api/presence: the chats that the bot subscribed to.
type Presences struct {
	Presences []Presence `json:"presences"`
}

// PersonPresence is what is known of one person.
type PersonPresence struct {
	From Party `json:"from"`
	// Presence is empty while WhatsApp has not said.
	Presence Availability `json:"presence,omitempty"`
	// LastSeen is when the person was last online, where WhatsApp tells it.
	LastSeen Time `json:"lastSeen,omitzero"`
	// Typing is what the person does in the chat.
	Typing TypingState `json:"typing,omitempty"`
	// At is when WhatsApp said so.
	At Time `json:"at"`
}

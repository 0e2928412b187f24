package bot

// EventType says what happened.
type EventType string

// The types of events.
const (
	// EventMessage: someone wrote a message.
	EventMessage EventType = "message"
	// EventMessageSent: the account's phone wrote a message, or WhatsApp's server took one of the bot.
	EventMessageSent EventType = "message.sent"
	// EventMessageEdited: the sender changed a message.
	EventMessageEdited EventType = "message.edited"
	// EventMessageRevoked: a message was taken back.
	EventMessageRevoked EventType = "message.revoked"
	// EventMessageUndecryptable: a message came that the bot cannot read. When the sender's device sends it again,
	// an event of type message follows with the same message id.
	EventMessageUndecryptable EventType = "message.undecryptable"
	// EventMessagePinned: someone pinned a message in its chat for everyone, or took it down.
	EventMessagePinned EventType = "message.pinned"
	// EventReaction: someone reacted to a message, or took a reaction back.
	EventReaction EventType = "reaction"
	// EventPoll: someone voted in a poll, or took a vote back.
	EventPoll EventType = "poll"
	// EventAppointment: someone answered an appointment, or took the answer back.
	EventAppointment EventType = "appointment"
	// EventCall: someone calls the account, or a call came into another state.
	EventCall EventType = "call"
	// EventPresence: someone whose presence was asked for came online, left, or types. These events are kept for an hour.
	EventPresence EventType = "presence"
	// EventMessageState: a message that the bot sends came into another state.
	EventMessageState EventType = "message.state"
	// EventAccountLimits: WhatsApp lets the account do more, or less, than before.
	EventAccountLimits EventType = "account.limits"
	// EventGroup: a group or its participants changed.
	EventGroup EventType = "group"
	// EventContact: a person has another name, picture or about, or was blocked or unblocked on another device.
	EventContact EventType = "contact"
	// EventContactNumber: a contact, or a participant of a group, has another phone number.
	EventContactNumber EventType = "contact.number"
	// EventLabel: a label was made, changed or deleted, or a chat got one or lost one, on any device of the account.
	EventLabel EventType = "label"
	// EventChat: a chat was archived or taken out of the archive, on any device of the account.
	EventChat EventType = "chat"
	// EventSession: the session came into another state.
	EventSession EventType = "session"
)

// EventTypes lists every type that the journal holds.
var EventTypes = []EventType{
	EventMessage, EventMessageSent, EventMessageEdited, EventMessageRevoked, EventMessageUndecryptable, EventMessagePinned,
	EventReaction, EventPoll, EventAppointment,
	EventMessageState, EventAccountLimits, EventGroup, EventContact, EventContactNumber, EventCall,
	EventPresence, EventLabel, EventChat, EventSession,
}

// MaxEvent bounds the bytes of one event. A message that would make a longer one is of kind unsupported.
const MaxEvent = 1 << 20

// Event is one entry of the journal. Every reader gets it at least once; a repeat has the same id.
type Event struct {
	// Seq is the event's place in the journal, and the cursor behind it: a reader asks for what came after it.
	Seq uint64 `json:"seq"`
	// ID stays the same whenever and wherever the event is delivered again.
	ID   string    `json:"id"`
	Type EventType `json:"type"`
	// Timestamp is when the bot wrote the event down.
	Timestamp Time `json:"timestamp"`
	// Session is the CLIENT_ID of the bot.
	Session string `json:"session"`
	// Chat is the id of the chat that the event belongs to. Events of one chat are delivered in order.
	Chat string    `json:"chat"`
	Data EventData `json:"data"`
}

// EventData holds the member that belongs to the event's type.
type EventData struct {
	// Message belongs to message, message.sent and message.undecryptable; of the last, the text is unknown.
	Message *Message `json:"message,omitempty"`
	// Edit belongs to message.edited.
	Edit *Edit `json:"edit,omitempty"`
	// Revoke belongs to message.revoked.
	Revoke *Revoke `json:"revoke,omitempty"`
	// Pin belongs to message.pinned.
	Pin *Pin `json:"pin,omitempty"`
	// Reaction belongs to reaction.
	Reaction *Reaction `json:"reaction,omitempty"`
	// Poll belongs to poll.
	Poll *PollUpdate `json:"poll,omitempty"`
	// Appointment belongs to appointment.
	Appointment *AppointmentAnswer `json:"appointment,omitempty"`
	// Call belongs to call.
	Call *Call `json:"call,omitempty"`
	// Presence belongs to presence; it has the one person of whom something is new.
	Presence *Presence `json:"presence,omitempty"`
	// State belongs to message.state.
	State *StateChange `json:"state,omitempty"`
	// Limits belongs to account.limits.
	Limits *AccountLimits `json:"limits,omitempty"`
	// Group belongs to group.
	Group *GroupChange `json:"group,omitempty"`
	// Contact belongs to contact.
	Contact *Contact `json:"contact,omitempty"`
	// Number belongs to contact.number.
	Number *NumberChange `json:"number,omitempty"`
	// Label belongs to label.
	Label *LabelChange `json:"label,omitempty"`
	// ChatChange belongs to chat.
	ChatChange *ChatChange `json:"chatChange,omitempty"`
	// Session belongs to session.
	Session *SessionChange `json:"session,omitempty"`
}

// Edit is the new text of a message.
type Edit struct {
	// ID is the message that changed.
	ID     string `json:"id"`
	Chat   Party  `json:"chat"`
	From   Party  `json:"from"`
	FromMe bool   `json:"fromMe"`
	At     Time   `json:"at"`
	Text   string `json:"text"`
}

// Revoke says which message was taken back, and by whom.
type Revoke struct {
	// ID is the message that is gone.
	ID   string `json:"id"`
	Chat Party  `json:"chat"`
	// From took the message back: its author, or an admin of the group.
	From   Party `json:"from"`
	FromMe bool  `json:"fromMe"`
	At     Time  `json:"at"`
}

// Pin says that a message is shown at the top of its chat, or no longer.
type Pin struct {
	// ID is the pin's own message id.
	ID string `json:"id"`
	// MessageID is the message that is pinned.
	MessageID string `json:"messageId"`
	Chat      Party  `json:"chat"`
	From      Party  `json:"from"`
	FromMe    bool   `json:"fromMe"`
	At        Time   `json:"at"`
	// Pinned is false when the message was taken down.
	Pinned bool `json:"pinned"`
	// Until is when the pin ends by itself.
	Until Time `json:"until,omitzero"`
}

// Reaction is an emoji at a message.
type Reaction struct {
	// ID is the reaction's own message id.
	ID string `json:"id"`
	// MessageID is the message that the reaction is for.
	MessageID string `json:"messageId"`
	Chat      Party  `json:"chat"`
	From      Party  `json:"from"`
	FromMe    bool   `json:"fromMe"`
	At        Time   `json:"at"`
	// Emoji is empty when the reaction was taken back.
	Emoji string `json:"emoji"`
}

// Events answers GET /api/events.
type Events struct {
	Events []Event `json:"events"`
	// Next is the cursor for the next request: after=NEXT.
	Next uint64 `json:"next"`
	// Last is the newest entry of the journal.
	Last uint64 `json:"last"`
}

package bot

// MessageState says how far a message that the bot sends has come.
type MessageState string

// The states of a message of the outbox. In a group, delivered, read and played say that at least one member did.
const (
	// MessageQueued: it waits for its turn, for its time, or for the connection.
	MessageQueued MessageState = "queued"
	// MessageHeld: it waits for a reason that Hold names.
	MessageHeld MessageState = "held"
	// MessageSending: it is on its way to WhatsApp's server, or will be in a moment.
	MessageSending MessageState = "sending"
	// MessageSent: WhatsApp's server took it.
	MessageSent      MessageState = "sent"
	MessageDelivered MessageState = "delivered"
	MessageRead      MessageState = "read"
	// MessagePlayed: the recipient played a voice message or a video.
	MessagePlayed MessageState = "played"
	// MessageFailed: it was not sent, and will not be; Problem says why.
	MessageFailed MessageState = "failed"
	// MessageUnknown: WhatsApp's answer is missing. A retry under the same id, or a receipt, settles it.
	MessageUnknown MessageState = "unknown"
	// MessageCancelled: it was taken out of the outbox before it was tried.
	MessageCancelled MessageState = "cancelled"
)

// MessageStates lists every state.
var MessageStates = []MessageState{
	MessageQueued, MessageHeld, MessageSending, MessageSent, MessageDelivered, MessageRead, MessagePlayed,
	MessageFailed, MessageUnknown, MessageCancelled,
}

// HoldReason says why a message waits.
type HoldReason string

// The reasons to hold a message.
const (
	// HoldTimelocked: WhatsApp does not let the account write to new people for a while.
	HoldTimelocked HoldReason = "timelocked"
	// HoldCapped: the account used up WhatsApp's quota of new people.
	HoldCapped HoldReason = "capped"
	// HoldRateLimited: WhatsApp's server asks for a slower pace.
	HoldRateLimited HoldReason = "rate-limited"
	// HoldBudget: the bot's own daily budget of new chats is used up.
	HoldBudget HoldReason = "budget"
	// HoldQuietHours: the bot sends nothing at this time of day.
	HoldQuietHours HoldReason = "quiet-hours"
)

// HoldReasons lists every reason.
var HoldReasons = []HoldReason{HoldTimelocked, HoldCapped, HoldRateLimited, HoldBudget, HoldQuietHours}

// Hold is why a message waits, and until when.
type Hold struct {
	Reason HoldReason `json:"reason"`
	// Until is when the bot tries again.
	Until Time `json:"until"`
}

// StateAt is one step of a message's history.
type StateAt struct {
	State MessageState `json:"state"`
	At    Time         `json:"at"`
}

// SendProblem says why a message was not sent.
type SendProblem struct {
	// Type is a problem's type, as in a Problem.
	Type   string `json:"type"`
	Detail string `json:"detail"`
	// Retryable is true when the same request, under a new key, may succeed later.
	Retryable bool `json:"retryable"`
	// Code is what WhatsApp's server answered, 0 when it did not answer.
	Code int `json:"code,omitempty"`
}

// The lengths that a request may have.
const (
	// MaxTextBytes bounds a text.
	MaxTextBytes = 48 << 10
	// MaxMentions bounds the people that a text names.
	MaxMentions = 1024
	// MaxKeyBytes bounds an Idempotency-Key.
	MaxKeyBytes = 255
	// MaxTTL is the longest ttl, in seconds; MaxSendAhead is how far ahead sendAt may be.
	MaxTTL       = 14 * 24 * 3600
	MaxSendAhead = 366 * 24 * 3600
)

// HeaderIdempotencyKey names the header by which a repeated request is known. The same key gets the message that the
// first request made; with another body it is refused. Keys are remembered for 14 days.
const HeaderIdempotencyKey = "Idempotency-Key"

// SendRequest asks the bot to send one message: a text, a file, a place, contacts, a poll, an appointment, a vote, a reaction,
// or a message that is passed on.
type SendRequest struct {
	// To is a number in international form, or an address of WhatsApp: a person, a group; status posts to the status.
	To string `json:"to" required:"true" example:"+6281234567890"`
	// ID is the message's id, which must be new; the bot makes one when it is empty. It is an Idempotency-Key too, where
	// the request has no other.
	ID string `json:"id,omitempty"`
	// Text is the message. WhatsApp's formatting works in it: *bold*, _italic_.
	Text string `json:"text,omitempty"`
	// Image is a JPEG, a PNG or a WebP.
	Image *SendFile `json:"image,omitempty"`
	// Video is an MP4.
	Video *SendFile `json:"video,omitempty"`
	// Audio is music or another recording.
	Audio *SendFile `json:"audio,omitempty"`
	// Voice is a voice message: Ogg with Opus. The bot converts other recordings where it has a converter.
	Voice *SendFile `json:"voice,omitempty"`
	// Document is a file of any type.
	Document *SendFile `json:"document,omitempty"`
	// Sticker is a WebP. The bot converts other images where it has a converter.
	Sticker *SendFile `json:"sticker,omitempty"`
	// Location is a place on the map.
	Location *Location `json:"location,omitempty"`
	// Contacts are contacts to share.
	Contacts []SendContact `json:"contacts,omitempty"`
	// Poll is a question with options.
	Poll *Poll `json:"poll,omitempty"`
	// Appointment has a time and a place, and people answer it.
	Appointment *Appointment `json:"appointment,omitempty"`
	// Vote chooses options of a poll.
	Vote *SendVote `json:"vote,omitempty"`
	// Reaction is an emoji at a message.
	Reaction *SendReaction `json:"reaction,omitempty"`
	// Forward passes a message on that the bot keeps.
	Forward *SendForward `json:"forward,omitempty"`
	// ReplyTo is the id of the message that this one answers, in the same chat.
	ReplyTo string `json:"replyTo,omitempty"`
	// Mentions are the people that the text names, as @ and the number.
	Mentions []string `json:"mentions,omitempty"`
	// LinkPreview is the card below a link of the text. The bot fetches no pages.
	LinkPreview *LinkPreview `json:"linkPreview,omitempty"`
	// ExpiresIn is the life of a disappearing message in seconds; it is that of the chat.
	ExpiresIn uint32 `json:"expiresIn,omitempty"`
	// StatusOptions say how a status post looks, and who gets it.
	StatusOptions *StatusOptions `json:"statusOptions,omitempty"`
	// SendAt is the earliest time to send it.
	SendAt Time `json:"sendAt,omitzero"`
	// TTL is how many seconds the bot tries, from the request or from SendAt; 0 means a day.
	TTL uint32 `json:"ttl,omitempty"`
}

// SendReaction is an emoji at a message of the chat.
type SendReaction struct {
	MessageID string `json:"messageId" required:"true"`
	// Emoji is empty to take an earlier reaction back.
	Emoji string `json:"emoji"`
}

// SendForward names a message that the bot keeps.
type SendForward struct {
	MessageID string `json:"messageId" required:"true"`
	// Chat is where the message is, needed when several chats hold that id.
	Chat string `json:"chat,omitempty"`
}

// EditRequest gives a message of the account another text.
type EditRequest struct {
	Text     string   `json:"text" required:"true"`
	Mentions []string `json:"mentions,omitempty"`
}

// The durations of a pin, in seconds: a day, a week, or 30 days.
const (
	PinDay   = 24 * 3600
	PinWeek  = 7 * PinDay
	PinMonth = 30 * PinDay
)

// PinRequest pins a message in its chat for everyone.
type PinRequest struct {
	// Duration is how many seconds the pin lasts: a day, a week or 30 days, as in WhatsApp's own clients.
	Duration uint32 `json:"duration" required:"true" enum:"86400,604800,2592000"`
}

// StateChange is a new state of a message that the bot sends.
type StateChange struct {
	// ID is the message.
	ID       string       `json:"id"`
	Chat     Party        `json:"chat"`
	State    MessageState `json:"state"`
	Previous MessageState `json:"previous"`
	At       Time         `json:"at"`
	Hold     *Hold        `json:"hold,omitempty"`
	Problem  *SendProblem `json:"problem,omitempty"`
}

package bot

// PartyKind says what an address belongs to.
type PartyKind string

// The kinds of parties.
const (
	PartyPerson     PartyKind = "person"
	PartyGroup      PartyKind = "group"
	PartyNewsletter PartyKind = "newsletter"
	PartyStatus     PartyKind = "status"
	PartyBroadcast  PartyKind = "broadcast"
)

// Party is a person, a group or a channel. Requests take its id, its phone or its lid.
type Party struct {
	// ID is the stable address: the phone form where the number is known, else the LID.
	ID string `json:"id"`
	// Kind says what the address belongs to.
	Kind PartyKind `json:"kind"`
	// Phone is the number with its plus sign, where WhatsApp tells it.
	Phone string `json:"phone,omitempty"`
	// LID is the address that hides the number, where it is known.
	LID string `json:"lid,omitempty"`
	// Name is the name that the person chose, where it came with the message.
	Name string `json:"name,omitempty"`
}

// MessageKind says what a message is.
type MessageKind string

// The kinds of messages. An unsupported message is kept with all its bytes, and says its type.
const (
	KindText     MessageKind = "text"
	KindImage    MessageKind = "image"
	KindVideo    MessageKind = "video"
	KindAudio    MessageKind = "audio"
	KindVoice    MessageKind = "voice"
	KindDocument MessageKind = "document"
	KindSticker  MessageKind = "sticker"
	KindLocation MessageKind = "location"
	KindContacts MessageKind = "contacts"
	KindPoll     MessageKind = "poll"
	// KindAppointment is what WhatsApp calls an event.
	KindAppointment MessageKind = "appointment"
	// KindAlbum announces images and videos that follow as messages of their own.
	KindAlbum       MessageKind = "album"
	KindUnsupported MessageKind = "unsupported"
)

// The kinds of what the bot sends about another message. They have an id and a state, and are in no list of messages.
const (
	KindReaction MessageKind = "reaction"
	KindVote     MessageKind = "vote"
	KindEdit     MessageKind = "edit"
	KindRevoke   MessageKind = "revoke"
	KindPin      MessageKind = "pin"
	KindUnpin    MessageKind = "unpin"
)

// Origin says where a message of the account was written.
type Origin string

// The origins of a message of the account itself.
const (
	OriginPhone Origin = "phone"
	OriginAPI   Origin = "api"
)

// Message is one message of a chat.
type Message struct {
	// ID is WhatsApp's own; it stays the same when the message is sent or received again.
	ID   string `json:"id"`
	Chat Party  `json:"chat"`
	// From is who wrote it.
	From   Party `json:"from"`
	FromMe bool  `json:"fromMe"`
	// Origin says where a message of the account was written.
	Origin    Origin      `json:"origin,omitempty"`
	Kind      MessageKind `json:"kind"`
	Timestamp Time        `json:"timestamp"`
	// Text is the text, or the caption of media.
	Text string `json:"text,omitempty"`
	// Mentions are the people that the text names.
	Mentions []Party `json:"mentions,omitempty"`
	// ReplyTo is the message that this one answers.
	ReplyTo *Quote `json:"replyTo,omitempty"`
	// Forwarded is true when the sender passed the message on; ForwardingScore counts how often.
	Forwarded       bool         `json:"forwarded,omitempty"`
	ForwardingScore uint32       `json:"forwardingScore,omitempty"`
	LinkPreview     *LinkPreview `json:"linkPreview,omitempty"`
	Media           *Media       `json:"media,omitempty"`
	// Album says how many files an album has. AlbumID, on each of them, is the id of the album.
	Album    *Album    `json:"album,omitempty"`
	AlbumID  string    `json:"albumId,omitempty"`
	Location *Location `json:"location,omitempty"`
	Contacts []VCard   `json:"contacts,omitempty"`
	Poll     *Poll     `json:"poll,omitempty"`
	// Tally counts the votes of a poll. GET of one message has it.
	Tally []PollCount `json:"tally,omitempty"`
	// Appointment has a time and a place, and people answer it.
	Appointment *Appointment `json:"appointment,omitempty"`
	// Status says how a status post looks, and to whom the bot sent it.
	Status *StatusOptions `json:"status,omitempty"`
	// UnsupportedType is WhatsApp's name for what a message of kind unsupported holds.
	UnsupportedType string `json:"unsupportedType,omitempty"`
	ViewOnce        bool   `json:"viewOnce,omitempty"`
	// ExpiresIn is the life of a disappearing message in seconds.
	ExpiresIn uint32 `json:"expiresIn,omitempty"`
	// EditedAt and RevokedAt say when the sender changed or took back the message.
	EditedAt  Time `json:"editedAt,omitzero"`
	RevokedAt Time `json:"revokedAt,omitzero"`
	// Subject is the message that a reaction, an edit, a revocation or a pin of the bot is about.
	Subject *Quote `json:"subject,omitempty"`
	// State says how far a message that the bot sends has come, History when it came there.
	State   MessageState `json:"state,omitempty"`
	History []StateAt    `json:"history,omitempty"`
	// Hold says why a held message waits, Problem why a failed one failed.
	Hold    *Hold        `json:"hold,omitempty"`
	Problem *SendProblem `json:"problem,omitempty"`
	// SendAt is the earliest time to send it; at ExpiresAt the bot stops trying.
	SendAt    Time `json:"sendAt,omitzero"`
	ExpiresAt Time `json:"expiresAt,omitzero"`
}

// Quote is the message that another one answers.
type Quote struct {
	ID   string      `json:"id"`
	From Party       `json:"from"`
	Kind MessageKind `json:"kind,omitempty"`
	Text string      `json:"text,omitempty"`
}

// LinkPreview is the card below a link.
type LinkPreview struct {
	URL         string `json:"url"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
}

// Album announces images and videos.
type Album struct {
	Images uint32 `json:"images"`
	Videos uint32 `json:"videos"`
}

// Location is a place on the map.
type Location struct {
	// Latitude and Longitude are in degrees.
	Latitude  float64 `json:"latitude" minimum:"-90" maximum:"90"`
	Longitude float64 `json:"longitude" minimum:"-180" maximum:"180"`
	// Name is the name of the place.
	Name    string `json:"name,omitempty"`
	Address string `json:"address,omitempty"`
	URL     string `json:"url,omitempty"`
	// Live is true for a position that moves: where it was when the message came. The bot cannot send one.
	Live bool `json:"live,omitempty"`
	// Accuracy is the radius in metres, where the phone tells it.
	Accuracy uint32 `json:"accuracy,omitempty"`
}

// VCard is a contact that someone shared.
type VCard struct {
	Name string `json:"name,omitempty"`
	// Phones are its numbers: with a plus sign where WhatsApp knows them, else as they are written.
	Phones       []string `json:"phones,omitempty"`
	Organization string   `json:"organization,omitempty"`
	// VCard is all of it, as it came.
	VCard string `json:"vcard"`
}

// Poll is a question with options.
type Poll struct {
	// Name is the question.
	Name    string   `json:"name"`
	Options []string `json:"options" minItems:"2" maxItems:"12"`
	// Selectable is how many options one person may choose; 0 means any number.
	Selectable uint32 `json:"selectable"`
}

// Messages answers GET /api/messages, newest first.
type Messages struct {
	Messages []Message `json:"messages"`
	// Before is the cursor for the next page: before=BEFORE. It is 0 on the last page. A page ends at the limit of the
	// request, or at about 1 MiB.
	Before uint64 `json:"before"`
}

// Erased answers a request to erase a chat from the bot's disk.
type Erased struct {
	Messages int64 `json:"messages"`
}

package bot

// WAHAMessage is a message as WAHA shows it.
type WAHAMessage struct {
	// ID is FROMME_CHAT_ID, and in groups FROMME_CHAT_ID_PARTICIPANT; requests also take the bare id.
	ID string `json:"id"`
	// Timestamp is in seconds.
	Timestamp int64 `json:"timestamp"`
	// From is the chat.
	From   string `json:"from"`
	FromMe bool   `json:"fromMe"`
	// Source is "api" for a message that the bot sent, else "app".
	Source string `json:"source"`
	// To is the chat for a message of the account, else the account.
	To string `json:"to"`
	// Participant is who wrote it, in a group; else empty.
	Participant string `json:"participant"`
	Body        string `json:"body"`
	HasMedia    bool   `json:"hasMedia"`
	// Media is missing when there is none.
	Media    *WAHAMedia `json:"media,omitempty"`
	MediaURL string     `json:"mediaUrl"`
	// Ack is -1 to 4, AckName its name: ERROR, PENDING, SERVER, DEVICE, READ, PLAYED.
	Ack     int    `json:"ack"`
	AckName string `json:"ackName"`
	// Author is who wrote it, in a group.
	Author   string        `json:"author,omitempty"`
	Location *WAHALocation `json:"location,omitempty"`
	VCards   []string      `json:"vCards,omitempty"`
	ReplyTo  *WAHAReplyTo  `json:"replyTo,omitempty"`
	// FromLID and ParticipantLID are the hidden addresses of From and Participant, where both are known.
	FromLID        string `json:"fromLid,omitempty"`
	ParticipantLID string `json:"participantLid,omitempty"`
	// Hold says why a message of the account waits, and until when.
	Hold *Hold    `json:"hold,omitempty"`
	Data WAHAData `json:"_data"`
}

// WAHAEdited is the payload of message.edited: the message with its new text.
type WAHAEdited struct {
	WAHAMessage
	// EditedMessageID is the bare id of the message that changed.
	EditedMessageID string `json:"editedMessageId"`
}

// WAHARevoked is the payload of message.revoked.
type WAHARevoked struct {
	After WAHAMessage `json:"after"`
	// RevokedMessageID is the bare id of the message that is gone.
	RevokedMessageID string   `json:"revokedMessageId"`
	Data             WAHAData `json:"_data"`
}

// WAHAMedia says where the file of a message is.
type WAHAMedia struct {
	// URL gives the file to anyone who has the token, for as long as the message is kept.
	URL      string `json:"url"`
	Mimetype string `json:"mimetype"`
	Filename string `json:"filename,omitempty"`
}

// WAHALocation is a place on the map.
type WAHALocation struct {
	Latitude  string `json:"latitude"`
	Longitude string `json:"longitude"`
	Live      bool   `json:"live"`
	Name      string `json:"name,omitempty"`
	Address   string `json:"address,omitempty"`
	URL       string `json:"url,omitempty"`
}

// WAHAReplyTo is the message that another one answers.
type WAHAReplyTo struct {
	// ID is the bare id.
	ID          string `json:"id"`
	Participant string `json:"participant,omitempty"`
	Body        string `json:"body,omitempty"`
	HasMedia    bool   `json:"hasMedia"`
}

// WAHAData holds what scripts read of the library's own form of a message.
type WAHAData struct {
	Info WAHAInfo `json:"Info"`
	// NotifyName is the name that the sender chose.
	NotifyName string `json:"notifyName,omitempty"`
}

// WAHAInfo has the names and forms of whatsmeow's MessageInfo.
type WAHAInfo struct {
	ID        string `json:"ID"`
	Chat      string `json:"Chat"`
	Sender    string `json:"Sender"`
	SenderAlt string `json:"SenderAlt"`
	IsFromMe  bool   `json:"IsFromMe"`
	IsGroup   bool   `json:"IsGroup"`
	PushName  string `json:"PushName"`
	Timestamp Time   `json:"Timestamp"`
	Type      string `json:"Type"`
}

// WAHASendText asks for a text message.
type WAHASendText struct {
	Session string `json:"session" default:"default"`
	ChatID  string `json:"chatId" required:"true" example:"6281234567890@c.us"`
	Text    string `json:"text" required:"true"`
	// ID is the message's id, from GET new-message-id: a request that is repeated with it sends nothing again.
	ID      string `json:"id,omitempty"`
	ReplyTo string `json:"reply_to,omitempty"`
	// Mentions are the people that the text names.
	Mentions []string `json:"mentions,omitempty"`
}

// WAHASendPreview asks for a text with the preview of a link that stands in it. A picture of the preview is left out.
type WAHASendPreview struct {
	WAHASendText
	Preview struct {
		URL         string `json:"url" required:"true"`
		Title       string `json:"title" required:"true"`
		Description string `json:"description" required:"true"`
	} `json:"preview" required:"true"`
}

// WAHASendLink asks for a link below its title.
type WAHASendLink struct {
	Session string `json:"session" default:"default"`
	ChatID  string `json:"chatId" required:"true" example:"6281234567890@c.us"`
	URL     string `json:"url" required:"true"`
	Title   string `json:"title" required:"true"`
	// ID is as in WAHASendText.
	ID string `json:"id,omitempty"`
}

// WAHAReact asks for a reaction; an empty one takes an earlier one back.
type WAHAReact struct {
	Session   string `json:"session" default:"default"`
	MessageID string `json:"messageId" required:"true"`
	Reaction  string `json:"reaction"`
}

// WAHAStar puts a star at a message, or takes it away.
type WAHAStar struct {
	Session   string `json:"session" default:"default"`
	ChatID    string `json:"chatId" required:"true"`
	MessageID string `json:"messageId" required:"true"`
	Star      bool   `json:"star" required:"true"`
}

// WAHAPin pins a message in its chat for everyone.
type WAHAPin struct {
	// Duration is in seconds: a day, a week or 30 days.
	Duration uint32 `json:"duration" required:"true" enum:"86400,604800,2592000"`
}

// WAHAForward asks to pass a message on.
type WAHAForward struct {
	Session   string `json:"session" default:"default"`
	ChatID    string `json:"chatId" required:"true"`
	MessageID string `json:"messageId" required:"true"`
	ID        string `json:"id,omitempty"`
}

// WAHASeen asks to mark messages of a chat as read: those that it names, else the newest of the last week.
type WAHASeen struct {
	Session    string   `json:"session" default:"default"`
	ChatID     string   `json:"chatId" required:"true"`
	MessageIDs []string `json:"messageIds,omitempty"`
	// MessageID is an older form of MessageIDs.
	MessageID string `json:"messageId,omitempty"`
}

// WAHAEdit gives a message another text.
type WAHAEdit struct {
	Text string `json:"text" required:"true"`
}

// WAHARead lists the messages that were marked as read.
type WAHARead struct {
	IDs []string `json:"ids"`
}

// WAHADone answers a request that has nothing else to say.
type WAHADone struct {
	Success bool `json:"success"`
}

// WAHANumber says whether a number is on WhatsApp.
type WAHANumber struct {
	NumberExists bool `json:"numberExists"`
	// ChatID is the address that WhatsApp uses: in Brazil and Mexico its number may be another.
	ChatID string `json:"chatId,omitempty"`
	// LID is the address that hides the number, where it is known.
	LID string `json:"lid,omitempty"`
}

// WAHALID is a person's hidden address and phone number; one of them is null where it is not known.
type WAHALID struct {
	LID *string `json:"lid"`
	PN  *string `json:"pn"`
}

// WAHACount is a number of things.
type WAHACount struct {
	Count int `json:"count"`
}

// WAHANewID is a message id that no message has.
type WAHANewID struct {
	ID string `json:"id"`
}

// WAHAEnvironment describes the program.
type WAHAEnvironment struct {
	Version  string     `json:"version"`
	Engine   string     `json:"engine"`
	Tier     string     `json:"tier"`
	Browser  string     `json:"browser"`
	Platform string     `json:"platform"`
	Worker   WAHAWorker `json:"worker"`
}

// WAHAWorker names the program among others.
type WAHAWorker struct {
	ID string `json:"id"`
}

// WAHAServer says since when the bot runs, in milliseconds.
type WAHAServer struct {
	StartTimestamp int64      `json:"startTimestamp"`
	Uptime         int64      `json:"uptime"`
	Worker         WAHAWorker `json:"worker"`
}

// WAHAWrongStatus is WAHA's answer to a request that needs a session that works.
type WAHAWrongStatus struct {
	Error    string       `json:"error"`
	Session  string       `json:"session"`
	Status   WAHAStatus   `json:"status"`
	Expected []WAHAStatus `json:"expected"`
	// Type and Detail are those of a Problem.
	Type   string `json:"type"`
	Detail string `json:"detail"`
}

// WAHAWrongStatusText is what clients compare.
const WAHAWrongStatusText = "Session status is not as expected. Try again later or restart the session"

// WAHAException is WAHA's answer when WhatsApp refuses a request.
type WAHAException struct {
	Problem
	Timestamp string            `json:"timestamp"`
	Exception WAHAExceptionText `json:"exception"`
	Request   WAHARequest       `json:"request"`
	// Until is when trying again may help, where it is known.
	Until Time `json:"until,omitzero"`
}

// WAHAExceptionText is what clients read of an exception.
type WAHAExceptionText struct {
	Message string `json:"message"`
	Code    int    `json:"code,omitempty"`
}

// WAHARequest names the request that failed.
type WAHARequest struct {
	Path   string `json:"path"`
	Method string `json:"method"`
}

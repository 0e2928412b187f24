package bot

// WAHASendLocation asks to send a place.
type WAHASendLocation struct {
	Session   string  `json:"session" default:"default"`
	ChatID    string  `json:"chatId" required:"true"`
	Latitude  float64 `json:"latitude" required:"true"`
	Longitude float64 `json:"longitude" required:"true"`
	Title     string  `json:"title,omitempty"`
	ReplyTo   string  `json:"reply_to,omitempty"`
	ID        string  `json:"id,omitempty"`
}

// WAHASendContacts asks to share contacts.
type WAHASendContacts struct {
	Session  string        `json:"session" default:"default"`
	ChatID   string        `json:"chatId" required:"true"`
	Contacts []WAHAContact `json:"contacts" required:"true"`
	ReplyTo  string        `json:"reply_to,omitempty"`
	ID       string        `json:"id,omitempty"`
}

// WAHAContact is a contact to share: a vCard, or a name and a number.
type WAHAContact struct {
	VCard        string `json:"vcard,omitempty"`
	FullName     string `json:"fullName,omitempty"`
	Organization string `json:"organization,omitempty"`
	PhoneNumber  string `json:"phoneNumber,omitempty"`
}

// WAHASendPoll asks to send a poll.
type WAHASendPoll struct {
	Session string   `json:"session" default:"default"`
	ChatID  string   `json:"chatId" required:"true"`
	Poll    WAHAPoll `json:"poll" required:"true"`
	ReplyTo string   `json:"reply_to,omitempty"`
	ID      string   `json:"id,omitempty"`
}

// WAHAPoll is a question with options.
type WAHAPoll struct {
	Name            string   `json:"name" required:"true"`
	Options         []string `json:"options" required:"true"`
	MultipleAnswers bool     `json:"multipleAnswers"`
}

// WAHASendVote asks to vote in a poll.
type WAHASendVote struct {
	Session       string `json:"session" default:"default"`
	ChatID        string `json:"chatId" required:"true"`
	PollMessageID string `json:"pollMessageId" required:"true"`
	// Votes are the chosen options, word by word; none takes an earlier vote back.
	Votes []string `json:"votes"`
}

// WAHATextStatus posts a text to the account's status.
type WAHATextStatus struct {
	ID              string   `json:"id,omitempty"`
	Text            string   `json:"text" required:"true"`
	BackgroundColor string   `json:"backgroundColor,omitempty" default:"#38b42f"`
	Font            uint32   `json:"font,omitempty"`
	Contacts        []string `json:"contacts,omitempty"`
}

// WAHADeleteStatus takes a status post back.
type WAHADeleteStatus struct {
	ID string `json:"id" required:"true"`
}

// WAHAChat names a chat.
type WAHAChat struct {
	Session string `json:"session" default:"default"`
	ChatID  string `json:"chatId" required:"true"`
}

// WAHASetPresence shows the account, in a chat or everywhere: offline, online, typing, recording or paused.
type WAHASetPresence struct {
	Presence string `json:"presence" required:"true" enum:"offline,online,typing,recording,paused"`
	ChatID   string `json:"chatId,omitempty"`
}

// WAHARejectCall rejects a call.
type WAHARejectCall struct {
	From string `json:"from" required:"true"`
	ID   string `json:"id" required:"true"`
}

// WAHAChatSummary is a chat with its last message.
type WAHAChatSummary struct {
	ID string `json:"id"`
	// Name is null where none is known; Picture always is.
	Name        *string     `json:"name"`
	Picture     *string     `json:"picture"`
	LastMessage WAHAMessage `json:"lastMessage"`
	Chat        WAHAChatOf  `json:"_chat"`
}

// WAHAChatOf holds what WAHA's clients read of the library's own form of a chat.
type WAHAChatOf struct {
	ID          string `json:"id"`
	UnreadCount int    `json:"unreadCount"`
	// ConversationTimestamp is in seconds.
	ConversationTimestamp int64 `json:"conversationTimestamp"`
}

// WAHAOverview selects chats.
type WAHAOverview struct {
	Pagination struct {
		Limit  int `json:"limit"`
		Offset int `json:"offset"`
	} `json:"pagination"`
	Filter struct {
		IDs []string `json:"ids"`
	} `json:"filter"`
}

// WAHAGroupInfo is a group with the names that WAHA's clients read of it.
type WAHAGroupInfo struct {
	WAHAGroup
	// JID and the names below it are those of the library.
	JID  string `json:"JID"`
	Name string `json:"Name"`
}

// WAHACreateGroup makes a group.
type WAHACreateGroup struct {
	Name         string         `json:"name" required:"true"`
	Participants []WAHAPersonID `json:"participants" required:"true"`
}

// WAHAPersonID names a person.
type WAHAPersonID struct {
	ID string `json:"id" required:"true"`
}

// WAHAParticipants names people of a group.
type WAHAParticipants struct {
	Participants []WAHAPersonID `json:"participants" required:"true"`
}

// WAHAJoinGroup joins a group; the code may be a whole link.
type WAHAJoinGroup struct {
	Code string `json:"code" required:"true"`
}

// WAHAJoined names the group.
type WAHAJoined struct {
	ID string `json:"id"`
}

// WAHASubject and WAHADescription give a group another text.
type WAHASubject struct {
	Subject string `json:"subject" required:"true"`
}

// WAHADescription is described at WAHASubject.
type WAHADescription struct {
	Description string `json:"description"`
}

// WAHAAdminsOnly says whether only admins may do something.
type WAHAAdminsOnly struct {
	AdminsOnly bool `json:"adminsOnly"`
}

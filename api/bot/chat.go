package bot

const (
	// PathChats answers with Chats.
	PathChats = "/api/chats"
	// PathChat takes a ChangeChatRequest with PATCH; DELETE removes the chat from the account's devices. Both answer with
	// a Party.
	PathChat = "/api/chats/{chat}"
)

// ChangeChatRequest changes what it names, on all devices of the account.
type ChangeChatRequest struct {
	Archived *bool `json:"archived,omitempty"`
	Unread   *bool `json:"unread,omitempty"`
}

// ChatEvent says how a chat changed.
type ChatEvent string

// The changes of chats.
const (
	ChatArchived   ChatEvent = "archived"
	ChatUnarchived ChatEvent = "unarchived"
)

// ChatChange is one change of a chat, on any device of the account.
type ChatChange struct {
	Chat   Party     `json:"chat"`
	Change ChatEvent `json:"change"`
	At     Time      `json:"at"`
}

// Chat is a chat of which the bot keeps a message.
type Chat struct {
	Party
	// LastMessage is the newest message that the bot keeps.
	LastMessage *Message `json:"lastMessage,omitempty"`
	// Unread counts messages that came and that neither the bot nor the phone marked as read. Only the newest 1000
	// messages of a chat are counted.
	Unread int `json:"unread"`
	// Timestamp is the time of the newest message.
	Timestamp Time `json:"timestamp"`
}

// Chats answers GET /api/chats: the chat with the newest message comes first.
type Chats struct {
	Chats []Chat `json:"chats"`
	// Before is the cursor for the next page: before=BEFORE. It is 0 on the last page. A page ends at the limit of the
	// request, or at about 1 MiB.
	Before uint64 `json:"before"`
}

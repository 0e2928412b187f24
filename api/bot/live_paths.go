package bot

// The paths of what happens now: typing, presence and calls.
const (
	// PathChatTyping takes a TypingRequest and answers with Done.
	PathChatTyping = "/api/chats/{chat}/typing"
	// PathPresence answers with Presences, and takes a PresenceRequest, which it answers with Done.
	PathPresence = "/api/presence"
	// PathChatPresence answers with Presence; PUT subscribes to it, DELETE ends that.
	PathChatPresence = "/api/presence/{chat}"
	// PathCallReject takes a RejectCallRequest and answers with Done.
	PathCallReject = "/api/calls/{id}/reject"
)

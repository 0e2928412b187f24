package bot

// The paths of messages. {id} is a message's id, {chat} the id of a chat.
const (
	// PathEvents answers with Events, or as server-sent events.
	PathEvents = "/api/events"
	// PathMessages answers with Messages, and takes a SendRequest; PathMessage answers with one
	// Message; PATCH takes an EditRequest, DELETE takes the message back.
	PathMessages = "/api/messages"
	PathMessage  = "/api/messages/{id}"
	// PathMessageRead tells the sender that the message was read, and answers with MarkedRead.
	PathMessageRead = "/api/messages/{id}/read"
	// PathMessageStar puts a star at a message with PUT and takes it away with DELETE; both answer with Starred.
	PathMessageStar = "/api/messages/{id}/star"
	// PathMessagePin pins a message in its chat with PUT, which takes a PinRequest, and takes it down with DELETE; both
	// answer with a Message.
	PathMessagePin = "/api/messages/{id}/pin"
	// PathContactsCheck takes a CheckRequest and answers with CheckedContacts.
	PathContactsCheck = "/api/contacts/check"
	// PathAccountLimits answers with AccountLimits.
	PathAccountLimits = "/api/account/limits"
	// PathActivity answers with Activity.
	PathActivity = "/api/account/activity"
	// PathChatMessages erases what the bot keeps of a chat, and with devices=true what the account's devices keep.
	PathChatMessages = "/api/chats/{chat}/messages"
)

// HeaderOldestCursor is the header of a 410 of PathEvents that holds the oldest cursor that works.
const HeaderOldestCursor = "Sesi-Oldest-Cursor"

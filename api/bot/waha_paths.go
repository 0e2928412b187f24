package bot

// The paths of WAHA's API that are about messages, chats, contacts and groups. {name} is the session's name; where a
// path has none, the query or the body names the session.
const (
	// PathWAHAVersion and PathWAHAServerVersion answer with WAHAEnvironment, PathWAHAServerStatus with WAHAServer.
	PathWAHAVersion       = "/api/version"
	PathWAHAServerVersion = "/api/server/version"
	PathWAHAServerStatus  = "/api/server/status"

	// PathWAHASendText takes a WAHASendText. Every request that sends answers with WAHAMessage.
	PathWAHASendText = "/api/sendText"
	// PathWAHAReply is an older name of PathWAHASendText.
	PathWAHAReply = "/api/reply"
	// PathWAHASendPreview sends a text with the preview of a link, PathWAHASendLink (older) a link with its title.
	PathWAHASendPreview = "/api/send/link-custom-preview"
	PathWAHASendLink    = "/api/sendLinkPreview"
	// PathWAHAReaction takes a WAHAReact, with PUT.
	PathWAHAReaction = "/api/reaction"
	// PathWAHAForward takes a WAHAForward.
	PathWAHAForward = "/api/forwardMessage"
	// PathWAHAStar takes a WAHAStar, with PUT.
	PathWAHAStar = "/api/star"
	// PathWAHASeen takes a WAHASeen.
	PathWAHASeen = "/api/sendSeen"

	// PathWAHANewID and PathWAHANewStatusID answer with WAHANewID.
	PathWAHANewID       = "/api/{name}/new-message-id"
	PathWAHANewStatusID = "/api/{name}/status/new-message-id"

	// PathWAHAMessages lists WAHAMessage, DELETE clears the chat; PathWAHAMessage answers with one, PUT edits it and DELETE takes it back.
	PathWAHAMessages = "/api/{name}/chats/{chat}/messages"
	PathWAHAMessage  = "/api/{name}/chats/{chat}/messages/{id}"
	// PathWAHAPin takes a WAHAPin; it and PathWAHAUnpin answer with WAHADone.
	PathWAHAPin   = "/api/{name}/chats/{chat}/messages/{id}/pin"
	PathWAHAUnpin = "/api/{name}/chats/{chat}/messages/{id}/unpin"
	// PathWAHAMessagesRead answers with WAHARead.
	PathWAHAMessagesRead = "/api/{name}/chats/{chat}/messages/read"

	// PathWAHAFile answers with the bytes of a message's file, named ID.EXTENSION.
	PathWAHAFile = "/api/files/{name}/{file}"

	// PathWAHACheckExists and its older name PathWAHACheckNumber answer with WAHANumber.
	PathWAHACheckExists = "/api/contacts/check-exists"
	PathWAHACheckNumber = "/api/checkNumberStatus"

	// PathWAHALIDs lists WAHALID, PathWAHALID and PathWAHALIDOfPhone answer with one, PathWAHALIDCount with WAHACount.
	PathWAHALIDs       = "/api/{name}/lids"
	PathWAHALIDCount   = "/api/{name}/lids/count"
	PathWAHALID        = "/api/{name}/lids/{lid}"
	PathWAHALIDOfPhone = "/api/{name}/lids/pn/{phone}"
)

// The paths of WAHA's API about other kinds of messages, chats and groups. {id} is a group.
const (
	PathWAHASendLocation        = "/api/sendLocation"
	PathWAHASendContacts        = "/api/sendContactVcard"
	PathWAHASendPoll            = "/api/sendPoll"
	PathWAHASendVote            = "/api/sendPollVote"
	PathWAHASendEvent           = "/api/{name}/events"
	PathWAHAStartTyping         = "/api/startTyping"
	PathWAHAStopTyping          = "/api/stopTyping"
	PathWAHATextStatus          = "/api/{name}/status/text"
	PathWAHADeleteStatus        = "/api/{name}/status/delete"
	PathWAHAPresence            = "/api/{name}/presence"
	PathWAHAChatPresence        = "/api/{name}/presence/{chat}"
	PathWAHASubscribe           = "/api/{name}/presence/{chat}/subscribe"
	PathWAHACallReject          = "/api/{name}/calls/reject"
	PathWAHAChats               = "/api/{name}/chats"
	PathWAHAOverview            = "/api/{name}/chats/overview"
	PathWAHAGroups              = "/api/{name}/groups"
	PathWAHAGroupCount          = "/api/{name}/groups/count"
	PathWAHAGroupRefresh        = "/api/{name}/groups/refresh"
	PathWAHAGroupJoinInfo       = "/api/{name}/groups/join-info"
	PathWAHAGroupJoin           = "/api/{name}/groups/join"
	PathWAHAGroup               = "/api/{name}/groups/{id}"
	PathWAHAGroupLeave          = "/api/{name}/groups/{id}/leave"
	PathWAHAGroupSubject        = "/api/{name}/groups/{id}/subject"
	PathWAHAGroupDescription    = "/api/{name}/groups/{id}/description"
	PathWAHAGroupInvite         = "/api/{name}/groups/{id}/invite-code"
	PathWAHAGroupInviteRevoke   = "/api/{name}/groups/{id}/invite-code/revoke"
	PathWAHAGroupInfoAdmins     = "/api/{name}/groups/{id}/settings/security/info-admin-only"
	PathWAHAGroupMessagesAdmins = "/api/{name}/groups/{id}/settings/security/messages-admin-only"
	PathWAHAGroupParticipants   = "/api/{name}/groups/{id}/participants"
	PathWAHAGroupParticipants2  = "/api/{name}/groups/{id}/participants/v2"
	PathWAHAGroupAdd            = "/api/{name}/groups/{id}/participants/add"
	PathWAHAGroupRemove         = "/api/{name}/groups/{id}/participants/remove"
	PathWAHAGroupPromote        = "/api/{name}/groups/{id}/admin/promote"
	PathWAHAGroupDemote         = "/api/{name}/groups/{id}/admin/demote"
)

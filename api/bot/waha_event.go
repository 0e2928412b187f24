package bot

// WAHAEvent is an event as WAHA's webhooks and WebSocket carry it.
type WAHAEvent struct {
	// ID stays the same when the event is delivered again.
	ID string `json:"id"`
	// Timestamp is in milliseconds.
	Timestamp int64  `json:"timestamp"`
	Event     string `json:"event"`
	Session   string `json:"session"`
	// Metadata is always empty.
	Metadata struct{} `json:"metadata"`
	// Me is the linked account, missing when there is none.
	Me          *WAHAMe         `json:"me,omitempty"`
	Payload     any             `json:"payload"`
	Engine      string          `json:"engine"`
	Environment WAHAEnvironment `json:"environment"`
}

// WAHASessionStatus is the payload of session.status.
type WAHASessionStatus struct {
	Name   string     `json:"name"`
	Status WAHAStatus `json:"status"`
	// Statuses are the last three, the newest last.
	Statuses []WAHAStatusAt `json:"statuses"`
}

// WAHAStatusAt is a status and when it began, in milliseconds.
type WAHAStatusAt struct {
	Status    WAHAStatus `json:"status"`
	Timestamp int64      `json:"timestamp"`
}

// WAHAAck is the payload of message.ack and message.ack.group.
type WAHAAck struct {
	ID          string `json:"id"`
	From        string `json:"from"`
	To          string `json:"to"`
	Participant string `json:"participant"`
	FromMe      bool   `json:"fromMe"`
	Ack         int    `json:"ack"`
	AckName     string `json:"ackName"`
	// Error says why a message was not sent.
	Error *SendProblem `json:"error,omitempty"`
}

// WAHAReaction is the payload of message.reaction.
type WAHAReaction struct {
	ID          string           `json:"id"`
	Timestamp   int64            `json:"timestamp"`
	From        string           `json:"from"`
	FromMe      bool             `json:"fromMe"`
	Source      string           `json:"source"`
	To          string           `json:"to"`
	Participant string           `json:"participant"`
	Reaction    WAHAReactionText `json:"reaction"`
}

// WAHAReactionText is an emoji, empty when it was taken back, and the message that it is at.
type WAHAReactionText struct {
	Text      string `json:"text"`
	MessageID string `json:"messageId"`
}

// WAHAPollVote is the payload of poll.vote and poll.vote.failed.
type WAHAPollVote struct {
	Vote WAHAVote     `json:"vote"`
	Poll WAHAVotePoll `json:"poll"`
}

// WAHAVote is what someone now chooses; the timestamp is in milliseconds.
type WAHAVote struct {
	WAHAVotePoll
	SelectedOptions []string `json:"selectedOptions"`
	Timestamp       int64    `json:"timestamp"`
}

// WAHAVotePoll names a message and its chat.
type WAHAVotePoll struct {
	ID          string `json:"id"`
	From        string `json:"from"`
	To          string `json:"to"`
	FromMe      bool   `json:"fromMe"`
	Participant string `json:"participant"`
}

// WAHACall is the payload of call.received, call.accepted and call.rejected.
type WAHACall struct {
	ID        string   `json:"id"`
	From      string   `json:"from"`
	Timestamp int64    `json:"timestamp"`
	IsVideo   bool     `json:"isVideo"`
	IsGroup   bool     `json:"isGroup"`
	Data      struct{} `json:"_data"`
}

// WAHAChatArchive is the payload of chat.archive; the timestamp is in seconds.
type WAHAChatArchive struct {
	ID        string `json:"id"`
	Archived  bool   `json:"archived"`
	Timestamp int64  `json:"timestamp"`
}

// WAHAPresences is the payload of presence.update.
type WAHAPresences struct {
	ID        string         `json:"id"`
	Presences []WAHAPresence `json:"presences"`
}

// WAHAPresence is what one person does: offline, online, typing, recording or paused.
type WAHAPresence struct {
	Participant       string `json:"participant"`
	LastKnownPresence string `json:"lastKnownPresence"`
	// LastSeen is in seconds, where WhatsApp tells it.
	LastSeen int64 `json:"lastSeen,omitempty"`
}

// WAHAGroupEvent is the payload of group.v2.join, group.v2.leave, group.v2.update and group.v2.participants.
type WAHAGroupEvent struct {
	// Type belongs to group.v2.participants: join, leave, promote or demote.
	Type string `json:"type,omitempty"`
	// Timestamp is in seconds.
	Timestamp    int64             `json:"timestamp"`
	Group        any               `json:"group"`
	Participants []WAHAParticipant `json:"participants,omitempty"`
	Data         struct{}          `json:"_data"`
}

// WAHAGroup is a group in group.v2.join.
type WAHAGroup struct {
	ID                         string            `json:"id"`
	Subject                    string            `json:"subject"`
	Description                string            `json:"description"`
	MembersCanAddNewMember     bool              `json:"membersCanAddNewMember"`
	MembersCanSendMessages     bool              `json:"membersCanSendMessages"`
	NewMembersApprovalRequired bool              `json:"newMembersApprovalRequired"`
	Participants               []WAHAParticipant `json:"participants"`
}

// WAHAParticipant is a person in a group.
type WAHAParticipant struct {
	ID string `json:"id"`
	// PN is the phone number, where it is known.
	PN string `json:"pn,omitempty"`
	// Role is left, participant, admin or superadmin.
	Role string `json:"role"`
}

package bot

// The paths of groups. {id} is the address of a group.
const (
	// PathGroups answers with Groups, and takes a CreateGroupRequest.
	PathGroups = "/api/groups"
	// PathGroup answers with a Group, and takes a ChangeGroupRequest.
	PathGroup = "/api/groups/{id}"
	// PathGroupPicture answers with the picture, or for Accept: application/json with a Picture; PUT takes a JPEG, DELETE
	// removes the picture.
	PathGroupPicture = "/api/groups/{id}/picture"
	// PathGroupParticipants takes a ParticipantsRequest and answers with ParticipantOutcomes.
	PathGroupParticipants = "/api/groups/{id}/participants"
	// PathGroupInvite answers with a GroupInvite; DELETE makes a new one.
	PathGroupInvite = "/api/groups/{id}/invite"
	// PathGroupJoin takes a JoinGroupRequest; GET answers with the Group that a code leads to.
	PathGroupJoin = "/api/groups/join"
	// PathGroupLeave answers with a GroupLeft.
	PathGroupLeave = "/api/groups/{id}/leave"
	// PathGroupRequests answers with GroupRequests, and takes an AnswerRequests.
	PathGroupRequests = "/api/groups/{id}/requests"
)

// MaxParticipants bounds the people of one request about a group.
const MaxParticipants = 256

// GroupRole is what a participant may do in a group.
type GroupRole string

// The roles in a group.
const (
	RoleMember     GroupRole = "member"
	RoleAdmin      GroupRole = "admin"
	RoleSuperadmin GroupRole = "superadmin"
)

// Participant is a person in a group.
type Participant struct {
	Party
	Role GroupRole `json:"role"`
}

// Group is a group that the account is in, or that an invite leads to.
type Group struct {
	ID          string `json:"id"`
	Subject     string `json:"subject"`
	Description string `json:"description,omitempty"`
	// Owner made the group.
	Owner   *Party `json:"owner,omitempty"`
	Created Time   `json:"created"`
	// Size is the number of participants. Participants may be incomplete in the answer about an invite.
	Size         int           `json:"size"`
	Participants []Participant `json:"participants"`
	// Role is the account's own role; empty when the account is not in the group.
	Role GroupRole `json:"role,omitempty"`
	// Announce: only admins write.
	Announce bool `json:"announce"`
	// Locked: only admins change the subject, the description and the picture.
	Locked bool `json:"locked"`
	// Approval: an admin must approve each person who joins.
	Approval bool `json:"approval"`
	// AddMembers: every participant may add people.
	AddMembers bool `json:"addMembers"`
	// ExpiresIn is the life of messages in seconds; 0 when they do not disappear.
	ExpiresIn uint32 `json:"expiresIn,omitempty"`
	// Community is true for the parent of several groups; Parent is the community that the group belongs to.
	Community bool   `json:"community,omitempty"`
	Parent    string `json:"parent,omitempty"`
}

// Groups answers GET /api/groups.
type Groups struct {
	Groups []Group `json:"groups"`
}

// CreateGroupRequest makes a group.
type CreateGroupRequest struct {
	Subject string `json:"subject" required:"true" minLength:"1" maxLength:"100"`
	// Participants are phone numbers or addresses of people.
	Participants []string `json:"participants" required:"true" maxItems:"256"`
	Announce     bool     `json:"announce,omitempty"`
	Locked       bool     `json:"locked,omitempty"`
	Approval     bool     `json:"approval,omitempty"`
}

// CreatedGroup answers a CreateGroupRequest.
type CreatedGroup struct {
	Group
	// Outcomes say for each participant whether WhatsApp added them.
	Outcomes []ParticipantOutcome `json:"outcomes"`
}

// ChangeGroupRequest changes what it names, in this order.
type ChangeGroupRequest struct {
	Subject *string `json:"subject,omitempty" minLength:"1" maxLength:"100"`
	// Description is removed by an empty text.
	Description *string `json:"description,omitempty" maxLength:"2048"`
	Announce    *bool   `json:"announce,omitempty"`
	Locked      *bool   `json:"locked,omitempty"`
	Approval    *bool   `json:"approval,omitempty"`
	AddMembers  *bool   `json:"addMembers,omitempty"`
	// ExpiresIn is the life of messages in seconds: a day, a week or 90 days; 0 keeps them.
	ExpiresIn *uint32 `json:"expiresIn,omitempty" enum:"0,86400,604800,7776000"`
}

// ParticipantsRequest changes the participants of a group. Exactly one list is given.
type ParticipantsRequest struct {
	Add     []string `json:"add,omitempty" maxItems:"256"`
	Remove  []string `json:"remove,omitempty" maxItems:"256"`
	Promote []string `json:"promote,omitempty" maxItems:"256"`
	Demote  []string `json:"demote,omitempty" maxItems:"256"`
}

// Outcome says what WhatsApp did with one person.
type Outcome string

// The outcomes of a change.
const (
	OutcomeDone Outcome = "done"
	// OutcomeInviteNeeded: the person's privacy settings do not allow it. They can join with the invite.
	OutcomeInviteNeeded Outcome = "invite-needed"
	// OutcomeNotOnWhatsApp: nobody has this number at WhatsApp.
	OutcomeNotOnWhatsApp Outcome = "not-on-whatsapp"
	// OutcomeNotInGroup: the person is not in the group, or has not asked to join.
	OutcomeNotInGroup Outcome = "not-in-group"
	// OutcomeLeftRecently: the person left a short time ago; only an invite brings them back.
	OutcomeLeftRecently Outcome = "left-recently"
	// OutcomeAlready: nothing had to be changed.
	OutcomeAlready Outcome = "already"
	// OutcomeFull: the group has as many participants as WhatsApp allows.
	OutcomeFull Outcome = "full"
	// OutcomeBlocked: the person blocked the account.
	OutcomeBlocked Outcome = "blocked"
	// OutcomeRefused: WhatsApp refused it for another reason; the code says which.
	OutcomeRefused Outcome = "refused"
)

// ParticipantOutcome is the result for one person.
type ParticipantOutcome struct {
	Party
	// Query is the person as the request named them.
	Query   string  `json:"query,omitempty"`
	Outcome Outcome `json:"outcome"`
	// Code is WhatsApp's own number of a refusal.
	Code int `json:"code,omitempty"`
	// InviteCode lets this person join until InviteExpires.
	InviteCode    string `json:"inviteCode,omitempty"`
	InviteExpires Time   `json:"inviteExpires,omitzero"`
}

// ParticipantOutcomes answers a ParticipantsRequest and an AnswerRequests.
type ParticipantOutcomes struct {
	Outcomes []ParticipantOutcome `json:"outcomes"`
}

// GroupInvite lets anyone who has it join a group.
type GroupInvite struct {
	Code string `json:"code"`
	Link string `json:"link"`
}

// JoinGroupRequest joins a group.
type JoinGroupRequest struct {
	// Code is the code of an invite, or its whole link.
	Code string `json:"code" required:"true" minLength:"1" maxLength:"200"`
}

// JoinedGroup answers a JoinGroupRequest.
type JoinedGroup struct {
	ID string `json:"id"`
	// Pending is true when an admin must approve first.
	Pending bool `json:"pending"`
}

// GroupLeft answers a request to leave a group.
type GroupLeft struct {
	ID string `json:"id"`
}

// GroupRequest is someone who asks to join.
type GroupRequest struct {
	Party
	At Time `json:"at"`
}

// GroupRequests answers GET /api/groups/{id}/requests.
type GroupRequests struct {
	Requests []GroupRequest `json:"requests"`
}

// AnswerRequests approves or rejects people who ask to join. Exactly one list is given.
type AnswerRequests struct {
	Approve []string `json:"approve,omitempty" maxItems:"256"`
	Reject  []string `json:"reject,omitempty" maxItems:"256"`
}

// GroupEvent says how a group changed.
type GroupEvent string

// The changes of a group.
const (
	// GroupCreated: someone made a group with the account in it.
	GroupCreated GroupEvent = "created"
	// GroupJoined: the participants came in by an invite. GroupAdded: By added them, or let them in. One of them may be
	// the account.
	GroupJoined GroupEvent = "joined"
	GroupAdded  GroupEvent = "added"
	// GroupMemberLeft: the participants left. GroupRemoved: By removed them.
	GroupMemberLeft GroupEvent = "left"
	GroupRemoved    GroupEvent = "removed"
	// GroupPromoted and GroupDemoted: the participants became admins, or are no longer.
	GroupPromoted GroupEvent = "promoted"
	GroupDemoted  GroupEvent = "demoted"
	// GroupRequested: the participants ask to join. GroupRequestRevoked: they no longer do, or By rejected them.
	GroupRequested      GroupEvent = "requested"
	GroupRequestRevoked GroupEvent = "request-revoked"
	GroupSubject        GroupEvent = "subject"
	GroupDescription    GroupEvent = "description"
	GroupPicture        GroupEvent = "picture"
	GroupSettings       GroupEvent = "settings"
	// GroupInviteChanged: the old invite no longer works.
	GroupInviteChanged GroupEvent = "invite"
	// GroupDeleted: the group is gone.
	GroupDeleted GroupEvent = "deleted"
)

// GroupSetting names a setting of a group.
type GroupSetting string

// The settings of a group.
const (
	SettingAnnounce   GroupSetting = "announce"
	SettingLocked     GroupSetting = "locked"
	SettingApproval   GroupSetting = "approval"
	SettingAddMembers GroupSetting = "addMembers"
	SettingExpiresIn  GroupSetting = "expiresIn"
)

// GroupChange is one change of a group.
type GroupChange struct {
	Chat Party `json:"chat"`
	// By made the change, where WhatsApp says who did.
	By     *Party     `json:"by,omitempty"`
	At     Time       `json:"at"`
	Change GroupEvent `json:"change"`
	// Participants are the people whom the change is about.
	Participants []Party `json:"participants,omitempty"`
	// Group is the whole group, where the account came into it.
	Group *Group `json:"group,omitempty"`
	// Subject is the new subject of subject, and that of a group that the account came into.
	Subject string `json:"subject,omitempty"`
	// Description is the new description; empty when it was removed.
	Description string `json:"description,omitempty"`
	// PictureID is the new picture; empty when it was removed.
	PictureID string `json:"pictureId,omitempty"`
	// Setting is the setting that changed, and On its new value. On is missing for approval, whose value WhatsApp's
	// event does not tell reliably: read it from the group.
	Setting GroupSetting `json:"setting,omitempty"`
	On      *bool        `json:"on,omitempty"`
	// ExpiresIn is the new life of messages in seconds.
	ExpiresIn uint32 `json:"expiresIn,omitempty"`
}

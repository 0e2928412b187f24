package bot

import "strings"

// ProblemPrefix begins the type of every problem.
const ProblemPrefix = "urn:sesi:problem:"

// ProblemKind is the word that tells one problem from another. Programs compare it; titles and details are for
// people and may change.
type ProblemKind string

// The problems of a request.
const (
	// ProblemNotFound: nothing is served at this path.
	ProblemNotFound ProblemKind = "not-found"
	// ProblemMethodNotAllowed: the path exists; the Allow header lists its methods.
	ProblemMethodNotAllowed ProblemKind = "method-not-allowed"
	// ProblemNotAcceptable: the answer is not available in a form that Accept allows.
	ProblemNotAcceptable ProblemKind = "not-acceptable"
	// ProblemUnsupportedMediaType: the body has another Content-Type than the path takes.
	ProblemUnsupportedMediaType ProblemKind = "unsupported-media-type"
	// ProblemTooLarge: the body is larger than the bot reads.
	ProblemTooLarge ProblemKind = "too-large"
	// ProblemBadRequest: the body could not be read to its end, or a parameter is wrong.
	ProblemBadRequest ProblemKind = "bad-request"
	// ProblemBadJSON: the body is not the JSON that the path takes.
	ProblemBadJSON ProblemKind = "bad-json"
	// ProblemBadPhoneNumber: a phone number is not in international form.
	ProblemBadPhoneNumber ProblemKind = "bad-phone-number"
)

// The problems of access.
const (
	// ProblemForeignHost: a request without the token came under a name that is not local.
	ProblemForeignHost ProblemKind = "foreign-host"
	// ProblemForwarded: a proxy forwarded a request without the token.
	ProblemForwarded ProblemKind = "forwarded"
	// ProblemCrossSite: a browser sent the request for a page of another site.
	ProblemCrossSite ProblemKind = "cross-site"
	// ProblemTokenNeeded: the request carries no token.
	ProblemTokenNeeded ProblemKind = "token-needed"
	// ProblemTokenWrong: the request carries a wrong token.
	ProblemTokenWrong ProblemKind = "token-wrong"
	// ProblemTooManyAttempts: too many wrong tokens came from this address. The right token is let in.
	ProblemTooManyAttempts ProblemKind = "too-many-attempts"
	// ProblemTokenUnset: the path always needs a token, and the bot has none.
	ProblemTokenUnset ProblemKind = "token-unset"
)

// The problems of the bot.
const (
	// ProblemTooManyStreams: as many event streams are open as the bot allows.
	ProblemTooManyStreams ProblemKind = "too-many-streams"
	// ProblemBackupBusy: another backup is being sent.
	ProblemBackupBusy ProblemKind = "backup-busy"
	// ProblemTimeout: the session did not finish in time.
	ProblemTimeout ProblemKind = "timeout"
	// ProblemStopping: the bot's process is shutting down.
	ProblemStopping ProblemKind = "stopping"
	// ProblemUnhealthy: a probe found the storage or the bot's loop broken.
	ProblemUnhealthy ProblemKind = "unhealthy"
	// ProblemDataLeft: WhatsApp removed the device, but its data could not be deleted. The bot deletes it once the disk
	// takes writes.
	ProblemDataLeft ProblemKind = "data-left"
	// ProblemInternal: the bot failed; its log says how.
	ProblemInternal ProblemKind = "internal"
)

// The problems of the session: it cannot do what was asked in its present state. Nothing was changed.
const (
	// ProblemNoCode: there is no current QR code.
	ProblemNoCode ProblemKind = "no-code"
	// ProblemAlreadyLinked: the session is linked, so it has no code.
	ProblemAlreadyLinked ProblemKind = "already-linked"
	// ProblemNotLinked: the session is not linked, and the request needs a linked one.
	ProblemNotLinked ProblemKind = "not-linked"
	// ProblemNotReady: the session cannot do it now; try again.
	ProblemNotReady ProblemKind = "not-ready"
	// ProblemNoPasskey: WhatsApp does not ask for this now: a signature, or that two codes are equal.
	ProblemNoPasskey ProblemKind = "no-passkey"
	// ProblemPasskeyInvalid: what was given is not a signature of the current challenge; another can be given.
	ProblemPasskeyInvalid ProblemKind = "passkey-invalid"
	// ProblemPasskeyRefused: WhatsApp refused the signature; another can be given.
	ProblemPasskeyRefused ProblemKind = "passkey-refused"
	// ProblemBackupFailed: the session's only keys would be deleted, and no backup could be taken first.
	ProblemBackupFailed ProblemKind = "backup-failed"
	// ProblemNotCleared: the disk refuses changes, so the session could not be removed.
	ProblemNotCleared ProblemKind = "not-cleared"
)

// The problems of webhooks.
const (
	// ProblemNoWebhook: the bot has no webhook of that name.
	ProblemNoWebhook ProblemKind = "no-such-webhook"
	// ProblemBadCursor: the cursor is newer than the newest event.
	ProblemBadCursor ProblemKind = "bad-cursor"
)

// The problems of messages.
const (
	// ProblemMessagesOff: the bot runs without messages.
	ProblemMessagesOff ProblemKind = "messages-off"
	// ProblemNoSuchMessage: the bot keeps no message with this id.
	ProblemNoSuchMessage ProblemKind = "no-such-message"
	// ProblemAmbiguousMessage: several chats hold a message with this id.
	ProblemAmbiguousMessage ProblemKind = "ambiguous-message"
	// ProblemBadParameter: a parameter or a field is missing or wrong.
	ProblemBadParameter ProblemKind = "bad-parameter"
	// ProblemBadRecipient: the address is neither a number nor an address of WhatsApp.
	ProblemBadRecipient ProblemKind = "bad-recipient"
	// ProblemUnsupported: the bot cannot send such a message, or cannot send it there.
	ProblemUnsupported ProblemKind = "unsupported"
	// ProblemKeyReused: the Idempotency-Key came with another request before.
	ProblemKeyReused ProblemKind = "idempotency-key-reused"
	// ProblemOutboxFull: as many messages wait to be sent as the bot keeps.
	ProblemOutboxFull ProblemKind = "outbox-full"
	// ProblemTooManyPresences: the bot is subscribed to the presence of as many chats as it may.
	ProblemTooManyPresences ProblemKind = "too-many-presences"
	// ProblemNotChangeable: the message is not the account's, or it is too late to change it.
	ProblemNotChangeable ProblemKind = "not-changeable"
)

// The problems of a message that was not sent.
const (
	// ProblemNotOnWhatsApp: nobody has this number at WhatsApp. Nothing was sent.
	ProblemNotOnWhatsApp ProblemKind = "not-on-whatsapp"
	// ProblemRestricted: WhatsApp does not let the account write to someone who never wrote to it (463).
	ProblemRestricted ProblemKind = "restricted"
	// ProblemNoSuchGroup: there is no such group, or the account is not in it.
	ProblemNoSuchGroup ProblemKind = "no-such-group"
	// ProblemNotAllowed: only admins may write in this group.
	ProblemNotAllowed ProblemKind = "not-allowed"
	// ProblemRefused: WhatsApp's server refused the message for another reason; the code says which.
	ProblemRefused ProblemKind = "refused"
	// ProblemExpired: the bot could not send it within its ttl.
	ProblemExpired ProblemKind = "expired"
	// ProblemOtherAccount: another account was linked before the message could be sent.
	ProblemOtherAccount ProblemKind = "other-account"
	// ProblemUnreadable: the bot cannot read any more what it was to send.
	ProblemUnreadable ProblemKind = "unreadable"
)

// The problems of files.
const (
	// ProblemFileTooLarge: the file is larger than the bot, or WhatsApp, takes.
	ProblemFileTooLarge ProblemKind = "file-too-large"
	// ProblemUnfitFile: a message of this kind cannot have a file of this type, and the bot cannot convert it.
	ProblemUnfitFile ProblemKind = "unfit-file"
	// ProblemFetchFailed: the file could not be fetched from its address.
	ProblemFetchFailed ProblemKind = "fetch-failed"
	// ProblemAddressRefused: the bot may not reach the address of the file.
	ProblemAddressRefused ProblemKind = "address-refused"
	// ProblemNoRoom: the bot has no room for the file.
	ProblemNoRoom ProblemKind = "no-room"
	// ProblemUploadFailed: WhatsApp's media hosts did not take the file.
	ProblemUploadFailed ProblemKind = "upload-failed"
	// ProblemFileLost: the file of a message that waits is no longer on the bot's disk.
	ProblemFileLost ProblemKind = "file-lost"
	// ProblemNoFile: the message has no file.
	ProblemNoFile ProblemKind = "no-file"
	// ProblemFileGone: neither WhatsApp nor the phone has the file. Trying again does not help.
	ProblemFileGone ProblemKind = "file-gone"
	// ProblemPhoneSilent: WhatsApp no longer has the file, and the phone did not answer in time. Trying again helps once
	// the phone is online.
	ProblemPhoneSilent ProblemKind = "phone-silent"
	// ProblemFileDamaged: what WhatsApp has is not the file that the message describes.
	ProblemFileDamaged ProblemKind = "file-damaged"
	// ProblemDownloadFailed: the file could not be fetched from WhatsApp now.
	ProblemDownloadFailed ProblemKind = "download-failed"
)

// The problems of groups and contacts.
const (
	// ProblemNotAdmin: only an admin of the group may do this.
	ProblemNotAdmin ProblemKind = "not-admin"
	// ProblemBadInvite: the invite is wrong, or it was replaced by a new one.
	ProblemBadInvite ProblemKind = "bad-invite"
	// ProblemNoSuchChannel: there is no such channel.
	ProblemNoSuchChannel ProblemKind = "no-such-channel"
	// ProblemNoSuchLabel: the account has no label with this id.
	ProblemNoSuchLabel ProblemKind = "no-such-label"
	// ProblemNoPicture: there is no picture, or the account may not see it.
	ProblemNoPicture ProblemKind = "no-picture"
	// ProblemBadPicture: the picture is not a JPEG, or WhatsApp does not take it.
	ProblemBadPicture ProblemKind = "bad-picture"
	// ProblemRateLimited: WhatsApp asks for fewer requests.
	ProblemRateLimited ProblemKind = "rate-limited"
)

// ProblemKinds lists every kind.
var ProblemKinds = []ProblemKind{
	ProblemNotFound, ProblemMethodNotAllowed, ProblemNotAcceptable, ProblemUnsupportedMediaType, ProblemTooLarge,
	ProblemBadRequest, ProblemBadJSON, ProblemBadPhoneNumber, ProblemForeignHost, ProblemForwarded, ProblemCrossSite, ProblemTokenNeeded,
	ProblemTokenWrong, ProblemTooManyAttempts, ProblemTokenUnset, ProblemTooManyStreams, ProblemBackupBusy,
	ProblemTimeout, ProblemStopping, ProblemUnhealthy, ProblemInternal, ProblemNoCode, ProblemAlreadyLinked,
	ProblemNotLinked, ProblemNotReady, ProblemNoPasskey, ProblemPasskeyInvalid, ProblemPasskeyRefused, ProblemBackupFailed, ProblemNotCleared, ProblemDataLeft, ProblemNoWebhook, ProblemBadCursor,
	ProblemMessagesOff, ProblemNoSuchMessage,
	ProblemAmbiguousMessage, ProblemBadParameter, ProblemBadRecipient, ProblemUnsupported, ProblemKeyReused,
	ProblemOutboxFull, ProblemTooManyPresences, ProblemNotChangeable, ProblemNotOnWhatsApp, ProblemRestricted, ProblemNoSuchGroup,
	ProblemNotAllowed, ProblemRefused, ProblemExpired, ProblemOtherAccount, ProblemUnreadable,
	ProblemFileTooLarge, ProblemUnfitFile, ProblemFetchFailed, ProblemAddressRefused, ProblemNoRoom, ProblemUploadFailed, ProblemFileLost,
	ProblemNoFile, ProblemFileGone, ProblemPhoneSilent, ProblemFileDamaged, ProblemDownloadFailed,
	ProblemNotAdmin, ProblemBadInvite, ProblemNoSuchChannel, ProblemNoSuchLabel, ProblemNoPicture, ProblemBadPicture, ProblemRateLimited,
}

// Type is the kind as a problem document writes it.
func (k ProblemKind) Type() string { return ProblemPrefix + string(k) }

// Problem is an error as RFC 9457 writes it (application/problem+json).
type Problem struct {
	// Type tells problems apart: "urn:sesi:problem:" and a ProblemKind.
	Type string `json:"type"`
	// Title names the problem in a few words, in the language of the request.
	Title string `json:"title"`
	// Status is the HTTP status of the answer.
	Status int `json:"status"`
	// Detail says what happened and what to do, in the language of the request.
	Detail string `json:"detail,omitempty"`
	// Reason is the session's reason at that moment, where the session refused.
	Reason Reason `json:"reason,omitempty"`
	// MessageID is the message that was not sent.
	MessageID string `json:"messageId,omitempty"`
	// Retryable says of a message that was not sent whether the same request may succeed later.
	Retryable *bool `json:"retryable,omitempty"`
	// StatusCode repeats Status on WAHA's paths.
	StatusCode int `json:"statusCode,omitempty"`
	// Error is the HTTP status in words, on WAHA's paths.
	Error string `json:"error,omitempty"`
	// Message repeats Detail on WAHA's paths.
	Message string `json:"message,omitempty"`
}

// Kind is the word at the end of the problem's type, "" for a type that is not a bot's.
func (p Problem) Kind() ProblemKind {
	kind, found := strings.CutPrefix(p.Type, ProblemPrefix)
	if !found {
		return ""
	}
	return ProblemKind(kind)
}

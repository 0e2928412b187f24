package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
)

// WhatsAppSessionStatus is the observed state of a session: what its bot reports, and the state of the objects that
// the bot needs. It never contains a QR code, a pairing code or a token.
type WhatsAppSessionStatus struct {
	// observedGeneration is the generation of the spec that this status describes; -1 before the operator has seen
	// the resource.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// clientId in use: that of the spec, or else the resource's name.
	// +optional
	ClientID string `json:"clientId,omitempty"`

	// state of the session. The last four come from the operator, the others from the bot.
	//   - Connecting: the bot opens a connection.
	//   - Pairing: a phone can be linked.
	//   - Connected: logged in at WhatsApp.
	//   - Reconnecting: the connection was lost; the bot tries again.
	//   - Conflict: another client uses the session, or another WhatsAppSession its claim.
	//   - LoggedOut: the device was unlinked.
	//   - Restricted: a temporary ban, until restrictedUntil.
	//   - Outdated: WhatsApp does not accept the bot's Web version.
	//   - Failed: WhatsApp refused the login, or the disk refuses writes.
	//   - Stopped: a person stopped the session through its API.
	//   - Pending: no bot runs yet.
	//   - Suspended: spec.suspended is true.
	//   - Terminating: the resource is being deleted.
	//   - Unknown: the bot cannot be reached, and session holds its last report; or it reports a state that only a newer
	//     operator knows.
	// +optional
	State bot.State `json:"state,omitempty"`

	// reason for the state, one word: the bot's own, or that of the condition StorageReady or PodReady.
	// +optional
	Reason string `json:"reason,omitempty"`

	// userAction is what a person should do. A bot newer than the operator may report another value.
	//   - None: nothing.
	//   - ScanQR: link the phone.
	//   - ResolveConflict: stop the other client of the session.
	//   - WaitUntil: wait for the end of a ban.
	//   - UpgradeClient: upgrade the bot's image, if the state lasts for a day.
	//   - OpenPhone: open WhatsApp on the phone, and follow the steps there.
	//   - CheckNetwork: WhatsApp cannot be reached; check DNS, the proxy and the way out.
	//   - FixStorage: the disk refuses writes; give it room, or the right to write.
	//   - SignPasskey: sign with the account's passkey, or compare the codes that follow it.
	// +optional
	UserAction bot.UserAction `json:"userAction,omitempty"`

	// session is the bot's last report of what is stored on the claim. It is kept while no bot runs.
	// +optional
	Session *SessionStatus `json:"session,omitempty"`

	// qr says whether a phone must be linked. The code itself is only on the bot's page and in its API.
	// +optional
	QR *QRStatus `json:"qr,omitempty"`

	// restrictedUntil is the end of a temporary ban.
	// +optional
	RestrictedUntil *metav1.Time `json:"restrictedUntil,omitempty"`

	// webVersion is the WhatsApp Web version that the bot presents.
	// +optional
	WebVersion string `json:"webVersion,omitempty"`

	// notice is a warning from the bot that remains when its state changes; empty for none.
	//   - StoreRestored: the database was damaged, and the newest good backup replaced it.
	//   - StoreDamaged: the database was damaged, and no backup could be restored.
	//   - RelinkNeeded: the session directory holds a whatsapp-web.js profile, which cannot be converted.
	//   - BackupFailing: the last backup failed.
	// +optional
	Notice string `json:"notice,omitempty"`

	// webhooks says in coarse steps how the deliveries of each webhook are going, by name.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Webhooks []WebhookStatus `json:"webhooks,omitempty"`

	// sending says why messages are held; empty while none are, as far as the bot knows.
	// +optional
	Sending *SendingStatus `json:"sending,omitempty"`

	// podName of the bot, empty while there is none.
	// +optional
	PodName string `json:"podName,omitempty"`

	// nodeName is where the bot's pod runs.
	// +optional
	NodeName string `json:"nodeName,omitempty"`

	// instance is the UID of the pod whose bot reported last.
	// +optional
	Instance string `json:"instance,omitempty"`

	// replacement says what the replacement of the bot's pod waits for; empty while none waits.
	// +optional
	Replacement *ReplacementStatus `json:"replacement,omitempty"`

	// conditions of the session. The last two are there only while they are true, the others always.
	//   - Ready: the bot can send and receive.
	//   - StorageReady: the claim is bound, and no other session uses it with this clientId.
	//   - PodReady: the bot's pod runs and reports to the operator.
	//   - SessionExists: the claim holds a linked device.
	//   - Connected: the bot is logged in at WhatsApp.
	//   - QRRequired: only a person with the phone can bring the session back.
	//   - SessionExpired: the session was logged out and has not been linked again.
	//   - Conflict: another client, bot or WhatsAppSession uses the same session.
	//   - EventsDelivered: every webhook gets its events.
	//   - Sending: nothing holds messages back, as far as the bot knows.
	//   - Reconciling: the operator is working on what the spec asks for.
	//   - Stalled: the operator cannot continue until someone edits the spec, or an object that it names.
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// SessionStatus is what is stored on the claim.
type SessionStatus struct {
	// claimUID is the UID of the claim that these facts are about. Another claim of the same name has another
	// session.
	// +optional
	ClaimUID string `json:"claimUID,omitempty"`

	// exists is true only when the database holds a linked device.
	// +optional
	Exists bool `json:"exists"`

	// expired is true from a logout until the next pairing.
	// +optional
	Expired bool `json:"expired"`

	// lastModified is when the session directory last changed, as last reported.
	// +optional
	LastModified *metav1.Time `json:"lastModified,omitempty"`

	// sizeBytes of the session directory, as last reported.
	// +optional
	SizeBytes int64 `json:"sizeBytes,omitempty"`

	// path of the session directory in the bot's container.
	// +optional
	Path string `json:"path,omitempty"`

	// jid is the linked account's address, with the number of this device. Like lid, phoneNumber and pushName it is
	// masked (62***89:12@s.whatsapp.net) where the operator runs with --personal-data=masked.
	// +optional
	JID string `json:"jid,omitempty"`

	// lid is the account's address without its phone number.
	// +optional
	LID string `json:"lid,omitempty"`

	// phoneNumber of the linked account, with its leading +.
	// +optional
	PhoneNumber string `json:"phoneNumber,omitempty"`

	// pushName is the name that others see.
	// +optional
	PushName string `json:"pushName,omitempty"`

	// linkedAt is when the device was linked.
	// +optional
	LinkedAt *metav1.Time `json:"linkedAt,omitempty"`

	// lastConnectedAt is when the current or last connection to WhatsApp was established.
	// +optional
	LastConnectedAt *metav1.Time `json:"lastConnectedAt,omitempty"`
}

// WebhookStatus says how the deliveries of one webhook are going.
type WebhookStatus struct {
	// name of the webhook.
	// +kubebuilder:validation:MinLength=1
	// +required
	Name string `json:"name,omitempty"`

	// state says whether the webhook gets its events.
	//   - delivering: events are delivered as they come.
	//   - retrying: the receiver does not answer, or refuses events; they are tried again.
	//   - paused: a person paused the webhook; events wait.
	//   - ended: the receiver answered 410 Gone.
	// +optional
	State bot.WebhookState `json:"state,omitempty"`

	// backlogSince is about when the oldest event that waits came; empty while none has waited for half a minute.
	// +optional
	BacklogSince *metav1.Time `json:"backlogSince,omitempty"`

	// deadLetters is how many events were given up, rounded down to 1, 2 or 5 with zeros behind.
	// +optional
	DeadLetters int64 `json:"deadLetters"`
}

// SendingStatus says why messages are held.
type SendingStatus struct {
	// heldFor is why messages are held. With timelocked and capped only first messages to new people are. A bot reports
	// here what holds many messages: timelocked, capped or quiet-hours; the others are the reasons of single messages.
	//   - timelocked: WhatsApp does not let the account write to new people for a while.
	//   - capped: the account used up WhatsApp's quota of new people.
	//   - rate-limited: WhatsApp's server asks for a slower pace.
	//   - budget: spec.messages.pace.newChatsPerDay is used up.
	//   - quiet-hours: it is the time of day at which nothing is sent.
	// +optional
	HeldFor bot.HoldReason `json:"heldFor,omitempty"`

	// until is when they are sent at the earliest.
	// +optional
	Until *metav1.Time `json:"until,omitempty"`
}

// What the replacement of a pod waits for.
const (
	// ReplacementWaitsForPairing: a person may be scanning a code at this moment.
	ReplacementWaitsForPairing = "Pairing"
	// ReplacementWaitsForTurn: the operator or its default image changed, and only a few pods are replaced at once.
	ReplacementWaitsForTurn = "Turn"
	// ReplacementWaitsForBot: it is the session's turn, and its bot is not back yet.
	ReplacementWaitsForBot = "Bot"
)

// ReplacementWaits lists everything that a replacement waits for.
var ReplacementWaits = []string{ReplacementWaitsForPairing, ReplacementWaitsForTurn, ReplacementWaitsForBot}

// ReplacementStatus says what the replacement of the bot's pod waits for.
type ReplacementStatus struct {
	// waitsFor is what the replacement waits for.
	//   - Pairing: a phone is being linked.
	//   - Turn: the operator changed, and replaces only a few pods at once.
	//   - Bot: the pod is being replaced, and its bot is not back yet.
	// +optional
	WaitsFor string `json:"waitsFor,omitempty"`

	// since is when it began to wait.
	// +optional
	Since metav1.Time `json:"since,omitempty,omitzero"`

	// until is when it stops waiting at the latest.
	// +optional
	Until *metav1.Time `json:"until,omitempty"`

	// wasConnected says whether the bot was connected before its pod was replaced.
	// +optional
	WasConnected bool `json:"wasConnected,omitempty"`
}

// QRStatus says whether a phone must be linked.
type QRStatus struct {
	// needed is true when only a person with the phone can bring the session back.
	// +optional
	Needed bool `json:"needed"`

	// expiresAt is when the current code expires; empty while there is no code.
	// +optional
	ExpiresAt *metav1.Time `json:"expiresAt,omitempty"`
}

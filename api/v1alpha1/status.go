package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
)

// WhatsAppSessionStatus is what the operator sees of a session: the bot's own words, and the state of what
// the bot runs on. It never holds a QR code, a pairing code or a token.
type WhatsAppSessionStatus struct {
	// observedGeneration is the generation of the spec that the rest was derived from; -1 before the first
	// visit.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// clientId in effect: that of the spec, or else the resource's name.
	// +optional
	ClientID string `json:"clientId,omitempty"`

	// state of the session. From the bot: Connecting, Pairing, Connected, Reconnecting, Conflict, LoggedOut,
	// Restricted, Outdated, Failed, Stopped (by a person, through its API). From the operator: Pending (no bot runs yet), Suspended, Terminating,
	// Unknown (the bot cannot be heard, and what stands under session is the last that it said; or it gives a state that
	// only a newer operator knows).
	// +optional
	State bot.State `json:"state,omitempty"`

	// reason for the state, one word.
	// +optional
	Reason string `json:"reason,omitempty"`

	// userAction is what a person should do: None, ScanQR, ResolveConflict, WaitUntil, UpgradeClient or
	// OpenPhone; of a bot newer than the operator it may be another.
	// +optional
	UserAction bot.UserAction `json:"userAction,omitempty"`

	// session is the last that the bot said of what is kept on the claim. It stays when no bot runs.
	// +optional
	Session *SessionStatus `json:"session,omitempty"`

	// qr tells whether a phone must be linked. The code itself is only at the bot's page and API.
	// +optional
	QR *QRStatus `json:"qr,omitempty"`

	// restrictedUntil is the end of a temporary ban.
	// +optional
	RestrictedUntil *metav1.Time `json:"restrictedUntil,omitempty"`

	// webVersion is the WhatsApp Web version that the bot presents.
	// +optional
	WebVersion string `json:"webVersion,omitempty"`

	// notice is a warning of the bot that outlasts its state, such as StoreRestored.
	// +optional
	Notice string `json:"notice,omitempty"`

	// podName of the bot, empty while there is none.
	// +optional
	PodName string `json:"podName,omitempty"`

	// nodeName is where the bot's pod runs.
	// +optional
	NodeName string `json:"nodeName,omitempty"`

	// instance is the UID of the pod whose bot was heard last.
	// +optional
	Instance string `json:"instance,omitempty"`

	// conditions of the session: Ready, StorageReady, PodReady, SessionExists, Connected, QRRequired,
	// SessionExpired and Conflict always; Reconciling and Stalled only while they are true.
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// SessionStatus is what is kept on the claim.
type SessionStatus struct {
	// exists is true only when the store holds a linked device.
	// +optional
	Exists bool `json:"exists"`

	// expired is true from a logout until the next pairing.
	// +optional
	Expired bool `json:"expired"`

	// lastModified is when the session directory changed, as last reported.
	// +optional
	LastModified *metav1.Time `json:"lastModified,omitempty"`

	// sizeBytes of the session directory, as last reported.
	// +optional
	SizeBytes int64 `json:"sizeBytes,omitempty"`

	// path of the session directory in the bot's container.
	// +optional
	Path string `json:"path,omitempty"`

	// jid is the linked account's address, with the number of this device.
	// +optional
	JID string `json:"jid,omitempty"`

	// lid is the account's address that hides its phone number.
	// +optional
	LID string `json:"lid,omitempty"`

	// phoneNumber of the linked account, with its leading +.
	// +optional
	PhoneNumber string `json:"phoneNumber,omitempty"`

	// pushName is the name that the account shows to others.
	// +optional
	PushName string `json:"pushName,omitempty"`

	// linkedAt is when the device was linked.
	// +optional
	LinkedAt *metav1.Time `json:"linkedAt,omitempty"`

	// lastConnectedAt is when the present or the last connection to WhatsApp was made.
	// +optional
	LastConnectedAt *metav1.Time `json:"lastConnectedAt,omitempty"`
}

// QRStatus tells whether a phone must be linked.
type QRStatus struct {
	// needed is true when only a person with the phone can bring the session back.
	// +optional
	Needed bool `json:"needed"`

	// expiresAt is the end of the live code; empty while none is live.
	// +optional
	ExpiresAt *metav1.Time `json:"expiresAt,omitempty"`
}

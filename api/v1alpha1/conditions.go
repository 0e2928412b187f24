package v1alpha1

import (
	"slices"

	"sesi.dev/sesi/api/bot"
)

// States that the operator sets; every other state comes from the bot (see package bot).
const (
	// StatePending: no bot runs yet; reason says what it is waiting for.
	StatePending bot.State = "Pending"
	// StateSuspended: spec.suspended is true.
	StateSuspended bot.State = "Suspended"
	// StateTerminating: the resource is being deleted.
	StateTerminating bot.State = "Terminating"
	// StateUnknown: the bot cannot be reached, or reports a state that this operator does not know.
	StateUnknown bot.State = "Unknown"
)

// States lists every state of a status: the bot's, and then the operator's.
var States = slices.Concat(bot.States, []bot.State{StatePending, StateSuspended, StateTerminating, StateUnknown})

// Condition types. Those up to ConditionSending are always set; the last two follow kstatus and are absent when false.
const (
	// ConditionReady summarises the others: the bot can send and receive.
	ConditionReady = "Ready"
	// ConditionStorageReady: the claim is bound and no other session uses it with this clientId.
	ConditionStorageReady = "StorageReady"
	// ConditionPodReady: the bot's pod runs and reports to the operator.
	ConditionPodReady = "PodReady"
	// ConditionSessionExists: the claim holds a linked device.
	ConditionSessionExists = "SessionExists"
	// ConditionConnected: the bot is logged in at WhatsApp.
	ConditionConnected = "Connected"
	// ConditionQRRequired: only a person with the phone can bring the session back.
	ConditionQRRequired = "QRRequired"
	// ConditionSessionExpired: the session was logged out and has not been linked again.
	ConditionSessionExpired = "SessionExpired"
	// ConditionConflict: another client, bot or WhatsAppSession uses the same session.
	ConditionConflict = "Conflict"
	// ConditionEventsDelivered: every webhook gets its events.
	ConditionEventsDelivered = "EventsDelivered"
	// ConditionSending: nothing holds messages back, as far as the bot knows.
	ConditionSending = "Sending"
	// ConditionReconciling: the operator is working on what the spec asks for.
	ConditionReconciling = "Reconciling"
	// ConditionStalled: the operator cannot continue until someone edits the spec, or an object that it names.
	ConditionStalled = "Stalled"
)

// ConditionTypes lists every type of condition.
var ConditionTypes = []string{
	ConditionReady, ConditionStorageReady, ConditionPodReady, ConditionSessionExists, ConditionConnected, ConditionQRRequired,
	ConditionSessionExpired, ConditionConflict, ConditionEventsDelivered, ConditionSending, ConditionReconciling, ConditionStalled,
}

// Reasons of StorageReady.
const (
	ReasonClaimBound    = "ClaimBound"
	ReasonClaimPending  = "ClaimPending"
	ReasonClaimNotFound = "ClaimNotFound"
	ReasonClaimLost     = "ClaimLost"
	// ReasonClaimShared: an older WhatsAppSession has the same claim and clientId.
	ReasonClaimShared = "ClaimShared"
	// ReasonClaimTaken: a claim of the name that the operator would use exists and belongs to something else.
	ReasonClaimTaken = "ClaimTaken"
	// ReasonClaimTerminating: the claim is being deleted.
	ReasonClaimTerminating = "ClaimTerminating"
	// ReasonClaimRejected: the API server rejected the claim.
	ReasonClaimRejected = "ClaimRejected"
)

// Reasons of PodReady.
const (
	ReasonPodRunning      = "PodRunning"
	ReasonPodStarting     = "PodStarting"
	ReasonUnschedulable   = "Unschedulable"
	ReasonImagePullFailed = "ImagePullFailed"
	ReasonCrashLooping    = "CrashLooping"
	ReasonOOMKilled       = "OOMKilled"
	// ReasonVolumeMountFailed: the node cannot set up the pod's volumes or network.
	ReasonVolumeMountFailed = "VolumeMountFailed"
	// ReasonPodFailed: the pod ended and is about to be replaced.
	ReasonPodFailed = "PodFailed"
	// ReasonPodRejected: the API server rejected the pod (quota, Pod Security, an invalid template).
	ReasonPodRejected = "PodRejected"
	// ReasonPodNameTaken: a pod of the bot's name exists and belongs to something else.
	ReasonPodNameTaken = "PodNameTaken"
	// ReasonPodOrphaned: the session's pod has lost its owner reference, so the operator does not touch it.
	ReasonPodOrphaned = "PodOrphaned"
	// ReasonContainerConfigFailed: the node cannot create a container, often because a Secret is missing.
	ReasonContainerConfigFailed = "ContainerConfigFailed"
	// ReasonNameTaken: a Secret, Service or NetworkPolicy of the name that the operator would use exists and belongs
	// to something else.
	ReasonNameTaken = "NameTaken"
	// ReasonAwaitingTermination: the previous pod must be gone before the next one is created.
	ReasonAwaitingTermination = "AwaitingTermination"
	// ReasonAwaitingStorage: no pod is created before the session may use its claim.
	ReasonAwaitingStorage = "AwaitingStorage"
	// ReasonAwaitingPairing: a changed spec waits for the pairing in progress to end.
	ReasonAwaitingPairing = "AwaitingPairing"
	// ReasonAwaitingTurn: the operator changed and replaces only a few pods at once; the present bot runs on.
	ReasonAwaitingTurn    = "AwaitingTurn"
	ReasonNodeUnreachable = "NodeUnreachable"
	// ReasonBotUnreachable: the pod runs and the operator cannot reach its bot.
	ReasonBotUnreachable = "BotUnreachable"
	// ReasonOperatorOutdated: the bot reports a value that only a newer operator knows.
	ReasonOperatorOutdated = "OperatorOutdated"
)

// Reasons of the conditions that mirror the bot; otherwise they carry the bot's own reason.
const (
	// ReasonNotObserved: no bot has reported yet.
	ReasonNotObserved = "NotObserved"
	// ReasonLinked: the claim holds a linked device.
	ReasonLinked = "Linked"
	// ReasonNotLinked: the claim holds no linked device.
	ReasonNotLinked = "NotLinked"
	// ReasonNotNeeded: no code has to be scanned.
	ReasonNotNeeded = "NotNeeded"
	// ReasonNotExpired: the session has not expired.
	ReasonNotExpired = "NotExpired"
	// ReasonNoConflict: no other client uses the session.
	ReasonNoConflict = "NoConflict"
	// ReasonAccountShared: another WhatsAppSession is linked to the same account.
	ReasonAccountShared = "AccountShared"
)

// Reasons of EventsDelivered.
const (
	// ReasonDelivering: every webhook gets its events.
	ReasonDelivering = "Delivering"
	// ReasonNoWebhooks: the session has no webhooks.
	ReasonNoWebhooks = "NoWebhooks"
	// ReasonRetrying: a receiver does not answer or refuses events, which are tried again.
	ReasonRetrying = "Retrying"
	// ReasonBehind: a receiver takes events more slowly than they come.
	ReasonBehind = "Behind"
	// ReasonPaused: a person paused a webhook.
	ReasonPaused = "Paused"
	// ReasonEnded: a receiver answered 410 Gone.
	ReasonEnded = "Ended"
	// ReasonRefused: the bot cannot read its webhooks.
	ReasonRefused = "Refused"
	// ReasonSecretNotFound: a webhook's Secret is missing, or lacks the label that allows its use.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSecretInvalid: a webhook's Secret lacks a key, or its value cannot be used.
	ReasonSecretInvalid = "SecretInvalid"
)

// Reasons of Sending.
const (
	// ReasonNotHeld: nothing holds messages back.
	ReasonNotHeld = "NotHeld"
	// ReasonTimelocked: WhatsApp does not let the account write to new people for a while.
	ReasonTimelocked = "Timelocked"
	// ReasonCapped: the account used up WhatsApp's quota of new people.
	ReasonCapped = "Capped"
	// ReasonQuietHours: it is the time of day at which the bot sends nothing.
	ReasonQuietHours = "QuietHours"
	// ReasonHeld: the bot holds messages for a reason that only a newer operator knows.
	ReasonHeld = "Held"
)

// ReasonMessagesOff: spec.messages.enabled is false. EventsDelivered and Sending have it.
const ReasonMessagesOff = "MessagesOff"

// Reasons that several conditions share.
const (
	// ReasonUndone: something keeps changing one of the session's objects back.
	ReasonUndone = "Undone"
	// ReasonWriteFailed: the operator keeps failing to create or update an object.
	ReasonWriteFailed = "WriteFailed"
	// ReasonSuspended: spec.suspended is true.
	ReasonSuspended = "Suspended"
	// ReasonTerminating: the resource is being deleted.
	ReasonTerminating = "Terminating"
	// ReasonInvalidMessages: spec.messages has a value that only the operator can check, and that is wrong.
	ReasonInvalidMessages = "InvalidMessages"
	// ReasonInvalidTemplate: spec.template cannot be merged, or changes something that it must not.
	ReasonInvalidTemplate = "InvalidTemplate"
)

// FinalizerUnlink keeps a deleted WhatsAppSession with deletionPolicy Unlink until its bot has logged out.
const FinalizerUnlink = "sesi.dev/unlink"

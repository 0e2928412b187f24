package v1alpha1

import "sesi.dev/sesi/api/bot"

// States that the operator gives a session by itself; every other state is the bot's own (see package bot).
const (
	// StatePending: no bot runs yet; reason says what it waits for.
	StatePending bot.State = "Pending"
	// StateSuspended: the spec asks for no bot.
	StateSuspended bot.State = "Suspended"
	// StateTerminating: the resource is being deleted.
	StateTerminating bot.State = "Terminating"
	// StateUnknown: a bot should run but cannot be heard, or gives a state that this operator does not know.
	StateUnknown bot.State = "Unknown"
)

// Condition types. Those up to ConditionConflict are set from the first visit on; the last two follow kstatus
// and are absent when false.
const (
	// ConditionReady sums the others up: the bot can send and receive.
	ConditionReady = "Ready"
	// ConditionStorageReady: the claim is bound and this session's alone.
	ConditionStorageReady = "StorageReady"
	// ConditionPodReady: the bot's pod runs and the operator hears it.
	ConditionPodReady = "PodReady"
	// ConditionSessionExists: the claim holds a linked device.
	ConditionSessionExists = "SessionExists"
	// ConditionConnected: the bot is logged in at WhatsApp.
	ConditionConnected = "Connected"
	// ConditionQRRequired: only a person with the phone can bring the session back.
	ConditionQRRequired = "QRRequired"
	// ConditionSessionExpired: the session was logged out and not linked again since.
	ConditionSessionExpired = "SessionExpired"
	// ConditionConflict: another client, bot or WhatsAppSession wants the same session.
	ConditionConflict = "Conflict"
	// ConditionReconciling: the operator is on its way to what the spec asks for.
	ConditionReconciling = "Reconciling"
	// ConditionStalled: only an edit of the spec, or of what it names, gets the operator on.
	ConditionStalled = "Stalled"
)

// Reasons of StorageReady.
const (
	ReasonClaimBound    = "ClaimBound"
	ReasonClaimPending  = "ClaimPending"
	ReasonClaimNotFound = "ClaimNotFound"
	ReasonClaimLost     = "ClaimLost"
	// ReasonClaimShared: an older WhatsAppSession has the same claim and clientId.
	ReasonClaimShared = "ClaimShared"
	// ReasonClaimTaken: a claim of the name that the operator would give exists and was made by someone else.
	ReasonClaimTaken = "ClaimTaken"
	// ReasonClaimTerminating: the claim is being deleted.
	ReasonClaimTerminating = "ClaimTerminating"
	// ReasonClaimRejected: the API server refused the claim.
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
	// ReasonVolumeMountFailed: the node cannot mount the claim or the credentials.
	ReasonVolumeMountFailed = "VolumeMountFailed"
	// ReasonPodFailed: the pod ended and is about to be replaced.
	ReasonPodFailed = "PodFailed"
	// ReasonPodRejected: the API server refused the pod (quota, Pod Security, an invalid template).
	ReasonPodRejected = "PodRejected"
	// ReasonPodNameTaken: a pod of the bot's name exists and was made by someone else.
	ReasonPodNameTaken = "PodNameTaken"
	// ReasonNameTaken: a Secret, Service or NetworkPolicy of the name that the operator would give exists and was
	// made by someone else.
	ReasonNameTaken = "NameTaken"
	// ReasonAwaitingTermination: the pod before must be gone before the next is made.
	ReasonAwaitingTermination = "AwaitingTermination"
	// ReasonAwaitingStorage: no pod is made before the claim is this session's.
	ReasonAwaitingStorage = "AwaitingStorage"
	// ReasonAwaitingPairing: a changed spec waits for a pairing in progress to end.
	ReasonAwaitingPairing = "AwaitingPairing"
	ReasonNodeUnreachable = "NodeUnreachable"
	// ReasonBotUnreachable: the pod runs and its bot cannot be heard.
	ReasonBotUnreachable = "BotUnreachable"
	// ReasonOperatorOutdated: the bot is heard and says a word that only a newer operator knows.
	ReasonOperatorOutdated = "OperatorOutdated"
)

// Reasons of the conditions that mirror the bot; where they have none of these, they carry the bot's own.
const (
	// ReasonNotObserved: no bot has been heard yet.
	ReasonNotObserved = "NotObserved"
	// ReasonLinked: the claim holds a linked device.
	ReasonLinked = "Linked"
	// ReasonNotLinked: the claim holds none.
	ReasonNotLinked = "NotLinked"
	// ReasonNotNeeded: no code has to be scanned.
	ReasonNotNeeded = "NotNeeded"
	// ReasonNotExpired: the session was not logged out since it was linked.
	ReasonNotExpired = "NotExpired"
	// ReasonNoConflict: nobody else wants the session.
	ReasonNoConflict = "NoConflict"
	// ReasonAccountShared: another WhatsAppSession is linked to the same account.
	ReasonAccountShared = "AccountShared"
)

// Reasons that several conditions share.
const (
	// ReasonSuspended: the spec asks for no bot.
	ReasonSuspended = "Suspended"
	// ReasonTerminating: the resource is being deleted.
	ReasonTerminating = "Terminating"
	// ReasonProgressing: the operator is on its way.
	ReasonProgressing = "Progressing"
	// ReasonInvalidTemplate: spec.template cannot be merged, or changes what it may not.
	ReasonInvalidTemplate = "InvalidTemplate"
)

// FinalizerUnlink holds a deleted WhatsAppSession whose deletionPolicy is Unlink until its bot logged out.
const FinalizerUnlink = "sesi.dev/unlink"

package bot

// State is the state of a session.
type State string

// The states of a session, as a bot sees them.
const (
	StateConnecting   State = "Connecting"
	StatePairing      State = "Pairing"
	StateConnected    State = "Connected"
	StateReconnecting State = "Reconnecting"
	StateConflict     State = "Conflict"
	StateLoggedOut    State = "LoggedOut"
	StateRestricted   State = "Restricted"
	StateOutdated     State = "Outdated"
	StateFailed       State = "Failed"
	StateStopped      State = "Stopped"
)

// States lists every state, in the order of a session's life.
var States = []State{
	StateConnecting, StatePairing, StateConnected, StateReconnecting, StateConflict, StateLoggedOut,
	StateRestricted, StateOutdated, StateFailed, StateStopped,
}

// Reason says why a session is in its state.
type Reason string

// The reasons for a state.
const (
	// ReasonNotLinked: the database holds no device; the bot connects to get codes.
	ReasonNotLinked Reason = "NotLinked"
	// ReasonStarting: the database holds a device; the bot connects with it.
	ReasonStarting Reason = "Starting"
	// ReasonQRAvailable: there is a current code to scan.
	ReasonQRAvailable Reason = "QRAvailable"
	// ReasonQRTimeout: the codes were used up; the bot gets new ones.
	ReasonQRTimeout Reason = "QRTimeout"
	// ReasonQRIdle: no round of codes was scanned; the bot waits until someone opens the page or asks for a code.
	ReasonQRIdle Reason = "QRIdle"
	// ReasonPaired: a phone scanned the code; the bot logs in.
	ReasonPaired Reason = "Paired"
	// ReasonPairError: a scan failed; a new code follows.
	ReasonPairError Reason = "PairError"
	// ReasonMultideviceNotEnabled: the phone that scanned does not allow linked devices.
	ReasonMultideviceNotEnabled Reason = "MultideviceNotEnabled"
	// ReasonPasskeyRequired: a phone took the code, and WhatsApp asks for the account's passkey. There is no code
	// meanwhile.
	ReasonPasskeyRequired Reason = "PasskeyRequired"
	// ReasonPasskeyConfirmation: WhatsApp took the passkey, and the phone finishes the linking. With the action
	// SignPasskey a person must first compare two codes.
	ReasonPasskeyConfirmation Reason = "PasskeyConfirmation"
	// ReasonPasskeyFailed: the linking with the passkey ended; a new code follows, or is there.
	ReasonPasskeyFailed Reason = "PasskeyFailed"
	// ReasonLoggedIn: the session is connected.
	ReasonLoggedIn Reason = "LoggedIn"
	// ReasonKeepAliveTimeout: the socket stopped answering.
	ReasonKeepAliveTimeout Reason = "KeepAliveTimeout"
	// ReasonConnectionLost: the socket closed, or could not be opened.
	ReasonConnectionLost Reason = "ConnectionLost"
	// ReasonStreamReplaced: another client took this session over.
	ReasonStreamReplaced Reason = "StreamReplaced"
	// ReasonLoggedOut: the device was removed on the phone.
	ReasonLoggedOut Reason = "LoggedOut"
	// ReasonPrimaryDeviceGone: the phone's account is gone or locked.
	ReasonPrimaryDeviceGone Reason = "PrimaryDeviceGone"
	// ReasonAccountBanned: WhatsApp rejected the account itself.
	ReasonAccountBanned Reason = "AccountBanned"
	// ReasonTemporaryBan: WhatsApp banned the account for a while; the session is kept.
	ReasonTemporaryBan Reason = "TemporaryBan"
	// ReasonClientOutdated: WhatsApp rejected the bot's Web version.
	ReasonClientOutdated Reason = "ClientOutdated"
	// ReasonConnectFailure: WhatsApp refused the login for another reason.
	ReasonConnectFailure Reason = "ConnectFailure"
	// ReasonStoreUnwritable: the session's disk refuses writes, so the bot left WhatsApp until it can write again.
	ReasonStoreUnwritable Reason = "StoreUnwritable"
	// ReasonClearedByUser: someone cleared or logged out the session through the API.
	ReasonClearedByUser Reason = "ClearedByUser"
	// ReasonStoppedByUser: someone stopped the session through the API; its keys are kept, and it connects again
	// only when someone restarts it.
	ReasonStoppedByUser Reason = "StoppedByUser"
)

// UserAction is what a person should do about a session.
type UserAction string

// The actions a person may have to take.
const (
	ActionNone            UserAction = "None"
	ActionScanQR          UserAction = "ScanQR"
	ActionResolveConflict UserAction = "ResolveConflict"
	ActionWaitUntil       UserAction = "WaitUntil"
	ActionUpgradeClient   UserAction = "UpgradeClient"
	ActionOpenPhone       UserAction = "OpenPhone"
	// ActionCheckNetwork: WhatsApp cannot be reached, and the message says why.
	ActionCheckNetwork UserAction = "CheckNetwork"
	// ActionFixStorage: the disk refuses writes, and the message says why.
	ActionFixStorage UserAction = "FixStorage"
	// ActionSignPasskey: a person must sign with the account's passkey, or compare the codes that follow it.
	ActionSignPasskey UserAction = "SignPasskey"
)

// UserActions lists every action.
var UserActions = []UserAction{
	ActionNone, ActionScanQR, ActionResolveConflict, ActionWaitUntil, ActionUpgradeClient, ActionOpenPhone,
	ActionCheckNetwork, ActionFixStorage, ActionSignPasskey,
}

// Notice is a warning that stays after the state that it came with.
type Notice string

// The notices a bot can give.
const (
	NoticeNone Notice = ""
	// NoticeStoreRestored: the database was damaged and the newest good backup replaced it; messages that came
	// after that backup may not decrypt.
	NoticeStoreRestored Notice = "StoreRestored"
	// NoticeStoreDamaged: the database was damaged and no backup could be restored; it was set aside.
	NoticeStoreDamaged Notice = "StoreDamaged"
	// NoticeRelinkNeeded: the directory holds a whatsapp-web.js profile, which cannot be converted.
	NoticeRelinkNeeded Notice = "RelinkNeeded"
	// NoticeBackupFailing: the last backup failed.
	NoticeBackupFailing Notice = "BackupFailing"
)

// Notices lists every notice.
var Notices = []Notice{NoticeStoreRestored, NoticeStoreDamaged, NoticeRelinkNeeded, NoticeBackupFailing}

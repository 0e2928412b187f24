package session

import (
	"time"

	wastore "go.mau.fi/whatsmeow/store"

	"sesi.dev/sesi/api/bot"
)

// action is something that the supervisor must do.
type action interface{ isAction() }

type (
	// actDial opens a connection with the current client; inDialled follows.
	actDial struct{ version wastore.WAVersionContainer }
	// actHangup closes the current client's socket, if it has one; nothing follows.
	actHangup struct{}
	// actRenew drops the current client and makes one with a new device that is not linked.
	actRenew struct{}
	// actReplace drops the current client and makes one for the same device: a client keeps what it has received and not
	// handled, and would handle it before what WhatsApp delivers again, out of order.
	actReplace struct{}
	// actForget removes the device from the database; inForgotten follows.
	actForget struct{}
	// actFetchVersion asks WhatsApp for the current web version; inVersion follows.
	actFetchVersion struct{}
	// actAskPairingCode asks WhatsApp for a code to type into the phone; inPairingCode follows.
	actAskPairingCode struct{ phone string }
	// actUnlink backs the store up, unlinks at WhatsApp when online, and clears the store; inUnlinked follows.
	actUnlink struct{ online, force bool }
	// actAnswerUnlink answers everyone who asked for an unlink.
	actAnswerUnlink struct{ err error }
	// actCheckSocket asks the client whether its socket is still open, and logged in where that is required; inLost
	// follows when it is not.
	actCheckSocket struct{ login bool }
	// actBackup backs the store up if it changed; inBackedUp follows.
	actBackup struct{}
	// actProbe asks whether the store takes writes; inProbed follows.
	actProbe struct{}
	// actStoreFailed and actStoreWorks log the beginning and the end of a store's failure.
	actStoreFailed struct{ err error }
	actStoreWorks  struct{}
	// actWarn logs that WhatsApp still cannot be reached.
	actWarn struct{ words string }
	// actRemember writes the facts.
	actRemember struct{}
	// actSettle makes the database safe against a power failure: only a person can repeat a pairing.
	actSettle struct{}
	// actTimer arms a timer, and replaces one of that name.
	actTimer struct {
		name  timer
		after time.Duration
	}
	// actDisarm disarms a timer.
	actDisarm struct{ name timer }
	// actLog logs an event under one of the names that users of WhatsApp bots know.
	actLog struct {
		event  event
		detail string
	}
)

// The actions that count something for the metrics.
type (
	actCountReconnect    struct{ reason bot.Reason }
	actCountCode         struct{}
	actCountPairing      struct{}
	actCountLogout       struct{ reason bot.Reason }
	actCountTakeover     struct{}
	actCountBackup       struct{ at time.Time }
	actCountBackupFailed struct{ err error }
	actCountVersion      struct{ at time.Time }
)

func (actDial) isAction()              {}
func (actHangup) isAction()            {}
func (actRenew) isAction()             {}
func (actReplace) isAction()           {}
func (actForget) isAction()            {}
func (actFetchVersion) isAction()      {}
func (actAskPairingCode) isAction()    {}
func (actUnlink) isAction()            {}
func (actAnswerUnlink) isAction()      {}
func (actCheckSocket) isAction()       {}
func (actBackup) isAction()            {}
func (actProbe) isAction()             {}
func (actStoreFailed) isAction()       {}
func (actStoreWorks) isAction()        {}
func (actWarn) isAction()              {}
func (actRemember) isAction()          {}
func (actSettle) isAction()            {}
func (actTimer) isAction()             {}
func (actDisarm) isAction()            {}
func (actLog) isAction()               {}
func (actCountReconnect) isAction()    {}
func (actCountCode) isAction()         {}
func (actCountPairing) isAction()      {}
func (actCountLogout) isAction()       {}
func (actCountTakeover) isAction()     {}
func (actCountBackup) isAction()       {}
func (actCountBackupFailed) isAction() {}
func (actCountVersion) isAction()      {}

// event is the name of a log line, as users of WhatsApp bots know it.
type event string

const (
	eventQR            event = "qr"
	eventAuthenticated event = "authenticated"
	eventReady         event = "ready"
	eventAuthFailure   event = "auth_failure"
	eventDisconnected  event = "disconnected"
	eventPasskey       event = "passkey"
)

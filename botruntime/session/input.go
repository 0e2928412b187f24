package session

import (
	"time"

	wastore "go.mau.fi/whatsmeow/store"

	"sesi.dev/sesi/api/bot"
)

// input is something that happened. Inputs that speak of a link are dropped by the supervisor when that link
// is not the present one, so step never sees an event of an older client.
type input interface{}

type (
	// inNothing asks whether the loop turns.
	inNothing struct{}
	// inStart is the first input: the store is open.
	inStart struct{}
	// inDialled ends an actDial.
	inDialled struct{ err error }
	// inCodes brings a round of QR codes.
	inCodes struct{ codes []string }
	// inPaired: the phone scanned, and the device is in the store.
	inPaired struct{ account account }
	// inPairFailed: the phone scanned, and the pairing could not be completed.
	inPairFailed struct{ err error }
	// inNoMultidevice: the phone that scanned allows no linked devices.
	inNoMultidevice struct{}
	// inStreamRestart: WhatsApp closes the stream on purpose (515), as after each pairing.
	inStreamRestart struct{}
	// inConnected: logged in.
	inConnected struct{ account account }
	// inPushName: the account's shown name changed.
	inPushName struct{ name string }
	// inSilent: a keep-alive went unanswered, the misses-th in a row.
	inSilent struct {
		misses      int
		lastSuccess time.Time
	}
	// inHeard: keep-alives are answered again.
	inHeard struct{}
	// inLost: the socket closed, or the stream broke, with no reason that means more.
	inLost struct{ detail string }
	// inReplaced: another client logged in with the same keys.
	inReplaced struct{}
	// inLoggedOut: WhatsApp ended the link; whatsmeow deletes the device by itself.
	inLoggedOut struct{ reason bot.Reason }
	// inBanned: a temporary ban; wait is zero when WhatsApp named no end.
	inBanned struct {
		wait   time.Duration
		detail string
	}
	// inOutdated: WhatsApp rejected the web version.
	inOutdated struct{}
	// inRefused: WhatsApp refused the login with another code.
	inRefused struct{ detail string }
	// inVersion ends an actFetchVersion; changed means that there is another version to try than the last, fetched
	// or known otherwise.
	inVersion struct {
		version wastore.WAVersionContainer
		changed bool
		err     error
	}
	// inPairingCode ends an actAskPairingCode.
	inPairingCode struct {
		phone, code string
		err         error
	}
	// inUnlinked ends an actUnlink. atWhatsApp tells whether the phone's list of devices was told too.
	inUnlinked struct {
		atWhatsApp bool
		err        error
	}
	// inTimer: a timer that an actTimer armed went off.
	inTimer struct{ name timer }

	// inLooked: someone asked for the code, or has a page open on it.
	inLooked struct{}
	// inRestart: someone asked to connect now, whatever the bot was waiting for.
	inRestart struct{}
	// inStop: someone asked to disconnect and stay so.
	inStop struct{}
	// inUnlink: someone asked to clear or log out the session.
	inUnlink struct{}
	// inPairPhone: someone asked for a pairing code.
	inPairPhone struct{ phone string }
)

// action is something the supervisor must do.
type action interface{}

type (
	// actDial opens a connection with the present client; inDialled follows.
	actDial struct{}
	// actHangup closes the present client's socket, if any; nothing follows.
	actHangup struct{}
	// actForget removes a device that WhatsApp ended from the store, should whatsmeow have failed to.
	actForget struct{}
	// actRenew drops the present client and makes one with a new, unlinked device.
	actRenew struct{}
	// actFetchVersion asks WhatsApp for the current web version; inVersion follows.
	actFetchVersion struct{}
	// actAskPairingCode asks WhatsApp for a code to type into the phone; inPairingCode follows.
	actAskPairingCode struct{ phone string }
	// actUnlink snapshots the store, unlinks at WhatsApp when online and clears the store; inUnlinked follows.
	actUnlink struct{ online bool }
	// actCheckLink asks the client whether its socket is still open, and logged in where that is wanted; inLost
	// follows when it is not.
	actCheckLink struct{ login bool }
	// actBackup snapshots the store if it changed.
	actBackup struct{}
	// actRemember writes the facts.
	actRemember struct{}
	// actSettle makes the store safe against a power failure: a pairing cannot be made again without a person.
	actSettle struct{}
	// actTimer arms a timer, replacing one of that name.
	actTimer struct {
		name  timer
		after time.Duration
	}
	// actStop disarms a timer.
	actStop struct{ name timer }
	// actSay logs an event under one of the names that WhatsApp bots use.
	actSay struct {
		event  event
		detail string
	}
	// actCount counts something for the metrics.
	actCount struct {
		what   count
		reason bot.Reason
	}
)

// timer names a timer; there is one of each.
type timer string

const (
	timerRetry   timer = "retry"   // connect again
	timerCode    timer = "code"    // the live code ends
	timerLogin   timer = "login"   // an open socket must have led to codes or a login
	timerBackup  timer = "backup"  // snapshot the store
	timerVersion timer = "version" // refresh the cached web version
	timerPulse   timer = "pulse"   // look whether the link is still up
)

// event is the name of a log line, as users of WhatsApp bots know it.
type event string

const (
	eventQR            event = "qr"
	eventAuthenticated event = "authenticated"
	eventReady         event = "ready"
	eventAuthFailure   event = "auth_failure"
	eventDisconnected  event = "disconnected"
)

// count names a counter.
type count string

const (
	countReconnect count = "reconnect"
	countCode      count = "code"
	countPairing   count = "pairing"
	countLogout    count = "logout"
	countTakeover  count = "takeover"
)

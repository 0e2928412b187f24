package session

import (
	"time"

	wastore "go.mau.fi/whatsmeow/store"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/store"
)

// input is something that happened. The supervisor drops inputs about a client that is not the current one, so step
// never sees an event of an earlier client.
type input interface{ isInput() }

type (
	// inStart is the first input: the store is open.
	inStart struct{}
	// inDialled ends an actDial.
	inDialled struct{ err error }
	// inCodes brings a round of QR codes.
	inCodes struct{ codes []string }
	// inAccepted: the phone took the code, and whatsmeow writes the device; inPaired or inPairFailed follows. WhatsApp may
	// end the stream before it does.
	inAccepted struct{}
	// inPaired: the phone scanned, and the device is in the database.
	inPaired struct{ account account }
	// inPasskeyAsked: a phone took the code, and WhatsApp asks for the account's passkey.
	inPasskeyAsked struct {
		options string // WebAuthn's request options in JSON; never to be logged
		life    time.Duration
	}
	// inPasskeyRefused: WhatsApp refused a signature, and the challenge stays open.
	inPasskeyRefused struct{ detail string }
	// inPasskeyTaken: WhatsApp took the signature.
	inPasskeyTaken struct{}
	// inPasskeyCode brings the code that the phone shows too; where compare, a person must say that they are equal.
	inPasskeyCode struct {
		code    string
		compare bool
	}
	// inPasskeyConfirmed: a person said that the codes are equal.
	inPasskeyConfirmed struct{}
	// inPasskeyFailed: the linking with the passkey cannot go on.
	inPasskeyFailed struct{ detail string }
	// inPairFailed: the phone scanned, and the pairing failed.
	inPairFailed struct{ err error }
	// inNoMultidevice: the phone that scanned does not allow linked devices.
	inNoMultidevice struct{}
	// inStreamRestart: WhatsApp closes the stream on purpose (515), as after each pairing.
	inStreamRestart struct{}
	// inConnected: logged in.
	inConnected struct{ account account }
	// inPushName: the account's display name changed.
	inPushName struct{ name string }
	// inSilent: misses keep-alives in a row got no answer.
	inSilent struct {
		misses      int
		lastSuccess time.Time
	}
	// inAnswered: keep-alives are answered again.
	inAnswered struct{}
	// inLost: the socket closed or the stream broke, without a more specific reason.
	inLost struct{ detail string }
	// inNotKept: the sink refused an event.
	inNotKept struct{}
	// inReplaced: another client logged in with the same keys.
	inReplaced struct{}
	// inLoggedOut: WhatsApp removed the device. whatsmeow deletes its row after this event.
	inLoggedOut struct{ reason bot.Reason }
	// inBanned: a temporary ban; wait is zero when WhatsApp gave no end.
	inBanned struct {
		wait   time.Duration
		detail string
	}
	// inOutdated: WhatsApp rejected the web version.
	inOutdated struct{}
	// inRefused: WhatsApp refused the login with another code.
	inRefused struct{ detail string }
	// inVersion ends an actFetchVersion. When err is set, version is the best one that is known otherwise.
	inVersion struct {
		version wastore.WAVersionContainer
		at      time.Time // how old the version is; zero for the built-in one
		err     error
	}
	// inPairingCode ends an actAskPairingCode.
	inPairingCode struct {
		phone, code string
		err         error
	}
	// inBackedUp ends an actBackup, and the backup of an actUnlink.
	inBackedUp struct {
		at    time.Time // when the backup was made; zero when there was no device to back up
		extra bool      // not the periodic one
		err   error
	}
	// inUnlinked ends an actUnlink. atWhatsApp reports whether WhatsApp removed the device too.
	inUnlinked struct {
		atWhatsApp bool
		err        error
	}
	// inForgotten ends an actForget.
	inForgotten struct{ err error }
	// inUnwritable: the store refused a write, or its directory was removed.
	inUnwritable struct{ err error }
	// inProbed ends an actProbe.
	inProbed struct{ err error }
	// inFiles brings the sizes and times of the session's files.
	inFiles struct{ files store.Files }
	// inTimer: a timer that an actTimer armed went off.
	inTimer struct{ name timer }

	// inLooked: someone asked for the code, or has a page with it open.
	inLooked struct{}
	// inRestart: someone asked to connect now, whatever the bot waits for.
	inRestart struct{}
	// inResume: someone asked to connect, without ending a wait that protects the account.
	inResume struct{}
	// inStop: someone asked to disconnect and to stay disconnected.
	inStop struct{}
	// inUnlink: someone asked to clear or log out the session; force does so without a backup too.
	inUnlink struct{ force bool }
	// inPairPhone: someone asked for a pairing code.
	inPairPhone struct{ phone string }
)

func (inStart) isInput()            {}
func (inDialled) isInput()          {}
func (inCodes) isInput()            {}
func (inAccepted) isInput()         {}
func (inPaired) isInput()           {}
func (inPairFailed) isInput()       {}
func (inNoMultidevice) isInput()    {}
func (inPasskeyAsked) isInput()     {}
func (inPasskeyRefused) isInput()   {}
func (inPasskeyTaken) isInput()     {}
func (inPasskeyCode) isInput()      {}
func (inPasskeyConfirmed) isInput() {}
func (inPasskeyFailed) isInput()    {}
func (inStreamRestart) isInput()    {}
func (inConnected) isInput()        {}
func (inPushName) isInput()         {}
func (inSilent) isInput()           {}
func (inAnswered) isInput()         {}
func (inLost) isInput()             {}
func (inNotKept) isInput()          {}
func (inReplaced) isInput()         {}
func (inLoggedOut) isInput()        {}
func (inBanned) isInput()           {}
func (inOutdated) isInput()         {}
func (inRefused) isInput()          {}
func (inVersion) isInput()          {}
func (inPairingCode) isInput()      {}
func (inBackedUp) isInput()         {}
func (inUnlinked) isInput()         {}
func (inForgotten) isInput()        {}
func (inUnwritable) isInput()       {}
func (inProbed) isInput()           {}
func (inFiles) isInput()            {}
func (inTimer) isInput()            {}
func (inLooked) isInput()           {}
func (inRestart) isInput()          {}
func (inResume) isInput()           {}
func (inStop) isInput()             {}
func (inUnlink) isInput()           {}
func (inPairPhone) isInput()        {}

// timer names a timer; there is one of each.
type timer string

const (
	timerRetry   timer = "retry"   // connect again
	timerCode    timer = "code"    // the current code ends
	timerLogin   timer = "login"   // an open socket must have led to codes or a login
	timerBackup  timer = "backup"  // back the store up
	timerVersion timer = "version" // refresh the cached web version
	timerPulse   timer = "pulse"   // check whether the socket is still up
	timerPasskey timer = "passkey" // the current step of a linking with a passkey must have ended
)

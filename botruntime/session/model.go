package session

import (
	"time"

	wastore "go.mau.fi/whatsmeow/store"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/store"
)

// policy is what the configuration decides; it never changes while the bot runs.
type policy struct {
	takeover        bool          // reclaim a replaced stream
	takeoverTimeout time.Duration // wait before reclaiming
	qrRounds        int           // rounds of codes before the bot goes idle
	backupInterval  time.Duration // between backups of the store; 0 = only before a clear
	phoneNumber     string        // ask for a pairing code for this number while not linked

	firstCode, nextCode time.Duration // how long the codes of a round can be scanned
	login               time.Duration // from an open socket to codes or a login
	pace                pace
	pulse               time.Duration // between checks of a socket that is up
}

// pace is how a bot spreads its reconnects.
type pace struct {
	// first is the longest wait before the first try after a connection that lasted.
	first time.Duration
	// least and spread are the shortest wait before every later try, and how much longer it may be.
	least, spread time.Duration
}

// account is who the session is linked to.
type account struct {
	jid, lid, pushName string
}

// ended says how the last device of the session ended. The zero value means that no device has expired.
type ended struct {
	// reason is why; ReasonPrimaryDeviceGone and ReasonAccountBanned forbid codes that nobody asked for.
	reason bot.Reason
	// jid is the device that ended: a database that still holds it is not to be trusted.
	jid string
}

func (e ended) yes() bool { return e.reason != "" }

// endedOf reads what an earlier process remembered.
func endedOf(f facts) ended {
	switch {
	case !f.Expired, f.ExpiredReason == bot.ReasonClearedByUser: // a crash during a clear: a person wanted that end
		return ended{}
	case f.ExpiredReason == "":
		return ended{bot.ReasonLoggedOut, f.ExpiredJID}
	}
	return ended{f.ExpiredReason, f.ExpiredJID}
}

// backups is what is known of the store's backups.
type backups struct {
	at      time.Time // of the newest one
	failing bool      // the last try failed
	running bool      // a periodic one is under way
	planned bool      // the timer runs
}

// versions are the web versions that the bot knows.
type versions struct {
	builtIn   wastore.WAVersionContainer
	next      wastore.WAVersionContainer // the next connection presents it
	presented wastore.WAVersionContainer // the last connection presented it
}

// shown is the version that a snapshot names.
func (v versions) shown() string {
	if v.presented.IsZero() {
		return v.next.String()
	}
	return v.presented.String()
}

// model is everything the state machine knows. It is a value: step takes one and returns the next, and writes
// nothing in place, so that a test can keep any moment.
type model struct {
	policy policy
	self   bot.Identity

	state  bot.State
	reason bot.Reason
	detail string // what happened, in words; never a secret

	linked        bool // the database holds a device
	authenticated bool // WhatsApp accepted it since, and has not rejected it
	account       account
	ended         ended

	linkedAt, connectedAt time.Time
	restrictedUntil       time.Time
	retryAt               time.Time

	socket    socketState
	silent    bool        // the socket's last keep-alive got no answer
	attempt   int         // failed connections since the last good one
	failures  int         // unexplained login refusals and failed version fetches since the last good login
	round     int         // rounds of codes shown since someone looked
	takeovers []time.Time // reclaims in the takeover window, oldest first
	versionAt time.Time   // when a 405 last made the bot fetch the web version
	dialAt    time.Time   // when the current dial began
	early     bool        // a login was reported before the dial's end: it may belong to the connection before
	stopped   bool        // by a person; nothing dials until a person restarts
	removing  bool        // the session is being removed; the client's events mean nothing until that ends
	codeAsked bool        // someone asked for a code during the removal

	codes          []string // the codes of this round that are not used up; the first is the current one
	codeExpires    time.Time
	pairingCode    string
	pairingWanted  string // the phone number that a pairing code is wanted for
	pairingAsked   string // the number that WhatsApp is being asked for
	pairingRefused bool   // WhatsApp gave no pairing code for it

	passkey passkeyGate
	// pairing: a phone took the code, and whatsmeow is writing the device. streamOver: WhatsApp ended the stream meanwhile.
	pairing, streamOver bool

	outage  outage
	storage storeFault
	notice  bot.Notice
	backup  backups
	version versions
	files   store.Files
}

// socketState is the state of the current client's socket.
type socketState int

const (
	socketDown       socketState = iota // none, and none is wanted
	socketConnecting                    // a connection is being made
	socketOpen                          // connected; login or codes are awaited
	socketUp                            // logged in
)

// facts is the part of a model that outlives the process.
type facts = store.Facts

// remember writes into f the parts of m that must be remembered.
func (m model) remember(f *facts) {
	f.Expired, f.ExpiredReason, f.ExpiredJID = m.ended.yes(), m.ended.reason, m.ended.jid
	if m.removing && m.linked {
		// A person unlinks the device: a start after a crash in the middle must not take its end for damage.
		f.Expired, f.ExpiredReason, f.ExpiredJID = true, bot.ReasonClearedByUser, m.account.jid
	}
	f.LinkedAt, f.ConnectedAt, f.RestrictedUntil = m.linkedAt, m.connectedAt, m.restrictedUntil
	f.Takeovers, f.OutdatedAt, f.Stopped = m.takeovers, m.versionAt, m.stopped
	f.Notice = m.notice
	f.Passkey = m.passkey.step != passkeyNone
	// A takeover under way counts already: a crash in the middle of it must not cost the next one, or a person.
	f.Yielded = m.state == bot.StateConflict && m.socket == socketDown
}

// The policy's times outside of tests. WhatsApp Web shows the first code of a round for 60 s and the others for 20 s.
const (
	firstCodeLife = 60 * time.Second
	nextCodeLife  = 20 * time.Second
	loginDeadline = 30 * time.Second
	pulseInterval = 15 * time.Second
)

// calm is the pace outside of tests. After an outage of any length 200 bots come back within 17 s and a dial, at about
// 20 logins a second; least keeps one account below 10 dials a minute. A bot cannot know whether it lost its
// connection alone, so its first try is spread as wide as the others.
var calm = pace{first: 10 * time.Second, least: 6700 * time.Millisecond, spread: 10 * time.Second}

// Limits of the machine.
const (
	earlyDeadline   = 5 * time.Second  // for a login that was perhaps reported already
	rebootDeadline  = 15 * time.Second // from a pairing to the stream's restart
	rebootPulse     = time.Second      // between checks of a socket that was just paired
	roundPause      = time.Second      // between two rounds of codes, at most
	lateReason      = 250 * time.Millisecond
	stableAfter     = time.Minute      // a login that lasted this long was a good one
	silenceLimit    = 90 * time.Second // without an answer to a keep-alive
	silenceMisses   = 2                // missed keep-alives after which the session counts as not connected
	takeoverWindow  = 10 * time.Minute
	takeoverBudget  = 3
	banUnknown      = time.Hour // a ban without an end
	banGrace        = time.Minute
	banLook         = 15 * time.Minute // between looks at the clock during a ban
	outdatedWait    = time.Hour
	versionLife     = 24 * time.Hour
	firstBackupWait = time.Minute
	pairErrorWait   = 5 * time.Second
	typingTime      = time.Minute // to type a pairing code into the phone
)

// failureWaits are the waits after failures that time may cure; the last one repeats.
var failureWaits = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}

// newModel returns the model of a session whose store was just opened. A stop outlives the process: a cluster that
// moves a pod does not undo what a person asked for.
func newModel(p policy, linked bool, who account, f facts, now time.Time) model {
	m := openModel(p, linked, who, f, now)
	if m.stopped {
		m.state, m.reason = bot.StateStopped, bot.ReasonStoppedByUser
	}
	return m
}

func openModel(p policy, linked bool, who account, f facts, now time.Time) model {
	m := model{
		policy: p, state: bot.StateConnecting, reason: bot.ReasonNotLinked, linked: linked, ended: endedOf(f),
		restrictedUntil: f.RestrictedUntil, versionAt: f.OutdatedAt, connectedAt: f.ConnectedAt,
		takeovers: within(f.Takeovers, takeoverWindow, now), pairingWanted: p.phoneNumber, stopped: f.Stopped,
		notice: f.Notice,
	}
	if !linked {
		if f.Passkey {
			m.passkey.failure = passkeyRestarted
		}
		return m
	}
	m.account, m.linkedAt, m.reason = who, f.LinkedAt, bot.ReasonStarting
	// A crash right after a pairing leaves a row and old facts: another device is not the one that ended. The same
	// device may be a row that a crash kept whatsmeow from deleting; WhatsApp decides at the login.
	if m.ended.jid != who.jid {
		m.ended = ended{}
	}
	if f.Yielded {
		m.state, m.reason = bot.StateConflict, bot.ReasonStreamReplaced
	}
	return m
}

// within returns the times of all that are less than window before now.
func within(all []time.Time, window time.Duration, now time.Time) []time.Time {
	var kept []time.Time
	for _, t := range all {
		if age := now.Sub(t); age >= 0 && age < window {
			kept = append(kept, t)
		}
	}
	return kept
}

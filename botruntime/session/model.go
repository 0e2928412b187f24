package session

import (
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/store"
)

// policy is what the configuration decides; it never changes while the bot runs.
type policy struct {
	takeover        bool          // reclaim a replaced stream
	takeoverTimeout time.Duration // wait before reclaiming
	qrRounds        int           // rounds of codes before the bot goes idle
	backupInterval  time.Duration // between snapshots of the store; 0 = none but before a clear
	phoneNumber     string        // ask for a pairing code for this number while unlinked

	firstCode, nextCode time.Duration // how long the codes of a round live
	login               time.Duration // from an open socket to codes or a login
	pulse               time.Duration // between looks at a link that is up
}

// account is who the session is linked to.
type account struct {
	jid, lid, pushName string
}

// model is everything the state machine knows. It is a value: step takes one and returns the next, and no
// part of it is written in place, so that a test can hold on to any moment.
type model struct {
	policy policy

	state  bot.State
	reason bot.Reason
	detail string // what happened, in words; never a secret

	linked        bool // the store holds a device
	authenticated bool // WhatsApp accepted it since, and has not rejected it
	account       account
	expired       bool
	expiredReason bot.Reason // why it expired, ReasonPrimaryDeviceGone and ReasonAccountBanned forbid QR by itself
	expiredJID    string     // which device expired: a store that still holds it is not to be believed

	linkedAt, connectedAt time.Time
	restrictedUntil       time.Time
	retryAt               time.Time

	link      linkState
	mute      bool        // the socket's last keep-alive went unanswered
	attempt   int         // failed connections since the last good one
	failures  int         // login refusals of unknown kind, and versions not fetched, since the last good one
	round     int         // rounds of codes shown since someone looked
	takeovers []time.Time // reclaims in the takeover window, oldest first
	versionAt time.Time   // when a 405 last made the bot fetch the web version
	early     bool        // a login was reported before the dial's end: it may be the last connection's
	stopped   bool        // by a person; nothing dials until a person restarts
	backups   bool        // the store is snapshotted from time to time, whatever becomes of the link
	busy      bool        // an unlink is under way; the link's own events mean nothing until it ends

	codes          []string // the codes of this round that are not used up; the first is live
	codeExpires    time.Time
	pairingCode    string
	pairingWanted  string // the phone number a pairing code was asked for
	pairingRefused bool   // WhatsApp gave no pairing code for it
}

// linkState is what the bot's end of the socket is doing.
type linkState int

const (
	linkDown    linkState = iota // no socket, none wanted
	linkDialing                  // a connection is being made
	linkOpen                     // the socket is open, login or codes are awaited
	linkUp                       // logged in
)

// facts is the part of a model that outlives the process.
type facts = store.Facts

// remember writes into f what must be remembered of m.
func (m model) remember(f *facts) {
	f.Expired, f.ExpiredReason, f.ExpiredJID = m.expired, m.expiredReason, m.expiredJID
	f.LinkedAt, f.ConnectedAt, f.RestrictedUntil = m.linkedAt, m.connectedAt, m.restrictedUntil
	f.Takeovers, f.OutdatedAt, f.Stopped = m.takeovers, m.versionAt, m.stopped
	// A takeover under way counts already: a crash in the middle of it must not cost the next one, or a person.
	f.Yielded = m.state == bot.StateConflict && m.link == linkDown
}

// What a policy says unless a test is in a hurry. WhatsApp Web shows the first code of a round for 60 s and
// the others for 20 s.
const (
	firstCodeLife = 60 * time.Second
	nextCodeLife  = 20 * time.Second
	loginDeadline = 30 * time.Second
	pulseInterval = 15 * time.Second
)

// Bounds of the machine.
const (
	earlyDeadline   = 5 * time.Second  // for a login that was perhaps reported already
	rebootDeadline  = 15 * time.Second // from a pairing to the stream's restart
	rebootPulse     = time.Second      // between looks at a link that was just paired
	lateReason      = 250 * time.Millisecond
	backoffFirst    = time.Second
	backoffLast     = 5 * time.Minute
	stableAfter     = time.Minute      // a login that lasted so long was a good one
	silenceLimit    = 90 * time.Second // without a keep-alive answer
	silenceMisses   = 2                // keep-alives missed before the session is called unconnected
	takeoverWindow  = 10 * time.Minute
	takeoverBudget  = 3
	banUnknown      = time.Hour // a ban that names no end
	banGrace        = time.Minute
	banLook         = 15 * time.Minute // between looks at the clock while a ban lasts
	outdatedWait    = time.Hour
	versionLife     = 24 * time.Hour
	firstBackupWait = time.Minute
	pairErrorWait   = 5 * time.Second
	typingTime      = time.Minute // for a pairing code to be typed into the phone
)

// failureWaits are the waits after failures that time may cure; the last repeats.
var failureWaits = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}

// newModel returns the model of a session whose store was just opened. A stop holds over a restart of the
// process: the cluster's business with a pod does not undo what a person asked for.
func newModel(p policy, linked bool, who account, f facts, now time.Time) model {
	m := openModel(p, linked, who, f, now)
	if m.stopped {
		m.state, m.reason = bot.StateStopped, bot.ReasonStoppedByUser
	}
	return m
}

func openModel(p policy, linked bool, who account, f facts, now time.Time) model {
	m := model{
		policy: p, state: bot.StateConnecting, reason: bot.ReasonNotLinked,
		linked: linked, expired: f.Expired, expiredReason: f.ExpiredReason, expiredJID: f.ExpiredJID,
		restrictedUntil: f.RestrictedUntil, versionAt: f.OutdatedAt, connectedAt: f.ConnectedAt,
		takeovers: within(f.Takeovers, takeoverWindow, now), pairingWanted: p.phoneNumber, stopped: f.Stopped,
	}
	// A crash in the middle of a clear leaves its mark: the end was wanted, so nothing expired.
	if m.expiredReason == bot.ReasonClearedByUser {
		m.expired, m.expiredReason, m.expiredJID = false, "", ""
	}
	if !linked {
		return m
	}
	m.account, m.linkedAt, m.reason = who, f.LinkedAt, bot.ReasonStarting
	// A pairing that ended just before a crash left its row and old facts: another device is not the expired
	// one. The same device may be a row that a crash kept whatsmeow from deleting; WhatsApp will say.
	if m.expired && f.ExpiredJID != who.jid {
		m.expired, m.expiredReason, m.expiredJID = false, "", ""
	}
	if f.Yielded {
		m.state, m.reason = bot.StateConflict, bot.ReasonStreamReplaced
	}
	return m
}

// within returns the moments of all that lie less than window before now.
func within(all []time.Time, window time.Duration, now time.Time) []time.Time {
	var kept []time.Time
	for _, t := range all {
		if age := now.Sub(t); age >= 0 && age < window {
			kept = append(kept, t)
		}
	}
	return kept
}

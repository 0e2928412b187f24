package observer

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"sesi.dev/sesi/api/bot"
)

// What a bot may say, so that a status never takes more than the API server accepts.
const (
	maxText    = 512
	maxWord    = 64
	maxAddress = 128
)

var word = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)

// decode reads a snapshot and refuses what is none, or another incarnation's. A word that this operator does not know
// is let through, for a bot may be newer. Texts that a person will see lose their control characters and what is too
// long of them.
func decode(data []byte, instance string) (*bot.Snapshot, error) {
	snapshot := &bot.Snapshot{}
	if err := json.Unmarshal(data, snapshot); err != nil {
		return nil, errors.New("the bot sends an event that is no snapshot")
	}
	if snapshot.Instance != instance {
		return nil, errors.New("another incarnation answers at the bot's address")
	}
	for _, said := range []struct{ what, word string }{
		{"state", string(snapshot.State)}, {"reason", string(snapshot.Reason)}, {"user action", string(snapshot.UserAction)},
		{"notice", string(snapshot.Notice)},
	} {
		none := said.word == "" && said.what == "notice"
		if !none && (len(said.word) > maxWord || !word.MatchString(said.word)) {
			return nil, fmt.Errorf("the bot gives a %s that is no word", said.what)
		}
	}
	if snapshot.Size < 0 {
		return nil, errors.New("the bot gives a store of negative size")
	}
	snapshot.Message = printable(snapshot.Message, maxText)
	snapshot.Path = printable(snapshot.Path, maxText)
	snapshot.PushName = printable(snapshot.PushName, maxAddress)
	snapshot.JID = printable(snapshot.JID, maxAddress)
	snapshot.LID = printable(snapshot.LID, maxAddress)
	snapshot.WebVersion = printable(snapshot.WebVersion, maxWord)
	for name, moment := range map[string]bot.Time{
		"linkedAt": snapshot.LinkedAt, "connectedAt": snapshot.ConnectedAt, "lastModified": snapshot.LastModified,
		"qrExpiresAt": snapshot.QRExpiresAt, "restrictedUntil": snapshot.RestrictedUntil,
	} {
		if year := moment.Year(); !moment.IsZero() && (year < 1970 || year > 9999) {
			return nil, fmt.Errorf("the bot gives a %s out of all time", name)
		}
	}
	return snapshot, nil
}

// printable cuts a text to limit bytes of whole, printable runes.
func printable(text string, limit int) string {
	var kept strings.Builder
	for _, r := range text {
		if !unicode.IsPrint(r) {
			continue
		}
		if kept.Len()+len(string(r)) > limit {
			break
		}
		kept.WriteRune(r)
	}
	return kept.String()
}

// change says how much of a new snapshot a session's status would show anew.
type change int

const (
	// nothing: the status shows neither.
	nothing change = iota
	// minor: only the store's size and age. They move with every message, so they are told seldom.
	minor
	// major: something that a person or an alert waits for.
	major
)

// classifyChange compares two snapshots by what a status shows, to the second where it shows seconds.
func classifyChange(before, after *bot.Snapshot) change {
	if before == nil {
		return major
	}
	a, b := shownOf(before), shownOf(after)
	if a == b {
		return nothing
	}
	a.size, a.lastModified = b.size, b.lastModified
	if a == b {
		return minor
	}
	return major
}

// shown is the part of a snapshot that a status shows.
type shown struct {
	clientID                                              string
	state                                                 bot.State
	reason                                                bot.Reason
	message                                               string
	exists, authenticated, connected, qrRequired, expired bool
	userAction                                            bot.UserAction
	jid, lid, pushName, path, webVersion                  string
	notice                                                bot.Notice
	linkedAt, connectedAt, qrExpiresAt, restrictedUntil   int64
	lastModified, size                                    int64
}

func shownOf(s *bot.Snapshot) shown {
	return shown{
		clientID: s.ClientID, state: s.State, reason: s.Reason, message: s.Message,
		exists: s.Exists, authenticated: s.Authenticated, connected: s.Connected, qrRequired: s.QRRequired,
		expired: s.Expired, userAction: s.UserAction, jid: s.JID, lid: s.LID, pushName: s.PushName, path: s.Path,
		webVersion: s.WebVersion, notice: s.Notice,
		linkedAt: seconds(s.LinkedAt.Time), connectedAt: seconds(s.ConnectedAt.Time),
		qrExpiresAt: seconds(s.QRExpiresAt.Time), restrictedUntil: seconds(s.RestrictedUntil.Time),
		lastModified: seconds(s.LastModified.Time), size: s.Size,
	}
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

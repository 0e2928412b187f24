package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"sesi.dev/sesi/api/bot"
)

// Facts are what a bot remembers of its session over a restart and cannot read from the database.
type Facts struct {
	// Expired is true from a logout until the next pairing; ExpiredReason says which kind of logout.
	Expired       bool       `json:"expired,omitempty"`
	ExpiredReason bot.Reason `json:"expiredReason,omitempty"`
	// ExpiredJID is the device that expired; a database that still holds it is out of date.
	ExpiredJID string `json:"expiredJid,omitempty"`
	// LinkedAt is when the device was paired, ConnectedAt when it last logged in.
	LinkedAt    time.Time `json:"linkedAt,omitzero"`
	ConnectedAt time.Time `json:"connectedAt,omitzero"`
	// Takeovers are the times of the takeovers, the oldest first; at most MaxTakeovers.
	Takeovers []time.Time `json:"takeovers,omitempty"`
	// Yielded is true while another client has the session.
	Yielded bool `json:"yielded,omitempty"`
	// Stopped is true from a person's stop until a person's restart.
	Stopped bool `json:"stopped,omitempty"`
	// OutdatedAt is when the bot last looked for a newer web version because a login was refused as outdated.
	OutdatedAt time.Time `json:"outdatedAt,omitzero"`
	// RestrictedUntil is the end of a temporary ban.
	RestrictedUntil time.Time `json:"restrictedUntil,omitzero"`
	// Passkey is true while a linking with a passkey is under way.
	Passkey bool `json:"passkey,omitempty"`
	// Revision is the first revision of the snapshots since the start.
	Revision uint64 `json:"revision,omitempty"`
	// Notice is the warning that is still shown.
	Notice bot.Notice `json:"notice,omitempty"`
}

// MaxTakeovers is how many takeovers are remembered.
const MaxTakeovers = 16

func (f Facts) clone() Facts {
	f.Takeovers = slices.Clone(f.Takeovers)
	return f
}

// record is the facts file: the bot's facts, and the store's own.
type record struct {
	Facts Facts `json:"facts"`
	// Device names the device that the database last held; "" when it never held one or was cleared. A backup of
	// any other device is dead.
	Device string `json:"device,omitempty"`
	// Lost is true when the database with Device was set aside and nothing could take its place.
	Lost bool `json:"lost,omitempty"`
	// Secrets are marks of the message secrets, the oldest first, see decidePrune.
	Secrets []mark `json:"secrets,omitempty"`
	// Life names the life of the database, see beginLife.
	Life string `json:"life,omitempty"`
	// Replacing is a replacement of the database that a crash may have interrupted; the next start completes it.
	Replacing *replacement `json:"replacing,omitempty"`
}

// replacement is a change of the database's files that may not be complete.
type replacement struct {
	// Stamp and Cause name the files that are set aside.
	Stamp string `json:"stamp"`
	Cause string `json:"cause"`
	// From is the file, in the session directory, that becomes the database; "" when none does.
	From string `json:"from,omitempty"`
}

// maxFacts bounds the facts file; a real one is under a kilobyte.
const maxFacts = 64 << 10

// readRecord reads the facts file. found is false when there is none; an error means that it cannot be read.
func readRecord(path string) (r record, found bool, err error) {
	data, err := readBounded(path, maxFacts)
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, false, nil
	}
	if err != nil {
		return record{}, false, err
	}
	r, err = parseRecord(data)
	return r, err == nil, err
}

func parseRecord(data []byte) (record, error) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return record{}, err
	}
	if r.Replacing != nil && !r.Replacing.valid() {
		return record{}, errors.New("not a valid replacement")
	}
	if extra := len(r.Facts.Takeovers) - MaxTakeovers; extra > 0 {
		r.Facts.Takeovers = r.Facts.Takeovers[extra:]
	}
	return r, nil
}

// valid keeps the names in a facts file inside the session directory.
func (r *replacement) valid() bool {
	_, err := time.Parse(stampLayout, r.Stamp)
	return err == nil && (r.Cause == causeDamaged || r.Cause == causeReplaced) && (r.From == "" || isTemp(r.From))
}

// loadRecord reads the facts file, and sets aside one that cannot be read; lost is then its new path.
func loadRecord(l layout, now time.Time) (r record, known bool, lost string, err error) {
	path := l.facts()
	r, known, err = readRecord(path)
	if err == nil {
		return r, known, "", nil
	}
	var unread syscall.Errno // the file was not read, so its content is not at fault
	if errors.As(err, &unread) && unread != syscall.ELOOP {
		return record{}, false, "", describe(path, err)
	}
	lost, err = freeName(path + ".damaged-" + stamp(now))
	if err != nil {
		return record{}, false, "", err
	}
	if err := os.Rename(path, lost); err != nil {
		return record{}, false, "", describe(path, err)
	}
	return record{}, false, lost, syncDir(l.dir)
}

func writeRecord(l layout, r record) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("facts: %w", err)
	}
	return writeAtomic(l.dir, factsName, append(data, '\n'))
}

func (r record) equal(other record) bool {
	mine, err := json.Marshal(r)
	theirs, otherErr := json.Marshal(other)
	return err == nil && otherErr == nil && bytes.Equal(mine, theirs)
}

// freeName is path, or path and a number when it exists.
func freeName(path string) (string, error) {
	for n := range 1000 {
		name := path
		if n > 0 {
			name = fmt.Sprintf("%s.%d", path, n)
		}
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
	}
	return "", fmt.Errorf("%s: too many files of this name; move them away", path)
}

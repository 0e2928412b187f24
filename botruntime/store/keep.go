package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Beside the newest backups some older ones are kept, so that content that is bad but sound does not replace every good
// copy within half an hour.
const (
	keepHours = 6
	keepDays  = 7
)

// decideKept picks the backups that stay: the newest of them, then the last one of each of the newest hours and days
// that have one. The list is sorted, the newest first. With newest 1 or less only that one stays.
func decideKept(backups []Backup, newest int) map[string]bool {
	kept := map[string]bool{}
	for _, b := range backups[:min(max(newest, 1), len(backups))] {
		kept[b.Path] = true
	}
	if newest <= 1 {
		return kept
	}
	for _, period := range []struct {
		length time.Duration
		most   int
	}{{time.Hour, keepHours}, {24 * time.Hour, keepDays}} {
		seen := map[time.Time]bool{}
		for _, b := range backups {
			if at := b.At.Truncate(period.length); !seen[at] && len(seen) < period.most {
				seen[at] = true
				kept[b.Path] = true
			}
		}
	}
	return kept
}

// pruneBackups removes the backups that decideKept does not pick. It runs only after a backup that was just verified,
// so the newest one, which it never removes, is good.
func pruneBackups(l layout, newest int) error {
	backups, err := listBackups(l)
	if err != nil {
		return err
	}
	kept := decideKept(backups, newest)
	for _, old := range backups {
		if kept[old.Path] {
			continue
		}
		if err := os.Remove(old.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return describe(old.Path, err)
		}
	}
	return nil
}

// clockSlack is how far ahead of the clock the time of a backup may be before the clock it came from counts as wrong.
const clockSlack = time.Hour

// redateBackups gives the backups of a clock that was ahead a time just after the newest credible one. Their order
// stays, and they no longer look new for years. It runs when a new backup has been taken, which takes a login at
// WhatsApp and so a clock that is about right.
func redateBackups(l layout, now time.Time) error {
	backups, err := listBackups(l)
	if err != nil {
		return err
	}
	ahead := 0
	for ahead < len(backups) && backups[ahead].At.After(now.Add(clockSlack)) {
		ahead++
	}
	at := credibleTime(backups, now)
	for n := ahead - 1; n >= 0; n-- { // the oldest first, so that a crash in between keeps the order
		at = at.Add(time.Millisecond)
		b := backups[n]
		if err := os.Rename(b.Path, filepath.Join(l.backups, backupFile(at, b.Device))); err != nil {
			return describe(b.Path, err)
		}
	}
	return nil
}

// credibleTime is the time of the newest backup that is not from the future; the epoch when there is none.
func credibleTime(backups []Backup, now time.Time) time.Time {
	for _, b := range backups {
		if !b.At.After(now.Add(clockSlack)) {
			return b.At
		}
	}
	return time.Unix(0, 0).UTC()
}

func backupFile(at time.Time, device string) string { return stamp(at) + "-" + device + ".db.zst" }

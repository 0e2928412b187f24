package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"sesi.dev/sesi/api/bot"
)

// Restored is what Restore did.
type Restored struct {
	// Device names the device that the session now holds.
	Device string
	// SetAside are the replaced files; they are complete and can be put back.
	SetAside []string
	// Warning is for the person who restores, in English.
	Warning string
}

const restoreWarning = "the backup is older than the session that WhatsApp and your contacts know: messages sent after " +
	"the backup may not decrypt until they are sent again, and if the session was logged out after the backup, the " +
	"phone must be linked again"

// Restore replaces the session's database by the backup from source, which WriteBackup wrote or which is a plain
// SQLite database. It verifies the whole backup first, and sets the replaced files aside. The error is a *HeldError
// while a bot runs, and a *BackupError when source is not a usable backup.
func Restore(ctx context.Context, options Options, source io.Reader) (Restored, error) {
	d, err := openDirectory(ctx, options)
	if err != nil {
		return Restored{}, err
	}
	defer d.lock.release()

	temp, device, err := prepare(ctx, d.layout, source)
	if err != nil {
		return Restored{}, err
	}
	if other := otherSession(d.layout, device); other != "" {
		return Restored{}, errors.Join(&BackupError{Reason: fmt.Sprintf("session %s already uses this linked device, and "+
			"two bots cannot share one; clear or move that session first", other)},
			removeDatabase(filepath.Join(d.layout.dir, temp)))
	}
	next := d.record
	if next.Device != device { // the facts are about another device
		old := next.Facts
		next.Facts = Facts{Stopped: old.Stopped, OutdatedAt: old.OutdatedAt, Revision: old.Revision}
	}
	next.Facts.Expired, next.Facts.ExpiredReason, next.Facts.ExpiredJID = false, "", ""
	next.Facts.Notice = bot.NoticeStoreRestored
	next.Device, next.Lost = device, false
	aside, err := d.replace(next, causeReplaced, temp)
	if err != nil {
		return Restored{}, err
	}
	return Restored{Device: device, SetAside: aside, Warning: restoreWarning}, nil
}

// otherSession is the directory of another session in the same AUTH_PATH that uses the device; "" for none.
func otherSession(l layout, device string) string {
	entries, err := os.ReadDir(l.authPath)
	if err != nil {
		return ""
	}
	for _, entry := range entries {
		dir := filepath.Join(l.authPath, entry.Name())
		if dir == l.dir || !entry.IsDir() || !strings.HasPrefix(entry.Name(), bot.SessionDirectory("")) {
			continue
		}
		if r, found, err := readRecord(filepath.Join(dir, factsName)); err == nil && found && r.Device == device && !r.Facts.Expired {
			return dir
		}
	}
	return ""
}

// prepare unpacks a backup into the session directory and checks that a bot can start on it: it is whole, not too new,
// upgradable, and holds a device. It returns the name of the file, which is durable.
func prepare(ctx context.Context, l layout, source io.Reader) (temp, device string, err error) {
	file, err := createTemp(l.dir, "restore.db")
	if err != nil {
		return "", "", err
	}
	path := file.Name()
	defer func() {
		if err != nil {
			err = errors.Join(err, removeDatabase(path))
		}
	}()
	unpacked, closed := unpack(ctx, file, source), file.Close()
	var unusable *BackupError
	if errors.As(unpacked, &unusable) {
		return "", "", unusable // it is about what a person gave, not about this file
	}
	if err := errors.Join(unpacked, closed); err != nil {
		return "", "", describe(path, err)
	}
	found, err := inspect(ctx, path)
	var pathError *PathError
	switch {
	case errors.As(err, &pathError) && (pathError.Problem == ForeignDatabase || pathError.Problem == NewerDatabase):
		return "", "", &BackupError{Reason: pathError.what(), Err: pathError.Err}
	case err != nil:
		return "", "", err
	case found.condition == conditionDamaged:
		return "", "", &BackupError{Reason: found.damage}
	case found.device == "":
		return "", "", &BackupError{Reason: "it holds no linked device"}
	}
	db, _, err := openLive(ctx, path, watch{func(error) {}, func() {}})
	if reason := classifyDamage(err); reason != "" {
		return "", "", &BackupError{Reason: reason}
	}
	if err != nil {
		return "", "", describe(path, err)
	}
	if err := closeDatabase(ctx, db); err != nil {
		return "", "", describe(path, err)
	}
	return filepath.Base(path), found.device, syncDir(path)
}

// decideRestorable picks the backups that may replace a damaged database, the newest first. They must hold the device
// that the facts know: the keys of one that was logged out or cleared are dead, and to bring them back would undo what
// a person did. Without facts the newest device is tried; WhatsApp refuses a dead one at the login.
func decideRestorable(r record, known bool, backups []Backup) []Backup {
	device := r.Device
	switch {
	case len(backups) == 0:
		return nil
	case !known:
		device = backups[0].Device
	case r.Facts.Expired, device == "":
		return nil
	}
	var usable []Backup
	for _, b := range backups {
		if b.Device == device {
			usable = append(usable, b)
		}
	}
	return usable
}

// prepareFile is prepare for a file. A Device that is not "" is the one it must hold.
func prepareFile(ctx context.Context, l layout, backup Backup) (temp, device string, err error) {
	file, err := os.Open(backup.Path)
	if err != nil {
		return "", "", describe(backup.Path, err)
	}
	defer file.Close()
	temp, device, err = prepare(ctx, l, file)
	if err == nil && backup.Device != "" && device != backup.Device {
		err = errors.Join(&BackupError{Reason: fmt.Sprintf("it holds device %s", device)}, removeDatabase(filepath.Join(l.dir, temp)))
	}
	return temp, device, err
}

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
	// Device tells which link of which account the session now holds.
	Device string
	// SetAside are the files that the restored database replaced; they are complete and can be put back.
	SetAside []string
	// Warning is what the person who restores must know, in English.
	Warning string
}

const restoreWarning = "this database is older than what WhatsApp and your contacts last saw: messages that came " +
	"since the backup was taken may not decrypt until their senders send again, and if the session was logged " +
	"out since, it must be linked anew"

// Restore puts the backup that source holds (as WriteBackup writes it, or a plain SQLite database) in the
// place of a session's database. It takes the session's lock, so it returns a *HeldError while a bot runs,
// verifies the whole backup before it touches anything, and sets aside what it replaces. A source that is no
// usable backup comes back as a *BackupError.
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
	if holder := observeHolder(d.layout, device); holder != "" {
		return Restored{}, errors.Join(&BackupError{Reason: fmt.Sprintf("the session in %s holds this very link, and two "+
			"bots with one link push each other out; clear that session, or move it away", holder)},
			removeDatabase(filepath.Join(d.layout.dir, temp)))
	}
	next := d.record
	if next.Device != device { // what was remembered is another link's
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

// observeHolder is the directory of another session of the same AUTH_PATH that lives by that link, "" when none
// is known to.
func observeHolder(l layout, device string) string {
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

// prepare unpacks a backup into the session directory and proves that a bot could start on it: whole, not
// newer, upgradable, and with a device. It returns the file's name, which is durable.
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
	if err := errors.Join(unpack(ctx, file, source), file.Close()); err != nil {
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
	db, _, err := openLive(ctx, path, func(error) {})
	if reason := classifyDamage(err); reason != "" {
		return "", "", &BackupError{Reason: reason}
	}
	if err != nil {
		return "", "", describe(path, err)
	}
	if err := closeDatabase(ctx, db); err != nil {
		return "", "", describe(path, err)
	}
	return filepath.Base(path), found.device, syncFile(path)
}

func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return describe(path, err)
	}
	return describe(path, errors.Join(file.Sync(), file.Close()))
}

// decideRestorable picks the backups that may take the place of a damaged database, the newest first. The
// keys of a link that was logged out or cleared are dead, and bringing them back would undo what a person
// did; so the facts must say that the link a backup holds is the one that was lost. When the facts themselves
// are lost nothing speaks against the newest link: if it is dead, WhatsApp says so at the login.
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

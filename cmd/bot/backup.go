package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/store"
	"sesi.dev/sesi/internal/newfile"
)

// backupTimeout bounds a backup or a restore; a session's database is a few megabytes.
const backupTimeout = 5 * time.Minute

// backup writes a new backup. It opens the store, so no bot may run on it; a running bot serves a backup at
// GET /api/session/backup.
func backup(ctx context.Context, p program) (err error) {
	ctx, cancel := context.WithTimeout(ctx, backupTimeout)
	defer cancel()
	opening, done := steady(ctx)
	defer done()
	st, err := store.Open(opening, storeOptions(p.cfg, newLog(p)))
	if held := (*store.HeldError)(nil); errors.As(err, &held) {
		return fmt.Errorf("%w; a running bot serves a backup at GET "+bot.PathBackup, err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if len(p.args) == 0 {
		taken, _, err := st.Backup(ctx, "bot backup")
		if err != nil {
			return explainNoDevice(p, err)
		}
		fmt.Fprintln(p.stdout, taken.Path)
		return nil
	}
	err = newfile.Write(p.args[0], func(w io.Writer) error { return st.WriteBackup(ctx, w) })
	return explainNoDevice(p, err)
}

// explainNoDevice names the session that was read: usually CLIENT_ID or AUTH_PATH differs from the running bot's.
func explainNoDevice(p program, err error) error {
	if errors.Is(err, store.ErrNoDevice) {
		return fmt.Errorf("%w in session %s of %s; set CLIENT_ID and AUTH_PATH as for the bot", err, p.cfg.ClientID, p.cfg.AuthPath)
	}
	return err
}

// restore replaces the session by a backup; "-" is the standard input.
func restore(ctx context.Context, p program) (err error) {
	if len(p.args) == 0 {
		return errors.Join(errSettings, errors.New("bot restore FILE: the file is missing"))
	}
	ctx, cancel := context.WithTimeout(ctx, backupTimeout)
	defer cancel()
	file, given := os.Stdin, "standard input"
	if p.args[0] != "-" {
		given = p.args[0]
		if file, err = os.Open(p.args[0]); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
	}
	done, err := store.Restore(ctx, storeOptions(p.cfg, newLog(p)), until(ctx, file))
	var unusable *store.BackupError
	if ctx.Err() != nil && err != nil { // it is not the backup's fault
		return ctx.Err()
	}
	if errors.As(err, &unusable) {
		return fmt.Errorf("%s: %w", given, err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "Restored %s into session %s\n", given, p.cfg.ClientID)
	for _, path := range done.SetAside {
		fmt.Fprintln(p.stdout, "set aside "+path)
	}
	fmt.Fprintln(p.stdout, "warning: "+done.Warning)
	return nil
}

// until reads from source until ctx ends, even in the middle of a read. Otherwise a read from a standard input whose
// sender is gone would never end.
func until(ctx context.Context, source io.Reader) io.Reader {
	reader, writer := io.Pipe()
	context.AfterFunc(ctx, func() { writer.CloseWithError(ctx.Err()) })
	go func() {
		_, err := io.Copy(writer, source)
		writer.CloseWithError(err)
	}()
	return reader
}

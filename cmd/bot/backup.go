package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"sesi.dev/sesi/botruntime/store"
)

// backupTimeout bounds a backup or a restore; a session's database is a few megabytes.
const backupTimeout = 5 * time.Minute

// backup writes a fresh backup. It opens the store itself, so a bot must not run; a running one gives its own
// by GET /api/session/backup.
func backup(ctx context.Context, p program) (err error) {
	ctx, cancel := context.WithTimeout(ctx, backupTimeout)
	defer cancel()
	st, err := store.Open(ctx, storeOptions(p.cfg, newLog(p.stderr, p.cfg)))
	if held := (*store.HeldError)(nil); errors.As(err, &held) {
		return fmt.Errorf("%w; a running bot gives a backup by GET /api/session/backup", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if len(p.args) == 0 {
		taken, _, err := st.Backup(ctx, "bot backup")
		if err != nil {
			return err
		}
		fmt.Fprintln(p.stdout, taken.Path)
		return nil
	}
	return writeNew(p.args[0], func(w io.Writer) error { return st.WriteBackup(ctx, w) })
}

// writeNew writes a file that was not there, readable by its owner alone; what could not be completed goes.
func writeNew(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(write(file), file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// restore puts a backup in the session's place; "-" is the standard input.
func restore(ctx context.Context, p program) (err error) {
	if len(p.args) == 0 {
		return errors.Join(errSettings, errors.New("bot restore FILE: the file is missing"))
	}
	ctx, cancel := context.WithTimeout(ctx, backupTimeout)
	defer cancel()
	file := os.Stdin
	if p.args[0] != "-" {
		if file, err = os.Open(p.args[0]); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
	}
	done, err := store.Restore(ctx, storeOptions(p.cfg, newLog(p.stderr, p.cfg)), until(ctx, file))
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "restored %s as the session %s\n", p.args[0], p.cfg.ClientID)
	for _, path := range done.SetAside {
		fmt.Fprintln(p.stdout, "set aside "+path)
	}
	fmt.Fprintln(p.stdout, "warning: "+done.Warning)
	return nil
}

// until reads from source until ctx ends, also in the middle of a read: nothing else ends one from a standard
// input whose sender has vanished.
func until(ctx context.Context, source io.Reader) io.Reader {
	reader, writer := io.Pipe()
	context.AfterFunc(ctx, func() { writer.CloseWithError(ctx.Err()) })
	go func() {
		_, err := io.Copy(writer, source)
		writer.CloseWithError(err)
	}()
	return reader
}

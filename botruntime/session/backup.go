package session

import (
	"context"
	"errors"
	"time"

	"sesi.dev/sesi/botruntime/store"
)

// backupTimeout bounds a snapshot of the store.
const backupTimeout = time.Minute

// inBackedUp ends a snapshot of the store.
type inBackedUp struct {
	backup store.Backup
	err    error
}

// startBackup snapshots the store on the side; one at a time.
func (s *Supervisor) startBackup(ctx context.Context) {
	if s.backingUp {
		return
	}
	s.backingUp = true
	s.side.Go(func() { s.post(envelope{input: s.takeBackup(ctx, "periodic")}) })
}

func (s *Supervisor) takeBackup(ctx context.Context, why string) inBackedUp {
	ctx, cancel := context.WithTimeout(ctx, backupTimeout)
	defer cancel()
	backup, _, err := s.store.Backup(ctx, why)
	return inBackedUp{backup, err}
}

// findBackup tells of the backups of an earlier life.
func (s *Supervisor) findBackup() {
	last, found, err := s.store.LastBackup()
	if err != nil {
		s.log.Warn("the backups cannot be listed", "error", err)
	}
	if found {
		s.backupAt = last.At
		s.meter.BackedUp(last.At)
	}
}

// backedUp tells the world how a snapshot ended. A store without a device has nothing to keep.
func (s *Supervisor) backedUp(in inBackedUp) {
	s.backingUp = false
	switch {
	case errors.Is(in.err, store.ErrNoDevice):
		return
	case in.err != nil:
		s.log.Error("the store could not be backed up", "error", in.err)
		s.meter.BackupFailed()
		s.backupFailing = true
	default:
		s.backupAt = in.backup.At
		s.meter.BackedUp(time.Now()) // a store that did not change since is as safe as one just copied
		s.backupFailing = false
	}
	s.publish()
}

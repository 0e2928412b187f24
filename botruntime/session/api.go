package session

import (
	"context"
	"errors"
	"io"
	"time"

	"sesi.dev/sesi/api/bot"
)

const (
	// codeTimeout bounds the wait for a code that someone asked for.
	codeTimeout = 30 * time.Second
	// answerTimeout bounds a probe.
	answerTimeout = 2 * time.Second
)

// Watch returns the current snapshot and a channel that is closed when a later one takes its place. It does no I/O.
// The size and time of the files are those of the last change.
func (s *Supervisor) Watch() (*bot.Snapshot, <-chan struct{}) {
	p := s.public.Load()
	snap := p.snapshot
	return &snap, p.changed
}

// Fresh returns the current snapshot with the size and time that the files have now.
func (s *Supervisor) Fresh() *bot.Snapshot {
	snap := s.public.Load().snapshot
	files := s.store.Files()
	snap.Size, snap.LastModified = files.Size, bot.At(files.LastModified)
	return &snap
}

// Peek returns the current code, if there is one, without counting as a look.
func (s *Supervisor) Peek() (bot.Code, bool) {
	p := s.public.Load()
	return p.code, p.current && time.Now().Before(p.code.ExpiresAt.Time)
}

// Look returns the current code. It counts as a person's look: an idle session then fetches a new code. The error is a
// *Refusal when there is no code.
func (s *Supervisor) Look(ctx context.Context) (bot.Code, error) {
	if err := s.ask(ctx, inLooked{}); err != nil {
		return bot.Code{}, err
	}
	if code, current := s.Peek(); current {
		return code, nil
	}
	return bot.Code{}, s.noCode()
}

// noCode says why there is no code.
func (s *Supervisor) noCode() *Refusal {
	snap := s.public.Load().snapshot
	r := &Refusal{Kind: RefusedNoCode, Reason: snap.Reason, Detail: snap.Message}
	if snap.Exists {
		r.Kind = RefusedLinked
	}
	return r
}

// Pair asks WhatsApp for a code to type into the phone with that number (E.164), and returns it. It waits for a
// connection if the session was idle. The error is a *Refusal when the session is linked or WhatsApp gave no code.
func (s *Supervisor) Pair(ctx context.Context, phone string) (bot.Code, error) {
	ctx, cancel := context.WithTimeout(ctx, codeTimeout)
	defer cancel()
	if err := s.ask(ctx, inPairPhone{phone}); err != nil {
		return bot.Code{}, err
	}
	for {
		p := s.public.Load()
		switch {
		case p.snapshot.Exists:
			return bot.Code{}, s.noCode()
		case p.passkey.open():
			return bot.Code{}, &Refusal{Kind: RefusedNotReady, Reason: p.snapshot.Reason, Detail: "A phone has taken a code already, and WhatsApp asks for its passkey. Finish that, or restart the session."}
		case p.pairingRefused, p.snapshot.State == bot.StateStopped:
			return bot.Code{}, &Refusal{Kind: RefusedNotReady, Reason: p.snapshot.Reason, Detail: p.snapshot.Message}
		case p.pairingFor != phone:
			return bot.Code{}, &Refusal{Kind: RefusedNotReady, Reason: p.snapshot.Reason, Detail: "A pairing code for another number was asked for meanwhile, or the session changed; try again."}
		case p.current && p.code.PairingCode != "":
			return p.code, nil
		}
		select {
		case <-p.changed:
		case <-ctx.Done():
			return bot.Code{}, &Refusal{Kind: RefusedNotReady, Reason: p.snapshot.Reason, Detail: "WhatsApp gave no pairing code in time; try again."}
		}
	}
}

// Restart connects now, whatever the session waits for, and resets its budgets.
func (s *Supervisor) Restart(ctx context.Context) error { return s.ask(ctx, inRestart{}) }

// Stop disconnects from WhatsApp and keeps the session's keys. Only a Restart connects again, also after a restart of
// the process. It is idempotent.
func (s *Supervisor) Stop(ctx context.Context) error { return s.ask(ctx, inStop{}) }

// Resume connects unless that harms the account: it ends a stop and every other wait, but keeps the budget of takeovers
// and the end of a ban.
func (s *Supervisor) Resume(ctx context.Context) error { return s.ask(ctx, inResume{}) }

// Clear unlinks the device and removes the session from the store, after a backup. It is idempotent, and returns when
// it is done. told is false when WhatsApp could not be reached: the device is removed here, and the phone still lists
// it. The error is a *Refusal when the backup failed and WhatsApp could not be told either, unless force is set; it is
// a *ClearError when the store could not be emptied.
func (s *Supervisor) Clear(ctx context.Context, force bool) (told bool, err error) {
	err = s.ask(ctx, inUnlink{force})
	if errors.Is(err, errNotTold) {
		return false, nil
	}
	return err == nil, err
}

// Logout is Clear for a session that is linked; the error is a *Refusal when it is not.
func (s *Supervisor) Logout(ctx context.Context) (told bool, err error) {
	if snap := s.public.Load().snapshot; !snap.Exists {
		return false, &Refusal{Kind: RefusedNotLinked, Reason: snap.Reason, Detail: "The session is not linked to a phone."}
	}
	return s.Clear(ctx, false)
}

// Backup writes a new, verified, compressed copy of the database to w. The error is a *Refusal when the session is
// not linked.
func (s *Supervisor) Backup(ctx context.Context, w io.Writer) error {
	if snap := s.public.Load().snapshot; !snap.Exists {
		return &Refusal{Kind: RefusedNotLinked, Reason: snap.Reason, Detail: "There is no session to back up."}
	}
	return s.store.WriteBackup(ctx, w)
}

// Show shows a summary of messages in the snapshot. The summary must not change afterwards.
func (s *Supervisor) Show(ctx context.Context, summary *bot.MessagesSummary) error {
	return s.ask(ctx, inSummary{summary})
}

// CheckLoop fails when the goroutine that owns the state no longer answers. It does no I/O.
func (s *Supervisor) CheckLoop() error {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	return s.ask(ctx, inPing{})
}

// CheckStorage fails while the store refuses writes, and when the session directory cannot be read or was removed.
func (s *Supervisor) CheckStorage() error {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	if p := s.public.Load(); p.snapshot.Reason == bot.ReasonStoreUnwritable {
		return errors.New(p.snapshot.Message)
	}
	return s.store.Check(ctx)
}

// ask hands an input to the loop and waits until it was handled and written, or for an unlink until it is done.
func (s *Supervisor) ask(ctx context.Context, in input) error {
	return s.send(ctx, envelope{input: in})
}

func (s *Supervisor) send(ctx context.Context, e envelope) error {
	done := make(chan error, 1)
	e.done = done
	select {
	case s.inbox <- e:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ended:
		return ErrStopping
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ended:
		return ErrStopping
	}
}

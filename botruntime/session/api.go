package session

import (
	"context"
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

// Watch returns the present snapshot and a channel that is closed when a later one takes its place. The
// session directory's size and time are read afresh.
func (s *Supervisor) Watch() (*bot.Snapshot, <-chan struct{}) {
	p := s.public.Load()
	fresh := p.snapshot
	s.describeFiles(&fresh)
	return &fresh, p.changed
}

// Peek returns the live code, if there is one, without counting as a look.
func (s *Supervisor) Peek() (bot.Code, bool) {
	p := s.public.Load()
	return p.code, p.live && time.Now().Before(p.code.ExpiresAt.Time)
}

// Look returns the live code. It counts as a person's look: an idle session gets a new code by it. The error
// is a *Refusal when no code is live.
func (s *Supervisor) Look(ctx context.Context) (bot.Code, error) {
	if err := s.ask(ctx, inLooked{}); err != nil {
		return bot.Code{}, err
	}
	if code, live := s.Peek(); live {
		return code, nil
	}
	return bot.Code{}, s.noCode()
}

// noCode says why no code is live.
func (s *Supervisor) noCode() *Refusal {
	snap := s.public.Load().snapshot
	r := &Refusal{Kind: RefusedNoCode, Reason: snap.Reason, Detail: snap.Message}
	if snap.Exists {
		r.Kind = RefusedLinked
	}
	return r
}

// Pair asks WhatsApp for a code to type into the phone with that number (digits, with the country's), and
// returns it. It waits for a connection if the session was idle. The error is a *Refusal when the session is
// linked or no connection for pairing came.
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
		case p.pairingRefused, p.snapshot.State == bot.StateStopped:
			return bot.Code{}, &Refusal{Kind: RefusedNotReady, Reason: p.snapshot.Reason, Detail: p.snapshot.Message}
		case p.pairingFor != phone:
			return bot.Code{}, &Refusal{Kind: RefusedNotReady, Reason: p.snapshot.Reason, Detail: "A pairing code for another number was asked for meanwhile, or the session changed; try again."}
		case p.live && p.code.PairingCode != "":
			return p.code, nil
		}
		select {
		case <-p.changed:
		case <-ctx.Done():
			return bot.Code{}, &Refusal{Kind: RefusedNotReady, Reason: p.snapshot.Reason, Detail: "WhatsApp gave no pairing code in time; try again."}
		}
	}
}

// Restart connects now, whatever the session was waiting for, and gives it new budgets.
func (s *Supervisor) Restart(ctx context.Context) error { return s.ask(ctx, inRestart{}) }

// Stop leaves WhatsApp and keeps the session's keys; only a Restart connects again, also in another life of the
// process. It is idempotent.
func (s *Supervisor) Stop(ctx context.Context) error { return s.ask(ctx, inStop{}) }

// Clear ends the link and removes the session from the store, after a snapshot of it. It is idempotent, and
// returns when it is done.
func (s *Supervisor) Clear(ctx context.Context) error { return s.ask(ctx, inUnlink{}) }

// Logout is Clear for a session that is linked; the error is a *Refusal when it is not.
func (s *Supervisor) Logout(ctx context.Context) error {
	if snap := s.public.Load().snapshot; !snap.Exists {
		return &Refusal{Kind: RefusedNotLinked, Reason: snap.Reason, Detail: "The session is not linked to a phone."}
	}
	return s.Clear(ctx)
}

// Backup writes a fresh, verified, compressed snapshot of the store to w. The error is a *Refusal when the
// session is not linked.
func (s *Supervisor) Backup(ctx context.Context, w io.Writer) error {
	if snap := s.public.Load().snapshot; !snap.Exists {
		return &Refusal{Kind: RefusedNotLinked, Reason: snap.Reason, Detail: "There is no session to back up."}
	}
	return s.store.WriteBackup(ctx, w)
}

// CheckLoop fails when the goroutine that owns the state no longer answers.
func (s *Supervisor) CheckLoop() error {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	return s.ask(ctx, inNothing{})
}

// CheckStorage fails when the session directory cannot be read, or was removed under the bot.
func (s *Supervisor) CheckStorage() error {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	return s.store.Check(ctx)
}

// ask feeds an input to the machine and waits until it was taken, or for an unlink until it is done.
func (s *Supervisor) ask(ctx context.Context, in input) error {
	done := make(chan error, 1)
	select {
	case s.inbox <- envelope{input: in, done: done}:
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

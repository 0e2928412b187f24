package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// session is what the story follows: a bot's snapshot, or the status of a WhatsAppSession.
type session struct {
	State, Reason, Instance, JID, LinkedAt string
	QRNeeded, Expired, CodeShown           bool
}

func (s session) connected() bool { return s.State == "Connected" }

// place is where the story happens.
type place interface {
	// watch creates the session if needed, and sends its present state and each change, until ctx ends.
	watch(ctx context.Context) (<-chan session, error)
	// scan lets the phone scan the current code.
	scan(ctx context.Context) error
	// unlink removes the device on the phone.
	unlink(ctx context.Context, jid string) error
	// kill kills the bot and waits until it starts again.
	kill(ctx context.Context) error
	// killTitle is the title of that step.
	killTitle() string
	// talk starts a conversation of a customer with the session of that address.
	talk(ctx context.Context, jid string) (*conversation, error)
	// whileDead is called by kill, between the end of the bot and its start.
	whileDead(do func(context.Context) error)
}

// patience is how long the story waits for one change.
const patience = 2 * time.Minute

// story is told on one place. back is how long the killed bot took to be connected again.
type story struct {
	at      place
	changes <-chan session
	now     session
	back    time.Duration
	chat    *conversation
}

// telling tells the story from its first step to its last.
func telling(ctx context.Context, at place) (*story, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	step("A session")
	changes, err := at.watch(ctx)
	if err != nil {
		return nil, err
	}
	s := &story{at: at, changes: changes}
	for _, part := range []func(context.Context) error{s.firstScan, s.written, s.killed, s.answered, s.unlinked} {
		if err := part(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// follow prints the changes until one matches. If see is set, it gets every change first.
func (s *story) follow(ctx context.Context, what string, until func(session) bool, see func(session)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("waited too long"))
	defer cancel()
	shown := s.now.State + s.now.Reason
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w; the session is %s, %s", what, context.Cause(ctx), s.now.State, s.now.Reason)
		case now, ok := <-s.changes:
			if !ok {
				return fmt.Errorf("wait for %s: the session can no longer be watched", what)
			}
			s.now = now
		}
		if see != nil {
			see(s.now)
		}
		if s.now.State != "" && s.now.State+s.now.Reason != shown {
			shown = s.now.State + s.now.Reason
			tell("%10s  %-13s %s", "+"+seconds(time.Since(stepBegun)), s.now.State, s.now.Reason)
		}
		if until(s.now) {
			return nil
		}
	}
}

func (s *story) waitForCode(ctx context.Context) error {
	return s.follow(ctx, "a QR code", func(now session) bool { return now.connected() || now.CodeShown }, nil)
}

func (s *story) link(ctx context.Context) error {
	if err := s.at.scan(ctx); err != nil {
		return err
	}
	return s.follow(ctx, "the link", session.connected, nil)
}

func (s *story) firstScan(ctx context.Context) error {
	if err := s.waitForCode(ctx); err != nil {
		return err
	}
	if s.now.connected() {
		achieved("linked by an earlier run, and connected")
		return nil
	}
	achieved("a QR code waits for a phone")
	step("The phone scans the code")
	if err := s.link(ctx); err != nil {
		return err
	}
	achieved("connected")
	return nil
}

// written lets a customer write, and waits for the answer.
func (s *story) written(ctx context.Context) error {
	step("A customer writes")
	var err error
	if s.chat, err = s.at.talk(ctx, s.now.JID); err != nil {
		return err
	}
	if err := s.chat.say(ctx, "keluar 25rb kopi"); err != nil {
		return err
	}
	if err := s.chat.hear(ctx); err != nil {
		return err
	}
	achieved("the finance bot booked it and answered")
	s.at.whileDead(func(ctx context.Context) error { return s.chat.say(ctx, "masuk 1,5jt gaji") })
	return nil
}

// answered waits for the answer to what was written while the bot was dead.
func (s *story) answered(ctx context.Context) error {
	if err := s.chat.hear(ctx); err != nil {
		return err
	}
	if err := s.chat.say(ctx, "saldo"); err != nil {
		return err
	}
	if err := s.chat.hear(ctx); err != nil {
		return err
	}
	achieved("nothing was lost, and nothing answered twice")
	return nil
}

func (s *story) killed(ctx context.Context) error {
	step(s.at.killTitle())
	before, asked := s.now, false
	if err := s.at.kill(ctx); err != nil {
		return err
	}
	err := s.follow(ctx, "the bot's return",
		func(now session) bool { return now.connected() && now.Instance != before.Instance },
		func(now session) { asked = asked || now.QRNeeded })
	if err != nil {
		return err
	}
	if asked || s.now.LinkedAt != before.LinkedAt {
		return errors.New("the session asked for another QR code")
	}
	s.back = time.Since(stepBegun)
	achieved("connected again, without a QR code, after")
	return nil
}

func (s *story) unlinked(ctx context.Context) error {
	step("The phone unlinks the device")
	if err := s.at.unlink(ctx, s.now.JID); err != nil {
		return err
	}
	if err := s.follow(ctx, "a new QR code", func(now session) bool { return now.Expired && now.CodeShown }, nil); err != nil {
		return err
	}
	achieved("the session has expired, and a new QR code waits")
	step("The phone links it again")
	if err := s.link(ctx); err != nil {
		return err
	}
	achieved("connected")
	return nil
}

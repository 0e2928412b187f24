package messenger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
)

// attempt tries to send one message.
func (m *Messenger) attempt(ctx context.Context, client *whatsmeow.Client, s *journal.Send) verdict {
	now := m.Journal.Now()
	if !now.Before(s.Ends) {
		return expired(s)
	}
	if own := client.Store.ID; own == nil || own.ToNonAD().String() != s.Account {
		if own == nil {
			return verdict{state: bot.MessageQueued}
		}
		return failed(bot.ProblemOtherAccount, "Another account was linked before the message could be sent.", 0, false)
	}
	if until := m.pace.Load().quietUntil(now); !until.IsZero() {
		return verdict{state: bot.MessageHeld, due: until, hold: &bot.Hold{Reason: bot.HoldQuietHours, Until: bot.At(until)}}
	}
	if v := m.admit(ctx, client, s); v != nil {
		return *v
	}
	began := time.Now()
	err := m.hand(ctx, client, s)
	if serverCode(err) == codeRestricted && m.findSalt(ctx, client, s.Account, true) {
		err = m.hand(ctx, client, s) // the first one went out without the account's salt, or with an old one
	}
	v := attempted{err: err, attempts: s.Attempts, now: m.Journal.Now(), dice: rand.Float64(), limits: m.knownLimits()}.classify()
	if serverCode(err) == codeRestricted && v.state == bot.MessageFailed {
		// The account may be limited since WhatsApp last said so.
		limits := m.freshLimits(ctx, client, 0)
		v = attempted{err: err, attempts: s.Attempts, now: m.Journal.Now(), limits: limits}.classify()
	}
	m.Meter.Attempted(v.state, time.Since(began))
	if err != nil {
		m.Log.Warn("a message was not sent at this attempt", "id", s.Message.ID, "attempt", s.Attempts+1, "state", v.state, "code", serverCode(err),
			"cause", causeOf(err))
	}
	return v
}

// expired ends the attempts. A message that may have been sent stays unknown until a receipt settles it.
func expired(s *journal.Send) verdict {
	if mayBeSent(s.Message) {
		return verdict{state: bot.MessageUnknown}
	}
	return failed(bot.ProblemExpired, "The bot could not send it in time.", 0, true)
}

// hand gives one message to whatsmeow and waits for the server's answer. The id is the outbox's, so that a phone
// recognises the message when it is sent again.
func (m *Messenger) hand(ctx context.Context, client *whatsmeow.Client, s *journal.Send) (err error) {
	defer func() {
		if recover() != nil { // whatsmeow can close a waiter twice when a disconnect meets the end of ctx
			err = whatsmeow.ErrMessageTimedOut
		}
		if err != nil && errors.Is(context.Cause(ctx), errReceived) {
			err = nil
		}
	}()
	to, err := types.ParseJID(s.Target)
	if err != nil {
		return fmt.Errorf("read the address of a message: %w", err)
	}
	content := &waE2E.Message{}
	if err := proto.Unmarshal(s.Raw, content); err != nil {
		return fmt.Errorf("read a message of the outbox: %w", err)
	}
	ctx, land := context.WithCancelCause(ctx)
	defer land(nil)
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	m.flying.Store(&flight{s.Message.ID, land})
	defer m.flying.Store(nil)
	if people := audience(s.Message.Status); to == types.StatusBroadcastJID && len(people) > 0 {
		return handStatus(ctx, client, s.Message.ID, content, people)
	}
	if content.PollCreationMessage != nil {
		m.keepPollAuthor(ctx, client, s, to)
	}
	tokens := m.tokenNodes(ctx, client, s.Account, to)
	if stamp := stampOf(content); stamp != nil {
		return handStamped(ctx, client, s.Message.ID, to, content, tokens, *stamp)
	}
	_, err = client.SendMessage(ctx, to, content, whatsmeow.SendRequestExtra{
		ID: s.Message.ID, Timeout: answerTime, MediaHandle: s.Handle, AdditionalNodes: tokens,
	})
	return err
}

// flight is the message that WhatsApp has not answered yet.
type flight struct {
	id   string
	land context.CancelCauseFunc
}

// errReceived ends the wait for WhatsApp's answer: the recipient has the message.
var errReceived = errors.New("the recipient has the message")

// causeOf returns the kind of an error, without the numbers that an error's text may hold.
func causeOf(err error) string {
	for err != nil {
		inner := errors.Unwrap(err)
		if inner == nil {
			break
		}
		err = inner
	}
	return fmt.Sprintf("%T", err)
}

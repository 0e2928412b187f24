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
	"sesi.dev/sesi/botruntime/message"
)

const (
	// batch is how many messages are marked as being sent at once; they are sent one after the other.
	batch = 32
	// answerTime bounds the wait for WhatsApp's answer to one message. whatsmeow has no bound of its own after a
	// disconnect.
	answerTime = 30 * time.Second
	// retryPause is the pause after the journal failed.
	retryPause = 2 * time.Second
)

// Session is the connection that messages are sent over.
type Session interface {
	// Watch returns the current snapshot, and a channel that is closed at the next change.
	Watch() (*bot.Snapshot, <-chan struct{})
	// Client returns the client while it is logged in.
	Client() (*whatsmeow.Client, error)
}

// Run sends what is in the outbox, one message after the other, until ctx ends.
func (m *Messenger) Run(ctx context.Context, session Session) error {
	m.session.Store(&session)
	for ctx.Err() == nil {
		_, changed := session.Watch()
		pause := time.Duration(0) // without a connection, only a change of the session helps
		if client, err := session.Client(); err == nil {
			pause = m.sendDue(ctx, client)
		}
		m.rest(ctx, changed, m.work, pause)
	}
	return nil
}

// rest waits for something to do, for at most the pause; 0 means without a limit.
func (m *Messenger) rest(ctx context.Context, changed, work <-chan struct{}, pause time.Duration) {
	var timeout <-chan time.Time
	if pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-work:
	case <-changed:
	case <-timeout:
	case <-ctx.Done():
	}
}

// snapshot is the session's current one; the zero snapshot before Run.
func (m *Messenger) snapshot() bot.Snapshot {
	session := m.session.Load()
	if session == nil {
		return bot.Snapshot{}
	}
	snap, _ := (*session).Watch()
	return *snap
}

// client is the session's while it is logged in.
func (m *Messenger) client() (*whatsmeow.Client, error) {
	session := m.session.Load()
	if session == nil {
		return nil, &Refusal{Kind: bot.ProblemNotReady}
	}
	return (*session).Client()
}

// nudge tells Run that there is something new to send.
func (m *Messenger) nudge() {
	for _, work := range []chan struct{}{m.work, m.files} {
		select {
		case work <- struct{}{}:
		default:
		}
	}
}

// sendDue sends what is due, and returns how long to wait for more; 0 when only a change can bring more.
func (m *Messenger) sendDue(ctx context.Context, client *whatsmeow.Client) time.Duration {
	for ctx.Err() == nil {
		size := batch
		if pace := m.pace.Load(); pace.PerMinute > 0 {
			if m.Journal.Idle(ctx) {
				break
			}
			if wait := m.bucket.wait(*pace, m.Journal.Now(), rand.Float64()); wait > 0 {
				return wait
			}
			size = 1
		}
		taken, err := m.Journal.TakeDue(ctx, size)
		if err != nil {
			m.Log.Error("the outbox cannot be read", "error", err)
			return retryPause
		}
		if len(taken) == 0 {
			break
		}
		if !m.sendBatch(ctx, client, taken) {
			return retryPause // the connection is gone, or the results of messages could not be written
		}
	}
	next, err := m.Journal.NextDue(ctx)
	if err != nil {
		return retryPause
	}
	now := m.Journal.Now()
	if known := m.knownLimits(); known.hold(now) != nil && !next.IsZero() {
		// A limit may end before its time.
		if now.Sub(known.checked) >= limitsFresh {
			m.freshLimits(ctx, client, false)
		}
		return min(max(next.Sub(now), time.Millisecond), limitsFresh)
	}
	if next.IsZero() {
		return 0
	}
	return max(next.Sub(now), time.Millisecond)
}

// result is the outcome of an attempt.
type result struct {
	send    journal.Send
	verdict verdict
}

// sendBatch sends messages one after the other, and reports whether to continue. The result of one is written while the
// next is sent.
func (m *Messenger) sendBatch(ctx context.Context, client *whatsmeow.Client, taken []journal.Send) bool {
	results := make(chan result, len(taken))
	written := make(chan bool, 1)
	go func() { written <- m.settleAll(results) }()
	connected := true
	m.begun = -1
	var sent []bot.Party
	waiting := map[string]bool{} // chats whose earlier message must go first
	for _, s := range taken {
		if !connected || ctx.Err() != nil || waiting[s.Message.Chat.ID] {
			results <- result{s, verdict{state: bot.MessageQueued}}
			continue
		}
		v := m.attempt(ctx, client, &s)
		if ctx.Err() != nil && v.state == bot.MessageUnknown {
			v.due = time.Time{} // the next process tries again at once
		}
		if v.state == bot.MessageQueued || v.state == bot.MessageUnknown || v.state == bot.MessageHeld {
			waiting[s.Message.Chat.ID] = true
			connected = client.IsLoggedIn()
		}
		if v.state == bot.MessageSent && s.Message.Chat.Kind == bot.PartyPerson && s.Target != s.Account && s.Listed {
			sent = append(sent, s.Message.Chat)
		}
		results <- result{s, v}
	}
	close(results)
	if !<-written {
		return false
	}
	m.issueTokens(ctx, client, sent)
	return connected
}

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
		limits := m.freshLimits(ctx, client, true)
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
	}()
	to, err := types.ParseJID(s.Target)
	if err != nil {
		return fmt.Errorf("read the address of a message: %w", err)
	}
	content := &waE2E.Message{}
	if err := proto.Unmarshal(s.Raw, content); err != nil {
		return fmt.Errorf("read a message of the outbox: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	m.flying.Store(&flight{s.Message.ID, cancel})
	defer m.flying.Store(nil)
	if people := audience(s.Message.Status); to == types.StatusBroadcastJID && len(people) > 0 {
		return handStatus(ctx, client, s.Message.ID, content, people)
	}
	if content.PollCreationMessage != nil {
		m.keepPollAuthor(ctx, client, s, to)
	}
	_, err = client.SendMessage(ctx, to, content, whatsmeow.SendRequestExtra{
		ID: s.Message.ID, Timeout: answerTime, AdditionalNodes: m.tokenNodes(ctx, client, s.Account, to),
	})
	return err
}

// flight is the message that WhatsApp has not answered yet.
type flight struct {
	id   string
	land context.CancelFunc
}

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

// settleAll writes the results of messages, as many at once as there are. It reports whether all were written.
func (m *Messenger) settleAll(results <-chan result) bool {
	whole := true
	var settled []bot.Message
	for first := range results {
		some := []result{first}
	more:
		for len(some) < batch {
			select {
			case next, open := <-results:
				if !open {
					break more
				}
				some = append(some, next)
			default:
				break more
			}
		}
		ctx, cancel := commitContext()
		settled = settled[:0]
		err := m.Journal.CommitTogether(ctx, func(t *journal.Tx) error {
			for _, r := range some {
				s, err := m.settle(t, r)
				if err != nil {
					return err
				}
				if s != nil {
					settled = append(settled, s.Message)
				}
			}
			return nil
		})
		cancel()
		if err != nil {
			// The entries stay as they are, being sent: the next round sends them again under the same ids.
			m.Log.Error("what became of a message could not be written", "messages", len(some), "error", err)
			whole = false
			continue
		}
		for _, one := range settled {
			m.tally.tried(one, m.Journal.Now())
			m.settled(one)
		}
	}
	return whole
}

// rank orders the states that only go forward.
var rank = map[bot.MessageState]int{
	bot.MessageSent: 1, bot.MessageDelivered: 2, bot.MessageRead: 3, bot.MessagePlayed: 4,
}

// settle writes the result of an attempt, and returns the entry as it is then; nil when it is gone.
func (m *Messenger) settle(t *journal.Tx, r result) (*journal.Send, error) {
	v, previous := r.verdict, bot.MessageState("")
	s, err := t.UpdateSend(r.send.Message.ID, func(s *journal.Send) bool {
		previous = s.Message.State
		if v.attempt {
			s.Attempts++
		}
		if s.Due = v.due; s.Due.IsZero() {
			s.Due = t.Now()
		}
		s.Message.Hold = v.hold
		s.Pending = v.state == bot.MessageQueued || v.state == bot.MessageHeld || v.state == bot.MessageUnknown && t.Now().Before(s.Ends)
		if rank[previous] > 0 {
			s.Pending, s.Message.Hold = false, nil
			return true // a receipt was faster than the answer
		}
		s.Message.State, s.Message.Problem = v.state, v.problem
		return true
	})
	if err != nil || s == nil {
		return nil, err
	}
	switch s.Message.State {
	case previous, bot.MessageQueued, bot.MessageSending:
		return s, nil
	case bot.MessageSent:
		if err := m.wasSent(t, s); err != nil {
			return nil, err
		}
	}
	return s, m.tell(t, s, previous)
}

// wasSent writes the consequences of a message that WhatsApp's server accepted.
func (m *Messenger) wasSent(t *journal.Tx, s *journal.Send) error {
	if !s.Listed {
		return m.applied(t, s)
	}
	known, err := t.KnowChat(message.Forms(s.Message.Chat)...)
	if err == nil && !known && s.Message.Chat.Kind == bot.PartyPerson {
		err = t.BeginChat(m.today())
	}
	if err != nil {
		return err
	}
	shown := s.Message
	shown.History = nil
	_, err = t.Append(keysOf(bot.EventMessageSent, s.Message.Chat, s.Message.From, s.Message.ID), bot.EventMessageSent, s.Message.Chat.ID, bot.EventData{Message: &shown})
	return err
}

// tell writes the event of a new state.
func (m *Messenger) tell(t *journal.Tx, s *journal.Send, previous bot.MessageState) error {
	change := &bot.StateChange{
		ID: s.Message.ID, Chat: s.Message.Chat, State: s.Message.State, Previous: previous, At: bot.At(t.Now()),
		Hold: s.Message.Hold, Problem: s.Message.Problem,
	}
	// A message can be held, or unknown, more than once.
	key := journal.KeyOf(string(bot.EventMessageState), s.Message.ID, string(s.Message.State), fmt.Sprint(len(s.Message.History), s.Attempts))
	return t.AppendNew(key, bot.EventMessageState, s.Message.Chat.ID, bot.EventData{State: change})
}

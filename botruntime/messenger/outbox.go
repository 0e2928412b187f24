package messenger

import (
	"context"
	"math/rand/v2"
	"time"

	"go.mau.fi/whatsmeow"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
)

const (
	// batch is how many messages are marked as being sent at once; they are sent one after the other.
	batch = 32
	// answerTime bounds the wait for WhatsApp's answer to one message. whatsmeow has no bound of its own after a
	// disconnect.
	answerTime = 30 * time.Second
	// retryPause is the pause after the journal or the disk failed.
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
			if pause = retryPause; m.serve(ctx, client) {
				pause = m.sendDue(ctx, client)
			}
		}
		m.rest(ctx, changed, m.work, pause)
	}
	return nil
}

// serve forgets what is known of chats when the client's account is another one than before. It reports whether it could.
func (m *Messenger) serve(ctx context.Context, client *whatsmeow.Client) bool {
	own := client.Store.GetJID().ToNonAD().String()
	if own == m.served {
		return true
	}
	if err := m.Journal.Serve(ctx, own); err != nil {
		m.complain(ctx, "the account that is served could not be written; nothing is sent meanwhile", err)
		return false
	}
	m.served, m.met, m.begun = own, nil, -1
	return true
}

// complain logs an error of the journal, but not that a stop ended a query.
func (m *Messenger) complain(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		m.Log.Error(what, "error", err)
	}
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
			m.complain(ctx, "the outbox cannot be read", err)
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
			m.freshLimits(ctx, client, limitsFresh)
		}
		return min(max(next.Sub(now), time.Millisecond), limitsFresh)
	}
	if next.IsZero() {
		return 0
	}
	return max(next.Sub(now), time.Millisecond)
}

// sendBatch sends messages one after the other, and reports whether to continue. The result of one is written while the
// next is sent.
func (m *Messenger) sendBatch(ctx context.Context, client *whatsmeow.Client, taken []journal.Send) bool {
	results := make(chan result, len(taken))
	written := make(chan bool, 1)
	go func() { written <- m.settleAll(ctx, results) }()
	connected := true
	m.begun = -1
	var sent []bot.Party
	waiting := map[string]bool{} // chats whose earlier message must go first
	for _, s := range taken {
		if s.Unreadable {
			results <- result{send: s, verdict: unreadable(&s)}
			continue
		}
		if s.Message.State != bot.MessageSending {
			results <- result{send: s, verdict: notKept()}
			continue
		}
		if !connected || ctx.Err() != nil || waiting[s.Message.Chat.ID] {
			results <- result{send: s, verdict: verdict{state: bot.MessageQueued}}
			continue
		}
		asked := s.Message.Chat.ID // WhatsApp may know the chat under another address
		v := m.attempt(ctx, client, &s)
		if ctx.Err() != nil && v.state == bot.MessageUnknown {
			v.due = time.Time{} // the next process tries again at once
		}
		if v.state == bot.MessageQueued || v.state == bot.MessageUnknown || v.state == bot.MessageHeld {
			waiting[asked], waiting[s.Message.Chat.ID] = true, true
			connected = client.IsLoggedIn()
		}
		if v.state == bot.MessageSent && s.Message.Chat.Kind == bot.PartyPerson && s.Target != s.Account && s.Listed {
			sent = append(sent, s.Message.Chat)
		}
		results <- result{send: s, verdict: v}
	}
	close(results)
	if !<-written {
		return false
	}
	m.issueTokens(ctx, client, sent)
	return connected
}

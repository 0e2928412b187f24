package gateway

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

const (
	// followPause is the pause before a bot's stream is opened again, followLong after a bot that has no messages to
	// give.
	followPause, followLong = time.Second, 30 * time.Second
)

// followed is one event of a bot, or how far its reader is.
type followed struct {
	from   *follower
	cursor uint64
	// name and event are empty when only the cursor is told.
	name  string
	event json.RawMessage
	// gap says that the events before cursor are missing.
	gap bool
	// refusal is why the bot refuses the request for good; "" for no reason.
	refusal string
}

// followers read what many bots send, for one stream. All methods are for the stream's own goroutine. A follower
// hands over one event at a time and waits, so a slow reader costs one event for each session.
type followers struct {
	*call
	ctx    context.Context
	cancel context.CancelFunc
	who    *caller
	asked  *asked
	// read reads what one bot sends until that ends, and returns how long to wait before the next try.
	read    func(context.Context, *follower) time.Duration
	out     chan *followed
	running map[sessionKey]*follower
	at      cursors
	ended   sync.WaitGroup
}

// follower reads what one bot sends.
type follower struct {
	all     *followers
	key     sessionKey
	sum     uint32
	at      position
	session *v1alpha1.WhatsAppSession
	cancel  context.CancelFunc
	done    func() // gives its place in the limits back
}

func newFollowers(ctx context.Context, c *call, who *caller, a *asked, read func(context.Context, *follower) time.Duration) *followers {
	f := &followers{call: c, who: who, asked: a, read: read, out: make(chan *followed), running: map[sessionKey]*follower{}, at: cursors{}}
	f.ctx, f.cancel = context.WithCancel(ctx)
	return f
}

// end ends all and waits for them.
func (f *followers) end() {
	f.cancel()
	f.ended.Wait()
	for _, one := range f.running {
		one.done()
	}
}

// begin starts with the sessions that are there. Those that come later begin at their first event.
func (f *followers) begin(sessions []*v1alpha1.WhatsAppSession) *problem {
	failure := f.follow(sessions)
	f.asked.fresh = position{known: true}
	return failure
}

// follow reads these sessions, as far as they are asked for, and no others.
func (f *followers) follow(sessions []*v1alpha1.WhatsAppSession) *problem {
	wanted := map[sessionKey]bool{}
	for _, s := range sessions {
		if f.asked.wants(s) {
			wanted[sessionKey{s.Namespace, s.Name}] = true
		}
	}
	for key := range f.running {
		if !wanted[key] {
			f.drop(key)
		}
	}
	for _, s := range sessions {
		if wanted[sessionKey{s.Namespace, s.Name}] {
			if failure := f.add(s); failure != nil {
				return failure
			}
		}
	}
	return nil
}

// update is follow for some sessions.
func (f *followers) update(keys []sessionKey, seen sight) *problem {
	for _, key := range keys {
		s := f.fleet.session(key)
		if s == nil || !seen(s) || !f.asked.wants(s) {
			f.drop(key)
		} else if failure := f.add(s); failure != nil {
			return failure
		}
	}
	return nil
}

func (f *followers) add(s *v1alpha1.WhatsAppSession) *problem {
	key := sessionKey{s.Namespace, s.Name}
	if one := f.running[key]; one != nil {
		if one.session.UID == s.UID {
			return nil
		}
		f.drop(key)
	}
	if len(f.running) >= maxFollowed {
		return tooManyFollowed()
	}
	done, failure := f.ledger.open(f.who.name, key)
	if failure != nil {
		return failure
	}
	one := &follower{all: f, key: key, sum: sumOfUID(s.UID), at: f.asked.begin(s), session: s, done: done}
	var ctx context.Context
	ctx, one.cancel = context.WithCancel(f.ctx)
	f.running[key], f.at[one.sum] = one, one.at
	f.ended.Go(func() { one.run(ctx) })
	return nil
}

func (f *followers) drop(key sessionKey) {
	if one := f.running[key]; one != nil {
		one.cancel()
		one.done()
		delete(f.running, key)
		delete(f.at, one.sum)
	}
}

// take notes how far a reader is. It is false for an event of a session that is no longer read.
func (f *followers) take(one *followed) bool {
	if f.running[one.from.key] != one.from {
		return false
	}
	f.at[one.from.sum] = position{known: true, cursor: one.cursor}
	return true
}

// frame returns an event as the stream sends it.
func (f *followers) frame(one *followed) string {
	from := one.from
	var out strings.Builder
	id := f.at.id()
	switch {
	case one.gap:
		writeFrame(&out, id, bot.GatewayEventGap, bot.GatewayGap{Namespace: from.key.namespace, Name: from.key.name, Oldest: one.cursor})
	case one.event == nil:
		out.WriteString("id: " + id + "\n\n")
	default:
		event := struct {
			Namespace string          `json:"namespace"`
			Name      string          `json:"name"`
			Event     json.RawMessage `json:"event"`
		}{from.key.namespace, from.key.name, one.event}
		if !writeFrame(&out, id, one.name, event) {
			return "" // the bot's event is no JSON
		}
	}
	return out.String()
}

// run reads until ctx ends.
func (one *follower) run(ctx context.Context) {
	for ctx.Err() == nil {
		pause := time.NewTimer(one.all.read(ctx, one))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

// hand gives an event to the stream. It reports whether the stream took it.
func (one *follower) hand(ctx context.Context, event *followed) bool {
	select {
	case one.all.out <- event:
		one.at = position{known: true, cursor: event.cursor}
		return true
	case <-ctx.Done():
		return false
	}
}

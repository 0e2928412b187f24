package gateway

import (
	"context"
	"fmt"
	"time"

	"sesi.dev/sesi/api/v1alpha1"
)

// sight reports whether a caller may see a session.
type sight = func(*v1alpha1.WhatsAppSession) bool

// teller returns what a stream sends about sessions that changed; "" for nothing.
type teller = func(keys []sessionKey, seen sight) string

// stream is one open stream of events about many sessions.
type stream struct {
	*call
	who  *caller
	seen sight
	// all begins the stream with what tell says of every session.
	all      bool
	tell     teller
	messages *asked // nil when no messages are asked for

	followers *followers // nil likewise
}

// serve sends events until the caller, the gateway or the credential ends.
func (s *stream) serve() error {
	failure := s.paced(s.who)
	if failure == nil {
		failure = s.review(s.r.Context(), s.who)
	}
	return s.counted(s.who, actWatch, sessionKey{}, true, failure, func(ctx context.Context) error {
		changed, stop := s.fleet.follow()
		defer stop()
		sessions := s.fleet.sessions(s.seen)
		if s.messages != nil {
			s.followers = newFollowers(ctx, s.call, s.who, s.messages, readJournal)
			defer s.followers.end()
			if failure := s.followers.begin(sessions); failure != nil {
				return failure
			}
		}
		h := s.w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Accel-Buffering", "no")
		h.Set("X-Content-Type-Options", "nosniff")
		first := ": sesi\n\n"
		if told := s.tell(keysOf(sessions), s.seen); s.all {
			first += told
		}
		if s.followers != nil {
			first += "id: " + s.followers.at.id() + "\n\n"
		}
		if s.send(first) {
			s.loop(ctx, changed)
		}
		return nil
	})
}

func (s *stream) send(text string) bool {
	_, err := fmt.Fprint(s.w, text)
	return err == nil && s.w.control.Flush() == nil
}

// review asks who calls and what they may see.
func (s *stream) review(ctx context.Context, who *caller) (failure *problem) {
	s.who = who
	var none *problem
	if s.seen, none, failure = s.call.seen(ctx, who, actWatch, s.r.URL.Query().Get("namespace")); failure != nil {
		return failure
	}
	if s.all && none != nil {
		return none
	}
	if s.messages != nil {
		return s.messages.review(ctx, s.call, who, s.seen)
	}
	return nil
}

func (s *stream) loop(ctx context.Context, changed *changes) {
	beat, review := time.NewTicker(heartbeat), time.NewTicker(s.reviewEvery)
	defer beat.Stop()
	defer review.Stop()
	var messages <-chan *followed
	if s.followers != nil {
		messages = s.followers.out
	}
	for open := true; open; {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			open = s.send(":\n\n")
		case <-review.C:
			open = s.again(ctx)
		case one := <-messages:
			open = !s.followers.take(one) || s.send(s.followers.frame(one))
		case <-changed.wake:
			pause := time.NewTimer(eventPause)
			select {
			case <-pause.C:
			case <-ctx.Done():
				pause.Stop()
				return
			}
			open = s.report(changed)
		}
	}
}

// again reviews the caller's rights. Where they ended the stream does: the next request says why.
func (s *stream) again(ctx context.Context) bool {
	who, failure := s.identify(s.r)
	if failure != nil || s.review(ctx, who) != nil {
		return false
	}
	return s.followers == nil || s.followers.follow(s.fleet.sessions(s.seen)) == nil
}

// report sends what changed.
func (s *stream) report(changed *changes) bool {
	var keys []sessionKey
	for key := range changed.take() {
		keys = append(keys, key)
	}
	if s.followers != nil && s.followers.update(keys, s.seen) != nil {
		return false // more sessions than one stream may follow: the next request says so
	}
	text := s.tell(keys, s.seen)
	return text == "" || s.send(text)
}

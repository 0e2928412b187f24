package webhook

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
)

// A person pauses, resumes or rewinds a webhook while the file is read again. Its first delivery under the new settings,
// which comes at once because its URL is another, shows that its worker was replaced; most of the others are not yet.
func TestAChangeDuringAReloadIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*rig, context.Context) (bot.Webhook, error)
		kept   func(bot.Webhook) bool
	}{
		"pause": {func(r *rig, ctx context.Context) (bot.Webhook, error) { return r.Pause(ctx, "books") }, func(w bot.Webhook) bool { return w.State == bot.WebhookPaused }},
		"redeliver": {func(r *rig, ctx context.Context) (bot.Webhook, error) { return r.Redeliver(ctx, "books", 0) },
			func(w bot.Webhook) bool { return w.Backlog == 0 && w.Cursor == 3 }},
	} {
		t.Run(name, func(t *testing.T) {
			at := receive(t)
			changed := make(chan struct{}, 1)
			at.answer(func(_ int, e bot.Event, w http.ResponseWriter, req *http.Request, _ []byte) int {
				if req.Header.Get("X-Again") == "" {
					w.Header().Set("Retry-After", "3600")
					return http.StatusServiceUnavailable
				}
				select {
				case changed <- struct{}{}:
				default:
				}
				return http.StatusNoContent
			})
			targets := []Target{target(at.URL)}
			for i := 1; i < maxTargets; i++ {
				other := target(at.URL)
				other.Name, other.Events = fmt.Sprint("other-", i), []bot.EventType{bot.EventCall}
				targets = append(targets, other)
			}
			r := newRig(t, targets...)
			r.came(0, 3, one)
			r.until("a failure", func() bool { return r.get("books").Failures == 1 })
			again := make([]Target, len(targets))
			for i, to := range targets {
				again[i] = to
				again[i].Headers = map[string]string{"X-Again": "yes"}
				again[i].URL += "/again" // the journal notes it, so each of the others takes a write to start
			}
			r.targets <- again
			select {
			case <-changed:
			case <-time.After(patience):
				t.Fatal("nothing comes under the new settings")
			}
			if _, err := c.change(r, t.Context()); err != nil {
				t.Fatal(err)
			}
			r.until("the new settings", func() bool {
				r.mu.Lock()
				defer r.mu.Unlock()
				return len(r.workers) == len(again) && r.workers[len(again)-1].target.Headers != nil
			})
			r.until(name+" to be kept", func() bool { return c.kept(r.get("books")) })
			if name == "redeliver" {
				r.until("each event twice", func() bool { return at.count() >= 4 })
			}
			r.restart(again...)
			if w := r.get("books"); !c.kept(w) {
				t.Errorf("after a restart: %+v", w)
			}
		})
	}
}

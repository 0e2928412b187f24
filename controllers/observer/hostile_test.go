package observer

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/bottest"
)

// TestHostileBots: a hostile bot ends in a named error and a backoff, and its honest neighbour does not notice.
func TestHostileBots(t *testing.T) {
	stream := func(body func(w http.ResponseWriter, r *http.Request)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			body(w, r)
		}
	}
	says := func(edit func(*bot.Snapshot)) http.HandlerFunc {
		return stream(func(w http.ResponseWriter, r *http.Request) {
			snapshot := bottest.Paired("mallory", "uid-mallory", "1:1@s.whatsapp.net")
			edit(&snapshot)
			_ = bottest.WriteEvent(w, snapshot)
			<-r.Context().Done()
		})
	}
	endless := func(chunk string) http.HandlerFunc {
		return stream(func(w http.ResponseWriter, r *http.Request) {
			part := bytes.Repeat([]byte(chunk), 4096/len(chunk))
			for r.Context().Err() == nil {
				if _, err := w.Write(part); err != nil {
					return
				}
			}
		})
	}
	cases := map[string]struct {
		behave http.HandlerFunc
		target func(*Target)
		want   string
	}{
		"lies about its instance":      {behave: says(func(s *bot.Snapshot) { s.Instance = "uid-victim" }), want: "another bot process"},
		"omits its instance":           {behave: says(func(s *bot.Snapshot) { s.Instance = "" }), want: "another bot process"},
		"is in no state":               {behave: says(func(s *bot.Snapshot) { s.State = "" }), want: "invalid state"},
		"is in a long state":           {behave: says(func(s *bot.Snapshot) { s.State = bot.State("D" + strings.Repeat("a", maxWord)) }), want: "invalid state"},
		"reports a sentence as reason": {behave: says(func(s *bot.Snapshot) { s.Reason = "because I can" }), want: "invalid reason"},
		"reports a sentence as action": {behave: says(func(s *bot.Snapshot) { s.UserAction = "send money" }), want: "invalid user action"},
		"reports a negative size":      {behave: says(func(s *bot.Snapshot) { s.Size = -1 }), want: "negative size"},
		"sends garbage": {behave: stream(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "data: }{\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}), want: "not a snapshot"},
		"sends JSON of another shape": {behave: stream(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "data: [1,2,3]\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}), want: "not a snapshot"},
		"sends an endless line":  {behave: endless("data: x"), want: "too long"},
		"sends an endless event": {behave: endless("data: xxxxxxxxxxxxxxxxxxxx\n"), want: "too long"},
		"sends an endless header": {behave: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
			w.WriteHeader(http.StatusOK)
		}, want: "too long"},
		"answers with a page": {behave: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<p>hello")
		}, want: "other than an event stream"},
		"redirects the operator": {behave: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://127.0.0.1:1/", http.StatusFound)
		}, want: "answers 302"},
		"fails":                {behave: func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusInternalServerError) }, want: "answers 500"},
		"hangs up":             {behave: stream(func(http.ResponseWriter, *http.Request) {}), want: "ended its event stream"},
		"tears the connection": {behave: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, want: "EOF"},
		"never answers":        {behave: func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, want: "timeout"},
		"never reports":        {behave: stream(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), want: "no snapshot"},
		"sends other events only": {behave: stream(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "event: weather\ndata: rain\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}), want: "no snapshot"},
		"sends heartbeats only": {behave: stream(func(w http.ResponseWriter, _ *http.Request) {
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for range tick.C {
				if _, err := fmt.Fprint(w, ":\n\n"); err != nil || http.NewResponseController(w).Flush() != nil {
					return
				}
			}
		}), want: "no snapshot"},
		"falls silent": {behave: says(func(*bot.Snapshot) {}), want: "sends nothing any more"},
		"drips a line": {behave: stream(func(w http.ResponseWriter, r *http.Request) {
			_ = bottest.WriteEvent(w, bottest.Paired("mallory", "uid-mallory", "1:1@s.whatsapp.net"))
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for range tick.C {
				if _, err := w.Write([]byte("x")); err != nil || http.NewResponseController(w).Flush() != nil {
					return
				}
			}
		}), want: "sends nothing any more"},
		"knows another token":                       {target: func(t *Target) { t.Token = "guess" }, want: "refuses the token"},
		"shows another certificate":                 {target: func(t *Target) { t.Pins = Pins{{1}} }, want: "not the one in the session's Secret"},
		"shows a certificate though none is pinned": {target: func(t *Target) { t.Pins = Pins{} }, want: "not the one in the session's Secret"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			opts := quick()
			opts.BytesPerSecond = 4 << 20
			o := startObserver(t, opts)
			mallory, honest := startBot(t, "mallory"), startBot(t, "honest")
			mallory.Behave(c.behave)
			target := targetOf(mallory, "mallory")
			if c.target != nil {
				c.target(&target)
			}
			honest.Behave(chatty)
			o.Ensure(key("mallory"), target)
			o.Ensure(key("honest"), targetOf(honest, "honest"))
			go drain(t, o)

			wait(t, "the cause "+c.want, func() bool {
				got, _ := o.Observed(key("mallory"))
				return got.Err != nil && strings.Contains(got.Err.Error(), c.want)
			})
			wait(t, "the honest bot to be reached", func() bool { return hearing(o, "honest") == Heard })
			if c.target == nil {
				wait(t, "another try", func() bool { return mallory.Opened() > 1 })
			}
			if got, _ := o.Observed(key("mallory")); got.Snapshot != nil && got.Snapshot.Instance != "uid-mallory" {
				t.Fatalf("a lie was believed: %+v", got.Snapshot)
			}
		})
	}
}

// chatty is an honest bot whose heartbeat fits the short deadlines of these tests.
func chatty(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for err := bottest.WriteEvent(w, bottest.Unlinked("honest", "uid-honest")); err == nil; {
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
			if _, err = fmt.Fprint(w, ":\n\n"); err == nil {
				err = http.NewResponseController(w).Flush()
			}
		}
	}
}

func drain(t *testing.T, o *Observer) {
	for {
		select {
		case <-t.Context().Done():
			return
		case <-o.Events():
		}
	}
}

// TestShortLinesAreCharged: a line costs the operator time whatever its length, so a bot that sends lines of one byte is read no
// faster than its rate allows for lines of minCharge bytes.
func TestShortLinesAreCharged(t *testing.T) {
	const lines = 3000
	opts := patient()
	opts.BytesPerSecond = lines / 2 * minCharge
	o := startObserver(t, opts)
	short := startBot(t, "short")
	short.Behave(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		snapshot := bottest.Paired("short", "uid-short", "1:1@s.whatsapp.net")
		if bottest.WriteEvent(w, snapshot) != nil {
			return
		}
		if _, err := w.Write(bytes.Repeat([]byte("\n"), lines)); err != nil {
			return
		}
		snapshot.Revision, snapshot.State = snapshot.Revision+1, bot.StateRestricted
		_ = bottest.WriteEvent(w, snapshot)
		<-r.Context().Done()
	})
	go drain(t, o)
	began := time.Now()
	o.Ensure(key("short"), targetOf(short, "short"))
	wait(t, "the report behind the lines", func() bool { return state(o, "short") == bot.StateRestricted })
	// Half a second's bytes are free. The bound is from below, so that a slow machine cannot break it.
	if took := time.Since(began); took < 1400*time.Millisecond {
		t.Errorf("%d lines were read in %s", lines, took)
	}
}

// TestAStormOfChanges: a bot that changes without end emits events at a bounded rate, its last report arrives, and a
// neighbour's change is emitted before its next one.
func TestAStormOfChanges(t *testing.T) {
	opts := patient()
	opts.EmitEvery = 200 * time.Millisecond
	opts.EmitBurst = 2
	o := startObserver(t, opts)
	storm, honest := startBot(t, "storm"), startBot(t, "honest")
	calm := make(chan struct{})
	storm.Behave(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		snapshot := bottest.Paired("storm", "uid-storm", "1:1@s.whatsapp.net")
		for {
			select {
			case <-calm:
				snapshot.State = bot.StateRestricted
				_ = bottest.WriteEvent(w, snapshot)
				<-r.Context().Done()
				return
			case <-r.Context().Done():
				return
			default:
			}
			snapshot.Revision++
			snapshot.PushName = fmt.Sprint("name ", snapshot.Revision)
			if bottest.WriteEvent(w, snapshot) != nil {
				return
			}
		}
	})
	began := time.Now()
	o.Ensure(key("storm"), targetOf(storm, "storm"))
	o.Ensure(key("honest"), targetOf(honest, "honest"))

	events := map[Key]int{}
	read := func(what string, done func() bool) {
		t.Helper()
		end := time.After(deadline)
		for !done() {
			select {
			case e := <-o.Events():
				events[e.Object]++
			case <-end:
				t.Fatalf("waited in vain for %s", what)
			}
		}
	}
	read("both bots", func() bool { return events[key("storm")] > 0 && events[key("honest")] > 0 })
	for i := range 5 {
		before := events[key("honest")]
		honest.Change(func(s *bot.Snapshot) { s.PushName = fmt.Sprint("honest ", i) })
		read("the neighbour's change", func() bool { return events[key("honest")] > before })
	}
	close(calm)
	read("the storm's last report", func() bool { return state(o, "storm") == bot.StateRestricted })

	// The rate is a bound from above, so that a slow machine cannot break it.
	allowed := opts.EmitBurst + int(time.Since(began)/opts.EmitEvery) + 1
	if got := events[key("storm")]; got > allowed {
		t.Fatalf("the storm made %d events, more than the %d of its rate", got, allowed)
	}
}

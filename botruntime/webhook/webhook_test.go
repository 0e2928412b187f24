package webhook

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/test/vacant"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An independent library and WAHA's rule check a delivery, with the current and the previous secret.
func TestDeliveriesAreSignedTwice(t *testing.T) {
	at := receive(t)
	var headers http.Header
	var body []byte
	at.answer(func(_ int, _ bot.Event, _ http.ResponseWriter, r *http.Request, b []byte) int {
		headers, body = r.Header, b
		return http.StatusOK
	})
	to := target(at.URL)
	to.Headers = map[string]string{"Authorization": "Bearer mine"}
	r := newRig(t, to)
	r.came(0, 1, one)
	e := r.wait(at, 1)[0]
	if e.Session != "shop" || e.Data.Message.Text != "0" || e.Type != bot.EventMessage {
		t.Errorf("got %+v", e)
	}
	if headers.Get(bot.HeaderWebhookID) != e.ID || headers.Get("Content-Type") != "application/json" ||
		headers.Get("Authorization") != "Bearer mine" || headers.Get("User-Agent") != "sesi/test" || headers.Get(bot.HeaderWAHARequestID) == "" {
		t.Errorf("headers %v", headers)
	}
	first, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	second, err := standardwebhooks.NewWebhook(base64.StdEncoding.EncodeToString([]byte(oldSecret)))
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]*standardwebhooks.Webhook{"the secret": first, "the secret before": second} {
		if err := w.Verify(body, headers); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := w.Verify(append(body, ' '), headers); err == nil {
			t.Errorf("%s: another body was accepted", name)
		}
	}
	mac := hmac.New(sha512.New, []byte(secret))
	mac.Write(body)
	if headers.Get(bot.HeaderWAHAHmac) != hex.EncodeToString(mac.Sum(nil)) || headers.Get(bot.HeaderWAHAAlgorithm) != "sha512" {
		t.Errorf("WAHA's headers %v", headers)
	}
}

// The vectors of both specifications.
func TestSignaturesAreThoseOfTheSpecifications(t *testing.T) {
	h := http.Header{}
	sign(h, []string{secret}, "msg_p5jXN8AQM9LWM0D4loKWxJek", "r", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if got := h.Get(bot.HeaderWebhookSignature); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("Standard Webhooks: %s", got)
	}
	sign(h, []string{"my-secret-key"}, "id", "r", time.Unix(1, 0), []byte(`{"event":"message","session":"default","engine":"WEBJS"}`))
	if got := h.Get(bot.HeaderWAHAHmac); !strings.HasPrefix(got, "208f8a55dde9e05519e898b10b89bf0d0b3b0fdf") {
		t.Errorf("WAHA: %s", got)
	}
}

func TestARefusedEventDelaysOnlyItsChat(t *testing.T) {
	at := receive(t)
	var open atomic.Bool
	at.status(func(_ int, e bot.Event) int {
		if e.Data.Message.Text == "1" && !open.Load() {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	r := newRig(t, target(at.URL))
	r.came(0, 12, func(i int) int { return i % 3 })
	for _, e := range r.wait(at, 8) {
		if e.Chat == chatOf(1) {
			t.Errorf("event %d of the chat that waits was delivered", e.Seq)
		}
	}
	r.until("the chat waits", func() bool { return r.get("books").WaitingChats == 1 })
	w := r.get("books")
	if w.State != bot.WebhookRetrying || w.WaitingChats != 1 || w.Backlog != 4 || w.BacklogSince.IsZero() ||
		!strings.Contains(w.LastError, "500") || w.NextTryAt.IsZero() || w.Failures != 1 {
		t.Errorf("got %+v", w)
	}
	tries := at.tries()
	r.due(0)
	r.came(12, 3, func(i int) int { return i % 3 })
	r.wait(at, 10)
	if at.tries() != tries+2 {
		t.Errorf("%d tries before the wait was over, want 2 of other chats", at.tries()-tries)
	}
	open.Store(true)
	r.due(2 * time.Second)
	inOrder(t, r.wait(at, 15), 15)
	r.until("delivering", func() bool { return r.get("books").State == bot.WebhookDelivering })
	if w := r.get("books"); w.Backlog != 0 || w.Cursor != 15 || w.LastSuccessAt.IsZero() {
		t.Errorf("got %+v", w)
	}
	if r.meter.of("books taken") != 15 || r.meter.of("books refused") != 1 {
		t.Errorf("counted %v", r.meter.n)
	}
}

func TestInOrderSessionNothingPassesARefusedEvent(t *testing.T) {
	at := receive(t)
	var open atomic.Bool
	at.status(func(_ int, e bot.Event) int {
		if e.Data.Message.Text == "1" && !open.Load() {
			return http.StatusBadRequest
		}
		return http.StatusOK
	})
	to := target(at.URL)
	to.Order = OrderSession
	r := newRig(t, to)
	r.came(0, 30, func(i int) int { return i % 7 })
	r.until("a refusal", func() bool { return r.get("books").State == bot.WebhookRetrying })
	if got := at.taken(); len(got) != 1 || r.get("books").Backlog != 29 {
		t.Errorf("%d events passed; %+v", len(got), r.get("books"))
	}
	open.Store(true)
	r.due(2 * time.Second)
	for i, e := range r.wait(at, 30) {
		if e.Seq != uint64(i+1) {
			t.Fatalf("event %d came as number %d", e.Seq, i+1)
		}
	}
}

// Each way in which a receiver can be away costs one attempt, then a wait.
func TestAReceiverThatIsAwayGetsEverythingLater(t *testing.T) {
	cases := map[string]func(w http.ResponseWriter, r *http.Request) int{
		"busy": func(w http.ResponseWriter, _ *http.Request) int {
			w.Header().Set("Retry-After", "90")
			return http.StatusTooManyRequests
		},
		"a gateway": func(http.ResponseWriter, *http.Request) int { return http.StatusBadGateway },
		"cut off": func(w http.ResponseWriter, _ *http.Request) int {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = conn.Close()
			}
			return answered
		},
		"half an answer": func(w http.ResponseWriter, _ *http.Request) int {
			conn, buffer, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = buffer.WriteString("HTTP/1.1 200 OK\r\nContent-Le")
				_ = buffer.Flush()
				_ = conn.Close()
			}
			return answered
		},
		"an endless header": func(w http.ResponseWriter, _ *http.Request) int {
			w.Header().Set("X-Long", strings.Repeat("x", 64<<10))
			return http.StatusTeapot
		},
	}
	for name, do := range cases {
		t.Run(name, func(t *testing.T) {
			at := receive(t)
			var open atomic.Bool
			at.answer(func(_ int, _ bot.Event, w http.ResponseWriter, req *http.Request, _ []byte) int {
				if open.Load() {
					return http.StatusOK
				}
				return do(w, req)
			})
			r := newRig(t, target(at.URL))
			r.came(0, 1, one)
			r.until("a failure", func() bool { return r.get("books").Failures == 1 })
			r.came(1, 200, func(i int) int { return i % 9 })
			if w := r.get("books"); w.State != bot.WebhookRetrying || w.LastError == "" || w.Backlog != 201 || at.tries() != 1 {
				t.Errorf("after %d tries: %+v", at.tries(), w)
			}
			open.Store(true)
			r.due(2 * time.Second)
			if name == "busy" { // the receiver asked for more than that
				r.until("the worker looked", func() bool { return true })
				if len(at.taken()) != 0 {
					t.Error("Retry-After was not honoured")
				}
				r.due(90 * time.Second)
			}
			inOrder(t, r.wait(at, 201), 201)
		})
	}
}

func TestADownReceiverAndARestartLoseNothing(t *testing.T) {
	down := target("http://" + vacant.Nobody)
	r := newRig(t, down)
	r.came(0, 300, func(i int) int { return i % 10 })
	r.until("failures", func() bool { return r.get("books").Failures > 0 })
	r.due(2 * time.Second)
	r.until("more failures", func() bool { return r.get("books").Failures > 1 })
	at := receive(t)
	r.restart(target(at.URL))
	r.due(2 * time.Hour)
	inOrder(t, r.wait(at, 300), 300)
	r.until("the progress is noted", func() bool { return r.get("books").Backlog == 0 })
	r.restart(target(at.URL))
	r.came(300, 1, one)
	inOrder(t, r.wait(at, 301), 301)
}

// A redirect is not followed, and a long answer costs nothing.
func TestAnswersThatAreNoAnswers(t *testing.T) {
	other := receive(t)
	at := receive(t)
	var turn atomic.Int32
	at.answer(func(_ int, _ bot.Event, w http.ResponseWriter, _ *http.Request, _ []byte) int {
		switch turn.Load() {
		case 0:
			w.Header().Set("Location", other.URL)
			return http.StatusTemporaryRedirect
		default:
			w.WriteHeader(http.StatusOK)
			for range 64 {
				_, _ = w.Write(make([]byte, 64<<10))
			}
			return answered
		}
	})
	r := newRig(t, target(at.URL))
	r.came(0, 1, one)
	r.until("a failure", func() bool { return r.get("books").WaitingChats == 1 })
	if w := r.get("books"); !strings.Contains(w.LastError, "redirects are not followed") || other.tries() != 0 {
		t.Errorf("got %+v, %d calls at the redirect's end", w, other.tries())
	}
	turn.Store(1)
	r.due(2 * time.Second)
	r.until("the long answer counts", func() bool { return r.get("books").State == bot.WebhookDelivering })
}

func TestGoneEndsAWebhookUntilItIsResumed(t *testing.T) {
	at := receive(t)
	var open atomic.Bool
	at.status(func(int, bot.Event) int {
		if open.Load() {
			return http.StatusOK
		}
		return http.StatusGone
	})
	r := newRig(t, target(at.URL))
	r.came(0, 20, func(i int) int { return i % 2 })
	r.until("the end", func() bool { return r.get("books").State == bot.WebhookEnded })
	tries := at.tries()
	r.restart(target(at.URL))
	r.came(20, 1, one)
	r.due(time.Hour)
	if w := r.get("books"); w.State != bot.WebhookEnded || at.tries() != tries {
		t.Errorf("after a restart: %+v, %d more tries", w, at.tries()-tries)
	}
	open.Store(true)
	if _, err := r.Resume(t.Context(), "books"); err != nil {
		t.Fatal(err)
	}
	inOrder(t, r.wait(at, 21), 21)
}

func TestPauseOutlivesARestart(t *testing.T) {
	at := receive(t)
	r := newRig(t, target(at.URL))
	if w, err := r.Pause(t.Context(), "books"); err != nil || w.State != bot.WebhookPaused {
		t.Fatalf("got %+v, %v", w, err)
	}
	r.restart(target(at.URL))
	r.came(0, 5, one)
	if w := r.get("books"); w.State != bot.WebhookPaused || w.Backlog != 5 || at.tries() != 0 {
		t.Errorf("got %+v after %d tries", w, at.tries())
	}
	if _, err := r.Resume(t.Context(), "books"); err != nil {
		t.Fatal(err)
	}
	inOrder(t, r.wait(at, 5), 5)
	if _, err := r.Pause(t.Context(), "nobody"); !errors.Is(err, ErrUnknown) {
		t.Errorf("a webhook that is not there: %v", err)
	}
}

// An event that a receiver never accepts becomes a dead letter; all later events are delivered.
func TestARefusedEventBecomesADeadLetter(t *testing.T) {
	at := receive(t)
	var open atomic.Bool
	at.status(func(_ int, e bot.Event) int {
		if e.Data.Message.Text == "1" && !open.Load() {
			return http.StatusUnprocessableEntity
		}
		return http.StatusOK
	})
	r := newRig(t, target(at.URL))
	r.came(0, 5, one)
	r.until("a refusal", func() bool { return r.get("books").WaitingChats == 1 })
	for range 20 { // a wait is an hour at most, so this is not yet the end
		failures := r.get("books").Failures
		r.due(time.Hour)
		r.until("another try", func() bool { return r.get("books").Failures > failures })
	}
	if len(at.taken()) != 1 || r.get("books").DeadLetters != 0 {
		t.Fatalf("after 20 h: %d taken, %+v", len(at.taken()), r.get("books"))
	}
	r.due(72 * time.Hour)
	r.wait(at, 4)
	r.until("the dead letter", func() bool { return r.get("books").DeadLetters == 1 }) // it is written with the events behind it
	letters, err := r.Dead(t.Context(), "books", 0, 10)
	if err != nil || len(letters.DeadLetters) != 1 || letters.Before != 0 {
		t.Fatalf("dead letters %+v, %v", letters, err)
	}
	if l := letters.DeadLetters[0]; l.Seq != 2 || l.Chat != chatOf(1) || l.ID == "" || l.Type != bot.EventMessage || !strings.Contains(l.Error, "422") {
		t.Errorf("got %+v", l)
	}
	open.Store(true)
	if w, err := r.Redeliver(t.Context(), "books", 1); err != nil || w.DeadLetters != 0 {
		t.Errorf("redeliver: %+v, %v", w, err)
	}
	again := r.wait(at, 8)[4:]
	inOrder(t, again, 4)
	if again[0].Seq != 2 || again[0].ID != letters.DeadLetters[0].ID {
		t.Errorf("began with %+v", again[0])
	}
	if _, err := r.Redeliver(t.Context(), "books", 99); !errors.Is(err, ErrCursor) {
		t.Errorf("a cursor of the future: %v", err)
	}
}

// When a receiver is away for longer than the patience, events that are too old become dead letters, and the others are
// delivered.
func TestAReceiverAwayTooLongLeavesDeadLetters(t *testing.T) {
	for _, order := range []string{OrderChat, OrderSession} {
		t.Run(order, func(t *testing.T) {
			to := target("http://" + vacant.Nobody)
			to.Order = order
			r := newRig(t, to)
			r.came(0, 500, func(i int) int { return i % 7 })
			r.until("a failure", func() bool { return r.get("books").Failures > 0 })
			r.clock.add(60 * time.Hour)
			r.came(500, 100, func(i int) int { return i % 7 })
			r.due(13 * time.Hour)
			r.until("dead letters", func() bool { return r.get("books").DeadLetters >= 500 })
			if w := r.get("books"); w.DeadLetters != 500 || w.Backlog != 100 {
				t.Errorf("got %+v", w)
			}
			at := receive(t)
			to.URL = at.URL
			r.targets <- []Target{to}
			r.until("the new address", func() bool { return r.get("books").URL == at.URL })
			r.due(2 * time.Hour)
			inOrder(t, r.wait(at, 100), 100)
			var seen uint64
			for before := uint64(0); ; {
				page, err := r.Dead(t.Context(), "books", before, 200)
				if err != nil {
					t.Fatal(err)
				}
				seen += uint64(len(page.DeadLetters))
				if before = page.Before; before == 0 {
					break
				}
			}
			if seen != 500 {
				t.Errorf("%d dead letters are listed", seen)
			}
		})
	}
}

// Retention keeps the events that a webhook has yet to deliver; those that a full journal removes become dead letters.
func TestRetentionWaitsForAWebhook(t *testing.T) {
	to := target("http://" + vacant.Nobody)
	r := newRig(t, to)
	r.came(0, 1500, one)
	r.until("a failure", func() bool { return r.get("books").Failures > 0 })
	r.clock.add(48 * time.Hour)
	if err := r.journal.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w := r.get("books"); w.Backlog != 1500 {
		t.Fatalf("retention took events from a webhook: %+v", w)
	}
	r.size = 512 << 10
	at := receive(t)
	r.halt()
	r.open()
	if err := r.journal.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	floor, _ := r.journal.Range()
	r.run(target(at.URL))
	r.due(2 * time.Hour)
	inOrder(t, r.wait(at, 1500-int(floor)), 1500-int(floor))
	page, err := r.Dead(t.Context(), "books", 0, 10)
	var lost uint64
	for _, letter := range page.DeadLetters {
		lost += letter.Events
	}
	if err != nil || lost != floor || floor == 0 || floor == 1500 {
		t.Errorf("%d events went; dead letters %+v, %v", floor, page, err)
	}
}

// What is there when the journal is new gets its first events, also when the bot ends before it has read its webhooks.
func TestAWebhookOfTheFirstStartBeginsWithTheFirstEvent(t *testing.T) {
	a, b := receive(t), receive(t)
	first, later := target(a.URL), target(b.URL)
	later.Name = "later"
	r := &rig{t: t, dir: t.TempDir(), clock: &clock{now: time.Now()}, meter: &counted{n: map[string]int{}}, targets: make(chan []Target, 1)}
	r.open()
	r.came(0, 3, one)
	if err := r.journal.Close(); err != nil {
		t.Fatal(err)
	}
	r.clock.add(2 * time.Hour) // what nothing waited for would be gone
	r.open()
	if err := r.journal.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.run(first)
	t.Cleanup(func() { r.halt() })
	if got := r.wait(a, 3); got[0].Seq != 1 {
		t.Errorf("it began with event %d", got[0].Seq)
	}
	r.restart(first, later)
	r.came(3, 1, one)
	if got := r.wait(b, 1); got[0].Seq != 4 {
		t.Errorf("a webhook of the second start began with event %d", got[0].Seq)
	}
	if got := r.wait(a, 4); len(got) != 4 {
		t.Errorf("the first got %d events", len(got))
	}
}

// A journal that never had a webhook is met once: one that comes later gets what comes after it.
func TestAStartWithoutWebhooksIsTheFirst(t *testing.T) {
	at := receive(t)
	r := newRig(t)
	r.came(0, 1, one)
	r.until("the first look", func() bool {
		w, _, err := r.journal.Webhook(t.Context(), "books")
		return err == nil && w.Cursor == 1
	})
	r.targets <- []Target{target(at.URL)}
	r.until("the webhook", func() bool { all, err := r.List(t.Context()); return err == nil && len(all) == 1 })
	r.came(1, 1, one)
	if got := r.wait(at, 1); got[0].Seq != 2 {
		t.Errorf("it began with event %d", got[0].Seq)
	}
}

func TestTargetsChangeWhileTheBotRuns(t *testing.T) {
	a, b := receive(t), receive(t)
	first, second := target(a.URL), target(b.URL)
	second.Name = "other"
	r := newRig(t, first)
	r.came(0, 3, one)
	r.wait(a, 3)
	r.targets <- []Target{first, second}
	r.until("the second", func() bool { all, err := r.List(t.Context()); return err == nil && len(all) == 2 })
	r.came(3, 3, one)
	r.wait(a, 6)
	if got := r.wait(b, 3); got[0].Seq != 4 {
		t.Errorf("a new webhook began with event %d, want what came after it", got[0].Seq)
	}
	r.targets <- []Target{second}
	r.until("one is left", func() bool { all, err := r.List(t.Context()); return err == nil && len(all) == 1 })
	r.came(6, 1, one)
	r.wait(b, 4)
	if len(a.taken()) != 6 {
		t.Errorf("a webhook that was removed got %d events", len(a.taken()))
	}
	if _, found, err := r.journal.Webhook(t.Context(), "books"); found || err != nil {
		t.Errorf("its progress is still there: %v", err)
	}
}

// When the file cannot be read at first, no webhook loses its progress.
func TestAFileThatComesLateKeepsTheProgress(t *testing.T) {
	at := receive(t)
	r := newRig(t, target(at.URL))
	if _, err := r.Pause(t.Context(), "books"); err != nil {
		t.Fatal(err)
	}
	r.came(0, 3, one)
	r.late = make(chan struct{})
	r.halt()
	r.open()
	r.run(target(at.URL))
	if all, err := r.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("before the file can be read: %+v, %v", all, err)
	}
	close(r.late)
	r.until("the webhook", func() bool { all, err := r.List(t.Context()); return err == nil && len(all) == 1 })
	if w := r.get("books"); w.State != bot.WebhookPaused || w.Backlog != 3 {
		t.Errorf("got %+v", w)
	}
}

func TestFilters(t *testing.T) {
	at := receive(t)
	to := target(at.URL)
	to.Groups, to.FromMe, to.Events = false, false, []bot.EventType{bot.EventMessage, bot.EventMessageSent, bot.EventMessageEdited}
	few := to
	few.Name, few.Chats, few.Groups, few.FromMe = "few", []string{"+62 812-0000-001"}, true, true
	here := receive(t)
	few.URL = here.URL
	r := newRig(t, to, few)
	write := func(id string, kind bot.EventType, chat string, data bot.EventData) {
		err := r.journal.Commit(t.Context(), func(tx *journal.Tx) error {
			_, err := tx.Append([]journal.Key{journal.KeyOf(id)}, kind, chat, data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	mine, theirs := bot.Message{FromMe: true}, bot.Message{Text: `"fromMe":true`}
	const person, group = "628120000001@s.whatsapp.net", "123@g.us"
	write("1", bot.EventMessage, group, bot.EventData{Message: &theirs})
	write("2", bot.EventMessageSent, person, bot.EventData{Message: &mine})
	write("3", bot.EventMessageEdited, person, bot.EventData{Edit: &bot.Edit{FromMe: true}})
	write("4", bot.EventReaction, person, bot.EventData{Reaction: &bot.Reaction{}})
	write("5", bot.EventMessage, person, bot.EventData{Message: &theirs})
	write("6", bot.EventMessage, "628999@s.whatsapp.net", bot.EventData{Message: &theirs})
	for name, c := range map[string]struct {
		at   *receiver
		want []uint64
	}{"no groups, nothing of mine": {at, []uint64{5, 6}}, "one chat": {here, []uint64{2, 3, 5}}} {
		got := r.wait(c.at, len(c.want))
		slices.SortFunc(got, func(a, b bot.Event) int { return cmp.Compare(a.Seq, b.Seq) }) // chats do not wait for each other
		for i, e := range got {
			if len(got) != len(c.want) || e.Seq != c.want[i] {
				t.Fatalf("%s: got event %d as number %d of %d", name, e.Seq, i, len(got))
			}
		}
	}
}

func TestTestReturnsTheResult(t *testing.T) {
	at := receive(t)
	down := target("http://" + vacant.Nobody)
	down.Name = "down"
	r := newRig(t, target(at.URL), down)
	got, err := r.Test(t.Context(), "books")
	if err != nil || !got.Delivered || got.Status != http.StatusNoContent || got.Error != "" {
		t.Errorf("got %+v, %v", got, err)
	}
	if e := at.taken()[0]; e.Type != bot.EventWebhookTest || e.Seq != 0 || !strings.HasPrefix(e.ID, "evt_test_") || e.Session != "shop" {
		t.Errorf("sent %+v", e)
	}
	if got, err := r.Test(t.Context(), "down"); err != nil || got.Delivered || got.Status != 0 || got.Error == "" || strings.Contains(got.Error, "http://") {
		t.Errorf("got %+v, %v", got, err)
	}
	if w := r.get("down"); w.State != bot.WebhookDelivering {
		t.Errorf("a test changed the webhook: %+v", w)
	}
}

// Metadata and private addresses are refused when they are dialed, and the error says how to allow them.
func TestPrivateAddressesAreRefused(t *testing.T) {
	at := receive(t)
	r := newRig(t, target("http://169.254.169.254/latest"), func() Target { o := target(at.URL); o.Name = "other"; return o }())
	r.came(0, 1, one)
	r.wait(at, 1)
	r.until("a refusal", func() bool { return strings.Contains(r.get("books").LastError, "WEBHOOK_ALLOW") })
}

// An address that was wrong is replaced: what waited for it, and a chat whose event was refused, do not wait on.
func TestAChangedAddressIsTriedAtOnce(t *testing.T) {
	for name, status := range map[string]int{"the receiver was away": 503, "an event was refused": 500} {
		t.Run(name, func(t *testing.T) {
			before, at := receive(t), receive(t)
			before.status(func(int, bot.Event) int { return status })
			to := target(before.URL)
			r := newRig(t, to)
			r.came(0, 3, one)
			r.until("a failure", func() bool { w := r.get("books"); return w.Failures+w.WaitingChats > 0 })
			to.URL = at.URL
			r.targets <- []Target{to}
			inOrder(t, r.wait(at, 3), 3)
		})
	}
}

// 10,000 events that came while the receiver was away for a day arrive in order, and each once.
func TestABacklogOfTenThousand(t *testing.T) {
	to := target("http://" + vacant.Nobody)
	r := newRig(t, to)
	r.came(0, 10_000, func(i int) int { return i % 50 })
	r.until("a failure", func() bool { return r.get("books").Failures > 0 })
	r.clock.add(24 * time.Hour)
	at := receive(t)
	to.URL = at.URL
	began := time.Now()
	r.targets <- []Target{to}
	got := r.wait(at, 10_000)
	t.Logf("%.0f events a second", 10_000/time.Since(began).Seconds())
	inOrder(t, got, 10_000)
}

// A receiver that never answers delays neither requests for the state nor the end of the bot.
func TestAHangingReceiverDelaysNobody(t *testing.T) {
	release, called := make(chan struct{}), make(chan struct{}, 8)
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		called <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(hanging.Close)
	t.Cleanup(func() { close(release) })
	r := newRig(t, target(hanging.URL))
	r.came(0, 3, func(i int) int { return i })
	r.await("a delivery", called)
	if w := r.get("books"); w.Backlog != 3 {
		t.Errorf("got %+v", w)
	}
	if w, err := r.Pause(t.Context(), "books"); err != nil || w.State != bot.WebhookPaused {
		t.Errorf("got %+v, %v", w, err)
	}
	at := receive(t)
	r.restart(target(at.URL)) // after the grace of a delivery in progress
	if w := r.get("books"); w.State != bot.WebhookPaused || w.Failures != 0 || w.Backlog != 3 {
		t.Errorf("the end of the bot counts as a failure: %+v", w)
	}
	if _, err := r.Resume(t.Context(), "books"); err != nil {
		t.Fatal(err)
	}
	inOrder(t, r.wait(at, 3), 3)
}

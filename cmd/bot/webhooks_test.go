package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"sesi.dev/sesi/api/bot"
)

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// hook is a receiver that checks each signature.
type hook struct {
	*httptest.Server
	mu  sync.Mutex
	got []bot.Event
	// do is called for each delivery, and returns the answer's status.
	do func(n int, e bot.Event) int
}

func startHook(t testing.TB) *hook {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	h := &hook{do: func(int, bot.Event) int { return http.StatusNoContent }}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var e bot.Event
		if err := verifier.Verify(body, r.Header); err != nil || json.Unmarshal(body, &e) != nil {
			t.Errorf("a delivery that cannot be verified: %v", err)
		}
		h.mu.Lock()
		h.got = append(h.got, e)
		n, do := len(h.got), h.do
		h.mu.Unlock()
		w.WriteHeader(do(n, e))
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) answer(do func(n int, e bot.Event) int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.do = do
}

func (h *hook) events() []bot.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]bot.Event{}, h.got...)
}

func (p *process) post(path string, into any) int {
	p.t.Helper()
	status, body := p.call(http.MethodPost, path)
	if status == http.StatusOK {
		if err := json.Unmarshal(body, into); err != nil {
			p.t.Fatalf("POST %s: %v in %s", path, err, body)
		}
	}
	return status
}

func at(path, name string) string { return strings.Replace(path, "{name}", name, 1) }

// The bot is killed when the receiver has an event and the bot does not know it yet, again and again: nothing is
// missing, what comes twice has the same id, and each person's messages are in order.
func TestKilledBetweenDeliveryAndCommitNothingIsLost(t *testing.T) {
	t.Parallel()
	wa, dir, h := whatsapp(t), t.TempDir(), startHook(t)
	env := settings(wa, dir, "WEBHOOK_URL="+h.URL, "WEBHOOK_SECRET="+hookSecret, "WEBHOOK_EVENTS=message")
	p := start(t, env)
	to := jid(t, p.pair(wa).JID)
	p.stop()
	const people, each = 3, 20
	for i := range people * each {
		id, err := wa.Person(fmt.Sprintf("62899000%03d", i%people)).Write(to, fmt.Sprint(i))
		mustSend(t, id, err)
	}
	const kills = 5
	for range kills {
		kill, dead := make(chan struct{}), make(chan struct{})
		die := sync.OnceFunc(func() { close(dead) })
		t.Cleanup(die)
		var once sync.Once
		from := len(h.events())
		h.answer(func(n int, _ bot.Event) int { // before the bot starts: it would deliver all
			if n < from+5 {
				return http.StatusNoContent
			}
			once.Do(func() { close(kill) })
			<-dead // before it reads the answer
			return http.StatusNoContent
		})
		p = start(t, env)
		p.waitFor("a delivery to die in", func() bool {
			select {
			case <-kill:
				return true
			default:
				return false
			}
		})
		p.kill()
		die()
	}
	h.answer(func(int, bot.Event) int { return http.StatusNoContent })
	p = start(t, env)
	first := func() (all []bot.Event) {
		seen := map[string]bool{}
		for _, e := range h.events() {
			if !seen[e.ID] {
				all = append(all, e)
			}
			seen[e.ID] = true
		}
		return all
	}
	p.waitFor("all messages", func() bool { return len(first()) == people*each })
	last := map[string]uint64{}
	for _, e := range first() {
		if e.Seq < last[e.Chat] {
			t.Errorf("event %d came first after %d of the same chat", e.Seq, last[e.Chat])
		}
		last[e.Chat] = e.Seq
	}
	t.Logf("%d deliveries of %d events, %d kills", len(h.events()), people*each, kills)
}

func TestWebhooksOverTheAPI(t *testing.T) {
	t.Parallel()
	wa, dir, h := whatsapp(t), t.TempDir(), startHook(t)
	file := filepath.Join(dir, "webhooks.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	target := `{"name":"books","url":"` + h.URL + `/hook?key=hidden","secret":"` + hookSecret + `","events":["message"]}`
	write(`{"webhooks":[]}`)
	p := start(t, settings(wa, dir, "WEBHOOKS_FILE="+file))
	to := jid(t, p.pair(wa).JID)
	var all bot.Webhooks
	if status := p.get(bot.PathWebhooks, &all); status != http.StatusOK || len(all.Webhooks) != 0 {
		t.Fatalf("status %d, %+v", status, all)
	}
	write(`{"webhooks":[` + target + `]}`)
	p.waitFor("the new webhook", func() bool { p.get(bot.PathWebhooks, &all); return len(all.Webhooks) == 1 })
	if w := all.Webhooks[0]; w.Name != "books" || w.URL != h.URL+"/hook" || w.State != bot.WebhookDelivering {
		t.Errorf("got %+v", w)
	}
	var tested bot.WebhookTest
	if status := p.post(at(bot.PathWebhookTest, "books"), &tested); status != http.StatusOK || !tested.Delivered || h.events()[0].Type != bot.EventWebhookTest {
		t.Errorf("status %d, %+v", status, tested)
	}
	var w bot.Webhook
	p.post(at(bot.PathWebhookPause, "books"), &w)
	if w.State != bot.WebhookPaused {
		t.Errorf("got %+v", w)
	}
	id, err := wa.Person("62899000001").Write(to, "halo")
	mustSend(t, id, err)
	p.waitForEvent("a message", ofType(bot.EventMessage))
	p.get(at(bot.PathWebhook, "books"), &w)
	if w.Backlog != 1 || w.BacklogSince.IsZero() {
		t.Errorf("got %+v", w)
	}
	write(`{"webhooks":[{"name":"books"}]}`) // a mistake changes nothing
	p.waitFor("the complaint", func() bool { return strings.Contains(p.out.String(), "webhooks[0].url") })
	p.post(at(bot.PathWebhookResume, "books"), &w)
	p.waitFor("the message", func() bool { return len(h.events()) == 2 })
	p.post(at(bot.PathWebhookRedeliver, "books")+"?after=oldest", &w)
	p.waitFor("the message again", func() bool { return len(h.events()) == 3 })
	if e := h.events(); e[1].ID != e[2].ID || e[2].Data.Message.ID != id {
		t.Errorf("got %+v and %+v", e[1], e[2])
	}
	var letters bot.DeadLetters
	if status := p.get(at(bot.PathWebhookDead, "books"), &letters); status != http.StatusOK || len(letters.DeadLetters) != 0 {
		t.Errorf("status %d, %+v", status, letters)
	}
	for path, want := range map[string]int{
		at(bot.PathWebhookPause, "nobody"):                        http.StatusNotFound,
		at(bot.PathWebhookRedeliver, "books"):                     http.StatusBadRequest,
		at(bot.PathWebhookRedeliver, "books") + "?after=99999999": http.StatusUnprocessableEntity,
	} {
		if status := p.post(path, nil); status != want {
			t.Errorf("POST %s: status %d, want %d", path, status, want)
		}
	}
	p.counts(`sesi_bot_webhook_deliveries_total{outcome="taken",webhook="books"}`, "2")
	p.counts(`sesi_bot_webhook_delivering{webhook="books"}`, "1")
	for _, forbidden := range []string{"halo", "hidden", hookSecret} {
		if strings.Contains(p.out.String(), forbidden) {
			t.Errorf("the log holds %q", forbidden)
		}
	}
}

func TestWrongWebhooksEndTheStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  []string
		want string
	}{
		"no file":        {[]string{"WEBHOOKS_FILE=/nowhere/webhooks.json"}, "WEBHOOKS_FILE"},
		"a short secret": {[]string{"WEBHOOK_URL=http://127.0.0.1:1", "WEBHOOK_SECRET=hunter2"}, "WEBHOOK_SECRET"},
		"no such event":  {[]string{"WEBHOOK_URL=http://127.0.0.1:1", "WEBHOOK_EVENTS=massage"}, "WEBHOOK_EVENTS"},
		"a bad rule":     {[]string{"WEBHOOK_ALLOW=10.0.0.0/99"}, "WEBHOOK_ALLOW"},
		"messages off":   {[]string{"WEBHOOK_URL=http://127.0.0.1:1", "MESSAGES=off"}, "MESSAGES"},
	} {
		t.Run(name, func(t *testing.T) {
			p := launch(t, settings(nil, t.TempDir(), c.env...), nil)
			select {
			case <-p.ended:
			case <-time.After(patience):
				t.Fatal("it runs")
			}
			if code := p.cmd.ProcessState.ExitCode(); code != exitSettings || strings.Contains(p.out.String(), "hunter2") {
				t.Errorf("exit code %d: %s", code, p.out.String())
			}
			p.wrote(c.want)
		})
	}
}

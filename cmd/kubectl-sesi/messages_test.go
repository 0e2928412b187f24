package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/test/vacant"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

const otherPhone = "6289876543210"

// botProgram builds the bot for the simulator.
func botProgram(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "bot")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "simulator", "-o", program, "../../cmd/bot").CombinedOutput(); err != nil {
		t.Fatalf("build the bot: %v\n%s", err, out)
	}
	return program
}

// linkedBot is the bot's own program with a webhook, linked to the simulator.
func linkedBot(t *testing.T, program string, wa *simtest.Sim, number, webhook string) *botAPI {
	t.Helper()
	dir := t.TempDir()
	address := vacant.Address(t)
	_, port, err := net.SplitHostPort(address)
	must(t, err)
	run := exec.Command(program)
	run.Env = append(os.Environ(), wa.Env()...)
	run.Env = append(run.Env, "AUTH_PATH="+dir, "PORT="+port, "METRICS_PORT=0", "WEBHOOK_URL="+webhook, "LOG_LEVEL=error")
	run.Stderr = t.Output()
	must(t, run.Start())
	t.Cleanup(func() {
		_ = run.Process.Kill()
		_ = run.Wait() // it was killed
	})
	b := &botAPI{client: client.Client{BaseURL: "http://" + address, Language: "en"}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if code, live, err := b.client.Code(ctx); err == nil && live {
			if _, err = wa.Scan(ctx, code.Code.Code, number); err == nil {
				break
			}
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("the bot shows no code that can be scanned")
		}
	}
	must(t, b.watch(ctx, func(s bot.Snapshot) (bool, error) { return !s.Connected, nil }))
	return b
}

// screen is a terminal that is read while it is written.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *screen) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(data)
}

func (l *screen) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// holds waits until something holds, and says whether it came to that within a minute.
func holds(t *testing.T, it func() bool) bool {
	t.Helper()
	return wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		return it(), nil
	}) == nil
}

func (l *screen) await(t *testing.T, words string) {
	t.Helper()
	if !holds(t, func() bool { return strings.Contains(l.String(), words) }) {
		t.Fatalf("it never says %q:\n%s", words, l)
	}
}

// TestMessagesOfABot: a message goes once for each key, tail shows both ways, and a webhook can be seen, tested and
// given everything again.
func TestMessagesOfABot(t *testing.T) {
	t.Parallel()
	var refuse atomic.Bool
	var mu sync.Mutex
	var got []string
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse.Load() {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Header.Get(bot.HeaderWebhookID))
	}))
	t.Cleanup(hook.Close)
	wa, program := simtest.Start(t, sim.Config{}), botProgram(t)
	b := linkedBot(t, program, wa, ownPhone, hook.URL+"/in?key=secret")
	friend := linkedBot(t, program, wa, otherPhone, hook.URL)

	text, whole := &screen{}, &screen{}
	ctx, stop := context.WithCancel(t.Context())
	var tails sync.WaitGroup
	for out, asJSON := range map[*screen]bool{text: false, whole: true} {
		tails.Go(func() {
			if err := b.tail(ctx, client.EventQuery{After: client.Oldest}, out, asJSON); err != nil {
				t.Error(err)
			}
		})
	}
	defer tails.Wait()
	defer stop()

	first, err := b.send(t.Context(), "order-1", bot.SendRequest{To: "+" + otherPhone, Text: "ready"}, "")
	must(t, err)
	again, err := b.send(t.Context(), "order-1", bot.SendRequest{To: "+" + otherPhone, Text: "ready"}, "")
	if err != nil || first.ID != again.ID || first.State != bot.MessageSent && first.State != bot.MessageDelivered {
		t.Errorf("sent %+v, and again %+v, %v", first, again, err)
	}
	var said screen
	if err := (&tool{out: &said}).tellSent("shop", first); err != nil || !strings.Contains(said.String(), first.ID+" is ") {
		t.Errorf("it says %s, %v", &said, err)
	}
	if _, err := b.send(t.Context(), "", bot.SendRequest{To: "nobody", Text: "x"}, ""); err == nil {
		t.Error("a recipient who is none was taken")
	}
	_, err = friend.send(t.Context(), "a-1", bot.SendRequest{To: "+" + ownPhone, Text: "thanks \u009b2J\u202e"}, "")
	must(t, err)
	text.await(t, "+"+otherPhone)
	text.await(t, "thanks 2J\n")
	text.await(t, "me -> +"+otherPhone+"  "+first.ID+"  ready")
	whole.await(t, `thanks \u009b2J\u202e`)
	var event bot.Event
	for line := range strings.Lines(whole.String()) { // the webhook may begin behind the events of the start
		if must(t, json.Unmarshal([]byte(line), &event)); event.Type == bot.EventMessage {
			break
		}
	}
	if event.ID == "" || event.Session != "default" || event.Type != bot.EventMessage {
		t.Errorf("the last line is %+v", event)
	}
	times := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(slices.DeleteFunc(slices.Clone(got), func(id string) bool { return id != event.ID }))
	}
	if !holds(t, func() bool { return times() == 1 }) {
		t.Fatalf("the message was delivered %d times", times())
	}

	shown := &screen{}
	terminal := &tool{out: shown}
	must(t, terminal.allWebhooks(t.Context(), b))
	all, err := b.client.Webhooks(t.Context())
	must(t, err)
	name := all.Webhooks[0].Name
	if !strings.Contains(shown.String(), "NAME") || !strings.Contains(shown.String(), name) || strings.Contains(shown.String(), "secret") {
		t.Errorf("the table is\n%s", shown)
	}
	must(t, terminal.testWebhook(t.Context(), b, name))
	shown.await(t, name+" took the test: 200")
	refuse.Store(true)
	if err := terminal.testWebhook(t.Context(), b, name); err == nil || !strings.Contains(err.Error(), "418") {
		t.Errorf("a receiver that refuses: %v", err)
	}
	refuse.Store(false)
	must(t, terminal.steerWebhook(t.Context(), name, b.client.PauseWebhook))
	shown.await(t, "paused")
	must(t, terminal.steerWebhook(t.Context(), name, b.client.ResumeWebhook))
	must(t, terminal.steerWebhook(t.Context(), name, func(ctx context.Context, name string) (bot.Webhook, error) {
		return b.client.Redeliver(ctx, name, client.Oldest)
	}))
	if !holds(t, func() bool { return times() >= 2 }) {
		t.Fatalf("the message was delivered %d times, also after a redelivery", times())
	}
	must(t, terminal.oneWebhook(t.Context(), b, name))
	if err := terminal.oneWebhook(t.Context(), b, "other"); err == nil {
		t.Error("a webhook that is not there was shown")
	}
	path := filepath.Join(t.TempDir(), "nota.txt")
	must(t, os.WriteFile(path, []byte("25000"), 0o600))
	request, file := bot.SendRequest{To: "+" + otherPhone}, attachment{document: path}
	must(t, file.into(&request, "the receipt"))
	sent, err := b.send(t.Context(), "receipt-1", request, file.path)
	if err != nil || sent.Kind != bot.KindDocument || sent.Text != "the receipt" || sent.Media.Filename != "nota.txt" {
		t.Errorf("sent %+v, %v", sent, err)
	}
	if _, err := b.send(t.Context(), "", request, path+".missing"); err == nil || !strings.Contains(err.Error(), "nota.txt.missing") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestCommandsOfMessages: what a person gets wrong is named.
func TestCommandsOfMessages(t *testing.T) {
	t.Parallel()
	namespace := space(t, "messages")
	session := someSession("shop", isSuspended)
	session.Namespace = namespace
	create(t, session)
	for want, args := range map[string][]string{
		`required flag(s) "to" not set`:       {"send", "shop", "hello"},
		"give the TEXT":                       {"send", "shop", "--to", "+6281234567890"},
		"none of the others can be":           {"send", "shop", "--to", "+6281234567890", "--image", "a", "--document", "b"},
		"shop is suspended and has no bot":    {"send", "shop", "hello", "--to", "+6281234567890"},
		"-o must be json":                     {"tail", "shop", "-o", "yaml"},
		"name the webhook":                    {"webhooks", "shop", "--test"},
		"if any flags in the group":           {"webhooks", "shop", "in", "--test", "--pause"},
		`required flag(s) "after" not set`:    {"redeliver", "shop", "in"},
		`there is no WhatsAppSession "other"`: {"tail", "other"},
	} {
		if out, err := sesi(t, "", append([]string{"--namespace", namespace}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v\n%s\nwant %s", args, err, out, want)
		}
	}
}

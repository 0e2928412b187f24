package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.mau.fi/libsignal/logger"
	"golang.org/x/sync/errgroup"

	"sesi.dev/sesi/api/bot"
	botclient "sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/resources"
	"sesi.dev/sesi/test/clustertest"
	"sesi.dev/sesi/test/vacant"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// mute keeps the simulated WhatsApp's library quiet.
type mute struct{}

func (mute) Debug(string, string)   {}
func (mute) Info(string, string)    {}
func (mute) Warning(string, string) {}
func (mute) Error(string, string)   {}
func (mute) Configure(string)       {}

// buildBot builds the bot's own program.
func buildBot(t *testing.T) string {
	t.Helper()
	var quiet logger.Loggable = mute{}
	logger.Setup(&quiet)
	program := filepath.Join(t.TempDir(), "bot")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "simulator", "-o", program, "../cmd/bot").CombinedOutput(); err != nil {
		t.Fatalf("build the bot: %v\n%s", err, out)
	}
	return program
}

// realBot starts the bot's own program for a session, as its pod would.
func realBot(t *testing.T, f *fixture, program string, wa *simtest.Sim) {
	t.Helper()
	pod, err := resources.BuildPod(f.session, resources.Options{BotImage: "bot:test"})
	must(t, err)
	pod.UID = "real-bot"
	deliveries := resources.BuildDeliveries(f.session, f.secret, nil)
	must(t, deliveries.Err)
	f.secret.Data[credentials.KeyMessages], f.secret.Data[credentials.KeyWebhooks] = deliveries.Messages, deliveries.Webhooks
	files := clustertest.Files{Session: t.TempDir(), Credentials: t.TempDir(), Secret: f.secret.Data}
	for name, data := range f.secret.Data {
		must(t, os.WriteFile(filepath.Join(files.Credentials, name), data, 0o600))
	}
	address := newAddress()
	bots := &clustertest.Programs{Path: program, Environ: wa.Env()}
	stop, err := bots.Start(pod, address, files)
	must(t, err)
	t.Cleanup(stop)
	f.makePod(address)
}

// TestRealBots links two real bots through the gateway and sends between them, in the bot's own words and in WAHA's.
func TestRealBots(t *testing.T) {
	program := buildBot(t)
	wa := simtest.Start(t, sim.Config{})
	namespace := newNamespace(t)
	g := newGateway(t)
	key := newKey(t, namespace, "read,send,link,control,manage")
	numbers := map[string]string{"shop": "628123456789", "bank": "628987654321"}
	for name, number := range numbers {
		f := newSession(t, namespace, name, nil)
		realBot(t, f, program, wa)
		f.setState(bot.StatePairing, v1alpha1.ReasonPodRunning)
		c := botclient.Client{BaseURL: g.url + bot.GatewayPath(namespace, name), Token: key}
		wait(t, name+" to show a code", func() bool {
			code, ok, err := c.Code(t.Context())
			if err != nil || !ok {
				return false
			}
			_, err = wa.Scan(t.Context(), code.Code.Code, number)
			return err == nil
		})
		must(t, c.Watch(t.Context(), func(s bot.Snapshot) (bool, error) { return !s.Connected, nil }))
	}

	shop, bank := bot.GatewayPath(namespace, "shop"), bot.GatewayPath(namespace, "bank")
	body := `{"to":"+` + numbers["bank"] + `","text":"from the shop"}`
	once := func(r *http.Request) { r.Header.Set("Idempotency-Key", "order-1") }
	first, second := g.do("POST", shop+"/messages", key, body, once), g.do("POST", shop+"/messages", key, body, once)
	var a, b struct {
		ID string `json:"id"`
	}
	must(t, json.Unmarshal([]byte(first.body), &a))
	must(t, json.Unmarshal([]byte(second.body), &b))
	if first.status/100 != 2 || a.ID == "" || a.ID != b.ID {
		t.Fatalf("sent: %d %s, and again: %d %s", first.status, first.body, second.status, second.body)
	}
	wait(t, "the message to come", func() bool {
		return strings.Count(g.do("GET", bank+"/messages", key, "").body, "from the shop") == 1
	})
	if got := g.do("GET", "/api/sessions/shop", key, ""); got.status != http.StatusOK || !strings.Contains(got.body, `"name":"shop"`) {
		t.Errorf("WAHA's session: %d %s", got.status, got.body)
	}
	if got := g.do("GET", "/api/shop/auth/qr?format=raw", key, ""); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "SCAN_QR_CODE") {
		t.Errorf("WAHA's code of a linked session: %d %s", got.status, got.body)
	}
	streamOfBoth(t, g, key, bank)
	killUnderLoad(t, g, key, namespace, numbers["bank"])
	if got := g.do("POST", shop+bot.PathLogout, key, ""); got.status != http.StatusOK {
		t.Errorf("logout: %d %s", got.status, got.body)
	}
	if got := g.do("POST", shop+"/messages", key, body); got.status < 400 || got.problem().Type == "" {
		t.Errorf("a send of a session that is logged out: %d %s", got.status, got.body)
	}
}

// streamOfBoth reads what both bots tell of one message in one stream.
func streamOfBoth(t *testing.T, g *served, key, bank string) {
	t.Helper()
	c := botclient.Client{BaseURL: g.url, Token: key}
	stream, err := c.Stream(t.Context(), bot.PathGatewayEvents+"?messages=shop,bank&after=oldest", "", patience)
	must(t, err)
	defer stream.Close()
	told := map[string]bool{}
	for !told["shop message.sent"] || !told["bank message"] {
		event, err := stream.Next()
		must(t, err)
		var e bot.GatewayEvent
		must(t, json.Unmarshal(event.Data, &e))
		if m := e.Event.Data.Message; m != nil && m.Text == "from the shop" {
			told[e.Name+" "+event.Name] = true
		}
	}
	if got := g.do("GET", bank+"/events?limit=1&types=message", key, ""); !strings.Contains(got.body, "from the shop") {
		t.Errorf("the bot's own events: %d %s", got.status, got.body)
	}
}

// gatewayProgram starts cmd/gateway as a process of its own and returns its address, its process, and how to kill it.
func gatewayProgram(t testing.TB, flags ...string) (url string, process int, kill func()) {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "gateway")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../cmd/gateway").CombinedOutput(); err != nil {
		t.Fatalf("build the gateway: %v\n%s", err, out)
	}
	must(t, os.WriteFile(filepath.Join(dir, "kubeconfig"), environment.KubeConfig, 0o600))
	address, probes := vacant.Address(t), vacant.Address(t)
	command := exec.Command(program, append([]string{"-bind-address", address, "-probe-bind-address", probes, "-locale", "en"}, flags...)...)
	command.Env = append(os.Environ(), "KUBECONFIG="+filepath.Join(dir, "kubeconfig"))
	must(t, command.Start())
	kill = sync.OnceFunc(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed
	})
	t.Cleanup(kill)
	wait(t, "the gateway's process to be ready", func() bool {
		answer, err := http.Get("http://" + probes + bot.PathReady)
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return "http://" + address, command.Process.Pid, kill
}

// killUnderLoad sends through one of two gateways, kills it in the middle, and repeats at the other what got no answer.
// Every message arrives, and none twice.
func killUnderLoad(t *testing.T, other *served, key, namespace, to string) {
	t.Helper()
	const messages, workers = 40, 4
	doomed, _, kill := gatewayProgram(t)
	path := bot.GatewayPath(namespace, "shop") + "/messages"
	send := func(base string, n int) error {
		body := fmt.Sprintf(`{"to":"+%s","text":"load-%d."}`, to, n)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+path, strings.NewReader(body))
		if err != nil {
			return err
		}
		request.Header.Set("X-Api-Key", key)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", fmt.Sprintf("load-%d", n))
		answer, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err == nil && answer.StatusCode/100 != 2 {
			err = fmt.Errorf("answered %d %s", answer.StatusCode, text)
		}
		return err
	}
	wait(t, "the doomed gateway to send", func() bool { return send(doomed, 0) == nil })
	var group errgroup.Group
	var sent, repeated atomic.Int32
	for worker := range workers {
		group.Go(func() error {
			for n := worker + 1; n < messages; n += workers {
				if sent.Add(1) == messages/2 {
					kill()
				}
				if send(doomed, n) == nil {
					continue
				}
				repeated.Add(1)
				if err := send(other.url, n); err != nil {
					return fmt.Errorf("message %d at the other gateway: %w", n, err)
				}
			}
			return nil
		})
	}
	must(t, group.Wait())
	if repeated.Load() == 0 {
		t.Error("the kill disturbed nobody")
	}
	var got string
	wait(t, "every message to come", func() bool {
		got = other.do("GET", bot.GatewayPath(namespace, "bank")+"/messages?limit=100", key, "").body
		for n := range messages {
			if !strings.Contains(got, fmt.Sprintf(`"load-%d."`, n)) {
				return false
			}
		}
		return true
	})
	for n := range messages {
		if count := strings.Count(got, fmt.Sprintf(`"load-%d."`, n)); count != 1 {
			t.Errorf("message %d came %d times", n, count)
		}
	}
}

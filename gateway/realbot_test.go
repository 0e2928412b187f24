package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.mau.fi/libsignal/logger"

	"sesi.dev/sesi/api/bot"
	botclient "sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/resources"
	"sesi.dev/sesi/test/clustertest"
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

// realBot starts the bot's own program for a session, as its pod would.
func realBot(t *testing.T, f *fixture, program string, wa *simtest.Sim) {
	t.Helper()
	pod, err := resources.BuildPod(f.session, resources.Options{BotImage: "bot:test"})
	must(t, err)
	pod.UID = "real-bot"
	files := clustertest.Files{Session: t.TempDir(), Credentials: t.TempDir(), Secret: f.secret.Data}
	for name, data := range f.secret.Data {
		must(t, os.WriteFile(filepath.Join(files.Credentials, name), data, 0o600))
	}
	n := addresses.Add(1)
	address := fmt.Sprintf("127.60.%d.%d", n/250, n%250+1)
	bots := &clustertest.Programs{Path: program, Environ: wa.Env()}
	stop, err := bots.Start(pod, address, files)
	must(t, err)
	t.Cleanup(stop)
	f.makePod(address)
}

// TestRealBots links two real bots through the gateway and sends between them, in the bot's own words and in WAHA's.
func TestRealBots(t *testing.T) {
	var quiet logger.Loggable = mute{}
	logger.Setup(&quiet)
	program := filepath.Join(t.TempDir(), "bot")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "simulator", "-o", program, "../cmd/bot").CombinedOutput(); err != nil {
		t.Fatalf("build the bot: %v\n%s", err, out)
	}
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
	if got := g.do("POST", shop+bot.PathLogout, key, ""); got.status != http.StatusOK {
		t.Errorf("logout: %d %s", got.status, got.body)
	}
	if got := g.do("POST", shop+"/messages", key, body); got.status < 400 || got.problem().Type == "" {
		t.Errorf("a send of a session that is logged out: %d %s", got.status, got.body)
	}
}

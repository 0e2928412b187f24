package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	"sesi.dev/sesi/api/bot"
	botclient "sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// adopt returns the fixture of a session that was created through the gateway, with the Secret that the operator makes.
func adopt(t *testing.T, namespace, name string) *fixture {
	t.Helper()
	f := &fixture{t: t, key: types.NamespacedName{Namespace: namespace, Name: name}, session: &v1alpha1.WhatsAppSession{}}
	must(t, admin.Get(t.Context(), f.key, f.session))
	secret, err := credentials.Build(f.session, nil, time.Now())
	must(t, err)
	must(t, admin.Create(t.Context(), secret))
	f.secret = secret
	return f
}

// outside is what a program of the generated client reports.
type outside struct {
	Good, Wrong []string
	Codes       map[string]string
}

// A client that is generated from WAHA's own OpenAPI document makes ten sessions, links them, sends between them and
// deletes them, through the gateway; each answer is validated against that document, which WAHA_OPENAPI names.
func TestAClientOfWAHAsDocumentWithTenSessions(t *testing.T) {
	document := os.Getenv("WAHA_OPENAPI")
	if document == "" {
		t.Skip("WAHA_OPENAPI does not name WAHA's openapi.json; TestSettingsOfASession and TestRealBots stand for it")
	}
	folder, err := exec.CommandContext(t.Context(), filepath.Join("..", "test", "waha", "install.sh"), document).Output()
	if err != nil || len(folder) == 0 {
		t.Fatalf("install the client: %s, %v", folder, err)
	}
	program := buildBot(t)
	wa := simtest.Start(t, sim.Config{})
	namespace := newNamespace(t)
	g := newGateway(t)
	key := newKey(t, namespace, "read,send,link,control,manage")
	g.eventually(200, "GET", bot.PathWAHASessions, key, "")
	var names, numbers []string
	for i := range 10 {
		names, numbers = append(names, fmt.Sprintf("shop-%d", i)), append(numbers, fmt.Sprintf("62899000001%d", i))
	}
	run := func(file string, arguments []string, env ...string) (found outside) {
		t.Helper()
		command := exec.CommandContext(t.Context(), "node", append([]string{filepath.Join(strings.TrimSpace(string(folder)), file)}, arguments...)...)
		command.Env = append(os.Environ(), append([]string{"BOT=" + g.url, "KEY=" + key, "HOOK=https://crm.example/hook", "NUMBERS=" + strings.Join(numbers, ",")}, env...)...)
		var out, errs bytes.Buffer
		command.Stdout, command.Stderr = &out, &errs
		if err := command.Run(); err != nil {
			t.Fatalf("node %s %v: %v\n%s", file, arguments, err, errs.String())
		}
		must(t, json.Unmarshal(out.Bytes(), &found))
		for _, wrong := range found.Wrong {
			t.Errorf("%s %v: %s", file, arguments, wrong)
		}
		return found
	}

	run("fleet.js", append([]string{"make"}, names...))
	fixtures := make([]*fixture, len(names))
	for i, name := range names {
		fixtures[i] = adopt(t, namespace, name)
		realBot(t, fixtures[i], program, wa)
		fixtures[i].setState(bot.StatePairing, v1alpha1.ReasonPodRunning)
	}
	var group errgroup.Group
	client := func(name string) *botclient.Client {
		return &botclient.Client{BaseURL: g.url + bot.GatewayPath(namespace, name), Token: key}
	}
	for _, name := range names {
		group.Go(func() error {
			return client(name).Watch(t.Context(), func(s bot.Snapshot) (bool, error) { return !s.QRRequired, nil })
		})
	}
	must(t, group.Wait())
	codes := run("fleet.js", append([]string{"codes"}, names...)).Codes
	for i, name := range names {
		group.Go(func() error {
			if _, err := wa.Scan(t.Context(), codes[name], numbers[i]); err != nil {
				return fmt.Errorf("scan the code %q of %s: %w", codes[name], name, err)
			}
			return client(name).Watch(t.Context(), func(s bot.Snapshot) (bool, error) { return !s.Connected, nil })
		})
	}
	must(t, group.Wait())
	for i, f := range fixtures {
		f.setState(bot.StateConnected, v1alpha1.ReasonPodRunning, func(s *v1alpha1.WhatsAppSessionStatus) {
			s.Session = &v1alpha1.SessionStatus{Exists: true, JID: numbers[i] + ":1@s.whatsapp.net", PhoneNumber: "+" + numbers[i]}
		})
	}
	wait(t, "the gateway to know all accounts", func() bool {
		return strings.Count(g.do("GET", bot.PathGatewaySessions, key, "").body, `"phoneNumber"`) == len(names)
	})
	found := run("fleet.js", append([]string{"use"}, names...))
	t.Logf("%d operations answered as documented by ten sessions", len(found.Good))
	run("fleet.js", append([]string{"end"}, names...))
	if n := list(t, namespace); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

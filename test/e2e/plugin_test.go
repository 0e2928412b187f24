package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/scan"
)

// plugin runs kubectl sesi as a person does, and remembers all its output.
type plugin struct {
	namespace string
	folder    string // contains the plugin; first in PATH

	mu   sync.Mutex
	said bytes.Buffer
}

// completer is how kubectl asks a plugin to complete its arguments.
const completer = "#!/bin/sh\nexec kubectl sesi __complete \"$@\"\n"

func newPlugin(t *testing.T, namespace string) *plugin {
	t.Helper()
	p := &plugin{namespace: namespace, folder: t.TempDir()}
	command(t, "go", "build", "-o", filepath.Join(p.folder, "kubectl-sesi"), "../../cmd/kubectl-sesi")
	must(t, os.WriteFile(filepath.Join(p.folder, "kubectl_complete-sesi"), []byte(completer), 0o755))
	return p
}

// Write implements io.Writer for the output of every command.
func (p *plugin) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(data)
}

func (p *plugin) everSaid() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// start starts a command; its output also goes to out. The command ends with the test.
func (p *plugin) start(ctx context.Context, answer string, out *watchedWords, args ...string) (*exec.Cmd, error) {
	run := exec.CommandContext(ctx, "kubectl", append([]string{"--namespace", p.namespace}, args...)...)
	run.Args = append([]string{"kubectl"}, args...)
	if args[0] == "sesi" {
		run.Args = append([]string{"kubectl", "sesi", "--namespace", p.namespace}, args[1:]...)
	}
	run.Env = append(os.Environ(), "PATH="+p.folder+string(os.PathListSeparator)+os.Getenv("PATH"))
	run.Stdin = strings.NewReader(answer)
	run.Stdout, run.Stderr = out, out
	out.also = p
	return run, run.Start()
}

// watchedWords are a command's output as it is written.
type watchedWords struct {
	mu    sync.Mutex
	words bytes.Buffer
	also  *plugin
}

func (w *watchedWords) Write(data []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = w.also.Write(data)
	return w.words.Write(data)
}

func (w *watchedWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.words.String()
}

// try runs kubectl sesi to its end.
func (p *plugin) try(t *testing.T, answer string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out := &watchedWords{}
	run, err := p.start(ctx, answer, out, append([]string{"sesi"}, args...)...)
	must(t, err)
	if err := run.Wait(); err != nil {
		return out.String(), fmt.Errorf("kubectl sesi %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return out.String(), nil
}

func (p *plugin) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := p.try(t, "", args...)
	must(t, err)
	return out
}

// refuses runs a command that must fail with these words.
func (p *plugin) refuses(t *testing.T, words string, args ...string) {
	t.Helper()
	out, err := p.try(t, "", args...)
	if err == nil || !strings.Contains(out, words) {
		t.Errorf("kubectl sesi %s: %v, and it says\n%s\nwant a refusal with %q", strings.Join(args, " "), err, out, words)
	}
}

// says fails the test unless all the words are there.
func says(t *testing.T, out string, words ...string) {
	t.Helper()
	for _, want := range words {
		if !strings.Contains(out, want) {
			t.Errorf("it lacks %q:\n%s", want, out)
		}
	}
}

// TestPlugin leads one session through its life with only the plugin.
func TestPlugin(t *testing.T) {
	t.Parallel()
	namespace := ownSpace(t, "plugin")
	p := newPlugin(t, namespace)
	session := newSession(namespace, "shop")
	must(t, cluster.Create(t.Context(), session))
	awaitQR(t, session)
	tokens := []string{tokenOf(t, session)}
	for _, step := range []struct {
		name string
		do   func(*testing.T, *plugin, *v1alpha1.WhatsAppSession)
	}{
		{"list shows who must be scanned", pluginLists},
		{"doctor says that a phone is needed", pluginDoctorWantsPhone},
		{"qr ends when the phone has scanned", pluginScans},
		{"status tells of the account", pluginStatus},
		{"doctor finds nothing", pluginDoctorWell},
		{"logs", pluginLogs},
		{"completion", pluginCompletes},
		{"send and tail, over a new pod", pluginTalks},
		{"restart", pluginRestarts},
		{"backup and restore", pluginRestores},
		{"suspend and resume", pluginSuspends},
		{"logout, and pair with a number", pluginLogsOut},
		{"clear", pluginClears},
		{"a stop holds until a restart", pluginEndsAStop},
		{"qr --open, for as long as it takes", pluginOpensPage},
		{"doctor finds what is broken", pluginDoctorBroken},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.do(t, p, session) }) {
			break
		}
	}
	for _, token := range append(tokens, tokenOf(t, session)) {
		if strings.Contains(p.everSaid(), token) {
			t.Error("the plugin printed the session's token")
		}
	}
}

func tokenOf(t *testing.T, session *v1alpha1.WhatsAppSession) string {
	t.Helper()
	secret := &corev1.Secret{ObjectMeta: podOf(session).ObjectMeta}
	must(t, get(t.Context(), secret))
	token := string(secret.Data[credentials.KeyToken])
	if len(token) < 16 {
		t.Fatalf("the token has %d characters", len(token))
	}
	return token
}

func pluginLists(t *testing.T, p *plugin, _ *v1alpha1.WhatsAppSession) {
	out := p.run(t, "list")
	if row := strings.Fields(strings.Split(out, "\n")[1]); len(row) < 4 || row[0] != "shop" || row[1] != "Pairing" || row[3] != "ScanQR" {
		t.Errorf("list says\n%s", out)
	}
	if got := p.run(t, "list", "--needs-action", "-o", "name"); got != "whatsappsession.sesi.dev/shop\n" {
		t.Errorf("list -o name says %q", got)
	}
	says(t, p.run(t, "list", "-A"), "NAMESPACE", p.namespace+" ")
}

func pluginDoctorWantsPhone(t *testing.T, p *plugin, _ *v1alpha1.WhatsAppSession) {
	out, err := p.try(t, "", "doctor", "shop")
	must(t, err) // waiting for a person is not a fault
	says(t, out, "ok    the PVC wa-shop", "ok    the bot answers", "NEXT  the session: it is Pairing (QRAvailable)",
		"-> link the phone: kubectl sesi qr shop")
}

func pluginScans(t *testing.T, p *plugin, session *v1alpha1.WhatsAppSession) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	terminal := &watchedWords{}
	scanning, err := p.start(ctx, "", terminal, "sesi", "qr", "shop")
	must(t, err)
	eventually(t, patience, "the code is in the terminal", func(context.Context) error {
		if !strings.Contains(terminal.String(), "Link a device.\n") || !strings.Contains(terminal.String(), "█") {
			return fmt.Errorf("it shows %q", terminal)
		}
		return nil
	})
	picture, code := filepath.Join(t.TempDir(), "code.png"), ""
	eventually(t, patience, "the picture's code is taken", func(ctx context.Context) error {
		if _, err := p.try(t, "", "qr", "shop", "--png", picture); err != nil {
			return err
		}
		drawn, err := os.ReadFile(picture)
		if err != nil {
			return err
		}
		code = scan.Code(drawn)
		return simulator(ctx, http.MethodPost, "scan", map[string]string{"qr": code, "phone": phoneOf(180)}, nil)
	})
	if err := scanning.Wait(); err != nil || !strings.Contains(terminal.String(), "Connected as "+phoneOf(180)+":") {
		t.Errorf("kubectl sesi qr ended with %v after\n%s", err, terminal)
	}
	if strings.Contains(p.everSaid(), code) {
		t.Error("the plugin printed a code as text")
	}
	awaitConnected(t, session)
	if info, err := os.Stat(picture); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the picture: %v, %v; want a file for its owner alone", info, err)
	}
	p.refuses(t, "there is no code to scan", "qr", "shop", "--png", picture)
}

func pluginStatus(t *testing.T, p *plugin, session *v1alpha1.WhatsAppSession) {
	says(t, p.run(t, "status", "shop"), "plugin/shop", "Connected (LoggedIn)", phoneOf(180)+":", "wa-shop on "+nodeName,
		"CONDITION", "SessionExists", "EVENT", "QRAvailable")
	for format, decode := range map[string]func([]byte, any) error{
		"json": json.Unmarshal, "yaml": func(data []byte, into any) error { return yaml.Unmarshal(data, into) },
	} {
		shown := &v1alpha1.WhatsAppSession{}
		must(t, decode([]byte(p.run(t, "status", "shop", "-o", format)), shown))
		if shown.Kind != "WhatsAppSession" || shown.UID != session.UID || shown.Status.Session.JID != session.Status.Session.JID {
			t.Errorf("status -o %s shows %+v", format, shown)
		}
	}
	if got := p.run(t, "list", "--needs-action"); got != "No sessions found.\n" {
		t.Errorf("somebody is asked for: %s", got)
	}
}

func pluginDoctorWell(t *testing.T, p *plugin, _ *v1alpha1.WhatsAppSession) {
	out := p.run(t, "doctor", "shop")
	says(t, out, "ok    the API server (v1.", "ok    your rights", "ok    the operator follows this session", "ok    the PVC wa-shop",
		"ok    the Secret wa-shop", "ok    the NetworkPolicy wa-shop", "ok    the bot's pod", "ok    the bot answers", "ok    the bot's version", "ok    the session")
	if strings.Contains(out, "BAD") {
		t.Errorf("a session that is well:\n%s", out)
	}
}

func pluginLogs(t *testing.T, p *plugin, _ *v1alpha1.WhatsAppSession) {
	says(t, p.run(t, "logs", "shop"), `"event":"qr"`, `"event":"authenticated"`, `"event":"ready"`)
	if got := p.run(t, "logs", "shop", "--tail", "1"); strings.Count(got, "\n") != 1 {
		t.Errorf("logs --tail 1 says %q", got)
	}
}

func pluginCompletes(t *testing.T, p *plugin, _ *v1alpha1.WhatsAppSession) {
	says(t, p.run(t, "__complete", "status", ""), "shop\n")
	says(t, p.run(t, "__complete", "re"), "restart\t", "restore\t", "resume\t")
	says(t, p.run(t, "completion", "bash"), "complete ")
	// through kubectl itself, as its own completion does
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out := &watchedWords{}
	run, err := p.start(ctx, "", out, "__complete", "sesi", "--namespace", p.namespace, "status", "sh")
	must(t, err)
	if err := run.Wait(); err != nil {
		t.Error(err)
	}
	says(t, out.String(), "shop\n")
}

func pluginTalks(t *testing.T, p *plugin, session *v1alpha1.WhatsAppSession) {
	customer := phoneOf(183)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	terminal := &watchedWords{}
	tailing, err := p.start(ctx, "", terminal, "sesi", "tail", "shop")
	must(t, err)
	shows := func(words string) {
		t.Helper()
		eventually(t, patience, "tail shows "+words, func(context.Context) error {
			if !strings.Contains(terminal.String(), words) {
				return fmt.Errorf("it shows %q", terminal)
			}
			return nil
		})
	}
	said := 0
	eventually(t, patience, "tail shows what a customer writes", func(ctx context.Context) error {
		said++ // tail begins with what comes after it
		hello := fmt.Sprintf("hello %d", said)
		if err := simulator(ctx, http.MethodPost, "say", map[string]string{"jid": session.Status.Session.JID, "from": customer, "text": hello}, nil); err != nil {
			return err
		}
		if !strings.Contains(terminal.String(), "hello") {
			return fmt.Errorf("it shows %q", terminal)
		}
		return nil
	})
	says(t, p.run(t, "send", "shop", "--to", "+"+customer, "--key", "e2e-1", "welcome"), " is ")
	says(t, p.run(t, "send", "shop", "--to", "+"+customer, "--key", "e2e-1", "welcome"), " is ")
	shows("me -> +" + customer)
	before := podUID(t, session)
	must(t, cluster.Delete(t.Context(), podOf(session)))
	awaitReplaced(t, session, before)
	say(t, session, customer, "are you back", 0)
	shows("are you back")
	if got := strings.Count(terminal.String(), "welcome"); got != 1 {
		t.Errorf("one key sent %d messages:\n%s", got, terminal)
	}
	cancel()
	_ = tailing.Wait() // it was told to end
	says(t, p.run(t, "webhooks", "shop"), "The session has no webhooks.")
}

func pluginRestarts(t *testing.T, p *plugin, session *v1alpha1.WhatsAppSession) {
	before := knownDevices(t)
	says(t, p.run(t, "restart", "shop"), "shop reconnects.")
	eventually(t, patience, "the bot logs in again", func(ctx context.Context) error {
		after, err := devices(ctx)
		if err == nil && after[phoneOf(180)].Logins <= before[phoneOf(180)].Logins {
			err = fmt.Errorf("%d logins", after[phoneOf(180)].Logins)
		}
		return err
	})
	awaitConnected(t, session)
}

func pluginRestores(t *testing.T, p *plugin, session *v1alpha1.WhatsAppSession) {
	file := filepath.Join(t.TempDir(), "shop.db.zst")
	says(t, p.run(t, "backup", "shop", "-o", file), "Wrote "+file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
		t.Errorf("the backup: %v, %v", info, err)
	}
	p.refuses(t, "file exists", "backup", "shop", "-o", file)
	p.refuses(t, "no such file", "restore", "shop", "--yes", "-f", file+".other")
	p.refuses(t, "not done", "restore", "shop", "-f", file)
	before := podUID(t, session)
	unscanned(t, []*v1alpha1.WhatsAppSession{session}, func() {
		says(t, p.run(t, "restore", "shop", "--yes", "-f", file), "Restored", "set aside")
		awaitReplaced(t, session, before)
	})
	junk := filepath.Join(t.TempDir(), "junk")
	must(t, os.WriteFile(junk, []byte("no backup at all"), 0o600))
	before = podUID(t, session)
	unscanned(t, []*v1alpha1.WhatsAppSession{session}, func() {
		p.refuses(t, "nothing was changed", "restore", "shop", "--yes", "-f", junk)
		awaitReplaced(t, session, before)
	})
}

func pluginSuspends(t *testing.T, p *plugin, session *v1alpha1.WhatsAppSession) {
	p.refuses(t, "Stop the bot of shop? [y/N]", "suspend", "shop")
	if out, err := p.try(t, "n\n", "suspend", "shop"); err == nil {
		t.Errorf("suspended although the answer was no: %s", out)
	}
	out, err := p.try(t, "y\n", "suspend", "shop")
	must(t, err)
	says(t, out, "shop is suspended.")
	awaitReason(t, session, v1alpha1.ConditionPodReady, v1alpha1.ReasonSuspended)
	p.refuses(t, "kubectl sesi resume shop", "qr", "shop")
	out, err = p.try(t, "", "doctor", "shop")
	must(t, err)
	says(t, out, "NEXT  the bot's pod: shop is suspended and has no bot", "-     the bot answers: not checked", "-> kubectl sesi resume shop")
	unscanned(t, []*v1alpha1.WhatsAppSession{session}, func() {
		says(t, p.run(t, "resume", "shop"), "shop is resumed.")
		awaitConnected(t, session)
	})
}

var pairingCode = regexp.MustCompile(`(?m)^ +([0-9A-Z]{4}-[0-9A-Z]{4})$`)

func pluginLogsOut(t *testing.T, p *plugin, session *v1alpha1.WhatsAppSession) {
	p.refuses(t, "not done", "logout", "shop")
	says(t, p.run(t, "logout", "shop", "--yes"), "shop is logged out.")
	awaitQR(t, session)
	p.refuses(t, "not linked", "logout", "shop", "--yes")

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	terminal := &watchedWords{}
	pairing, err := p.start(ctx, "", terminal, "sesi", "pair", "shop", "--phone", "+"+phoneOf(181))
	must(t, err)
	eventually(t, patience, "the code is typed into the phone", func(ctx context.Context) error {
		code := pairingCode.FindStringSubmatch(terminal.String())
		if code == nil {
			return fmt.Errorf("no code in %q", terminal)
		}
		return simulator(ctx, http.MethodPost, "paircode", map[string]string{"phone": phoneOf(181), "code": code[1]}, nil)
	})
	if err := pairing.Wait(); err != nil || !strings.Contains(terminal.String(), "Connected as "+phoneOf(181)+":") {
		t.Errorf("kubectl sesi pair ended with %v after\n%s", err, terminal)
	}
	awaitConnected(t, session)
}

func pluginClears(t *testing.T, p *plugin, session *v1alpha1.WhatsAppSession) {
	p.refuses(t, "not done", "clear", "shop")
	if meta.IsStatusConditionFalse(session.Status.Conditions, v1alpha1.ConditionSessionExists) {
		t.Error("it was cleared although nobody agreed")
	}
	says(t, p.run(t, "clear", "shop", "--yes"), "shop is cleared.")
	awaitQR(t, session)
	if session.Status.Session.Exists {
		t.Errorf("a cleared session is %+v", session.Status.Session)
	}
}

// pluginEndsAStop stops the session by its API, as a WAHA script does; a new pod does not undo that.
func pluginEndsAStop(t *testing.T, p *plugin, session *v1alpha1.WhatsAppSession) {
	stopped := func(ctx context.Context) error {
		if err := get(ctx, session); err != nil {
			return err
		}
		if session.Status.State != bot.StateStopped || session.Status.UserAction != bot.ActionNone {
			return fmt.Errorf("it is %s (%s), %s", session.Status.State, session.Status.Reason, session.Status.UserAction)
		}
		return nil
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		portForward(t, session, naming.PortPlain)+"/api/sessions/default/stop", http.NoBody)
	must(t, err)
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	must(t, response.Body.Close())
	if response.StatusCode != http.StatusCreated {
		t.Errorf("stop: %s", response.Status)
	}
	eventually(t, patience, "the status says Stopped", stopped)
	before := podUID(t, session)
	must(t, cluster.Delete(t.Context(), podOf(session)))
	eventually(t, patience, "the next bot says so too", func(ctx context.Context) error {
		if err := stopped(ctx); err != nil {
			return err
		}
		if session.Status.Instance == string(before) {
			return fmt.Errorf("its bot is still the one before")
		}
		return nil
	})
	p.refuses(t, "kubectl sesi restart shop", "qr", "shop")
	says(t, p.run(t, "status", "shop"), "Stopped (StoppedByUser)", "kubectl sesi restart shop")
	says(t, p.run(t, "restart", "shop"), "shop reconnects.")
	awaitQR(t, session)
}

// pluginOpensPage uses a browser that only records what it was asked to open.
func pluginOpensPage(t *testing.T, p *plugin, session *v1alpha1.WhatsAppSession) {
	must(t, os.WriteFile(filepath.Join(p.folder, "xdg-open"), []byte("#!/bin/sh\necho \"$1\" >\"$(dirname \"$0\")/opened\"\n"), 0o755))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	terminal := &watchedWords{}
	open, err := p.start(ctx, "", terminal, "sesi", "qr", "shop", "--open")
	must(t, err)
	page := ""
	eventually(t, patience, "a browser is opened", func(context.Context) error {
		asked, err := os.ReadFile(filepath.Join(p.folder, "opened"))
		page = strings.TrimSpace(string(asked))
		if err == nil && !strings.HasPrefix(page, "http://127.0.0.1:") {
			err = fmt.Errorf("it is asked to open %q; the terminal says %s", page, terminal)
		}
		return err
	})
	jar, err := cookiejar.New(nil)
	must(t, err)
	browser := &http.Client{Jar: jar}
	response, err := browser.Get(page)
	must(t, err)
	must(t, response.Body.Close())
	if stranger, err := http.Get(page); err != nil || stranger.StatusCode != http.StatusForbidden {
		t.Errorf("another user of this machine gets the page: %v, %v", stranger, err)
	} else {
		must(t, stranger.Body.Close())
	}
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
		t.Errorf("the page: %s, %s", response.Status, response.Header.Get("Content-Type"))
	}
	eventually(t, patience, "the page's code is scanned", func(ctx context.Context) error {
		code, err := fetchCodeAs(ctx, browser, strings.TrimSuffix(response.Request.URL.String(), bot.PathPage))
		if err != nil {
			return err
		}
		return simulator(ctx, http.MethodPost, "scan", map[string]string{"qr": code, "phone": phoneOf(182)}, nil)
	})
	if err := open.Wait(); err != nil || !strings.Contains(terminal.String(), "Connected as "+phoneOf(182)+":") {
		t.Errorf("kubectl sesi qr --open ended with %v after\n%s", err, terminal)
	}
	if response, err := http.Get(page); err == nil {
		_ = response.Body.Close()
		t.Error("the port outlives the command")
	}
	awaitConnected(t, session)
}

// pluginDoctorBroken breaks what a session needs, one thing at a time.
func pluginDoctorBroken(t *testing.T, p *plugin, _ *v1alpha1.WhatsAppSession) {
	finds := func(name string, words ...string) {
		t.Helper()
		eventually(t, patience, "doctor finds what is wrong with "+name, func(context.Context) error {
			out, err := p.try(t, "", "doctor", name)
			if err == nil {
				return fmt.Errorf("it finds nothing:\n%s", out)
			}
			for _, want := range words {
				if !strings.Contains(out, want) {
					return fmt.Errorf("it does not say %q:\n%s", want, out)
				}
			}
			return nil
		})
	}
	noClaim := newSession(p.namespace, "no-claim")
	noClaim.Spec.Storage.ClaimName = "nothing"
	must(t, cluster.Create(t.Context(), noClaim))
	finds("no-claim", "BAD   the PVC nothing: ClaimNotFound: PVC nothing not found. Create it", "-> the message above says what to do", "-     the bot answers: not checked")

	noImage := newSession(p.namespace, "no-image")
	noImage.Spec.Image = "127.0.0.1:1/bot:not-there" // a registry that refuses at once
	must(t, cluster.Create(t.Context(), noImage))
	finds("no-image", "BAD   the bot's pod: ImagePullFailed", "-> kubectl describe pod wa-no-image")

	// the operator must not touch a Secret that is not the session's
	foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "wa-no-secret"}}
	must(t, cluster.Create(t.Context(), foreign))
	must(t, cluster.Create(t.Context(), newSession(p.namespace, "no-secret")))
	finds("no-secret", "BAD   the Secret wa-no-secret: ")

	p.refuses(t, `there is no WhatsAppSession "other" in namespace "plugin"`, "doctor", "other")
}

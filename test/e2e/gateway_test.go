package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/vacant"
)

// buyer is the number that the page sends to.
const buyer = "628123456789"

// gatewayUser is someone who follows the gateway's page.
type gatewayUser struct {
	*page
	address, key string
	// before is how many messages the buyer's phone had.
	before int
}

// TestGatewayPage does what the gateway's page says, with its own commands: from the installation to a message, a bot
// that is away, and the move of a WAHA server with 50 sessions.
func TestGatewayPage(t *testing.T) {
	space(t, metav1.NamespaceDefault)
	defer helmUpgrade(t)
	user := installGateway(t)
	all, err := outbox(t.Context())
	must(t, err)
	user.before = len(textsTo(buyer, all))
	session := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "shop"}}
	t.Cleanup(func() { removeShop(session) })
	for _, step := range []struct {
		name string
		do   func(*testing.T, *gatewayUser, *v1alpha1.WhatsAppSession)
	}{
		{"a session is made and linked", gatewayMakes},
		{"a message is sent and one comes", gatewayTalks},
		{"strangers are refused", gatewayRefuses},
		{"a bot is away, and comes back", gatewayWaits},
		{"a WAHA server moves", gatewayMoves},
		{"a key is revoked", gatewayRevokes},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.do(t, user, session) }) {
			break
		}
	}
}

// installGateway installs the gateway as the page says, with this build's images.
func installGateway(t *testing.T) *gatewayUser {
	t.Helper()
	plugin := newPlugin(t, metav1.NamespaceDefault)
	must(t, os.Symlink(cluster.helm, filepath.Join(plugin.folder, "helm")))
	port := strconv.Itoa(vacant.Port(t))
	user := &gatewayUser{address: "http://127.0.0.1:" + port}
	sh := newShell(t, "PATH="+plugin.folder+string(os.PathListSeparator)+os.Getenv("PATH"))
	user.page = readPage(t, "gateway.md", sh,
		"make images VERSION=0.1.0 REGISTRY=registry.example/sesi", "true",
		"helm install sesi charts/sesi", "helm upgrade --install sesi charts/sesi --set image.tag="+cluster.version+
			" --set gateway.image.tag="+cluster.version+" --set bot.image.tag="+cluster.version+"-simulator",
		"registry.example/sesi", "sesi.dev", "sesi-system", operatorSpace, "8080:80", port+":80", "127.0.0.1:8080", "127.0.0.1:"+port)
	says(t, user.run(t, "helm install"), "successfully rolled out")
	available(t, operatorSpace, "sesi")
	user.run(t, "apikey create crm")
	user.key = user.keyIn(t, `echo "$KEY"`)
	user.run(t, "port-forward")
	eventually(t, patience, "the gateway knows the key", func(ctx context.Context) error {
		status, _, body, err := user.ask(ctx, http.MethodGet, "/v1/sessions", user.key, "")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("it answers %d %s", status, body)
		}
		return err
	})
	return user
}

// ask sends a request to the gateway with a key.
func (u *gatewayUser) ask(ctx context.Context, method, path, key, body string) (status int, header http.Header, answer string, err error) {
	request, err := http.NewRequestWithContext(ctx, method, u.address+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, "", err
	}
	request.Header.Set("X-Api-Key", key)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, "", err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header, string(data), err
}

// keyIn runs commands that print an API key; the port-forward in the background prints to the same terminal.
func (u *gatewayUser) keyIn(t *testing.T, commands string) string {
	t.Helper()
	said := strings.Fields(u.shell.run(t, commands))
	if at := slices.IndexFunc(said, apikey.Looks); at >= 0 {
		return said[at]
	}
	t.Fatalf("no key in %q", said)
	return ""
}

// path is a path of the session at the gateway.
func (u *gatewayUser) path(rest string) string {
	return bot.GatewayPath(metav1.NamespaceDefault, "shop") + rest
}

// scan links a session with the code that the gateway shows.
func (u *gatewayUser) scan(t *testing.T, session *v1alpha1.WhatsAppSession, key, phone string) {
	t.Helper()
	eventually(t, patience, session.Name+" is scanned", func(ctx context.Context) error {
		status, _, body, err := u.ask(ctx, http.MethodGet, bot.GatewayPath(session.Namespace, session.Name)+bot.PathCode, key, "")
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("no code: %d %s: %w", status, body, err)
		}
		var code bot.Code
		if err := json.Unmarshal([]byte(body), &code); err != nil {
			return err
		}
		return simulator(ctx, http.MethodPost, "scan", map[string]string{"qr": code.Code, "phone": phone}, nil)
	})
	awaitConnected(t, session)
}

// leadToSimulator is what only the test's bots need: they reach the simulator, not WhatsApp.
func leadToSimulator(t *testing.T, session *v1alpha1.WhatsAppSession) {
	t.Helper()
	patch(t, session, func() {
		session.Spec.ProxySecretRef = &v1alpha1.ProxySecretRef{Name: "simulator", Key: "proxy", Port: 7080}
		session.Spec.Template = &v1alpha1.PodTemplate{Spec: &runtime.RawExtension{Raw: []byte(toSimulator)}}
	})
}

func gatewayMakes(t *testing.T, user *gatewayUser, session *v1alpha1.WhatsAppSession) {
	says(t, user.run(t, "/api/sessions"), `"name":"shop"`)
	leadToSimulator(t, session)
	user.scan(t, session, user.key, phoneOf(184))
}

func gatewayTalks(t *testing.T, user *gatewayUser, session *v1alpha1.WhatsAppSession) {
	send := user.take(t, "Idempotency-Key")
	for range 2 { // the key makes one message of both
		says(t, user.shell.run(t, send), `"id"`)
	}
	user.awaitTexts(t, "Hello")
	say(t, session, buyer, "is it still there?", 0)
	hears(t, user.take(t, "/v1/events"), user.key, "is it still there?")
}

// awaitTexts waits until the buyer's phone has these texts of the test, and no others.
func (u *gatewayUser) awaitTexts(t *testing.T, want ...string) {
	t.Helper()
	eventually(t, patience, "the buyer's phone has the messages", func(ctx context.Context) error {
		all, err := outbox(ctx)
		if err != nil {
			return err
		}
		if got := textsTo(buyer, all)[u.before:]; !slices.Equal(got, want) {
			return fmt.Errorf("it has %q, want %q", got, want)
		}
		return nil
	})
}

// hears runs commands until they print the words.
func hears(t *testing.T, commands, key, words string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	program := exec.CommandContext(ctx, "bash", "-c", "exec "+strings.TrimSpace(commands))
	program.Env = append(os.Environ(), "KEY="+key)
	out, err := program.StdoutPipe()
	must(t, err)
	must(t, program.Start())
	defer func() {
		_ = program.Process.Kill()
		_ = program.Wait()
	}()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(lines.Text(), words) {
			return
		}
	}
	t.Errorf("nothing with %q came from %s", words, commands)
}

func gatewayRefuses(t *testing.T, user *gatewayUser, _ *v1alpha1.WhatsAppSession) {
	stranger := user.keyIn(t, "kubectl sesi apikey create stranger -n "+ownSpace(t, "strangers")+" --verbs read,send,link,control,manage")
	eventually(t, patience, "the gateway knows the stranger's key", func(ctx context.Context) error {
		status, _, body, err := user.ask(ctx, http.MethodGet, "/v1/sessions", stranger, "")
		if err == nil && (status != http.StatusOK || strings.Contains(body, "shop")) {
			err = fmt.Errorf("it answers %d %s", status, body)
		}
		return err
	})
	for name, key := range map[string]string{"stranger": stranger, "nobody": stranger[:len(stranger)-4] + "0000"} {
		want := map[string]int{"stranger": http.StatusNotFound, "nobody": http.StatusUnauthorized}[name]
		for path, body := range map[string]string{user.path("/messages"): `{"to":"+` + buyer + `","text":"no"}`, "/api/sendText": `{"session":"default.shop","chatId":"` + buyer + `@c.us","text":"no"}`} {
			status, _, answer, err := user.ask(t.Context(), http.MethodPost, path, key, body)
			must(t, err)
			if status != want {
				t.Errorf("%s, %s: %d %s, want %d", name, path, status, answer, want)
			}
		}
	}
	user.awaitTexts(t, "Hello")
}

// sendAs sends a message with an Idempotency-Key as a careful client does: until it is accepted, when it is told to.
func (u *gatewayUser) sendAs(t *testing.T, key, text string) {
	t.Helper()
	end := time.Now().Add(patience)
	for {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.address+u.path("/messages"), strings.NewReader(`{"to":"+`+buyer+`","text":"`+text+`"}`))
		must(t, err)
		request.Header.Set("X-Api-Key", u.key)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", key)
		response, err := http.DefaultClient.Do(request)
		must(t, err)
		answer, _ := io.ReadAll(response.Body)
		must(t, response.Body.Close())
		if response.StatusCode < 300 {
			return
		}
		pause, err := strconv.Atoi(response.Header.Get("Retry-After"))
		if err != nil && response.StatusCode != http.StatusBadGateway || time.Now().After(end) {
			t.Fatalf("a message is answered with %s, Retry-After %q: %s", response.Status, response.Header.Get("Retry-After"), answer)
		}
		select { // it waits as the gateway asks it to
		case <-time.After(time.Duration(pause) * time.Second):
		case <-t.Context().Done():
			t.Fatal("the test ended")
		}
	}
}

func gatewayWaits(t *testing.T, user *gatewayUser, session *v1alpha1.WhatsAppSession) {
	before := podUID(t, session)
	must(t, cluster.Delete(t.Context(), podOf(session), client.GracePeriodSeconds(0)))
	user.sendAs(t, "order-1002", "while it restarts")
	awaitReplaced(t, session, before)
	user.awaitTexts(t, "Hello", "while it restarts")

	// A bot that cannot start is away for longer: the answer says so, and when to ask again.
	patch(t, session, func() { session.Spec.Image = "127.0.0.1:1/bot:not-there" })
	awaitReason(t, session, v1alpha1.ConditionPodReady, v1alpha1.ReasonImagePullFailed)
	eventually(t, patience, "the gateway says that the bot is away", func(ctx context.Context) error {
		status, header, body, err := user.ask(ctx, http.MethodGet, user.path("/messages"), user.key, "")
		if err != nil {
			return err
		}
		var problem bot.GatewayProblem
		if err := json.Unmarshal([]byte(body), &problem); err != nil {
			return err
		}
		if status != http.StatusServiceUnavailable || problem.Kind() != bot.ProblemSessionAway || problem.State == "" || header.Get("Retry-After") == "" {
			return fmt.Errorf("it answers %d, Retry-After %q: %s", status, header.Get("Retry-After"), body)
		}
		return nil
	})
	patch(t, session, func() { session.Spec.Image = "" })
	awaitConnected(t, session)
	user.sendAs(t, "order-1003", "and again")
	user.awaitTexts(t, "Hello", "while it restarts", "and again")
}

// wahaServer answers as a WAHA server with 50 sessions does to the page's commands.
type wahaServer struct {
	*httptest.Server
	mu      sync.Mutex
	stopped []string
}

func newWAHA(t *testing.T) *wahaServer {
	t.Helper()
	var all []map[string]any
	for i := range 50 {
		one := map[string]any{"name": fmt.Sprintf("Toko_%02d", i), "status": "WORKING", "presence": nil, "timestamps": map[string]any{"activity": nil}}
		switch i % 3 {
		case 0:
			one["config"] = map[string]any{
				"metadata": map[string]string{"user.id": strconv.Itoa(i), "user.email": "email@example.com"}, "debug": false, "proxy": nil,
				"webhooks": []any{map[string]any{
					"url": "https://crm.example.com/wa", "events": []string{"message", "session.status"}, "hmac": map[string]string{"key": "a-key-of-the-old-server"},
					"retries": map[string]any{"policy": "exponential", "delaySeconds": 2, "attempts": 15}, "customHeaders": []any{map[string]string{"name": "X-Shop", "value": "one"}},
				}},
				"noweb": map[string]any{"store": map[string]bool{"enabled": true}},
			}
		case 1:
			one["config"] = map[string]any{"ignore": map[string]any{"groups": true}}
		}
		all = append(all, one)
	}
	w := &wahaServer{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		name, isStop := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/api/sessions/"), "/stop")
		switch {
		case r.Header.Get("X-Api-Key") != "the-old-key":
			rw.WriteHeader(http.StatusUnauthorized)
		case r.Method == http.MethodGet && r.URL.String() == "/api/sessions?all=true":
			_ = json.NewEncoder(rw).Encode(all)
		case r.Method == http.MethodPost && isStop:
			w.mu.Lock()
			w.stopped = append(w.stopped, name)
			w.mu.Unlock()
			rw.WriteHeader(http.StatusCreated)
		default:
			rw.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(w.Close)
	return w
}

func gatewayMoves(t *testing.T, user *gatewayUser, _ *v1alpha1.WhatsAppSession) {
	old, namespace := newWAHA(t), ownSpace(t, "moved")
	user.shell.run(t, "KEY=$(kubectl sesi apikey create moving -n "+namespace+" --verbs read,send,link,control,manage)")
	key := user.keyIn(t, `echo "$KEY"`)
	user.shell.run(t, "WAHA="+old.URL+" WAHA_KEY=the-old-key GATEWAY="+user.address)
	eventually(t, patience, "the gateway knows the key", func(ctx context.Context) error {
		status, _, _, err := user.ask(ctx, http.MethodGet, "/v1/sessions", key, "")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("it answers %d", status)
		}
		return err
	})
	if said := user.run(t, "all=true"); strings.Contains(said, "not made") {
		t.Errorf("it says %s", said)
	}
	var sessions v1alpha1.WhatsAppSessionList
	must(t, cluster.List(t.Context(), &sessions, client.InNamespace(namespace)))
	webhooks := 0
	for _, session := range sessions.Items {
		if session.Spec.Suspended == nil || !*session.Spec.Suspended {
			t.Errorf("%s runs already", session.Name)
		}
		for _, hook := range session.Spec.Webhooks {
			if hook.URL == "https://crm.example.com/wa" && hook.SecretRef != nil && hook.Format == v1alpha1.WebhookFormatWAHA {
				webhooks++
			}
		}
	}
	if len(sessions.Items) != 50 || webhooks != 17 {
		t.Fatalf("%d sessions were made, with %d of the webhooks", len(sessions.Items), webhooks)
	}
	first := &sessions.Items[slices.IndexFunc(sessions.Items, func(s v1alpha1.WhatsAppSession) bool { return s.Name == "toko-01" })]
	space(t, namespace)
	leadToSimulator(t, first)
	user.shell.run(t, "OLD=Toko_01 NAME=toko-01")
	user.run(t, `sessions/$OLD/stop`)
	if len(old.stopped) != 1 || old.stopped[0] != "Toko_01" {
		t.Errorf("WAHA was told to stop %q", old.stopped)
	}
	user.scan(t, first, key, phoneOf(185))
}

func gatewayRevokes(t *testing.T, user *gatewayUser, _ *v1alpha1.WhatsAppSession) {
	user.shell.run(t, "kubectl sesi apikey revoke crm -n default --yes")
	eventually(t, patience, "the key opens nothing", func(ctx context.Context) error {
		status, _, body, err := user.ask(ctx, http.MethodGet, "/v1/sessions", user.key, "")
		if err == nil && status != http.StatusUnauthorized {
			err = fmt.Errorf("it answers %d %s", status, body)
		}
		return err
	})
}

// removeShop removes from the namespace default what the page put there.
func removeShop(session *v1alpha1.WhatsAppSession) {
	ctx := context.Background()
	_ = cluster.Delete(ctx, session)
	for _, object := range []client.Object{
		&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: session.Namespace, Name: naming.Name(session)}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: session.Namespace, Name: "simulator"}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: session.Namespace, Name: "crm"}},
	} {
		_ = cluster.Delete(ctx, object) // it may not have been made
	}
}

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/poll"
)

// patience bounds everything except a disturbance, on a busy machine. Kubernetes' own controllers may take a minute to look
// again after they missed the API server.
const patience = 5 * time.Minute

// toSimulator is the template that makes a simulator build of the bot connect to the simulator.
const toSimulator = `{
  "containers": [{
    "name": "bot",
    "env": [
      {"name": "SSL_CERT_FILE", "value": "/etc/simulator/ca.crt"},
      {"name": "WHATSAPP_NOISE_ROOT", "valueFrom": {"secretKeyRef": {"name": "simulator", "key": "noise-root"}}}
    ],
    "volumeMounts": [{"name": "simulator", "mountPath": "/etc/simulator", "readOnly": true}]
  }],
  "volumes": [{"name": "simulator", "secret": {"secretName": "simulator", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}]
}`

// space creates a namespace whose sessions reach the simulator.
func space(t *testing.T, name string) string {
	t.Helper()
	ctx := t.Context()
	err := cluster.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	// until then the API server refuses the namespace's pods, and has a second or two of patience itself
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "default"}}
	eventually(t, patience, name+" has its service account", func(ctx context.Context) error { return get(ctx, account) })
	var authority, root string
	askSimulator(t, "ca.pem", &authority)
	askSimulator(t, "noise-root", &root)
	err = cluster.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "simulator"},
		StringData: map[string]string{
			"proxy":  "http://wasim." + simulatorSpace + ".svc.cluster.local:7080",
			"ca.crt": authority, "noise-root": root[:64],
		},
	})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	return name
}

// ownSpace creates a namespace that ends with the test.
func ownSpace(t *testing.T, name string) string {
	t.Helper()
	space(t, name)
	t.Cleanup(func() {
		if !t.Failed() { // what failed stays, for inspection
			_ = cluster.Delete(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
		}
	})
	return name
}

// newSession returns a session that is not created yet.
func newSession(namespace, name string) *v1alpha1.WhatsAppSession {
	return &v1alpha1.WhatsAppSession{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.WhatsAppSessionSpec{
			ProxySecretRef: &v1alpha1.ProxySecretRef{Name: "simulator", Key: "proxy", Port: 7080},
			Template:       &v1alpha1.PodTemplate{Spec: &runtime.RawExtension{Raw: []byte(toSimulator)}},
		},
	}
}

// connected returns an error while a session is not connected, or its status is older than its spec.
func connected(ctx context.Context, session *v1alpha1.WhatsAppSession) error {
	if err := get(ctx, session); err != nil {
		return err
	}
	if session.Status.ObservedGeneration != session.Generation || !meta.IsStatusConditionTrue(session.Status.Conditions, v1alpha1.ConditionConnected) {
		return fmt.Errorf("session %s is %s (%s) at generation %d of %d", session.Name, session.Status.State, session.Status.Reason,
			session.Status.ObservedGeneration, session.Generation)
	}
	return nil
}

func awaitConnected(t *testing.T, sessions ...*v1alpha1.WhatsAppSession) {
	t.Helper()
	for _, session := range sessions {
		eventually(t, patience, session.Name+" is connected", func(ctx context.Context) error { return connected(ctx, session) })
	}
}

// awaitReason waits until a condition has a reason.
func awaitReason(t *testing.T, session *v1alpha1.WhatsAppSession, kind, reason string) {
	t.Helper()
	eventually(t, patience, fmt.Sprintf("%s has %s for its %s", session.Name, reason, kind), func(ctx context.Context) error {
		if err := get(ctx, session); err != nil {
			return err
		}
		if c := meta.FindStatusCondition(session.Status.Conditions, kind); c == nil || c.Reason != reason {
			return fmt.Errorf("it is %+v; the session is %s (%s)", c, session.Status.State, session.Status.Reason)
		}
		return nil
	})
}

func awaitQR(t *testing.T, session *v1alpha1.WhatsAppSession) {
	t.Helper()
	eventually(t, patience, session.Name+" asks for a scan", func(ctx context.Context) error {
		if err := get(ctx, session); err != nil {
			return err
		}
		if session.Status.QR == nil || !session.Status.QR.Needed || session.Status.State != bot.StatePairing {
			return fmt.Errorf("it is %s (%s)", session.Status.State, session.Status.Reason)
		}
		return nil
	})
}

// link scans the session's code with a phone.
func link(t *testing.T, session *v1alpha1.WhatsAppSession, phone string) {
	t.Helper()
	awaitQR(t, session)
	at := portForward(t, session, naming.PortPlain)
	eventually(t, patience, session.Name+" is scanned", func(ctx context.Context) error {
		code, err := fetchCode(ctx, at)
		if err != nil {
			return err
		}
		return simulator(ctx, http.MethodPost, "scan", map[string]string{"qr": code, "phone": phone}, nil)
	})
	awaitConnected(t, session)
}

func fetchCode(ctx context.Context, at string) (string, error) {
	return fetchCodeAs(ctx, http.DefaultClient, at)
}

// fetchCodeAs is fetchCode with the cookies of a browser.
func fetchCodeAs(ctx context.Context, browser *http.Client, at string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at+bot.PathCode, nil)
	if err != nil {
		return "", err
	}
	response, err := browser.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("no code: %s", response.Status)
	}
	var code bot.Code
	if err := json.NewDecoder(response.Body).Decode(&code); err != nil {
		return "", err
	}
	return code.Code, nil
}

// startLinked creates a session and links it.
func startLinked(t *testing.T, session *v1alpha1.WhatsAppSession, phone string) *v1alpha1.WhatsAppSession {
	t.Helper()
	must(t, cluster.Create(t.Context(), session))
	link(t, session, phone)
	return session
}

var forwarding = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)

// portForward forwards a port of a bot's pod until the test ends, as a person does. A bot may be heard before its pod is
// seen to run, and until then kubectl refuses.
func portForward(t *testing.T, session *v1alpha1.WhatsAppSession, port int32) string {
	t.Helper()
	awaitRunning(t, podOf(session))
	return forward(t, session.Namespace, "pod/"+naming.Name(session), port)
}

// forward forwards a port of a pod, or of a Deployment's pod, until the test ends.
func forward(t *testing.T, namespace, what string, port int32) string {
	t.Helper()
	run := exec.Command("kubectl", "--namespace", namespace, "port-forward", what, fmt.Sprintf(":%d", port))
	said := &sharedWords{}
	run.Stdout, run.Stderr = said, said
	must(t, run.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = run.Wait()
	}()
	t.Cleanup(func() {
		_ = run.Process.Kill()
		<-ended
	})
	if !poll.Until(func() bool { return forwarding.MatchString(said.String()) }, patience, ended) {
		t.Fatalf("kubectl port-forward to %s said %q", what, said)
	}
	return "http://" + forwarding.FindString(said.String())
}

// awaitRunning waits until a pod runs.
func awaitRunning(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	eventually(t, patience, pod.Name+" runs", func(ctx context.Context) error {
		if err := get(ctx, pod); err != nil {
			return err
		}
		if pod.Status.Phase != corev1.PodRunning {
			return fmt.Errorf("it is %s", pod.Status.Phase)
		}
		return nil
	})
}

func podOf(session *v1alpha1.WhatsAppSession) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: session.Namespace, Name: naming.Name(session)}}
}

func podUID(t *testing.T, session *v1alpha1.WhatsAppSession) types.UID {
	t.Helper()
	pod := podOf(session)
	must(t, get(t.Context(), pod))
	return pod.UID
}

// awaitReplaced waits until a session is connected by another pod.
func awaitReplaced(t *testing.T, session *v1alpha1.WhatsAppSession, before types.UID) {
	t.Helper()
	eventually(t, patience, session.Name+" is connected by another pod", func(ctx context.Context) error {
		if err := connected(ctx, session); err != nil {
			return err
		}
		if session.Status.Instance == string(before) {
			return fmt.Errorf("its bot is still the one before")
		}
		return nil
	})
}

// unscanned runs something that must not make any of the sessions ask for another QR code.
func unscanned(t *testing.T, sessions []*v1alpha1.WhatsAppSession, disturb func()) {
	t.Helper()
	before := scansAsked(t, sessions)
	disturb()
	after := scansAsked(t, sessions)
	for _, session := range sessions {
		if key := session.Namespace + "/" + session.Name; after[key] != before[key] {
			t.Errorf("session %s asked for another QR code", key)
		}
	}
}

// scansAsked returns how often each session started to ask for a QR code, up to how these sessions are now.
func scansAsked(t *testing.T, sessions []*v1alpha1.WhatsAppSession) map[string]int {
	t.Helper()
	for _, session := range sessions {
		now := session.DeepCopy()
		eventually(t, patience, "the watch has seen "+session.Name+" as it is", func(ctx context.Context) error {
			if err := get(ctx, now); err != nil {
				return err
			}
			return watched.hasSeen(now)
		})
	}
	return watched.scansAsked()
}

// fleetSize sessions are created once, and live through every disturbance of the cluster.
const fleetSize = 10

var fleet struct {
	sync.Mutex

	sessions []*v1alpha1.WhatsAppSession
}

func phoneOf(number int) string { return fmt.Sprintf("62812000%04d", number) }

// theFleet returns the ten sessions, all connected.
func theFleet(t *testing.T) []*v1alpha1.WhatsAppSession {
	t.Helper()
	fleet.Lock()
	defer fleet.Unlock()
	if fleet.sessions == nil {
		namespace := space(t, "fleet")
		var made []*v1alpha1.WhatsAppSession
		for i := range fleetSize {
			session := newSession(namespace, fmt.Sprintf("shop-%d", i))
			if i == financeNumber {
				addFinanceBot(t, session)
			}
			if err := cluster.Create(t.Context(), session); err != nil && !apierrors.IsAlreadyExists(err) {
				t.Fatal(err)
			}
			made = append(made, session)
		}
		for i, session := range made {
			if connected(t.Context(), session) != nil {
				link(t, session, phoneOf(i))
			}
		}
		fleet.sessions = made
	}
	awaitConnected(t, fleet.sessions...)
	return fleet.sessions
}

// undisturbed runs something that must not cost any session of the fleet its pod or its connection.
func undisturbed(t *testing.T, disturb func()) {
	t.Helper()
	sessions := theFleet(t)
	before := knownDevices(t)
	pods := map[string]types.UID{}
	for _, session := range sessions {
		pods[session.Name] = podUID(t, session)
	}
	unscanned(t, sessions, disturb)
	awaitConnected(t, sessions...)
	book(t, 1)
	after := knownDevices(t)
	for i, session := range sessions {
		was, is := before[phoneOf(i)], after[phoneOf(i)]
		if !is.Online || is.JID != was.JID || is.Logins != was.Logins {
			t.Errorf("session %s was %+v at WhatsApp and is %+v", session.Name, was, is)
		}
		if uid := podUID(t, session); uid != pods[session.Name] {
			t.Errorf("session %s has another pod", session.Name)
		}
	}
}

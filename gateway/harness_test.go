package gateway_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	kubescheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/gateway"
	"sesi.dev/sesi/test/apiserver"
	"sesi.dev/sesi/test/poll"
)

// patience bounds every wait; it is far above what any of them needs.
const patience = time.Minute

var (
	environment *envtest.Environment
	admin       client.Client
	addresses   atomic.Int32
	namespaces  atomic.Int32
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	addresses.Store(rand.Int32N(160 * 250)) // another run may be beside this one, and a bot's port is the same at each
	os.Exit(apiserver.Main(m, filepath.Join("..", "config", "crd"), func(e *envtest.Environment) error {
		environment = e
		environment.Config.QPS = -1
		if err := v1alpha1.AddToScheme(kubescheme.Scheme); err != nil {
			return err
		}
		var err error
		admin, err = client.New(e.Config, client.Options{})
		return err
	}))
}

// newNamespace makes a namespace for a test.
func newNamespace(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("gw-%d", namespaces.Add(1))
	must(t, admin.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}))
	return name
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fixture is a session in the cluster, with the listener of its bot.
type fixture struct {
	t       *testing.T
	key     types.NamespacedName
	session *v1alpha1.WhatsAppSession
	secret  *corev1.Secret
	pod     *corev1.Pod
	server  *httptest.Server
	asked   atomic.Int32
}

// newSession makes a session without a bot.
func newSession(t *testing.T, namespace, name string, labels map[string]string) *fixture {
	t.Helper()
	f := &fixture{t: t, key: types.NamespacedName{Namespace: namespace, Name: name}}
	f.session = &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels}}
	must(t, admin.Create(t.Context(), f.session))
	t.Cleanup(func() { _ = admin.Delete(context.Background(), f.session) })
	secret, err := credentials.Build(f.session, nil, time.Now())
	must(t, err)
	must(t, admin.Create(t.Context(), secret))
	f.secret = secret
	return f
}

// newBot makes a session whose bot answers with handler.
func newBot(t *testing.T, namespace, name string, handler http.HandlerFunc) *fixture {
	t.Helper()
	f := newSession(t, namespace, name, nil)
	f.start(handler)
	f.setState(bot.StateConnected, v1alpha1.ReasonPodRunning)
	return f
}

// token is the bot's own.
func (f *fixture) token() string { return string(f.secret.Data[credentials.KeyToken]) }

// start starts the bot's listener and its pod.
func (f *fixture) start(handler http.HandlerFunc) {
	f.t.Helper()
	address := newAddress()
	f.listen(address, handler)
	f.makePod(address)
}

// newAddress is one that no other bot has.
func newAddress() string {
	n := addresses.Add(1)
	return fmt.Sprintf("127.60.%d.%d", n/250, n%250+1)
}

func (f *fixture) listen(address string, handler http.HandlerFunc) {
	f.t.Helper()
	pair, err := tls.X509KeyPair(f.secret.Data[credentials.KeyCertificate], f.secret.Data[credentials.KeyPrivateKey])
	must(f.t, err)
	listener, err := net.Listen("tcp", net.JoinHostPort(address, fmt.Sprint(naming.PortTLS)))
	must(f.t, err)
	f.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.asked.Add(1)
		if r.Header.Get("Authorization") != "Bearer "+f.token() {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		handler(w, r)
	}))
	f.server.Listener.Close()
	f.server.Listener = listener
	f.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	f.server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}
	f.server.StartTLS()
	f.t.Cleanup(f.server.Close)
}

// makePod says that the bot runs at the address.
func (f *fixture) makePod(address string) {
	f.t.Helper()
	f.pod = &corev1.Pod{
		ObjectMeta: naming.ObjectMeta(f.session),
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: naming.Container, Image: "bot:test"}}, NodeName: "node-1"},
	}
	must(f.t, admin.Create(f.t.Context(), f.pod))
	patch := client.MergeFrom(f.pod.DeepCopy())
	f.pod.Status.Phase, f.pod.Status.PodIP = corev1.PodRunning, address
	f.pod.Status.PodIPs = []corev1.PodIP{{IP: address}}
	must(f.t, admin.Status().Patch(f.t.Context(), f.pod, patch))
}

// removePod removes the pod at once.
func (f *fixture) removePod() {
	f.t.Helper()
	must(f.t, admin.Delete(f.t.Context(), f.pod, client.GracePeriodSeconds(0)))
}

// setState writes the status as the operator does.
func (f *fixture) setState(state bot.State, podReason string, edit ...func(*v1alpha1.WhatsAppSessionStatus)) {
	f.t.Helper()
	patch := client.MergeFrom(f.session.DeepCopy())
	now := metav1.Now()
	status := &f.session.Status
	status.State, status.UserAction = state, bot.ActionNone
	ready, connected := metav1.ConditionFalse, metav1.ConditionFalse
	if state == bot.StateConnected {
		ready, connected = metav1.ConditionTrue, metav1.ConditionTrue
	}
	status.Conditions = []metav1.Condition{
		{Type: v1alpha1.ConditionReady, Status: ready, Reason: string(state), Message: "The bot is " + string(state) + ".", LastTransitionTime: now},
		{Type: v1alpha1.ConditionConnected, Status: connected, Reason: string(state), LastTransitionTime: now},
		{Type: v1alpha1.ConditionPodReady, Status: ready, Reason: podReason, LastTransitionTime: now},
	}
	for _, e := range edit {
		e(status)
	}
	must(f.t, admin.Status().Patch(f.t.Context(), f.session, patch))
}

// served is a running gateway.
type served struct {
	t          *testing.T
	url        string
	gateway    *gateway.Gateway
	namespaces []string
	log        *lines
}

// running are the gateways that run.
var running = struct {
	sync.Mutex
	gateways map[*served]bool
}{gateways: map[*served]bool{}}

// newGateway starts a gateway.
func newGateway(t *testing.T, edit ...func(*gateway.Options)) *served {
	t.Helper()
	log := &lines{}
	options := gateway.Options{Config: environment.Config, Locale: "en", Log: slog.New(slog.NewJSONHandler(log, nil))}
	for _, e := range edit {
		e(&options)
	}
	g, err := gateway.New(options)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	must(t, g.Start(ctx))
	server := httptest.NewUnstartedServer(g)
	gateway.Configure(server.Config)
	server.Start()
	s := &served{t: t, url: server.URL, gateway: g, namespaces: options.Namespaces, log: log}
	running.Lock()
	defer running.Unlock()
	running.gateways[s] = true
	t.Cleanup(func() {
		running.Lock()
		delete(running.gateways, s)
		running.Unlock()
		g.Drain()
		server.CloseClientConnections()
		server.Close()
		cancel()
		g.Close()
	})
	return s
}

// lines is a log that can be read while it is written.
type lines struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.String()
}

// newKey makes an API key, which every gateway that runs then knows.
func newKey(t testing.TB, namespace string, verbs string, edit ...func(*apikey.Key)) string {
	t.Helper()
	secret := apikey.New()
	list, err := apikey.ParseVerbs(verbs)
	must(t, err)
	key := apikey.Key{Namespace: namespace, Name: fmt.Sprintf("key-%d", namespaces.Add(1)), Verbs: list}
	for _, e := range edit {
		e(&key)
	}
	makeKey(t, secret, key)
	return secret
}

// makeKey makes the Secret of an API key, and waits until every gateway of its namespace knows the key: an unknown one is a
// wrong credential, and those are counted.
func makeKey(t testing.TB, plain string, key apikey.Key) *corev1.Secret {
	t.Helper()
	key.Sum = apikey.SumOf(plain)
	object, err := apikey.Build(key)
	must(t, err)
	must(t, admin.Create(t.Context(), object))
	running.Lock()
	defer running.Unlock()
	for s := range running.gateways {
		if len(s.namespaces) == 0 || slices.Contains(s.namespaces, key.Namespace) {
			wait(t, "a gateway to know the key", func() bool { return s.gateway.Knows(plain) })
		}
	}
	return object
}

// newToken makes a ServiceAccount with rights in its namespace, which it then has, and returns a token of it.
func newToken(t *testing.T, namespace, name string, rules ...rbacv1.PolicyRule) string {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	must(t, admin.Create(t.Context(), account))
	if len(rules) > 0 {
		must(t, admin.Create(t.Context(), &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Rules: rules}))
		must(t, admin.Create(t.Context(), &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: name}},
		}))
		apiserver.UntilAllowed(t, admin, "system:serviceaccount:"+namespace+":"+name, namespace, rules...)
	}
	request := &authenticationv1.TokenRequest{}
	must(t, admin.SubResource("token").Create(t.Context(), account, request))
	return request.Status.Token
}

// rule is a right on sessions.
func rule(verb string, resources ...string) rbacv1.PolicyRule {
	for i, resource := range resources {
		resources[i] = strings.TrimSuffix("whatsappsessions/"+resource, "/")
	}
	return rbacv1.PolicyRule{APIGroups: []string{"sesi.dev"}, Resources: resources, Verbs: []string{verb}}
}

// reply is an answer, read.
type reply struct {
	status int
	header http.Header
	body   string
}

// problem reads the reply as a problem.
func (r reply) problem() (p bot.GatewayProblem) {
	_ = json.Unmarshal([]byte(r.body), &p)
	return p
}

// do sends a request. credential goes where its kind belongs.
func (s *served) do(method, path, credential, body string, edit ...func(*http.Request)) reply {
	s.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*patience) // a bot may take longer than any other wait
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, reader)
	must(s.t, err)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	switch {
	case apikey.Looks(credential):
		request.Header.Set("X-Api-Key", credential)
	case credential != "":
		request.Header.Set("Authorization", "Bearer "+credential)
	}
	for _, e := range edit {
		e(request)
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatalf("%s %s: read the answer: %v", method, path, err)
	}
	return reply{answer.StatusCode, answer.Header, string(data)}
}

// eventually waits until a request is answered with a status.
func (s *served) eventually(want int, method, path, credential, body string) reply {
	s.t.Helper()
	var got reply
	wait(s.t, fmt.Sprintf("%s %s to answer %d", method, path, want), func() bool {
		got = s.do(method, path, credential, body)
		return got.status == want
	}, func() string { return fmt.Sprint(got.status, " ", got.body) })
	return got
}

// wait waits for a condition.
func wait(t testing.TB, what string, done func() bool, state ...func() string) {
	t.Helper()
	if !poll.Until(done, patience, nil) {
		text := ""
		for _, s := range state {
			text += s()
		}
		t.Fatalf("waited in vain for %s: %s", what, text)
	}
}

// bounded is a context for what must not take long.
func bounded(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// before returns a transport that calls do before each request. A request for which do fails is not sent.
func before(base http.RoundTripper, do func(*http.Request) error) http.RoundTripper {
	return tripper(func(r *http.Request) (*http.Response, error) {
		if err := do(r); err != nil {
			return nil, err
		}
		return base.RoundTrip(r)
	})
}

// unanswered makes the API server answer none of a gateway's requests with this end of their path, while away.
func unanswered(end string, away *atomic.Bool) func(*gateway.Options) {
	return func(o *gateway.Options) {
		o.Config = rest.CopyConfig(o.Config)
		o.Config.Wrap(func(base http.RoundTripper) http.RoundTripper {
			return before(base, func(r *http.Request) error {
				if away.Load() && strings.HasSuffix(r.URL.Path, end) {
					return errors.New("the API server is away")
				}
				return nil
			})
		})
	}
}

type tripper func(*http.Request) (*http.Response, error)

func (t tripper) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// list counts the sessions of a namespace.
func list(t *testing.T, namespace string) int {
	t.Helper()
	var all v1alpha1.WhatsAppSessionList
	must(t, admin.List(t.Context(), &all, client.InNamespace(namespace)))
	return len(all.Items)
}

package gateway_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/gateway"
)

// fleetOf makes many sessions whose bots are one listener, so that only the gateway is measured, and a key for them.
func fleetOf(b *testing.B, count int, handler http.HandlerFunc) (namespace, address, token, key string) {
	b.Helper()
	namespace = fmt.Sprintf("fleet-%d", namespaces.Add(1))
	must(b, admin.Create(b.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}))
	model := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "model", UID: "1"}}
	secret, err := credentials.Build(model, nil, time.Now())
	must(b, err)
	pair, err := tls.X509KeyPair(secret.Data[credentials.KeyCertificate], secret.Data[credentials.KeyPrivateKey])
	must(b, err)
	address = newAddress()
	listener, err := net.Listen("tcp", net.JoinHostPort(address, fmt.Sprint(naming.PortTLS)))
	must(b, err)
	server := &http.Server{Handler: handler, TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	b.Cleanup(func() { server.Close() })

	var group errgroup.Group
	group.SetLimit(16)
	for i := range count {
		group.Go(func() error {
			return makeMember(b.Context(), namespace, fmt.Sprintf("s-%04d", i), address, secret.Data)
		})
	}
	must(b, group.Wait())
	key = apikey.New()
	object, err := apikey.Build(apikey.Key{Namespace: namespace, Name: "key", Sum: apikey.SumOf(key), Verbs: apikey.Verbs})
	must(b, err)
	must(b, admin.Create(b.Context(), object))
	return namespace, address, string(secret.Data[credentials.KeyToken]), key
}

func makeMember(ctx context.Context, namespace, name, address string, data map[string][]byte) error {
	session := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if err := admin.Create(ctx, session); err != nil {
		return err
	}
	patch := client.MergeFrom(session.DeepCopy())
	now := metav1.Now()
	session.Status.State, session.Status.UserAction = bot.StateConnected, bot.ActionNone
	session.Status.Session = &v1alpha1.SessionStatus{Exists: true, JID: "628123456789:1@s.whatsapp.net", PhoneNumber: "+628123456789", PushName: "Shop", Path: "/data/session-" + name, LinkedAt: &now}
	for _, kind := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionConnected, v1alpha1.ConditionPodReady, v1alpha1.ConditionStorageReady,
		v1alpha1.ConditionSessionExists, v1alpha1.ConditionQRRequired, v1alpha1.ConditionSessionExpired, v1alpha1.ConditionConflict} {
		session.Status.Conditions = append(session.Status.Conditions, metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: "LoggedIn", Message: "The session is connected.", LastTransitionTime: now})
	}
	if err := admin.Status().Patch(ctx, session, patch); err != nil {
		return err
	}
	if err := admin.Create(ctx, &corev1.Secret{ObjectMeta: naming.ObjectMeta(session), Data: data}); err != nil {
		return err
	}
	pod := &corev1.Pod{ObjectMeta: naming.ObjectMeta(session), Spec: corev1.PodSpec{NodeName: "node-1", Containers: []corev1.Container{{Name: naming.Container, Image: "bot:test"}}}}
	if err := admin.Create(ctx, pod); err != nil {
		return err
	}
	patch = client.MergeFrom(pod.DeepCopy())
	pod.Status.Phase, pod.Status.PodIP, pod.Status.PodIPs = corev1.PodRunning, address, []corev1.PodIP{{IP: address}}
	return admin.Status().Patch(ctx, pod, patch)
}

// BenchmarkProxy is a small GET, or a send, to one of SESSIONS sessions (1,000), through the gateway, through a bare
// httputil.ReverseProxy and straight to the bot, with callers and bots in the same process. GOMAXPROCS=1 gives the
// numbers of one core. The bot answers at once, so that only the way to it is measured.
func BenchmarkProxy(b *testing.B) {
	count := setting("SESSIONS", 1000)
	namespace, address, token, key := fleetOf(b, count, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"exists":true,"state":"Connected"}`)
	})
	g, err := gateway.New(gateway.Options{Config: environment.Config, Limits: gateway.Limits{Rate: 1e6}})
	must(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	must(b, g.Start(ctx))
	b.Cleanup(func() { cancel(); g.Close() })
	target := &url.URL{Scheme: "https", Host: net.JoinHostPort(address, fmt.Sprint(naming.PortTLS))}
	insecure := func() *http.Transport {
		return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}, MaxIdleConnsPerHost: 64, DisableCompression: true} //nolint:gosec // a loopback bot
	}
	bare := &httputil.ReverseProxy{Transport: insecure(), Rewrite: func(p *httputil.ProxyRequest) {
		p.Out.URL.Scheme, p.Out.URL.Host = target.Scheme, target.Host
		p.Out.Header.Set("Authorization", "Bearer "+token)
	}}
	through := func(handler http.Handler) *httptest.Server {
		server := httptest.NewUnstartedServer(handler)
		gateway.Configure(server.Config)
		server.Start()
		b.Cleanup(server.Close)
		return server
	}
	for _, c := range []struct {
		name, base string
		transport  *http.Transport
	}{
		{"bot", target.String(), insecure()},
		{"bare", through(bare).URL, &http.Transport{MaxIdleConnsPerHost: 64}},
		{"gateway", through(g).URL, &http.Transport{MaxIdleConnsPerHost: 64}},
	} {
		// A connection to each bot, as a gateway has that runs for a while.
		for i := range count {
			if c.name == "gateway" {
				request, err := http.NewRequest(http.MethodGet, c.base+bot.GatewayPath(namespace, fmt.Sprintf("s-%04d", i))+bot.PathStatus, nil)
				must(b, err)
				request.Header.Set("X-Api-Key", key)
				answer, err := c.transport.RoundTrip(request)
				must(b, err)
				_, _ = io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
			}
		}
		for _, what := range []struct{ name, method, path, body string }{
			{"get", http.MethodGet, bot.PathStatus, ""},
			{"send", http.MethodPost, bot.PathMessages, `{"to":"+628123456789","text":"Your order is on its way."}`},
		} {
			b.Run(c.name+"/"+what.name, func(b *testing.B) {
				ask := func() (time.Duration, error) {
					path := bot.GatewayPath(namespace, fmt.Sprintf("s-%04d", rand.IntN(count))) + what.path
					if c.name == "bot" {
						path = what.path
					}
					request, err := http.NewRequest(what.method, c.base+path, strings.NewReader(what.body))
					if err != nil {
						return 0, err
					}
					request.Header.Set("X-Api-Key", key)
					if what.body != "" {
						request.Header.Set("Content-Type", "application/json")
						request.Header.Set("Idempotency-Key", strconv.FormatUint(rand.Uint64(), 36))
					}
					begin := time.Now()
					answer, err := c.transport.RoundTrip(request)
					if err != nil {
						return 0, err
					}
					defer answer.Body.Close()
					if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
						return 0, fmt.Errorf("answered %d, %w", answer.StatusCode, err)
					}
					return time.Since(begin), nil
				}
				measure(b, ask)
			})
		}
	}
}

// measure repeats a request, 8 at once for each core, and reports its times.
func measure(b *testing.B, ask func() (time.Duration, error)) {
	var mu sync.Mutex
	var took []time.Duration
	b.SetParallelism(8)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		var mine []time.Duration
		for p.Next() {
			one, err := ask()
			if err != nil {
				b.Error(err)
				return
			}
			mine = append(mine, one)
		}
		mu.Lock()
		took = append(took, mine...)
		mu.Unlock()
	})
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "median-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkFleet is the resident memory of cmd/gateway, a process of its own, with SESSIONS sessions (1,000) known, and
// with STREAMS streams (200) open through it as well; the streams' callers and bots are in this process. It also times
// the list, the desk's first page, and how long an open desk waits for a change. The bots are one listener.
func BenchmarkFleet(b *testing.B) {
	count, streams := setting("SESSIONS", 1000), setting("STREAMS", 200)
	namespace, _, _, key := fleetOf(b, count, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, ":\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	for b.Loop() {
		address, process, kill := gatewayProgram(b, "-rate", "100000")
		get := func(path, key string) *http.Response {
			request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, address+path, nil)
			must(b, err)
			request.Header.Set("X-Api-Key", key)
			answer, err := http.DefaultTransport.RoundTrip(request)
			must(b, err)
			if answer.StatusCode != http.StatusOK {
				b.Fatalf("%s: %d", path, answer.StatusCode)
			}
			return answer
		}
		timed := func(path string) float64 {
			begin := time.Now()
			answer := get(path, key)
			defer answer.Body.Close()
			_, _ = io.Copy(io.Discard, answer.Body)
			return float64(time.Since(begin).Microseconds()) / 1000
		}
		await := func(key string) {
			wait(b, "the gateway to know a key", func() bool {
				request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, address+bot.PathGatewaySessions+"?limit=1", nil)
				must(b, err)
				request.Header.Set("X-Api-Key", key)
				answer, err := http.DefaultTransport.RoundTrip(request)
				if err == nil {
					answer.Body.Close()
				}
				return err == nil && answer.StatusCode == http.StatusOK
			})
		}
		await(key)
		b.ReportMetric(resident(b, process), "MiB-known")
		b.ReportMetric(timed(bot.PathGatewaySessions+"?limit=100"), "list-ms")
		b.ReportMetric(timed("/"), "desk-ms")
		b.ReportMetric(changeShown(b, namespace, get("/desk/events", key), func() { timed("/desk/list") }), "change-ms")

		const each = 250 // a key may have 256 streams
		var open []io.Closer
		for i := range streams {
			if i%each == 0 {
				key = newKey(b, namespace, "read")
				await(key)
			}
			open = append(open, get(bot.GatewayPath(namespace, fmt.Sprintf("s-%04d", i%count))+bot.PathSessionEvents, key).Body)
		}
		b.ReportMetric(resident(b, process), "MiB-streams")
		for _, stream := range open {
			stream.Close()
		}
		kill()
	}
}

// changeShown is how long an open desk waits, in milliseconds, from a change of a session's status until it has fetched
// its list again.
func changeShown(b *testing.B, namespace string, events *http.Response, fetch func()) float64 {
	b.Helper()
	defer events.Body.Close()
	lines := bufio.NewScanner(events.Body)
	lines.Scan() // it is open
	session := &v1alpha1.WhatsAppSession{}
	must(b, admin.Get(b.Context(), types.NamespacedName{Namespace: namespace, Name: "s-0000"}, session))
	patch := client.MergeFrom(session.DeepCopy())
	session.Status.State = bot.StateReconnecting
	begin := time.Now()
	must(b, admin.Status().Patch(b.Context(), session, patch))
	for lines.Scan() && lines.Text() != "event: changed" {
	}
	fetch()
	return float64(time.Since(begin).Microseconds()) / 1000
}

// resident is the memory of a process in MiB.
func resident(b *testing.B, process int) float64 {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process))
	must(b, err)
	for line := range strings.Lines(string(data)) {
		if kib, found := strings.CutPrefix(line, "VmRSS:"); found {
			n, err := strconv.ParseFloat(strings.Fields(kib)[0], 64)
			must(b, err)
			return n / 1024
		}
	}
	b.Fatal("the process has no VmRSS")
	return 0
}

func setting(name string, fallback int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return fallback
}

package gateway_test

import (
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
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	address = fmt.Sprintf("127.60.240.%d", addresses.Add(1)%250+1)
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

// BenchmarkProxy is a small GET to one of SESSIONS sessions (1,000), through the gateway, through a bare
// httputil.ReverseProxy and straight to the bot, with callers and bots in the same process. GOMAXPROCS=1 gives the
// numbers of one core.
func BenchmarkProxy(b *testing.B) {
	count := setting("SESSIONS", 1000)
	namespace, address, token, key := fleetOf(b, count, func(w http.ResponseWriter, _ *http.Request) {
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
		p.Out.URL.Scheme, p.Out.URL.Host, p.Out.URL.Path = target.Scheme, target.Host, bot.PathStatus
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
		b.Run(c.name, func(b *testing.B) {
			var mu sync.Mutex
			var took []time.Duration
			b.SetParallelism(8)
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				var mine []time.Duration
				for p.Next() {
					path := bot.GatewayPath(namespace, fmt.Sprintf("s-%04d", rand.IntN(count))) + bot.PathStatus
					if c.name == "bot" {
						path = bot.PathStatus
					}
					request, err := http.NewRequest(http.MethodGet, c.base+path, nil)
					if err != nil {
						b.Error(err)
						return
					}
					request.Header.Set("X-Api-Key", key)
					begin := time.Now()
					answer, err := c.transport.RoundTrip(request)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
					mine = append(mine, time.Since(begin))
					if answer.StatusCode != http.StatusOK {
						b.Errorf("answered %d", answer.StatusCode)
						return
					}
				}
				mu.Lock()
				took = append(took, mine...)
				mu.Unlock()
			})
			slices.Sort(took)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "median-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// BenchmarkMemory is the heap in use that a gateway adds with SESSIONS sessions (1,000) known, and with STREAMS streams
// (200) open through it; the streams' callers and bots are in the same process and are counted too. It also times the
// desk's list.
func BenchmarkMemory(b *testing.B) {
	count, streams := setting("SESSIONS", 1000), setting("STREAMS", 200)
	namespace, _, _, key := fleetOf(b, count, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, ":\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	for b.Loop() {
		before := inUse()
		g, err := gateway.New(gateway.Options{Config: environment.Config, Limits: gateway.Limits{Rate: 1e6, CallerStreams: streams, Streams: streams}})
		must(b, err)
		ctx, cancel := context.WithCancel(context.Background())
		must(b, g.Start(ctx))
		server := httptest.NewUnstartedServer(g)
		gateway.Configure(server.Config)
		server.Start()
		b.ReportMetric(float64(inUse()-before)/(1<<20), "MiB-known")
		var open []io.Closer
		for i := range streams {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+bot.GatewayPath(namespace, fmt.Sprintf("s-%04d", i%count))+bot.PathSessionEvents, nil)
			must(b, err)
			request.Header.Set("X-Api-Key", key)
			answer, err := http.DefaultTransport.RoundTrip(request)
			must(b, err)
			if answer.StatusCode != http.StatusOK {
				b.Fatalf("stream %d: %d", i, answer.StatusCode)
			}
			open = append(open, answer.Body)
		}
		b.ReportMetric(float64(inUse()-before)/(1<<20), "MiB-streams")
		begin := time.Now()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/desk/list", nil)
		must(b, err)
		request.Header.Set("X-Api-Key", key)
		answer, err := http.DefaultTransport.RoundTrip(request)
		must(b, err)
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		b.ReportMetric(float64(time.Since(begin).Microseconds())/1000, "list-ms")
		for _, stream := range open {
			stream.Close()
		}
		g.Drain()
		server.Close()
		cancel()
		g.Close()
	}
}

// inUse is the heap and the stacks that live.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

func setting(name string, fallback int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return fallback
}

package controllers

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
	"sesi.dev/sesi/test/bottest"
	"sesi.dev/sesi/test/poll"
	"sesi.dev/sesi/test/vacant"
)

func TestDecideRelease(t *testing.T) {
	unlink := func(s *pass) { s.session.Spec.DeletionPolicy = v1alpha1.DeletionUnlink }
	// The API server's clock is an hour ahead of this one, or an hour behind.
	fast := func(s *pass) { at := metav1.NewTime(noon.Add(time.Hour)); s.session.DeletionTimestamp = &at }
	slow := func(s *pass) { at := metav1.NewTime(noon.Add(-time.Hour)); s.session.DeletionTimestamp = &at }
	linked := func(s *pass) { s.session.Status.Session = &v1alpha1.SessionStatus{Exists: true} }
	seen := func(ago time.Duration) unlinkResult { return unlinkResult{since: noon.Add(-ago)} }
	asked := func(since, ago time.Duration, busy bool, err error) unlinkResult {
		return unlinkResult{since: noon.Add(-since), at: noon.Add(-ago), busy: busy, done: !busy, err: err}
	}
	cases := map[string]struct {
		edits []func(*pass)
		asked unlinkResult
		known knowledge
		want  release
	}{
		"retain":                      {[]func(*pass){linked, slow}, seen(0), reported, release{free: true}},
		"never linked":                {[]func(*pass){unlink, slow, says(observer.Heard, asleep())}, seen(0), reported, release{free: true}},
		"never linked, no pod":        {[]func(*pass){unlink, slow, noPod}, seen(0), absent, release{free: true}},
		"linked, as the bot says":     {[]func(*pass){unlink, slow, says(observer.Heard, connected())}, seen(0), reported, release{ask: true}},
		"so, by a fast clock":         {[]func(*pass){unlink, fast, says(observer.Heard, connected())}, seen(0), reported, release{ask: true}},
		"unlinked, as the bot says":   {[]func(*pass){unlink, linked, slow, says(observer.Heard, asleep())}, seen(0), reported, release{free: true}},
		"linked, remembered":          {[]func(*pass){unlink, linked, slow}, seen(0), remembered, release{ask: true}},
		"not linked, remembered":      {[]func(*pass){unlink, slow}, seen(0), remembered, release{}},
		"not linked, never reported":  {[]func(*pass){unlink, slow}, seen(unlinkPatience), remembered, release{free: true}},
		"starting":                    {[]func(*pass){unlink, linked, slow}, seen(0), starting, release{ask: true}},
		"starting, not known to link": {[]func(*pass){unlink, slow}, seen(0), starting, release{}},
		"asked":                       {[]func(*pass){unlink, linked, slow}, asked(time.Second, time.Second, true, nil), reported, release{}},
		"asked, says it unlinked":     {[]func(*pass){unlink, linked, slow, says(observer.Heard, asleep())}, asked(time.Second, time.Second, true, nil), reported, release{}},
		"asked for too long":          {[]func(*pass){unlink, linked, fast}, asked(unlinkPatience, time.Second, true, nil), reported, release{free: true, event: eventNotUnlinked}},
		"answered":                    {[]func(*pass){unlink, linked, slow}, asked(time.Second, 0, false, nil), reported, release{free: true, event: eventUnlinked}},
		"failed just now":             {[]func(*pass){unlink, linked, slow}, asked(time.Second, time.Second, false, errors.New("no")), reported, release{}},
		"failed a while ago":          {[]func(*pass){unlink, linked, slow}, asked(9*time.Second, unlinkPause, false, errors.New("no")), reported, release{ask: true}},
		"lost":                        {[]func(*pass){unlink, linked, slow}, seen(time.Second), lost, release{}},
		"lost for too long":           {[]func(*pass){unlink, linked, fast}, seen(unlinkPatience), lost, release{free: true, event: eventNotUnlinked}},
		"pod crashes":                 {[]func(*pass){unlink, linked, slow}, seen(time.Second), absent, release{}},
		"no pod":                      {[]func(*pass){unlink, linked, noPod, slow}, seen(time.Second), absent, release{free: true, event: eventNotUnlinked}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := decideRelease(&passOf(c.edits...).input, c.known, c.asked)
			if got.event != "" && got.message == "" {
				t.Error("an event says nothing")
			}
			got.message = ""
			if got != c.want {
				t.Errorf("decideRelease = %+v, want %+v", got, c.want)
			}
		})
	}
}

// pinnedCertificate is a bot's certificate, and the pin by which the operator knows it.
func pinnedCertificate(t *testing.T) (tls.Certificate, observer.Pin) {
	t.Helper()
	pair, pemBytes, err := bottest.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	pin, err := observer.PinOf(pemBytes)
	if err != nil {
		t.Fatal(err)
	}
	return pair, pin
}

func TestLogoutAsksTheBotItWasMeantFor(t *testing.T) {
	pair, pin := pinnedCertificate(t)
	cases := map[string]struct {
		to  func(observer.Target) observer.Target
		err string
	}{
		"another certificate": {func(to observer.Target) observer.Target { to.Pins = observer.Pins{{1}}; return to }, "not the one in the session's Secret"},
		"another token":       {func(to observer.Target) observer.Target { to.Token = "guess"; return to }, "401"},
		"nobody there":        {func(to observer.Target) observer.Target { to.Address = vacant.Nobody; return to }, "connection refused"},
		"the bot":             {func(to observer.Target) observer.Target { return to }, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b, err := bottest.Start("127.30.0.1:0", pair, "the right token", bottest.Paired("kasir", "pod-1", "62811:1@s.whatsapp.net"))
			if err != nil {
				t.Fatal(err)
			}
			defer b.Stop()
			err = logout(t.Context(), c.to(observer.Target{Address: b.Address(), Token: "the right token", Pins: observer.Pins{pin}}))
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Fatalf("logout = %v, want %q", err, c.err)
			}
			if last := b.Change(func(*bot.Snapshot) {}); last.Exists == (c.err == "") {
				t.Fatalf("the bot is linked: %t", last.Exists)
			}
		})
	}
}

// A session may be replaced by another of its name before a pass has seen it gone. A request to the earlier one's bot
// says nothing about the later one.
func TestAnEarlierSessionsUnlinkDoesNotCount(t *testing.T) {
	u, key := newUnlinker(), types.NamespacedName{Namespace: "shop", Name: "kasir"}
	u.asked[key] = unlinkResult{session: "an-earlier-one", since: noon.Add(-time.Hour), at: noon.Add(-time.Hour), done: true}
	if got := u.result(key, "session-kasir", noon); got.done || !got.since.Equal(noon) {
		t.Errorf("the later session has %+v", got)
	}
}

// If a session is replaced during a request to its bot, the answer counts only for the earlier session.
func TestAnAnswerIsForTheSessionThatAsked(t *testing.T) {
	pair, _, err := bottest.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	b, err := bottest.Start("127.30.0.1:0", pair, "token", bottest.Paired("kasir", "pod-1", "62811:1@s.whatsapp.net"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Stop()
	u, key := newUnlinker(), types.NamespacedName{Namespace: "shop", Name: "kasir"}
	u.result(key, "earlier", noon)
	u.ask(key, "earlier", observer.Target{Address: b.Address(), Token: "token"})
	if got := u.result(key, "later", noon); got.busy || got.done {
		t.Errorf("the later session has %+v", got)
	}
	poll.Receive(t, "the answer", u.answered, 2*unlinkPatience)
	if got := u.result(key, "later", noon.Add(time.Minute)); got.busy || got.done || !got.since.Equal(noon) {
		t.Errorf("after the answer the later session has %+v", got)
	}
}

// A bot that accepts the request to log out and never answers frees its place after a while.
func TestARequestToLogOutEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, key := newUnlinker(), types.NamespacedName{Namespace: "shop", Name: "kasir"}
		for range unlinksAtOnce {
			u.places <- struct{}{}
		}
		u.result(key, "uid", time.Now())
		u.ask(key, "uid", observer.Target{})
		synctest.Wait()
		if got := u.result(key, "uid", time.Now()); !got.busy {
			t.Errorf("without a place the request is %+v", got)
		}
		<-time.After(unlinkPatience) // the bubble's time
		synctest.Wait()
		if got := u.result(key, "uid", time.Now()); !got.done || !errors.Is(got.err, context.DeadlineExceeded) {
			t.Errorf("after %s the request is %+v", unlinkPatience, got)
		}
	})

	pair, pin := pinnedCertificate(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	silent := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	silent.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}
	silent.StartTLS()
	defer silent.Close()
	u := newUnlinker()
	err := u.logout(ctx, observer.Target{Address: silent.Listener.Addr().String(), Token: "token", Pins: observer.Pins{pin}})
	if !errors.Is(err, context.Canceled) || len(u.places) > 0 {
		t.Errorf("logout = %v, and %d places are taken", err, len(u.places))
	}
}

// Many bots that send endless headers at once cost the operator a bounded amount of memory.
func TestHostileLogoutAnswersAreBounded(t *testing.T) {
	pair, pin := pinnedCertificate(t)
	listener, err := tls.Listen("tcp", "127.30.0.2:0", &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	const sessions = 3 * unlinksAtOnce
	entered, release := make(chan struct{}, sessions), make(chan struct{})
	var mu sync.Mutex
	waiting, most := 0, 0
	waits := func(by int) {
		mu.Lock()
		defer mu.Unlock()
		waiting += by
		most = max(most, waiting)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
					return
				}
				waits(1)
				entered <- struct{}{}
				<-release
				waits(-1)
				fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nX-Long: ")
				for err := error(nil); err == nil; {
					_, err = conn.Write(bytes.Repeat([]byte("x"), 64<<10))
				}
			}()
		}
	}()
	u := newUnlinker()
	for i := range sessions {
		key := types.NamespacedName{Namespace: "shop", Name: fmt.Sprint(i)}
		u.result(key, "uid", noon)
		u.ask(key, "uid", observer.Target{Address: listener.Addr().String(), Token: "token", Pins: observer.Pins{pin}})
	}
	for range unlinksAtOnce {
		poll.Receive(t, "a request", entered, 2*unlinkPatience)
	}
	for range sessions {
		select {
		case release <- struct{}{}:
		case <-time.After(2 * unlinkPatience):
			t.Fatal("no bot is asked any more")
		}
		poll.Receive(t, "an answer", u.answered, 2*unlinkPatience)
	}
	mu.Lock()
	defer mu.Unlock()
	if most > unlinksAtOnce {
		t.Errorf("%d bots were asked at once, want at most %d", most, unlinksAtOnce)
	}
	for i := range sessions {
		got := u.result(types.NamespacedName{Namespace: "shop", Name: fmt.Sprint(i)}, "uid", noon)
		if !got.done || got.err == nil || !strings.Contains(got.err.Error(), "response headers exceeded 16384 bytes") {
			t.Fatalf("an answer of endless headers gives %+v", got)
		}
	}
}

package gateway_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/api/bot"
	botclient "sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/gateway"
)

// One stream reports on all sessions that its caller may see, and on no others.
func TestEventsOfAllSessions(t *testing.T) {
	mine, other := newNamespace(t), newNamespace(t)
	g := newGateway(t)
	key := newKey(t, mine, "read")
	g.eventually(200, "GET", bot.PathGatewaySessions, key, "")
	first := newSession(t, mine, "first", nil)
	g.eventually(200, "GET", bot.GatewayPath(mine, "first"), key, "")
	c := botclient.Client{BaseURL: g.url, Token: key}
	stream, err := c.Stream(t.Context(), bot.PathGatewayEvents, "", patience)
	must(t, err)
	defer stream.Close()
	next := func(kind, name string, state bot.State) {
		t.Helper()
		for {
			event, err := stream.Next()
			must(t, err)
			var s bot.GatewaySession
			must(t, json.Unmarshal(event.Data, &s))
			if s.Namespace != mine {
				t.Fatalf("told of %s/%s", s.Namespace, s.Name)
			}
			if event.Name == kind && s.Name == name && (state == "" || s.State == state) {
				return
			}
		}
	}
	next("session", "first", "")
	newSession(t, other, "hidden", nil)
	second := newSession(t, mine, "second", nil)
	next("session", "second", "")
	first.setState(bot.StateConnected, v1alpha1.ReasonPodRunning)
	next("session", "first", bot.StateConnected)
	must(t, admin.Delete(t.Context(), second.session))
	next("gone", "second", "")
}

// A user of a namespace that has no session yet hears of the first one.
func TestTheFirstSessionOfANamespace(t *testing.T) {
	mine, other := newNamespace(t), newNamespace(t)
	newSession(t, other, "hidden", nil)
	g := newGateway(t)
	c := botclient.Client{BaseURL: g.url, Token: newToken(t, mine, "watcher", rule("watch", ""))}
	stream, err := c.Stream(t.Context(), bot.PathGatewayEvents, "", patience)
	must(t, err)
	defer stream.Close()
	newSession(t, mine, "first", nil)
	event, err := stream.Next()
	must(t, err)
	var s bot.GatewaySession
	must(t, json.Unmarshal(event.Data, &s))
	if s.Namespace != mine || s.Name != "first" {
		t.Errorf("told of %s/%s", s.Namespace, s.Name)
	}
}

// journal is a bot that has events, as the bot's own API shows them.
type journal struct {
	mu    sync.Mutex
	floor uint64 // events up to this one were deleted
	texts []string
	more  chan struct{}
	asked []string // what the streams began with
	open  int      // streams
	cut   chan struct{}
}

func newJournal(texts ...string) *journal {
	return &journal{texts: texts, more: make(chan struct{}), cut: make(chan struct{})}
}

// end ends all streams, and what comes then they do not have.
func (j *journal) end(text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.texts = append(j.texts, text)
	close(j.cut)
	j.cut = make(chan struct{})
}

// readers is how many streams are open.
func (j *journal) readers() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.open
}

func (j *journal) add(text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.texts = append(j.texts, text)
	close(j.more)
	j.more = make(chan struct{})
}

// after returns the events after a cursor as frames, and what is closed when there are more.
func (j *journal) after(cursor uint64) (frames string, next uint64, more <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for next = cursor; next < uint64(len(j.texts)); next++ {
		frames += fmt.Sprintf("id: %d\nevent: message\ndata: {\"seq\":%d,\"type\":\"message\",\"data\":{\"message\":{\"text\":%q}}}\n\n", next+1, next+1, j.texts[next])
	}
	return frames, next, j.more
}

func (j *journal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	j.mu.Lock()
	floor, last := j.floor, uint64(len(j.texts))
	j.mu.Unlock()
	after := r.Header.Get("Last-Event-ID")
	if after == "" {
		after = r.URL.Query().Get("after")
	}
	cursor, err := strconv.ParseUint(after, 10, 64)
	switch {
	case r.URL.Path != bot.PathEvents:
		http.NotFound(w, r)
		return
	case after == "latest":
		fmt.Fprintf(w, `{"events":[],"next":%d,"last":%d}`, last, last)
		return
	case after == "oldest":
		cursor = floor
	case err != nil || cursor > last:
		w.WriteHeader(http.StatusBadRequest)
		return
	case cursor < floor:
		w.Header().Set(bot.HeaderOldestCursor, fmt.Sprint(floor))
		w.WriteHeader(http.StatusGone)
		return
	}
	j.mu.Lock()
	j.asked = append(j.asked, strings.TrimSpace(after+" "+r.URL.Query().Get("types")))
	cut := j.cut
	j.open++
	j.mu.Unlock()
	defer func() { j.mu.Lock(); defer j.mu.Unlock(); j.open-- }()
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		frames, next, more := j.after(cursor)
		cursor = next
		fmt.Fprint(w, ":\n\n"+frames)
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-more:
		case <-cut:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// reader reads the gateway's stream.
type reader struct {
	t      *testing.T
	stream *botclient.Stream
}

func (s *served) read(credential, query, last string) *reader {
	s.t.Helper()
	c := botclient.Client{BaseURL: s.url, Token: credential}
	stream, err := c.Stream(s.t.Context(), bot.PathGatewayEvents+query, last, patience)
	must(s.t, err)
	s.t.Cleanup(func() { stream.Close() })
	return &reader{s.t, stream}
}

// next returns the next event of messages, as name:text.
func (r *reader) next() string {
	r.t.Helper()
	for {
		event, err := r.stream.Next()
		must(r.t, err)
		switch event.Name {
		case bot.GatewayEventSession, bot.GatewayEventGone:
			continue
		case bot.GatewayEventGap:
			var gap bot.GatewayGap
			must(r.t, json.Unmarshal(event.Data, &gap))
			return fmt.Sprintf("%s gap %d", gap.Name, gap.Oldest)
		}
		var e bot.GatewayEvent
		must(r.t, json.Unmarshal(event.Data, &e))
		return e.Name + ":" + e.Event.Data.Message.Text
	}
}

// Messages of many sessions come in one stream, which another gateway continues where it ended: nothing is missed and
// nothing comes twice.
func TestMessagesOfManySessions(t *testing.T) {
	namespace := newNamespace(t)
	shop, bank := newJournal("old"), newJournal()
	newBot(t, namespace, "shop", shop.ServeHTTP)
	newBot(t, namespace, "bank", bank.ServeHTTP)
	g, second := newGateway(t), newGateway(t)
	key := newKey(t, namespace, "read")
	for _, one := range []*served{g, second} {
		one.eventually(200, "GET", bot.GatewayPath(namespace, "shop"), key, "")
		one.eventually(200, "GET", bot.GatewayPath(namespace, "bank"), key, "")
	}
	all := g.read(key, "?messages=true&after=oldest", "")
	if got := all.next(); got != "shop:old" {
		t.Errorf("from the oldest: %s", got)
	}
	r := g.read(key, "?messages=true", "")
	for _, one := range []*journal{shop, bank} { // what comes before a reader has begun is not for it
		wait(t, "the readers to have begun", func() bool { one.mu.Lock(); defer one.mu.Unlock(); return len(one.asked) == 2 })
	}
	shop.add("a")
	if got := r.next(); got != "shop:a" {
		t.Errorf("from the newest: %s", got)
	}
	bank.add("b")
	if got := r.next(); got != "bank:b" {
		t.Errorf("then: %s", got)
	}
	last := r.stream.Last()
	r.stream.Close()
	shop.add("c")
	later := newJournal("d")
	newBot(t, namespace, "later", later.ServeHTTP)
	second.eventually(200, "GET", bot.GatewayPath(namespace, "later"), key, "")
	r = second.read(key, "?messages=true", last)
	got := map[string]bool{r.next(): true, r.next(): true}
	if !got["shop:c"] || !got["later:d"] {
		t.Errorf("after the reconnect: %v", got)
	}

	// One session by its name, and events that are not kept any more.
	bank.mu.Lock()
	bank.floor, bank.texts = 5, make([]string, 6)
	bank.texts[5] = "kept"
	bank.mu.Unlock()
	r = second.read(key, "?messages=bank", last)
	if got := r.next() + ", " + r.next(); got != "bank gap 5, bank:kept" {
		t.Errorf("after a deletion: %s", got)
	}
}

// A stream goes on when a bot ends its own, when a session comes, and when one is made again with the same name: nothing is
// missed and nothing comes twice.
func TestAStreamGoesOn(t *testing.T) {
	namespace := newNamespace(t)
	shop := newJournal("old")
	f := newBot(t, namespace, "shop", shop.ServeHTTP)
	g := newGateway(t, func(o *gateway.Options) { o.Limits.SessionStreams = 1 })
	key := newKey(t, namespace, "read")
	g.eventually(200, "GET", bot.GatewayPath(namespace, "shop"), key, "")
	r := g.read(key, "?messages=true&types=message", "")
	wait(t, "the reader to have begun", func() bool { return shop.readers() == 1 })
	want := func(what, want string) {
		t.Helper()
		if got := r.next(); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	shop.add("a")
	want("at first", "shop:a")
	shop.end("b")
	want("after the bot ended its stream", "shop:b")
	shop.mu.Lock()
	asked := strings.Join(shop.asked, ", ")
	shop.mu.Unlock()
	if asked != "1 message, 2 message" {
		t.Errorf("the bot was asked for %s", asked)
	}
	newBot(t, namespace, "later", newJournal("first").ServeHTTP)
	want("of a session that came later", "later:first")

	for _, object := range []client.Object{f.session, f.secret, f.pod} {
		must(t, admin.Delete(t.Context(), object, client.GracePeriodSeconds(0)))
	}
	wait(t, "the old reader to end", func() bool { return shop.readers() == 0 })
	again := newJournal("c")
	newBot(t, namespace, "shop", again.ServeHTTP)
	want("of a session that was made again", "shop:c")
	last := r.stream.Last()
	if id, err := base64.RawURLEncoding.DecodeString(last); err != nil || len(id) != 1+2*5 {
		t.Errorf("the id of two sessions is % x, %v", id, err)
	}
	r.stream.Close()

	// A bot of an earlier version says with 400 that its journal is younger than the cursor.
	wait(t, "the stream's end", func() bool { return again.readers() == 0 })
	again.mu.Lock()
	again.texts = nil
	again.mu.Unlock()
	r = g.read(key, "?messages=shop", last)
	want("of a younger journal", "shop gap 0")
	again.add("d")
	want("then", "shop:d")
}

// What a caller may no longer see or read does not come any more, and a stream ends with its credential.
func TestAStreamIsReviewed(t *testing.T) {
	namespace := newNamespace(t)
	shop, bank := newJournal(), newJournal()
	f := newSession(t, namespace, "shop", map[string]string{"team": "sales"})
	f.start(shop.ServeHTTP)
	f.setState(bot.StateConnected, v1alpha1.ReasonPodRunning)
	newBot(t, namespace, "bank", bank.ServeHTTP)
	g := newGateway(t)
	g.gateway.ReviewEvery(50 * time.Millisecond)
	plain := apikey.New()
	key := apikey.Key{Namespace: namespace, Name: "crm", Sum: apikey.SumOf(plain), Verbs: []apikey.Verb{apikey.VerbRead}}
	secret := makeKey(t, plain, key)
	for _, name := range []string{"shop", "bank"} {
		g.eventually(200, "GET", bot.GatewayPath(namespace, name), plain, "")
	}
	narrowed, r := g.read(plain, "?messages=true&selector=team", ""), g.read(plain, "?messages=true", "")
	conn, _, err := websocket.Dial(t.Context(), g.url+bot.PathWebSocket+"?session=*&x-api-key="+plain, nil)
	must(t, err)
	defer conn.CloseNow()
	wait(t, "the readers to begin", func() bool { return shop.readers() == 2 && bank.readers() == 1 })

	patch := client.MergeFrom(f.session.DeepCopy())
	f.session.Labels = nil
	must(t, admin.Patch(t.Context(), f.session, patch))
	wait(t, "the reader of a session that is no longer asked for to end", func() bool { return shop.readers() == 1 })
	narrowed.stream.Close()

	key.Sessions = []string{"bank"}
	fewer, err := apikey.Build(key)
	must(t, err)
	fewer.ResourceVersion = secret.ResourceVersion
	must(t, admin.Update(t.Context(), fewer))
	wait(t, "the reader of a session that the key no longer opens to end", func() bool { return shop.readers() == 0 })
	bank.add("a")
	if got := r.next(); got != "bank:a" {
		t.Errorf("got %s", got)
	}

	must(t, admin.Delete(t.Context(), fewer))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { r.stream.Close() })
	defer stop()
	for err = nil; err == nil; {
		_, err = r.stream.Next()
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("the stream of a key that was revoked: %v", err)
	}
	for err = nil; err == nil; {
		_, _, err = conn.Read(ctx)
	}
	if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("the WebSocket of a key that was revoked: %v", err)
	}
}

// A stream has the messages of those sessions only that its caller may read.
func TestWhoseMessages(t *testing.T) {
	mine, other := newNamespace(t), newNamespace(t)
	newBot(t, mine, "shop", newJournal("mine").ServeHTTP)
	newBot(t, mine, "bank", newJournal("bank").ServeHTTP)
	hidden := newBot(t, other, "shop", newJournal("hidden").ServeHTTP)
	g := newGateway(t, func(o *gateway.Options) { o.Limits.CallerStreams = 2 })
	sees := rbacv1.PolicyRule{APIGroups: []string{"sesi.dev"}, Resources: []string{"whatsappsessions"}, Verbs: []string{"get", "watch"}}
	onlyShop := func(k *apikey.Key) { k.Sessions = []string{"shop"} }
	credentials := map[string]string{
		"reader": newKey(t, mine, "read"),
		"sender": newKey(t, mine, "send"),
		"shop":   newKey(t, mine, "read", onlyShop),
		"states": newToken(t, mine, "states", sees),
		"person": newToken(t, mine, "person", sees, rule("get", "messages")),
		"one": newToken(t, mine, "one", sees, rbacv1.PolicyRule{APIGroups: []string{"sesi.dev"}, Resources: []string{"whatsappsessions/messages"},
			Verbs: []string{"get"}, ResourceNames: []string{"bank"}}),
	}
	g.eventually(200, "GET", bot.GatewayPath(mine, "bank"), credentials["reader"], "")
	for _, row := range []struct {
		who, query string
		want       int
	}{
		{"sender", "messages=true", 403}, {"sender", "messages=shop", 403}, {"states", "messages=true", 403}, {"states", "messages=" + mine + ".shop", 403},
		{"shop", "messages=bank", 404}, {"reader", "messages=nothing", 404}, {"reader", "messages=" + other + ".shop", 404},
		{"person", "messages=" + other + ".shop", 404}, {"one", "messages=" + mine + ".shop", 403}, {"reader", "messages=shop,bank", 429},
		{"reader", "messages=" + strings.Repeat("a,", 3) + "a..b", 404}, {"reader", "messages=true&types=everything", 400},
		{"reader", "messages=true&after=7", 400}, {"reader", "messages=" + manyNames(101), 422},
	} {
		if got := g.do("GET", bot.PathGatewayEvents+"?"+row.query, credentials[row.who], ""); got.status != row.want {
			t.Errorf("%s, %s: %d %s, want %d", row.who, row.query, got.status, got.body, row.want)
		}
	}
	if got := g.do("GET", bot.PathGatewayEvents+"?messages=shop", credentials["reader"], "", func(r *http.Request) { r.Header.Set("Last-Event-ID", "7") }); got.status != 400 {
		t.Errorf("a bot's own cursor: %d", got.status)
	}
	for who, want := range map[string]string{"shop": "shop:mine", "one": "bank:bank"} {
		name, _, _ := strings.Cut(want, ":")
		if got := g.read(credentials[who], "?after=oldest&messages="+mine+"."+name, "").next(); got != want {
			t.Errorf("%s reads %s", who, got)
		}
	}
	if got := g.read(credentials["reader"], "?after=oldest&messages=true&search=bank", "").next(); got != "bank:bank" { // and one stream to a bot
		t.Errorf("of the sessions that are searched for: %s", got)
	}
	another := newKey(t, mine, "read", onlyShop)
	g.eventually(200, "GET", bot.GatewayPath(mine, "shop"), another, "")
	if got := g.read(another, "?after=oldest&messages=true", "").next(); got != "shop:mine" {
		t.Errorf("a key of one session reads %s", got)
	}
	if got := hidden.asked.Load(); got != 0 {
		t.Errorf("the bot of another namespace was asked %d times", got)
	}
}

func manyNames(count int) string {
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("s-%d", i)
	}
	return strings.Join(names, ",")
}

// A bot whose events are none, or that names an event as the gateway's own, reaches no reader, and delays none.
func TestHostileJournals(t *testing.T) {
	namespace := newNamespace(t)
	frames := map[string]string{
		"no-json": "id: 1\nevent: message\ndata: {\n\n", "forged": "id: 1\nevent: gone\ndata: {}\n\n",
		"two-lines": "id: 1\nevent: message\revent: gone\ndata: {}\n\n",
		"no-cursor": "id: x\nevent: message\ndata: {}\n\n", "huge": "id: 1\nevent: message\ndata: \"" + strings.Repeat("x", 2<<20) + "\"\n\n",
	}
	for name, frame := range frames {
		newBot(t, namespace, name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, frame)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
	}
	good := newJournal("a")
	newBot(t, namespace, "shop", good.ServeHTTP)
	g := newGateway(t)
	key := newKey(t, namespace, "read")
	for _, name := range append(slices.Collect(maps.Keys(frames)), "shop") {
		g.eventually(200, "GET", bot.GatewayPath(namespace, name), key, "")
	}
	r := g.read(key, "?messages=true&after=oldest", "")
	if got := r.next(); got != "shop:a" {
		t.Errorf("got %s", got)
	}
	good.add("b")
	if got := r.next(); got != "shop:b" {
		t.Errorf("got %s", got)
	}
}

// A bot's journal also says how the session's state changed. The stream has that from the resource, and goes on.
func TestStatesInAJournal(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "id: 1\nevent: session\ndata: {\"seq\":1,\"type\":\"session\",\"data\":{\"session\":{\"state\":\"forged\"}}}\n\n"+
			"id: 2\nevent: message\ndata: {\"seq\":2,\"type\":\"message\",\"data\":{\"message\":{\"text\":\"hello\"}}}\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	g := newGateway(t)
	key := newKey(t, namespace, "read")
	g.eventually(200, "GET", bot.GatewayPath(namespace, "shop"), key, "")
	r := g.read(key, "?messages=true&after=oldest", "")
	if got := r.next(); got != "shop:hello" {
		t.Errorf("got %s", got)
	}
}

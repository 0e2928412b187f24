package gateway_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

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

// journal is a bot that has events, as the bot's own API shows them.
type journal struct {
	mu    sync.Mutex
	floor uint64 // events up to this one were deleted
	texts []string
	more  chan struct{}
	asked []string // what the streams began with
}

func newJournal(texts ...string) *journal { return &journal{texts: texts, more: make(chan struct{})} }

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
	j.asked = append(j.asked, after)
	j.mu.Unlock()
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

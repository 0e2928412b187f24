package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/campaign"
)

// TestNothingThatCameIsLost kills the bot -9 while people write and its webhook refuses each third message once: every
// message is in the journal once and comes to the webhook, and those of one person are in order.
func TestNothingThatCameIsLost(t *testing.T) {
	t.Parallel()
	const people, each = 120, 40 // a chat whose event was refused waits, the others go on
	wa, dir, n := whatsapp(t), t.TempDir(), campaign.Rounds(t, 12)
	dice := rand.New(rand.NewPCG(campaign.Seed(t), 0))
	taken := newTaken(t)
	env := settings(wa, dir, "WEBHOOK_URL="+taken.hook.URL, "WEBHOOK_SECRET="+hookSecret, "WEBHOOK_EVENTS=message")
	p := start(t, env)
	to := jid(t, p.pair(wa).JID)
	sent := map[string][]string{}
	for round := range n {
		for i := range each {
			who := fmt.Sprintf("62899000%03d", (round*each+i)%people)
			id, err := wa.Person(who).Write(to, fmt.Sprint(round, i))
			sent[who] = append(sent[who], mustSend(t, id, err))
		}
		before := len(p.journalEvents(0))
		target := before + dice.IntN(each)
		p.waitFor("some messages", func() bool { return len(p.journalEvents(0)) >= min(target, (round+1)*each) })
		p.kill()
		p = start(t, env)
	}
	p.waitFor("all messages", func() bool { return len(p.journalEvents(0)) >= n*each })
	p.untilConnected()
	got := map[string][]string{}
	for _, e := range p.journalEvents(0) {
		if e.Type != bot.EventMessage {
			t.Errorf("event %d is %s", e.Seq, e.Type)
			continue
		}
		who := strings.TrimPrefix(e.Data.Message.From.Phone, "+")
		got[who] = append(got[who], e.Data.Message.ID)
	}
	for came := each; came <= n*each; came += each {
		p.waitFor(fmt.Sprint(came, " messages at the webhook"), func() bool { return taken.count() >= came })
	}
	for who, ids := range sent {
		if !slices.Equal(got[who], ids) {
			t.Errorf("%s: %d messages are in the journal, %d were sent, or another order", who, len(got[who]), len(ids))
		}
		if at := taken.of(who); !slices.Equal(at, ids) {
			t.Errorf("%s: %d messages came to the webhook, %d were sent, or another order", who, len(at), len(ids))
		}
	}
	t.Logf("%d messages, %d kills, %d deliveries", n*each, n, len(taken.hook.events()))
}

// taken is what a webhook took that refuses each third message once: the ids of each person's messages, each id once.
type taken struct {
	hook *hook
	mu   sync.Mutex
	seen map[string]bool // true when it was taken
	by   map[string][]string
	all  int
}

func newTaken(t *testing.T) *taken {
	k := &taken{hook: startHook(t), seen: map[string]bool{}, by: map[string][]string{}}
	k.hook.answer(func(_ int, e bot.Event) int {
		k.mu.Lock()
		defer k.mu.Unlock()
		m := e.Data.Message
		taken, known := k.seen[m.ID]
		if !known && len(k.seen)%3 == 2 {
			k.seen[m.ID] = false
			return http.StatusInternalServerError
		}
		if !taken {
			k.seen[m.ID] = true
			k.all++
			who := strings.TrimPrefix(m.From.Phone, "+")
			k.by[who] = append(k.by[who], m.ID)
		}
		return http.StatusNoContent
	})
	return k
}

func (k *taken) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.all
}

func (k *taken) of(who string) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.by[who]
}

// TestNothingIsSentTwice kills the bot -9 while it sends, and the client repeats each request under its key until it
// has an answer: every message reaches its phone, under one id.
func TestNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	n := campaign.Rounds(t, 6)
	wa, dir := whatsapp(t), t.TempDir()
	dice := rand.New(rand.NewPCG(campaign.Seed(t), 0))
	env := settings(wa, dir, ownPort(t))
	p := start(t, env)
	p.pair(wa)
	var current sync.Map
	current.Store("bot", p)
	total := n * 20
	answered := make([]string, total)
	var clients sync.WaitGroup
	for client := range 5 {
		clients.Add(1)
		go func() {
			defer clients.Done()
			for i := client; i < total; i += 5 {
				request := bot.SendRequest{To: fmt.Sprintf("+62899000%03d", client), Text: fmt.Sprint("nomor ", i)}
				for deadline := time.Now().Add(patience); answered[i] == "" && time.Now().Before(deadline); {
					at, _ := current.Load("bot")
					status, body, err := at.(*process).tryJSON(http.MethodPost, bot.PathMessages, request, bot.HeaderIdempotencyKey, fmt.Sprint("key-", i))
					var m bot.Message
					if err == nil && status < 300 && json.Unmarshal(body, &m) == nil {
						answered[i] = m.ID
						continue
					}
					<-time.After(5 * time.Millisecond) // between two tries; patience ends them
				}
			}
		}()
	}
	for range n {
		before := len(onPhones(wa))
		target := before + dice.IntN(20)
		p.waitFor("some messages", func() bool { return len(onPhones(wa)) >= min(target, total) })
		p.kill()
		p = start(t, env)
		current.Store("bot", p)
	}
	clients.Wait()
	seen := map[string]string{}
	p.waitFor("all messages", func() bool {
		clear(seen)
		for _, m := range onPhones(wa) {
			seen[m.ID] = m.Text
		}
		return len(seen) >= total
	})
	texts := map[string]int{}
	for _, m := range seen {
		texts[m]++
	}
	for i := range total {
		if answered[i] == "" || seen[answered[i]] != fmt.Sprint("nomor ", i) || texts[fmt.Sprint("nomor ", i)] != 1 {
			t.Errorf("message %d: answered %q, at the phone as %q, under %d ids", i, answered[i], seen[answered[i]], texts[fmt.Sprint("nomor ", i)])
		}
	}
	doubles := 0
	for _, m := range onPhones(wa) {
		if m.Double {
			doubles++
		}
	}
	t.Logf("%d messages, %d kills, %d came again under their id", total, n, doubles)
}

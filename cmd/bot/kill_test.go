package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/campaign"
	"sesi.dev/sesi/test/poll"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// kills is how many times TestKilledAtAnyMoment kills a bot; SESI_SOAK multiplies it.
const kills = 30

// TestKilledAtAnyMoment kills the bot -9 at random moments, with WhatsApp healthy and failing. If WhatsApp lists the
// device, the next start must log in without a person; the database must be sound. If WhatsApp does not list it, the
// bot must ask for a code.
func TestKilledAtAnyMoment(t *testing.T) {
	n := campaign.Rounds(t, kills)
	for _, lane := range []struct {
		name  string
		delay time.Duration
	}{
		{"a reason, then the close", 20 * time.Millisecond},
		{"closed right behind the reason", -1},
	} {
		t.Run(lane.name, func(t *testing.T) {
			t.Parallel()
			k := &killer{t: t, dice: rand.New(rand.NewPCG(campaign.Seed(t), 0)), dir: t.TempDir()}
			k.wa = simtest.Start(t, sim.Config{CloseDelay: lane.delay})
			k.env = settings(k.wa, k.dir, ownPort(t))
			for i := range n / 2 {
				k.round(i)
			}
			t.Logf("killed during: %v", k.killed)
		})
	}
}

type killer struct {
	t      *testing.T
	dice   *rand.Rand
	wa     *simtest.Sim
	dir    string
	env    []string
	killed map[string]int
}

// round starts the bot, lets it work, kills it, and checks what is left.
func (k *killer) round(i int) {
	k.t.Helper()
	p := start(k.t, k.env)
	what, do := k.pick(p)
	done := make(chan struct{})
	moment := time.After(time.Duration(k.dice.IntN(150)) * time.Millisecond)
	go func() {
		defer close(done)
		do()
	}()
	<-moment
	p.kill()
	<-done
	k.wa.ClearFaults()
	p.settle(k.wa)
	if k.killed == nil {
		k.killed = map[string]int{}
	}
	k.killed[what]++
	if k.t.Failed() {
		k.t.FailNow()
	}
	k.check(fmt.Sprintf("round %d, killed during %s", i, what))
}

// settle waits until the simulator has read everything that a dead bot had sent.
func (p *process) settle(wa *simtest.Sim) {
	p.t.Helper()
	if !poll.Until(func() bool { return wa.Stats.Current.Load() == 0 }, patience, nil) {
		p.t.Fatal("the simulator still holds a dead bot's connection")
	}
}

// pick chooses what the bot does while it is killed.
func (k *killer) pick(p *process) (string, func()) {
	devices := k.wa.Devices()
	if len(devices) == 0 {
		return "pairing", func() { k.scan(p) }
	}
	jid, err := types.ParseJID(devices[0].JID)
	if err != nil {
		k.t.Fatal(err)
	}
	all := []struct {
		name string
		do   func()
	}{
		{"login", func() {}},
		{"message receipt", func() {
			for range 20 {
				_, _ = k.wa.Say(jid, "628999", "hello", "Friend")
			}
		}},
		{"backup", func() { _, _, _ = p.try(http.MethodGet, "/api/session/backup") }},
		{"takeover", func() { _ = k.wa.Kick(jid, "replaced") }},
		{"clear", func() {
			// an offline clear leaves the device on the phone's list, as documented; here it must not
			if p.connected() {
				_, _, _ = p.try(http.MethodDelete, "/api/session/clear")
			}
		}},
		{"unlink", func() { _ = k.wa.Unlink(jid) }},
		{"drop", func() { _ = k.wa.Kick(jid, "drop") }},
		{"freeze", func() { _ = k.wa.Kick(jid, "freeze") }},
		{"refusal", func() {
			_ = k.wa.AddFault(sim.Fault{Kind: "failure", Code: 503, Count: 2})
			_ = k.wa.Kick(jid, "drop")
		}},
		{"restriction", func() {
			_ = k.wa.AddFault(sim.Fault{Kind: "failure", Code: 402, Count: 1, Attrs: map[string]string{"expire": "1"}})
			_ = k.wa.Kick(jid, "drop")
		}},
	}
	if k.dice.IntN(4) > 0 { // otherwise it is killed during the login
		p.until("a login, or a wait", func(s bot.Snapshot) bool { return s.Connected || !s.RetryAt.IsZero() || s.QRRequired })
	}
	one := all[k.dice.IntN(len(all))]
	return one.name, one.do
}

// connected reports whether the bot runs and reports that it is connected.
func (p *process) connected() bool {
	_, body, err := p.try(http.MethodGet, "/api/session/status")
	return err == nil && strings.Contains(string(body), `"connected":true`)
}

// scan links the phone as soon as there is a current code, unless the bot is dead by then.
func (k *killer) scan(p *process) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for ctx.Err() == nil {
		select {
		case <-p.ended:
			return
		default:
		}
		status, body, err := p.try(http.MethodGet, "/api/session/qr", "Accept", "application/json")
		if err != nil || status != http.StatusOK {
			continue
		}
		if code, found := strings.CutPrefix(string(body), `{"code":"`); found {
			code, _, _ = strings.Cut(code, `"`)
			_, _ = k.wa.Scan(ctx, code, phone)
			return
		}
	}
}

// check restarts the bot and checks the promises.
func (k *killer) check(when string) {
	k.t.Helper()
	if problem := integrity(filepath.Join(k.dir, "session-default", "session.db")); problem != "" {
		k.t.Fatalf("%s: the database: %s", when, problem)
	}
	p := start(k.t, k.env)
	p.waitFor("a sound state, "+when, func() bool {
		s := p.snapshot()
		// If the bot is killed between the deletion of an ended device and the note about it, it tries the backup
		// once. A device that WhatsApp lists must never need a backup.
		if s.Notice == bot.NoticeStoreDamaged || s.Notice == bot.NoticeStoreRestored && len(k.wa.Devices()) > 0 && s.Connected {
			k.t.Fatalf("%s: the store was damaged: %+v", when, s)
		}
		if s.State == bot.StateConflict && s.UserAction == bot.ActionResolveConflict {
			// the takeover budget was used up, and a person must say so; here the person says restart
			p.call(http.MethodPost, "/api/session/restart")
		}
		if len(k.wa.Devices()) > 0 {
			if s.Reason == bot.ReasonQRAvailable {
				k.t.Fatalf("%s: WhatsApp lists the device, and the bot asks for a code: %+v", when, s)
			}
			return s.Connected
		}
		return s.Reason == bot.ReasonQRAvailable
	})
	p.kill()
}

// integrity returns what is wrong with a database, or "".
func integrity(path string) string {
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return err.Error()
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRow(`PRAGMA integrity_check`).Scan(&verdict); err != nil {
		return err.Error()
	}
	if verdict != "ok" {
		return verdict
	}
	return ""
}

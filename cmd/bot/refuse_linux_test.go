package main

import (
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/campaign"
	"sesi.dev/sesi/test/refuse"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// refusal makes writes of the session's files fail, from the one with a number on, counted from arm.
type refusal struct {
	mu    sync.Mutex
	dir   string
	many  int // writes that fail, one after the other
	errno syscall.Errno
	nth   int // 0 while nothing fails
	count int
}

func (r *refusal) arm(nth int, errno syscall.Errno) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.nth, r.errno, r.count = nth, errno, 0
}

// disarm ends the refusals, and reports whether there was one.
func (r *refusal) disarm() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	hit := r.count >= r.nth
	r.nth = 0
	return hit
}

func (r *refusal) decide(path string) syscall.Errno {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.nth == 0 || !strings.HasPrefix(path, r.dir) {
		return 0
	}
	if r.count++; r.count < r.nth || r.count >= r.nth+r.many {
		return 0
	}
	return r.errno
}

// Each write of the store and of the journal is refused in turn, while messages of each kind come: all of them in a soak,
// and in every run each fourth of them, from another one on. Whatever the write and whatever the error: each message is
// in the journal once and WhatsApp gets its acknowledgement, and the bot is connected.
func TestEachWriteIsRefusedInTurn(t *testing.T) {
	t.Parallel()
	for name, many := range map[string]int{"once": 1, "for a while": 25} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refuseEachWrite(t, many)
		})
	}
}

// refusals are the errors of a disk that is full, read-only, over its quota or broken.
var refusals = []syscall.Errno{syscall.ENOSPC, syscall.EROFS, syscall.EDQUOT, syscall.EIO}

func refuseEachWrite(t *testing.T, many int) {
	wa, dir := whatsapp(t), t.TempDir()
	r := &refusal{dir: filepath.Join(dir, "session-default"), many: many}
	var writes *refuse.Writes
	p := launch(t, settings(wa, dir), func(cmd *exec.Cmd) {
		var err error
		if writes, err = refuse.Wrap(cmd, r.decide); err != nil {
			t.Fatal(err)
		}
	})
	p.awaitListening()
	own := jid(t, p.pair(wa).JID)
	group, err := wa.MakeGroup("Keluarga", sim.AddrLID, own.User, "62899000001")
	if err != nil {
		t.Fatal(err)
	}
	every := max(1, 4/campaign.Rounds(t, 1))
	first := 1 + int(campaign.Seed(t)%uint64(every))
	came, people := inbox{times: map[string]int{}}, 100
	stranger := func() string {
		people++
		return fmt.Sprint("62899000", people)
	}
	for _, kind := range []struct {
		name string
		from func() sim.Person
		to   types.JID
	}{
		{"of a known person", func() sim.Person { return wa.Person("62899000001") }, own},
		{"of a new person", func() sim.Person { return wa.Person(stranger()) }, own},
		{"in a group", func() sim.Person { return wa.Person("62899000001") }, group.JID()},
		{"of a new member", func() sim.Person {
			one := stranger()
			if err := group.Change(own.User, "add", one); err != nil {
				t.Fatal(err)
			}
			return wa.Person(one)
		}, group.JID()},
	} {
		for round, nth := 0, first; ; round, nth = round+1, nth+every {
			from, errno := kind.from(), refusals[(first+round)%len(refusals)]
			text := fmt.Sprintf("%s, %v at write %d", kind.name, errno, nth)
			r.arm(nth, errno)
			id, err := from.Write(kind.to, text)
			mustSend(t, id, err)
			p.waitFor("the message "+text, func() bool { return came.has(p, id) && pending(wa) == 0 || p.hurry() })
			if !r.disarm() {
				t.Logf("a message %s takes fewer than %d writes; %d of them were refused", kind.name, nth, round)
				break
			}
		}
	}
	for id, n := range came.times {
		if n > 1 {
			t.Errorf("the message %s came %d times", id, n)
		}
	}
	p.untilConnected()
	p.stop()
	if err := writes.End(); err != nil {
		t.Error(err)
	}
}

// pending is how many messages WhatsApp still wishes to deliver.
func pending(wa *simtest.Sim) (n int) {
	for _, device := range wa.Devices() {
		n += device.Pending
	}
	return n
}

// inbox counts the messages in a bot's journal.
type inbox struct {
	times map[string]int
	after uint64
}

// has reports whether the journal has a message.
func (in *inbox) has(p *process, id string) bool {
	for _, e := range p.journalEvents(in.after) {
		in.after = e.Seq
		if e.Type == bot.EventMessage {
			in.times[e.Data.Message.ID]++
		}
	}
	return in.times[id] > 0
}

// hurry ends the session's wait for its next attempt. It returns false.
func (p *process) hurry() bool {
	if s := p.snapshot(); s.Reason == bot.ReasonStoreUnwritable || s.State == bot.StateReconnecting {
		_, _, _ = p.try(http.MethodPost, bot.PathRestart)
	}
	return false
}

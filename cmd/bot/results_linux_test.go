package main

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/refuse"
	"sesi.dev/sesi/test/wasim/sim"
)

// The disk is full from the moment when a message is at the phone. What became of it is written as soon as there is
// room, and it is not sent again meanwhile.
func TestADiskThatIsFullWhenAMessageWasSent(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	const friend = "62899000001"
	if err := wa.Person(friend).Set(sim.PersonState{Silent: true}); err != nil { // so that its answer is all that there is to write
		t.Fatal(err)
	}
	journal := filepath.Join(dir, "session-default", "messages.db")
	var room atomic.Bool
	p := launch(t, settings(wa, dir), func(cmd *exec.Cmd) {
		writes, err := refuse.Wrap(cmd, func(path string) syscall.Errno {
			if room.Load() || !strings.HasPrefix(path, journal) || len(onPhones(wa)) == 0 {
				return 0
			}
			return syscall.ENOSPC
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := writes.End(); err != nil {
				t.Error(err)
			}
		})
	})
	p.awaitListening()
	p.pair(wa)
	m := p.sends(http.StatusAccepted, textTo("+"+friend, "halo"), "Prefer", "respond-async")
	for range 2 {
		said := strings.Count(p.out.String(), "nothing is sent until it can be")
		p.waitFor("a write that is refused", func() bool { return strings.Count(p.out.String(), "nothing is sent until it can be") > said })
	}
	room.Store(true)
	p.becomes(m.ID, bot.MessageSent)
	if n := copies(wa, m.ID); n != 1 {
		t.Errorf("it was sent %d times", n)
	}
	p.stop()
}

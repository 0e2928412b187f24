package session

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/sim"
)

// TestABotLeavesWhileItsStoreRefusesWrites checks what the state machine does when the store fails.
func TestABotLeavesWhileItsStoreRefusesWrites(t *testing.T) {
	s := online(t).then(inUnwritable{syscall.EROFS})
	if snap := s.m.snapshot(); snap.Connected || snap.Reason != bot.ReasonStoreUnwritable || snap.UserAction != bot.ActionFixStorage || !snap.Exists {
		t.Errorf("%+v", snap)
	}
	if !s.asked(actHangup{}) || !s.asked(actReplace{}) {
		t.Error("the socket stays open")
	}
	last := time.Duration(0)
	for range 8 { // it probes less and less often, and does not connect
		wait, armed := s.timer(timerRetry)
		if !armed || wait < last || wait > 2*probeLast {
			t.Fatalf("probes in %v (armed %v), after %v before", wait, armed, last)
		}
		last = wait
		if s.after(wait).then(inTimer{timerRetry}); !s.asked(actProbe{}) || s.m.socket != socketDown {
			t.Fatalf("no probe, or a socket: %v", s.did)
		}
		s.then(inProbed{syscall.EROFS})
	}
	if s.then(inTimer{timerRetry}, inProbed{}); s.m.socket != socketConnecting {
		t.Errorf("the store works, yet %+v", s.m.snapshot())
	}
	if s.then(inDialled{}, inConnected{someone}); !s.m.snapshot().Connected {
		t.Errorf("%+v", s.m.snapshot())
	}
	if s.then(inUnwritable{syscall.EROFS}, inStop{}, inProbed{}); s.m.state != bot.StateStopped || s.m.socket != socketDown {
		t.Errorf("stopped, yet %+v", s.m.snapshot())
	}
}

func TestALogoutThatTheDiskCannotKeepIsRepeated(t *testing.T) {
	s := online(t)
	s.slowDisk = true
	s.then(inLoggedOut{bot.ReasonLoggedOut}, inForgotten{syscall.ENOSPC})
	if s.m.socket != socketDown || s.m.reason != bot.ReasonStoreUnwritable {
		t.Fatalf("pairs a second device beside the first: %+v", s.m.snapshot())
	}
	if s.then(inTimer{timerRetry}, inProbed{}); !s.asked(actForget{}) {
		t.Fatal("the device is not removed")
	}
	if s.then(inForgotten{}); s.m.socket != socketConnecting {
		t.Errorf("%+v", s.m.snapshot())
	}
}

func TestAResumeKeepsWhatProtectsTheAccount(t *testing.T) {
	yielded := replacedTimes(online(t), takeoverBudget).then(inReplaced{})
	for range 20 {
		if yielded.then(inResume{}); yielded.m.socket != socketDown || yielded.m.state != bot.StateConflict {
			t.Fatal("a resume takes the session back without a budget")
		}
	}
	if yielded.then(inRestart{}); yielded.m.socket != socketConnecting || len(yielded.m.takeovers) != 0 {
		t.Error("a restart does not reset the budget")
	}
	banned := online(t).then(inBanned{time.Hour, "spam"}).then(inResume{})
	if banned.m.state != bot.StateRestricted || banned.m.socket != socketDown {
		t.Error("a resume ends the wait for a ban's end")
	}
	if banned.then(inStop{}, inResume{}); banned.m.state != bot.StateRestricted {
		t.Error("a stop and a resume end the wait for a ban's end")
	}
	if stopped := online(t).then(inStop{}, inResume{}); stopped.m.socket != socketConnecting {
		t.Error("a resume does not end a stop")
	}
}

// TestMessagesThatAFullDiskCannotTakeAreKeptByWhatsApp fills the disk under a connected bot.
func TestMessagesThatAFullDiskCannotTakeAreKeptByWhatsApp(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a full disk is made by a small mount, which only root can make")
	}
	wa, dir := whatsapp(t, sim.Config{}), t.TempDir()
	if err := syscall.Mount("sesi-test", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	box := &mailbox{}
	s := beginWith(t, wa, dir, box.take, nil)
	to := jidOf(t, s.pair(wa, phone))
	ballast, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; {
		if _, err := ballast.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	ballast.Close()
	var want []string
	for n := range 10 {
		want = append(want, fmt.Sprint(n))
		if _, err := wa.Say(to, "628999", want[n], "Friend"); err != nil {
			t.Fatal(err)
		}
	}
	snap := s.untilReason(bot.ReasonStoreUnwritable)
	if snap.Connected || snap.UserAction != bot.ActionFixStorage || s.CheckStorage() == nil {
		t.Errorf("%+v, storage %v", snap, s.CheckStorage())
	}
	if err := os.Remove(ballast.Name()); err != nil {
		t.Fatal(err)
	}
	s.untilConnected()
	waitFor(t, "all ten messages", func() bool { return box.got() == strings.Join(want, " ") })
	if err := s.CheckStorage(); err != nil {
		t.Error(err)
	}
}

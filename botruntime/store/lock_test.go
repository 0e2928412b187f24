package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func init() {
	// hold opens the session until it is killed.
	helpers["hold"] = func(auth string, say func(string)) error {
		o := options(auth)
		o.Instance = "first-bot"
		s, err := Open(context.Background(), o)
		if err != nil {
			return err
		}
		told, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		say("holding")
		<-told.Done()
		return s.Close()
	}
	// grab opens the session once and prints the result.
	helpers["grab"] = func(auth string, say func(string)) error {
		s, err := Open(context.Background(), options(auth))
		var held *HeldError
		switch {
		case errors.As(err, &held):
			say("held")
			return nil
		case err != nil:
			return err
		}
		say("got it")
		return s.Close()
	}
}

func TestASecondProcessIsRefused(t *testing.T) {
	auth := t.TempDir()
	first := start(t, "hold", auth)
	if got := first.read(); got != "holding" {
		t.Fatal(got)
	}
	before := tree(t, auth)
	s, err := Open(t.Context(), options(auth))
	var held *HeldError
	if !errors.As(err, &held) {
		t.Fatalf("open = %v, %v; want a HeldError", s, err)
	}
	host, _ := os.Hostname()
	if held.Owner.PID != first.command.Process.Pid || held.Owner.Instance != "first-bot" || held.Owner.Host != host ||
		time.Since(held.Owner.Since) > time.Hour || held.Owner.Since.After(time.Now()) {
		t.Errorf("holder = %+v, want process %d", held.Owner, first.command.Process.Pid)
	}
	for _, want := range []string{fmt.Sprint("process ", first.command.Process.Pid), "first-bot", host, "session-toko", "CLIENT_ID"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not name %q", err, want)
		}
	}
	if _, err := Restore(t.Context(), options(auth), strings.NewReader("")); !errors.As(err, &held) {
		t.Errorf("restore beside a running bot = %v, want a HeldError", err)
	}
	if got := fmt.Sprint(tree(t, auth)); got != fmt.Sprint(before) {
		t.Error("the refused process changed something")
	}
}

// The lock ends with the process, however it ends, and the file stays.
func TestTheLockEndsWithTheProcess(t *testing.T) {
	auth := t.TempDir()
	var inode os.FileInfo
	for range 5 {
		first := start(t, "hold", auth)
		first.read()
		info, err := os.Stat(filepath.Join(sessionDir(auth), lockName))
		if err != nil {
			t.Fatal(err)
		}
		if inode != nil && !os.SameFile(inode, info) {
			t.Fatal("the lock is another file now; two processes could each hold one")
		}
		inode = info
		first.kill()
		s, err := Open(t.Context(), options(auth))
		if err != nil {
			t.Fatalf("open after the holder was killed: %v", err)
		}
		closeStore(t, s)
	}
}

// The copier of a killed bot has the lock until it notices, so a start waits a little.
func TestOpenWaitsForALockThatEndsSoon(t *testing.T) {
	auth := t.TempDir()
	first := open(t, auth)
	opened := make(chan error, 1)
	go func() {
		second, err := Open(context.Background(), options(auth))
		if err == nil {
			err = second.Close()
		}
		opened <- err
	}()
	closeStore(t, first)
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

// Of many processes that start at the same moment one gets the session, and the others do no harm.
func TestManyStartAtOnce(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	closeStore(t, s)
	var racers []*process
	for range 8 {
		racers = append(racers, start(t, "grab", auth))
	}
	won := 0
	for _, racer := range racers {
		switch got := racer.finish(); got {
		case "got it":
			won++
		case "held":
		default:
			t.Errorf("one says %q", got)
		}
	}
	if won == 0 {
		t.Error("no process got the session")
	}
	if !exists(t, open(t, auth)) {
		t.Error("the session is gone")
	}
}

func TestASecondOpenInTheSameProcessIsRefused(t *testing.T) {
	auth := t.TempDir()
	open(t, auth)
	_, err := Open(t.Context(), options(auth))
	var held *HeldError
	if !errors.As(err, &held) || held.Owner.PID != os.Getpid() {
		t.Fatalf("open = %v, want a HeldError with this process", err)
	}
}

func TestALockFileThatNamesNoOwner(t *testing.T) {
	for name, content := range map[string]string{"empty": "", "garbage": "\xff{", "longer": strings.Repeat("x", 10000)} {
		t.Run(name, func(t *testing.T) {
			auth := t.TempDir()
			s := open(t, auth)
			if err := os.WriteFile(s.layout.lock(), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), options(auth))
			var held *HeldError
			if !errors.As(err, &held) || held.Owner != (Owner{}) || !strings.Contains(err.Error(), "another process") {
				t.Fatalf("open = %v, want a HeldError without a name", err)
			}
			closeStore(t, s)
			s = open(t, auth) // garbage of a former holder is no obstacle
			if got := readOwner(s.lock.file); got.PID != os.Getpid() {
				t.Errorf("holder = %+v", got)
			}
		})
	}
}

// With the lock file removed under a running bot no second one starts, and the first notices and makes it again.
func TestARemovedLockFile(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	check(t, os.Remove(s.layout.lock()))
	if got := start(t, "grab", auth).finish(); got != "held" {
		t.Fatalf("a second process: %s", got)
	}
	check(t, s.Check(t.Context()))
	if got := start(t, "grab", auth).finish(); got != "held" {
		t.Fatalf("a second process after the check: %s", got)
	}
	_, err := Open(t.Context(), options(auth))
	var held *HeldError
	if !errors.As(err, &held) || held.Owner.PID != os.Getpid() {
		t.Errorf("the owner is %v", err)
	}
	check(t, os.Remove(s.layout.lock()))
	backUp(t, s)
	closeStore(t, s)
	if !exists(t, open(t, auth)) {
		t.Error("the session is gone")
	}
}

// A session directory that was replaced under a running bot no longer belongs to that bot.
func TestAReplacedDirectory(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	check(t, os.Rename(sessionDir(auth), sessionDir(auth)+"-moved"))
	other := open(t, auth)
	for name, err := range map[string]error{"check": s.Check(t.Context()), "probe": s.Probe(t.Context())} {
		if !errors.Is(err, ErrDisplaced) {
			t.Errorf("%s = %v, want %v", name, err, ErrDisplaced)
		}
	}
	check(t, other.Check(t.Context()))
}

// A child process of the bot does not inherit the lock.
func TestChildrenDoNotInheritTheLock(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	}()
	closeStore(t, s)
	open(t, auth)
}

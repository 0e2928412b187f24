package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/campaign"
	"sesi.dev/sesi/test/poll"
	"sesi.dev/sesi/test/refuse"
)

// Each access to the session's files during a start fails in turn, once, as it does on a disk behind a network: all of
// them in a soak, and in every run each eighth, from another one on. The start goes on or ends with an error. Nothing is
// set aside, and no backup takes the place of what is good.
func TestAnAccessThatFailsOnceIsNotDamage(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	linked := start(t, settings(wa, dir))
	own := linked.pair(wa)
	linked.stop()
	if code := launch(t, settings(wa, dir), nil, "backup").end(); code != exitOK {
		t.Fatalf("bot backup: exit code %d", code)
	}
	session := filepath.Join(dir, "session-default")
	every := max(1, 8/campaign.Rounds(t, 1))
	errnos := []syscall.Errno{syscall.EIO, syscall.ENOMEM, syscall.EMFILE, syscall.EACCES, syscall.EAGAIN}
	for nth := 1 + int(campaign.Seed(t)%uint64(every)); ; nth += every {
		var count int
		var mu sync.Mutex
		var disk *refuse.Writes
		p := launch(t, settings(wa, dir), func(cmd *exec.Cmd) {
			var err error
			disk, err = refuse.WrapReads(cmd, func(path string) syscall.Errno {
				mu.Lock()
				defer mu.Unlock()
				if !strings.HasPrefix(path, session) {
					return 0
				}
				if count++; count == nth {
					return errnos[nth/every%len(errnos)]
				}
				return 0
			})
			must(t, err)
		})
		poll.Until(func() bool {
			wrote := p.out.String()
			return strings.Contains(wrote, `"event":"ready"`) || strings.Contains(wrote, string(bot.ReasonStoreUnwritable))
		}, patience, p.ended)
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		p.end()
		must(t, disk.End())
		if aside, err := filepath.Glob(filepath.Join(session, "*.damaged-*")); err != nil || len(aside) > 0 {
			t.Fatalf("%v at access %d: set aside %q, %v", errnos[nth/every%len(errnos)], nth, aside, err)
		}
		if count < nth {
			break
		}
	}
	if s := start(t, settings(wa, dir)).untilConnected(); s.JID != own.JID || s.Notice != bot.NoticeNone {
		t.Errorf("%+v", s)
	}
}

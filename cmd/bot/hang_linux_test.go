package main

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/refuse"
)

// A volume that answers nothing for minutes is no reason to kill its bots: WhatsApp is well, and a new process would hang
// at its start. The liveness probe answers all the while, however many readiness probes and requests hang, and afterwards
// the session goes on with the message that came meanwhile.
func TestADiskThatHangsKillsNoBot(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	var disk *refuse.Writes
	p := launch(t, settings(wa, dir), func(cmd *exec.Cmd) {
		var err error
		if disk, err = refuse.WrapAll(cmd); err != nil {
			t.Fatal(err)
		}
	})
	p.awaitListening()
	own := p.pair(wa)
	hung := filepath.Join(dir, "session-default")
	disk.Hang(hung)
	id, err := wa.Person("62899000001").Write(jid(t, own.JID), "while the disk hangs")
	mustSend(t, id, err)
	p.waitFor("the disk to be used", func() bool { return disk.Held() > 0 })

	impatient := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	var asked sync.WaitGroup
	for n := range 60 {
		asked.Go(func() {
			address := p.metrics + "/readyz"
			if n%3 == 0 {
				address = p.plain + bot.PathStatus
			}
			if answer, err := impatient.Get("http://" + address); err == nil {
				_ = answer.Body.Close()
				if n%3 != 0 && answer.StatusCode == http.StatusOK {
					t.Error("a bot whose disk hangs says that it is ready")
				}
			}
		})
	}
	asked.Wait()
	for range 5 {
		answer, err := direct.Get("http://" + p.metrics + "/livez") // the disk hangs until Resume, however long this takes
		if err != nil {
			t.Fatalf("the liveness probe while the disk hangs, with %d accesses that wait: %v", disk.Held(), err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("the liveness probe while the disk hangs: %d", answer.StatusCode)
		}
	}
	if err := disk.Resume(); err != nil {
		t.Fatal(err)
	}
	came := inbox{times: map[string]int{}}
	p.waitFor("the message", func() bool { return came.has(p, id) || p.hurry() })
	if got := p.untilConnected(); got.JID != own.JID || came.times[id] != 1 {
		t.Errorf("the message came %d times; %+v", came.times[id], got)
	}
	p.stop()
	if err := disk.End(); err != nil {
		t.Error(err)
	}
}

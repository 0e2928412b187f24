package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/mediahost"
	"sesi.dev/sesi/test/wasim/sim"
)

// phones are the ways in which a phone does not bring a file back, and what a caller is told.
var phones = []struct {
	result string
	want   bot.ProblemKind
	again  bool
}{
	{sim.RetryNotFound, bot.ProblemFileGone, false},
	{sim.RetryBare, bot.ProblemFileGone, false},
	{sim.RetryError, bot.ProblemPhoneSilent, true},
	{"", "", false},
}

func TestAFileThatWhatsAppLost(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	own := jid(t, p.pair(wa).JID)
	receive := func(m sim.Media) string {
		message, err := wa.Attach(m)
		if err != nil {
			t.Fatal(err)
		}
		id, err := wa.Person("62899000001").Send(own, message, sim.Delivery{})
		mustSend(t, id, err)
		p.waitForEvent("a file", func(e bot.Event) bool { return e.Type == bot.EventMessage && e.Data.Message.ID == id })
		return id
	}
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusGone} {
		content := []byte(fmt.Sprintf("a receipt that is gone with %d", status))
		id := receive(sim.Media{Kind: mediahost.Image, Data: content})
		if err := wa.EndMedia(id, status); err != nil {
			t.Fatal(err)
		}
		for _, phone := range phones {
			if phone.result != "" {
				fault(t, wa, sim.Fault{Kind: sim.FaultMediaRetry, Count: 1, Attrs: map[string]string{"result": phone.result}})
				answer, body := p.download(bot.MediaPath(id))
				var problem bot.Problem
				if err := json.Unmarshal(body, &problem); err != nil || problem.Kind() != phone.want || problem.Status != answer.StatusCode || problem.Retryable == nil || *problem.Retryable != phone.again {
					t.Errorf("%s: %s %s", phone.result, answer.Status, body)
				}
				continue
			}
			// This phone has the file and uploads it again.
			if answer, body := p.download(bot.MediaPath(id)); !bytes.Equal(body, content) {
				t.Errorf("%s %q", answer.Status, body)
			}
		}
	}
	// A host that serves something else is not believed: the other one, or the phone, has the file.
	content := bytes.Repeat([]byte("a receipt "), 1_000)
	id := receive(sim.Media{Kind: mediahost.Document, Data: content})
	fault(t, wa, sim.Fault{Kind: sim.FaultMediaWrong, Count: 1})
	if answer, body := p.download(bot.MediaPath(id)); !bytes.Equal(body, content) {
		t.Errorf("%s, %d bytes", answer.Status, len(body))
	}
}

func TestAFileOutlivesAKill(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	p.pair(wa)
	p.sends(http.StatusOK, bot.SendRequest{To: "+62899000001", Text: "halo"})
	sent := map[string][]byte{}
	// The first upload hangs until the kill; the others are killed at any moment, also between upload and send.
	fault(t, wa, sim.Fault{Kind: sim.FaultMediaHang, Count: 1, Attrs: map[string]string{"way": "up"}})
	for round := range 4 {
		content := bytes.Repeat([]byte{byte('a' + round)}, 200_000)
		key := fmt.Sprint("file-", round)
		request := func() bot.SendRequest {
			return bot.SendRequest{To: "+62899000001", Document: &bot.SendFile{Data: content, Filename: "nota.txt"}}
		}
		m := p.sends(http.StatusAccepted, request(), bot.HeaderIdempotencyKey, key, "Prefer", "respond-async")
		sent[m.ID] = content
		if round == 0 {
			p.waitFor("the upload that hangs", func() bool {
				events, _ := wa.Events(0)
				return slices.ContainsFunc(events, func(e sim.Event) bool { return e.Kind == sim.EventFault && e.What == sim.FaultMediaHang })
			})
		}
		moment := time.NewTimer(time.Duration(rand.IntN(80)) * time.Millisecond)
		<-moment.C
		p.kill()
		p = start(t, settings(wa, dir))
		p.untilConnected()
		status, _, err := p.tryJSON(http.MethodPost, bot.PathMessages, request(), bot.HeaderIdempotencyKey, key)
		if err != nil || status >= 300 {
			t.Fatalf("status %d: %v", status, err)
		}
		p.waitFor("the file at the phone", func() bool { return reads(wa, m.ID) > 0 })
	}
	for id, content := range sent {
		if f := p.onPhone(wa, id).File; reads(wa, id) != 1 || f == nil || f.Err != "" || f.SHA256 != hashOf(content) {
			t.Errorf("%s: %d at the phone, %+v", id, reads(wa, id), f)
		}
	}
}

func TestALargeFileTakesLittleMemory(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("the system does not say how much memory a process has")
	}
	const size = 64 << 20
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir, "MEDIA_MAX_FILE=64"))
	own := jid(t, p.pair(wa).JID)
	p.sends(http.StatusOK, bot.SendRequest{To: "+62899000001", Document: &bot.SendFile{Data: []byte("small")}})
	before, most := p.anonymous(), p.watchMemory()

	reader, writer := io.Pipe()
	form := multipart.NewWriter(writer)
	go func() {
		_ = form.WriteField("to", "+62899000001")
		part, err := form.CreateFormFile("document", "film.bin")
		if err == nil {
			_, err = io.Copy(part, io.LimitReader(zeros{}, size))
		}
		_ = form.Close()
		_ = writer.CloseWithError(err)
	}()
	request, err := http.NewRequest(http.MethodPost, "http://"+p.plain+bot.PathMessages, reader)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	answer, err := direct.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil || answer.StatusCode >= 300 {
		t.Fatalf("%s: %s %v", answer.Status, body, err)
	}
	p.waitFor("the file at the phone", func() bool {
		for _, m := range onPhones(wa) {
			if m.File != nil && m.File.Size == size && m.File.Err == "" {
				return true
			}
		}
		return false
	})
	grown := most() - before
	t.Logf("64 MiB sent: %d KiB more than %d KiB", grown>>10, before>>10)

	film, err := wa.Attach(sim.Media{Kind: mediahost.Video, Size: size})
	if err != nil {
		t.Fatal(err)
	}
	id, err := wa.Person("62899000001").Send(own, film, sim.Delivery{})
	mustSend(t, id, err)
	p.waitForEvent("a video", func(e bot.Event) bool { return e.Type == bot.EventMessage && e.Data.Message.ID == id })
	r, err := direct.Get("http://" + p.plain + bot.MediaPath(id))
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, r.Body)
	_ = r.Body.Close()
	if err != nil || n != size {
		t.Fatalf("%s: %d bytes, %v", r.Status, n, err)
	}
	fetched := most() - before
	t.Logf("64 MiB fetched: %d KiB more than %d KiB", fetched>>10, before>>10)
	if grown > 8<<20 || fetched > 8<<20 {
		t.Errorf("sending took %d KiB, fetching %d KiB more", grown>>10, fetched>>10)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// anonymous is the process's memory that is in no file, in bytes.
func (p *process) anonymous() int64 {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, "RssAnon:"); found {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}

// watchMemory notes the most memory that the process has, until the test ends.
func (p *process) watchMemory() (most func() int64) {
	var seen atomic.Int64
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				seen.Store(max(seen.Load(), p.anonymous()))
			case <-done:
				return
			}
		}
	}()
	p.t.Cleanup(func() {
		close(done)
		<-ended
	})
	return seen.Load
}

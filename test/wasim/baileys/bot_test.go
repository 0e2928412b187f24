//go:build baileys

package baileys

import (
	"bufio"
	"bytes"
	"encoding/json"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	botclient "sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/test/poll"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// startBot runs a bot that is linked to goPhone.
func startBot(t *testing.T, s *simtest.Sim) *botclient.Client {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "bot")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "simulator,nethttpomithttp2", "-o", binary, "sesi.dev/sesi/cmd/bot")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the bot: %v\n%s", err, out)
	}
	process := exec.Command(binary)
	process.Env = append([]string{"PATH=" + os.Getenv("PATH"), "AUTH_PATH=" + dir, "PORT=0", "METRICS_PORT=0", "LOG_FORMAT=json",
		"WEB_VERSION_CACHE_PATH=" + filepath.Join(dir, "cache")}, s.Env()...)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	process.Stdout, process.Stderr = write, write
	if err = process.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	go func() {
		defer read.Close()
		for scanner := bufio.NewScanner(read); scanner.Scan(); {
			var line struct{ Msg, Plain string }
			if json.Unmarshal(scanner.Bytes(), &line) == nil && line.Msg == "listening" {
				address <- line.Plain
			}
		}
	}()
	t.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		_ = process.Wait()
	})
	c := &botclient.Client{Transport: &http.Transport{}}
	select {
	case plain := <-address:
		c.BaseURL = "http://" + plain
	case <-time.After(patience):
		t.Fatal("the bot does not listen")
	}
	scanned := false
	for deadline := time.Now().Add(patience); ; {
		status, err := c.Status(t.Context())
		if err == nil && status.Connected {
			return c
		}
		if code, ok, err := c.Code(t.Context()); err == nil && ok && !scanned {
			if _, err = s.Scan(t.Context(), code.Code.Code, goPhone); err != nil {
				t.Fatal(err)
			}
			scanned = true
		}
		if time.Now().After(deadline) {
			t.Fatalf("the bot is not ready: %+v, %v", status, err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// openBaileys runs a Baileys client that is linked. It cannot read what comes in the moment of its login.
func openBaileys(t *testing.T) (*simtest.Sim, *client) {
	t.Helper()
	s := simtest.Start(t, sim.Config{})
	if err := s.AddFault(sim.Fault{Kind: sim.FaultSlowLogin, MS: 50}); err != nil {
		t.Fatal(err)
	}
	node := start(t, s)
	node.wait("open", func(line) bool { return true })
	return s, node
}

// What a bot sends is read by a client that shares no code with it, and the other way round.
func TestBaileysAndABotExchangeFiles(t *testing.T) {
	s, node := openBaileys(t)
	c := startBot(t, s)
	goJID := types.NewJID(goPhone, types.DefaultUserServer)
	var picture bytes.Buffer
	if err := jpeg.Encode(&picture, image.NewGray(image.Rect(0, 0, 300, 200)), nil); err != nil {
		t.Fatal(err)
	}
	content := append([]byte("%PDF-1.7\n"), bytes.Repeat([]byte("a receipt "), 30_001)...)

	for kind, request := range map[string]bot.SendRequest{
		"image":    {Image: &bot.SendFile{Data: picture.Bytes(), Caption: "the month"}},
		"document": {Document: &bot.SendFile{Data: content, Filename: "month.pdf", Caption: "the month"}},
	} {
		request.To = nodePhone
		_, file := request.File()
		if _, err := c.Send(t.Context(), kind, request); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		if l := node.wait("file", func(line) bool { return true }); l.Kind != kind || l.Text != "the month" || !bytes.Equal(l.Data, file.Data) {
			t.Errorf("Baileys read %d bytes of %s %q, want %s", len(l.Data), l.Kind, l.Text, kind)
		}
	}

	node.tell(map[string]any{"to": goJID.String(), "kind": "document", "data": content, "caption": "lunch", "mimetype": "application/pdf", "fileName": "lunch.pdf"})
	page, err := c.Events(t.Context(), botclient.EventQuery{Types: []bot.EventType{bot.EventMessage}, Wait: 50 * time.Second})
	if err != nil || len(page.Events) == 0 {
		t.Fatalf("the bot got %+v: %v", page, err)
	}
	m := page.Events[0].Data.Message
	if m.Text != "lunch" || m.Media == nil || m.Media.Filename != "lunch.pdf" {
		t.Fatalf("the bot got %+v %+v", m, m.Media)
	}
	answer, err := c.Request(t.Context(), http.MethodGet, m.Media.Path, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if raw, err := io.ReadAll(answer.Body); err != nil || !bytes.Equal(raw, content) {
		t.Errorf("the bot read %d bytes: %v", len(raw), err)
	}
}

// A bot and Baileys pin messages for each other, and Baileys reads the bot's appointment.
func TestBotAndBaileysPinMessages(t *testing.T) {
	s, node := openBaileys(t)
	c := startBot(t, s)
	goJID := types.NewJID(goPhone, types.DefaultUserServer)
	sent, err := c.Send(t.Context(), "text", bot.SendRequest{To: nodePhone, Text: "open at 9"})
	if err != nil {
		t.Fatal(err)
	}
	node.wait("message", func(l line) bool { return l.ID == sent.ID })
	if _, err := c.Pin(t.Context(), "pin", sent.ID, "", bot.PinRequest{Duration: bot.PinWeek}); err != nil {
		t.Fatal(err)
	}
	if l := node.wait("pin", func(l line) bool { return l.Kind == "pin" }); l.ID != sent.ID || l.Text != "604800" {
		t.Errorf("Baileys read %+v", l)
	}
	if _, err := c.Unpin(t.Context(), "unpin", sent.ID, ""); err != nil {
		t.Fatal(err)
	}
	node.wait("pin", func(l line) bool { return l.Kind == "unpin" && l.ID == sent.ID })
	if _, err := c.Send(t.Context(), "appointment", bot.SendRequest{To: nodePhone, Appointment: &bot.Appointment{Name: "Arisan", StartsAt: bot.At(time.Now().Add(time.Hour))}}); err != nil {
		t.Fatal(err)
	}
	node.wait("appointment", func(l line) bool { return l.Text == "Arisan" })

	node.tell(map[string]any{"to": goJID.String(), "content": map[string]any{
		"pin": map[string]any{"remoteJid": goJID.String(), "fromMe": false, "id": sent.ID}, "type": 1, "time": 86400,
	}})
	var page bot.Events
	read := func() bool { // the first two are the bot's own
		page, err = c.Events(t.Context(), botclient.EventQuery{Types: []bot.EventType{bot.EventMessagePinned}})
		return err != nil || len(page.Events) == 3
	}
	if !poll.Until(read, patience, nil) || err != nil {
		t.Fatalf("the bot read %+v: %v", page, err)
	}
	if pin := page.Events[2].Data.Pin; !pin.Pinned || pin.FromMe || pin.MessageID != sent.ID || pin.Until.Sub(pin.At.Time) != bot.PinDay*time.Second {
		t.Errorf("the bot read %+v", pin)
	}
}

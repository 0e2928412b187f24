package sim_test

import (
	"encoding/json"
	"fmt"
	"io"
	"testing"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

func TestControlPlaysFiles(t *testing.T) {
	t.Parallel()
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	b.pair(botPhone)
	do[map[string]string](t, s, "POST", "/say", `{"jid":"`+botPhone+`","from":"`+anna+`","media":{"kind":"image","data":"aGk=","caption":"a receipt"}}`)
	got := wait[*events.Message](b, 0)
	if raw, err := b.client.Download(t.Context(), got.Message.GetImageMessage()); string(raw) != "hi" || got.Message.GetImageMessage().GetCaption() != "a receipt" {
		t.Errorf("read %q: %v", raw, err)
	}
	do[map[string]bool](t, s, "POST", "/media/end", `{"id":"`+got.Info.ID+`","status":404}`)
	if _, err := b.client.Download(t.Context(), got.Message.GetImageMessage()); err == nil {
		t.Error("the file is there after its end")
	}
	do[map[string]string](t, s, "POST", "/status", `{"from":"`+anna+`","to":["`+botPhone+`"],"media":{"kind":"video","size":1000}}`)
	post := waitFor(b, 0, func(m *events.Message) bool {
		return m.Info.Chat == types.StatusBroadcastJID && m.Message.GetVideoMessage() != nil
	})
	if raw, err := b.client.Download(t.Context(), post.Message.GetVideoMessage()); len(raw) != 1000 {
		t.Errorf("of the post, read %d bytes: %v", len(raw), err)
	}

	up, err := b.client.Upload(t.Context(), []byte("a chart"), whatsmeow.MediaDocument)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = b.client.SendMessage(t.Context(), annaJID, &waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{
		DirectPath: &up.DirectPath, MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256,
		FileLength: &up.FileLength, Mimetype: proto.String("text/plain"), FileName: proto.String("chart.txt"),
	}}); err != nil {
		t.Fatal(err)
	}
	found := s.WaitOutbox(t, 0, func(m sim.OutMsg) bool { return !m.Self && m.Kind == "document" })
	raw, err := json.Marshal(found)
	if err != nil || found.File.Filename != "chart.txt" || found.File.Err != "" {
		t.Errorf("the phone found %s: %v", raw, err)
	}
	answer, err := web.Get(s.ControlURL + fmt.Sprintf("/outbox/%d/file", found.Seq))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if raw, err = io.ReadAll(answer.Body); string(raw) != "a chart" || answer.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("the file is %q of type %s: %v", raw, answer.Header.Get("Content-Type"), err)
	}

	url := do[map[string]string](t, s, "POST", "/picture", `{"data":"aGk="}`)["url"]
	do[map[string]bool](t, s, "POST", "/picture", `{"url":"`+url+`","status":404}`)
	do[map[string]bool](t, s, "POST", "/media/end", `{"uploads":true}`)
	if _, err = b.client.Upload(t.Context(), []byte("a chart"), whatsmeow.MediaDocument); err == nil {
		t.Error("an upload went well after the end of its permission")
	}
}

func TestControlRefusesFilesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	s := simtest.Start(t, sim.Config{})
	for name, c := range map[string]struct {
		method, path, body string
		status             int
	}{
		"kind":            {"POST", "/say", `{"jid":"` + botPhone + `","from":"` + anna + `","media":{"kind":"picture"}}`, 400},
		"size":            {"POST", "/say", `{"jid":"` + botPhone + `","from":"` + anna + `","media":{"kind":"image","size":-1}}`, 400},
		"unknown message": {"POST", "/media/end", `{"id":"A","status":404}`, 404},
		"status":          {"POST", "/media/end", `{"id":"A","status":200}`, 400},
		"empty picture":   {"POST", "/picture", `{}`, 400},
		"other host":      {"POST", "/picture", `{"url":"https://example.com/a"}`, 404},
		"no number":       {"GET", "/outbox/x/file", "", 400},
		"no such file":    {"GET", "/outbox/1/file", "", 404},
	} {
		if status, answer := call[map[string]string](t, s, c.method, c.path, c.body); status != c.status || answer["error"] == "" {
			t.Errorf("%s: %d %v, want %d", name, status, answer, c.status)
		}
	}
}

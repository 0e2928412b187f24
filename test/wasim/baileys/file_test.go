//go:build baileys

package baileys

import (
	"bytes"
	"testing"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/test/wasim/mediahost"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// What one of two clients, that share no code, encrypts and uploads, the other one loads and reads; so does the phone.
func TestBaileysAndWhatsmeowExchangeFiles(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	if err := s.AddFault(sim.Fault{Kind: sim.FaultSlowLogin, MS: 50}); err != nil {
		t.Fatal(err)
	}
	node := start(t, s)
	node.wait("open", func(line) bool { return true })
	partner := pair(t, s)
	goJID, nodeJID := types.NewJID(goPhone, types.DefaultUserServer), types.NewJID(nodePhone, types.DefaultUserServer)
	content := bytes.Repeat([]byte("a receipt "), 30_001)

	for kind, mimetype := range map[string]string{"image": "image/jpeg", "video": "video/mp4", "document": "application/pdf"} {
		node.tell(map[string]any{"to": goJID.String(), "kind": kind, "data": content, "caption": "look: " + kind, "mimetype": mimetype, "jpegThumbnail": "aGk="})
		m := partner.wait(func(m *events.Message) bool { return m.Info.MediaType != "" || m.Info.Type == "media" })
		//nolint:staticcheck // what it is deprecated for is what it does here: any file
		if raw, err := partner.client.DownloadAny(t.Context(), m.Message); err != nil || !bytes.Equal(raw, content) {
			t.Errorf("%s: whatsmeow read %d bytes: %v", kind, len(raw), err)
		}
		got := s.WaitOutbox(t, 0, func(m sim.OutMsg) bool { return m.Phone == goPhone && m.Kind == kind })
		if f := got.File; f.Err != "" || f.Size != int64(len(content)) || f.Mimetype != mimetype || got.Text != "look: "+kind {
			t.Errorf("%s: the phone found %+v: %+v", kind, got, f)
		}
	}

	up, err := partner.client.Upload(t.Context(), content, whatsmeow.MediaImage)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = partner.client.SendMessage(t.Context(), nodeJID, &waE2E.Message{ImageMessage: &waE2E.ImageMessage{
		URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256,
		FileLength: &up.FileLength, Mimetype: proto.String("image/jpeg"), Caption: proto.String("your month"),
	}}); err != nil {
		t.Fatal(err)
	}
	if l := node.wait("file", func(line) bool { return true }); l.Kind != "image" || l.Text != "your month" || !bytes.Equal(l.Data, content) {
		t.Errorf("Baileys read %d bytes of %s %q", len(l.Data), l.Kind, l.Text)
	}

	voice, err := s.Attach(sim.Media{Kind: mediahost.Voice, Data: content, Seconds: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = s.Person(anna).Send(nodeJID, voice, sim.Delivery{}); err != nil {
		t.Fatal(err)
	}
	if l := node.wait("file", func(line) bool { return true }); l.Kind != "audio" || !bytes.Equal(l.Data, content) {
		t.Errorf("Baileys read %d bytes of %s", len(l.Data), l.Kind)
	}

	// The host no longer has a file when Baileys asks for it: its phone puts it there again.
	if err = s.AddFault(sim.Fault{Kind: sim.FaultMediaCode, Code: 410, Count: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err = s.Person(anna).Send(nodeJID, voice, sim.Delivery{}); err != nil {
		t.Fatal(err)
	}
	if l := node.wait("file", func(line) bool { return true }); !bytes.Equal(l.Data, content) {
		t.Errorf("Baileys read %d bytes of a file that was gone", len(l.Data))
	}
	s.WaitEvent(t, 0, sim.EventMediaRetry)
}

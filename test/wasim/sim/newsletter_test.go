package sim_test

import (
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

func TestNewsletterReachesItsFollowers(t *testing.T) {
	t.Parallel()
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair(botPhone)
	made := do[struct{ JID string }](t, s, "POST", "/newsletter", `{"by":"`+anna+`","followers":["`+botPhone+`"]}`).JID
	do[struct{ ID string }](t, s, "POST", "/newsletter", `{"jid":"`+made+`","text":"news"}`)
	got := wait[*events.Message](b, 0)
	if got.Message.GetConversation() != "news" || got.Info.Chat.String() != made || got.Info.ServerID == 0 {
		t.Errorf("read %+v", got)
	}
	mark := b.mark()
	do[struct{ ID string }](t, s, "POST", "/newsletter", `{"jid":"`+made+`","media":{"kind":"image","data":"aGk="}}`)
	image := wait[*events.Message](b, mark).Message.GetImageMessage()
	if raw, err := b.client.Download(t.Context(), image); string(raw) != "hi" || image.MediaKey != nil {
		t.Errorf("read %q: %v", raw, err)
	}
	eventually(t, "both are acknowledged", func() bool { return info(t, s, jid).Pending == 0 })
	if _, err := b.client.SendMessage(t.Context(), got.Info.Chat, sim.Text("mine")); err == nil {
		t.Error("a follower wrote to the newsletter")
	}
}

func TestBotWritesToItsNewsletter(t *testing.T) {
	t.Parallel()
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	b.pair(botPhone)
	to, err := s.Person(botPhone).Newsletter(anna)
	if err != nil {
		t.Fatal(err)
	}
	up, err := b.client.UploadNewsletter(t.Context(), []byte("a chart"), whatsmeow.MediaImage)
	if err != nil {
		t.Fatal(err)
	}
	image := &waE2E.Message{ImageMessage: &waE2E.ImageMessage{
		URL: &up.URL, DirectPath: &up.DirectPath, FileSHA256: up.FileSHA256, FileLength: &up.FileLength, Mimetype: proto.String("image/png"),
	}}
	for _, handle := range []string{up.Handle, "another"} {
		sent, err := b.client.SendMessage(t.Context(), to, image, whatsmeow.SendRequestExtra{MediaHandle: handle})
		if err != nil || sent.ServerID == 0 {
			t.Fatalf("send: %+v: %v", sent, err)
		}
		got := s.WaitOutbox(t, 0, func(m sim.OutMsg) bool { return m.ID == sent.ID && m.Phone == anna })
		if got.File == nil || got.File.Kind != mediahost.Image || (got.File.Err == "") != (handle == up.Handle) {
			t.Errorf("with the handle %q the phone found %+v: %+v", handle, got, got.File)
		}
	}
	if _, err = b.client.SendMessage(t.Context(), types.NewJID("1", types.NewsletterServer), sim.Text("x")); err == nil {
		t.Error("a message to no newsletter was taken")
	}
}

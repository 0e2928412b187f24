package sim_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
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

// attach has a file hosted, and returns the message with it.
func attach(t testing.TB, s *simtest.Sim, m sim.Media) *waE2E.Message {
	t.Helper()
	message, err := s.Attach(m)
	if err != nil {
		t.Fatalf("attach: %v", err)
	}
	return message
}

// show has Anna send a file to a device, and returns what the bot reads.
func (b *bot) show(jid types.JID, m sim.Media) *events.Message {
	b.t.Helper()
	mark := b.mark()
	if _, err := b.sim.Person(anna).Send(jid, attach(b.t, b.sim, m), sim.Delivery{}); err != nil {
		b.t.Fatalf("send a file: %v", err)
	}
	return wait[*events.Message](b, mark)
}

func TestFilesOfPeopleReachABot(t *testing.T) {
	t.Parallel()
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair("5511911112222")
	content := bytes.Repeat([]byte("a receipt "), 5_000)
	for name, m := range map[string]sim.Media{
		"image":     {Kind: mediahost.Image, Data: content, Caption: "lunch 12", Width: 640, Height: 480},
		"video":     {Kind: mediahost.Video, Data: content, Seconds: 3},
		"videonote": {Kind: mediahost.VideoNote, Data: content, Seconds: 3},
		"audio":     {Kind: mediahost.Audio, Data: content, Seconds: 3},
		"voice":     {Kind: mediahost.Voice, Data: content, Seconds: 3, Waveform: make([]byte, 64)},
		"document":  {Kind: mediahost.Document, Data: content, Filename: "receipt.pdf", Caption: "the receipt"},
		"sticker":   {Kind: mediahost.Sticker, Data: content},
		"view once": {Kind: mediahost.Image, Data: content, ViewOnce: true},
		"empty":     {Kind: mediahost.Document, Data: []byte{}},
	} {
		got := b.show(jid, m)
		if got.Info.MediaType == "" || got.Info.Type != "media" || got.IsViewOnce != m.ViewOnce {
			t.Errorf("%s: the stanza says %+v", name, got.Info)
		}
		if video := got.Message.GetPtvMessage(); video != nil {
			got.Message.VideoMessage = video
		}
		//nolint:staticcheck // what it is deprecated for is what it does here: any file
		raw, err := b.client.DownloadAny(t.Context(), got.Message)
		if err != nil || !bytes.Equal(raw, m.Data) {
			t.Errorf("%s: read %d bytes: %v", name, len(raw), err)
		}
	}
}

func TestFilesOfABotReachThePhone(t *testing.T) {
	t.Parallel()
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	b.pair("5511911112222")
	content := bytes.Repeat([]byte("a chart "), 100_000) // so large that the host keeps it on the disk
	up, err := b.client.Upload(t.Context(), content, whatsmeow.MediaImage)
	if err != nil {
		t.Fatalf("upload: %v", err)
	}
	image := &waE2E.ImageMessage{
		URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256,
		FileLength: &up.FileLength, Mimetype: proto.String("image/png"), Caption: proto.String("your month"), Width: proto.Uint32(800),
	}
	broken := proto.Clone(image).(*waE2E.ImageMessage)
	broken.MediaKey = bytes.Repeat([]byte{1}, 32)
	to := types.NewJID(anna, types.DefaultUserServer)
	for _, m := range []*waE2E.Message{{ImageMessage: image}, {ViewOnceMessageV2: &waE2E.FutureProofMessage{Message: &waE2E.Message{ImageMessage: broken}}}} {
		if _, err = b.client.SendMessage(t.Context(), to, m); err != nil {
			t.Fatalf("send: %v", err)
		}
	}
	sum := sha256.Sum256(content)
	got := s.WaitOutbox(t, 0, func(m sim.OutMsg) bool { return m.Phone == anna && m.Text == "your month" })
	f := got.File
	if got.Kind != "image" || f == nil || f.Err != "" || f.Size != int64(len(content)) || f.SHA256 != hex.EncodeToString(sum[:]) || f.Width != 800 || f.ViewOnce {
		t.Errorf("the phone found %+v: %+v", got, f)
	}
	var saved bytes.Buffer
	if err = s.WriteFile(got.Seq, &saved); err != nil || !bytes.Equal(saved.Bytes(), content) {
		t.Errorf("the phone holds %d bytes: %v", saved.Len(), err)
	}
	got = s.WaitOutbox(t, got.Seq, func(m sim.OutMsg) bool { return m.Phone == anna })
	if f = got.File; f == nil || !f.ViewOnce || f.Err != mediahost.ErrSeal.Error() {
		t.Errorf("with a wrong key the phone found %+v", f)
	}
}

func TestLargeFileIsMadeUp(t *testing.T) {
	t.Parallel()
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair("5511911112222")
	got := b.show(jid, sim.Media{Kind: mediahost.Video, Size: 3<<20 + 5})
	file, err := os.Create(filepath.Join(t.TempDir(), "video"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err = b.client.DownloadToFile(t.Context(), got.Message.GetVideoMessage(), file); err != nil {
		t.Fatalf("download: %v", err)
	}
	if about, err := file.Stat(); err != nil || about.Size() != 3<<20+5 {
		t.Errorf("read %v: %v", about, err)
	}
}

func TestPartsOfAFile(t *testing.T) {
	t.Parallel()
	s := simtest.Start(t, sim.Config{})
	url := s.ServePicture([]byte("0123456789"))
	for part, want := range map[string]string{"": "0123456789", "bytes=2-4": "234", "bytes=-3": "789"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if part != "" {
			request.Header.Set("Range", part)
		}
		answer, err := s.HTTPClient().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if string(raw) != want || err != nil || answer.Header.Get("Content-Type") != "image/jpeg" {
			t.Errorf("%s: %s %q: %v", part, answer.Status, raw, err)
		}
	}
}

func TestFileThatIsGone(t *testing.T) {
	t.Parallel()
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair("5511911112222")
	for status, want := range map[int]error{
		403: whatsmeow.ErrMediaDownloadFailedWith403, 404: whatsmeow.ErrMediaDownloadFailedWith404, 410: whatsmeow.ErrMediaDownloadFailedWith410, 0: nil,
	} {
		got := b.show(jid, sim.Media{Kind: mediahost.Image})
		if err := s.EndMedia(got.Info.ID, status); err != nil {
			t.Fatalf("end: %v", err)
		}
		if _, err := b.client.Download(t.Context(), got.Message.GetImageMessage()); !errors.Is(err, want) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestUploadNeedsAPermissionThatHolds(t *testing.T) {
	t.Parallel()
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	b.pair("5511911112222")
	up := func() error {
		_, err := b.client.Upload(t.Context(), []byte("content"), whatsmeow.MediaDocument)
		return err
	}
	if err := up(); err != nil {
		t.Fatalf("upload: %v", err)
	}
	s.EndUploads()
	if err := up(); err == nil || err.Error() != "upload failed with status code 401" {
		t.Errorf("with an old permission: %v", err)
	}
	if _, err := b.client.DangerousInternals().RefreshMediaConn(context.Background(), true); err != nil { //nolint:staticcheck // there is no public call
		t.Fatalf("ask again: %v", err)
	}
	if err := up(); err != nil {
		t.Errorf("with a new permission: %v", err)
	}
}

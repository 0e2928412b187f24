package sim

import (
	"testing"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/test/wasim/mediahost"
)

// A bot may say anything of a file: the phone only notes what is wrong with it.
func FuzzFile(f *testing.F) {
	s, err := New(Config{})
	if err != nil {
		f.Fatal(err)
	}
	for _, kind := range []mediahost.Kind{mediahost.Image, mediahost.VideoNote, mediahost.Voice, mediahost.Document, mediahost.Sticker} {
		m, err := s.Attach(Media{Kind: kind, Size: 10, Caption: "a", ViewOnce: kind == mediahost.Image})
		if err != nil {
			f.Fatal(err)
		}
		raw, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m waE2E.Message
		if proto.Unmarshal(raw, &m) != nil {
			return
		}
		told, isFile := summarizeFile(&m)
		found := s.view(&m)
		if isFile != (describeFile(&m) != nil) || isFile && told.kind == "" {
			t.Errorf("a file of kind %q", told.kind)
		}
		if found != nil && found.Err == "" && found.check() != nil {
			t.Errorf("%+v is not checked", found)
		}
	})
}

// A companion may ask its phone for a file in any form: the phone answers, and never with a new path to one that does
// not know the file's key.
func FuzzMediaRetry(f *testing.F) {
	s, err := New(Config{})
	if err != nil {
		f.Fatal(err)
	}
	a, err := s.account("5511911112222")
	if err != nil {
		f.Fatal(err)
	}
	m, err := s.Attach(Media{Kind: mediahost.Image, Size: 10})
	if err != nil {
		f.Fatal(err)
	}
	a.archive.keep("ID", m)
	f.Add("ID", []byte("sealed"), make([]byte, 12))
	f.Add("other", []byte(nil), []byte(nil))
	f.Fuzz(func(t *testing.T, id string, sealed, iv []byte) {
		answer := s.retryAnswer(a, &waBinary.Node{Attrs: waBinary.Attrs{"id": id}, Content: []waBinary.Node{{Tag: "encrypt", Content: []waBinary.Node{
			{Tag: "enc_p", Content: sealed}, {Tag: "enc_iv", Content: iv},
		}}}}, "")
		if len(answer) != 1 || (answer[0].Tag == "error") == (id == "ID") {
			t.Errorf("the phone answers %v", answer)
		}
		if part, _ := a.archive.file("ID"); part.path != m.GetImageMessage().GetDirectPath() {
			t.Error("the phone put the file onto the host again")
		}
	})
}

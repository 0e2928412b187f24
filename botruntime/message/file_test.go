package message

import (
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
)

// TestAFileIsPutAndMoved gives each kind of message the place of its file at WhatsApp, and then another one.
func TestAFileIsPutAndMoved(t *testing.T) {
	for _, kind := range bot.FileKinds {
		media := bot.Media{Mimetype: "x/y", Size: 9, SHA256: strings.Repeat("cd", 32)}
		m, err := File{Kind: kind, Media: media, ViewOnce: kind == bot.KindVideo, Caption: "x"}.Compose()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		before := Names(known).Shown(m)
		raw, err = Upload{URL: "https://host/path", DirectPath: "/path", Key: []byte("key"), EncSHA256: []byte("hash"), At: time.Unix(9, 0)}.Put(raw)
		if err != nil {
			t.Fatal(err)
		}
		if raw, err = Moved(raw, "/other"); err != nil {
			t.Fatal(err)
		}
		got, err := AttachmentOf(raw)
		if err != nil || got == nil {
			t.Fatal(got, err)
		}
		if got.GetDirectPath() != "/other" || string(got.GetMediaKey()) != "key" || string(got.GetFileEncSHA256()) != "hash" ||
			hex.EncodeToString(got.GetFileSHA256()) != media.SHA256 || got.GetFileLength() != 9 || got.GetMimetype() != "x/y" {
			t.Errorf("%s: %v", kind, got)
		}
		if got.(interface{ GetURL() string }).GetURL() != "" {
			t.Errorf("%s: the old address is still there", kind)
		}
		m.Reset()
		if err := proto.Unmarshal(raw, m); err != nil {
			t.Fatal(err)
		}
		if after := Names(known).Shown(m); before.Kind != kind || !reflect.DeepEqual(before, after) {
			t.Errorf("%s is shown as %+v, was %+v", kind, after, before)
		}
	}
	text, err := proto.Marshal(received["text"].message)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Upload{}).Put(text); err == nil {
		t.Error("a text has no file")
	}
	if a, err := AttachmentOf(text); a != nil || err != nil {
		t.Error(a, err)
	}
}

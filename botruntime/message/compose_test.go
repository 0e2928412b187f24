package message

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/golden"
)

var (
	secret  = []byte(strings.Repeat("s", SecretBytes))
	nonce   = []byte(strings.Repeat("n", NonceBytes))
	subject = Subject{Chat: family, Sender: budiLID, ID: "3EB0FFFF"}
)

// everything is a context that has all there is.
func everything(t testing.TB) Context {
	raw, err := proto.Marshal(&waE2E.Message{
		ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: proto.String("kapan?"), ContextInfo: &waE2E.ContextInfo{StanzaID: proto.String("OLD")}},
		MessageContextInfo:  &waE2E.MessageContextInfo{MessageSecret: secret},
	})
	if err != nil {
		t.Fatal(err)
	}
	return Context{Mentions: []types.JID{sari}, Reply: &Reply{ID: "3EB0BBBB", Sender: budi, Raw: raw}, ExpiresIn: 86400}
}

func composed(t testing.TB) map[string]func() (*waE2E.Message, error) {
	all := everything(t)
	poll := bot.Poll{Name: "Kapan?", Options: []string{"Senin", "Selasa"}, Selectable: 1}
	sum := strings.Repeat("ab", 32)
	picture := bot.Media{Mimetype: "image/jpeg", Size: 1234, SHA256: sum, Width: 640, Height: 480}
	film := bot.Media{Mimetype: "video/mp4", Size: 1234, SHA256: sum, Seconds: 9}
	note, gif := film, film
	note.Note, gif.Animated = true, true
	voice := bot.Media{Mimetype: "audio/ogg; codecs=opus", Size: 1234, SHA256: sum, Seconds: 7, Waveform: []int{0, 50, 100}}
	paper := bot.Media{Mimetype: "application/pdf", Size: 1234, SHA256: sum, Filename: "nota.pdf"}
	plain := func(m *waE2E.Message) func() (*waE2E.Message, error) {
		return func() (*waE2E.Message, error) { return m, nil }
	}
	return map[string]func() (*waE2E.Message, error){
		"text":         Text{Text: "halo"}.Compose,
		"text_all":     Text{Context: all, Text: "@6289876543210 https://example.com", Preview: &bot.LinkPreview{URL: "https://example.com", Title: "Contoh", Description: "Situs"}}.Compose,
		"status":       Text{Text: "buka", Status: &bot.StatusOptions{BackgroundColor: "#AABBCC", Font: 2}}.Compose,
		"place":        Place{Location: bot.Location{Latitude: -6.2, Longitude: 106.8}}.Compose,
		"place_all":    Place{Context: all, Location: bot.Location{Latitude: -6.2, Longitude: 106.8, Name: "Monas", Address: "Gambir", URL: "https://example.com", Accuracy: 5}}.Compose,
		"contact":      Contacts{Context: all, Contacts: []bot.VCard{MakeVCard("Sari; S.H.", "6289876543210", "PT A, B")}}.Compose,
		"contacts":     Contacts{Context: all, Contacts: []bot.VCard{MakeVCard("Sari", "6289876543210", ""), MakeVCard("Budi", "6281234567890", "")}}.Compose,
		"image":        File{Kind: bot.KindImage, Media: picture}.Compose,
		"image_all":    File{Context: all, Kind: bot.KindImage, Caption: "foto", Media: picture, Thumbnail: []byte("jpeg")}.Compose,
		"image_once":   File{Kind: bot.KindImage, Media: picture, ViewOnce: true}.Compose,
		"video_all":    File{Context: all, Kind: bot.KindVideo, Caption: "film", Media: film}.Compose,
		"video_note":   File{Kind: bot.KindVideo, Media: note}.Compose,
		"gif":          File{Kind: bot.KindVideo, Media: gif}.Compose,
		"audio_all":    File{Context: all, Kind: bot.KindAudio, Media: voice}.Compose,
		"voice":        File{Kind: bot.KindVoice, Media: voice}.Compose,
		"voice_once":   File{Kind: bot.KindVoice, Media: voice, ViewOnce: true}.Compose,
		"document":     File{Kind: bot.KindDocument, Media: paper}.Compose,
		"document_all": File{Context: all, Kind: bot.KindDocument, Caption: "ini notanya", Media: paper}.Compose,
		"sticker_all":  File{Context: all, Kind: bot.KindSticker, Media: bot.Media{Mimetype: "image/webp", Size: 1234, SHA256: sum, Width: 512, Height: 512, Animated: true}}.Compose,
		"appointment":  Appointment{Appointment: bot.Appointment{Name: "Arisan", StartsAt: bot.At(time.Unix(1900000000, 0))}, Secret: secret}.Compose,
		"appointment_all": Appointment{Context: all, Secret: secret, Appointment: bot.Appointment{Name: "Arisan", Description: "bawa kue", StartsAt: bot.At(time.Unix(1900000000, 0)),
			EndsAt: bot.At(time.Unix(1900003600, 0)), GuestsAllowed: true, Location: &bot.Location{Latitude: -6.2, Longitude: 106.8, Name: "Monas"}}}.Compose,
		"poll":     Poll{Poll: poll, Secret: secret}.Compose,
		"poll_all": Poll{Context: all, Poll: poll, Secret: secret}.Compose,
		"vote": func() (*waE2E.Message, error) {
			ballot := Ballot{ID: subject.ID, Secret: secret, Options: poll.Options}
			return ballot.Cast(subject, budiLID, types.NewJID("999", types.HiddenUserServer), []string{"Selasa"}, nonce, 1)
		},
		"reaction": plain(subject.React("👍", 1)),
		"pin":      plain(subject.Pin(bot.PinDay, 1)),
		"unpin":    plain(subject.Pin(0, 1)),
		"revoke":   plain(subject.Revoke()),
		"edit":     plain(Subject{Chat: budi, FromMe: true, ID: "3EB0FFFF"}.Edit(&waE2E.Message{Conversation: proto.String("baru")}, 1)),
	}
}

// protoJSON is a message as JSON whose spaces do not change from run to run.
func protoJSON(t *testing.T, m *waE2E.Message) []byte {
	raw, err := protojson.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var loose any
	if err := json.Unmarshal(raw, &loose); err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(loose, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, '\n')
}

// TestGoldenComposed pins what WhatsApp gets, and that the bot reads its own messages as it means them.
func TestGoldenComposed(t *testing.T) {
	for name, compose := range composed(t) {
		t.Run(name, func(t *testing.T) {
			m, err := compose()
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, filepath.Join("testdata", "sent", name+".json"), protoJSON(t, m))
			seen := Names(known).Shown(m)
			if strings.HasSuffix(name, "_all") && (len(seen.Mentions) != 1 || seen.ReplyTo == nil || seen.ReplyTo.Text != "kapan?" || seen.ExpiresIn != 86400) {
				t.Errorf("%+v", seen)
			}
		})
	}
}

// TestForward passes a message of each kind on, those that came and those that the bot sent.
func TestForward(t *testing.T) {
	forwardable := map[bot.MessageKind]bool{
		bot.KindText: true, bot.KindVideo: true, bot.KindAudio: true, bot.KindVoice: true, bot.KindDocument: true, bot.KindSticker: true,
		bot.KindLocation: true, bot.KindContacts: true, bot.KindImage: true,
	}
	check := func(t *testing.T, m *waE2E.Message, want bool) {
		raw, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		passed, err := Forward(raw, 60)
		if !want {
			if !errors.Is(err, ErrNotForwardable) {
				t.Errorf("%v: %v", passed, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		was, is := Names(known).Shown(m), Names(known).Shown(passed)
		if !is.Forwarded || is.ForwardingScore != was.ForwardingScore+1 || is.ExpiresIn != 60 || is.Kind != was.Kind || is.Text != was.Text ||
			is.ReplyTo != nil || len(is.Mentions) != 0 || fmt.Sprint(is.Location, is.Contacts) != fmt.Sprint(was.Location, was.Contacts) || passed.MessageContextInfo != nil {
			t.Errorf("%+v, was %+v", is, was)
		}
	}
	for name, c := range received {
		t.Run("came/"+name, func(t *testing.T) {
			r := Names(known).Receive((&events.Message{Info: info(c.tune), RawMessage: c.message}).UnwrapRaw())
			if r.Type == "" {
				return // nobody sees it, so nobody can pass it on
			}
			want := r.Data.Message != nil && forwardable[r.Data.Message.Kind] && !r.Data.Message.ViewOnce && !isViewOnce(c.message)
			if r.Data.Message != nil && c.message.LiveLocationMessage != nil {
				want = false
			}
			check(t, c.message, want)
		})
	}
	for name, compose := range composed(t) {
		t.Run("sent/"+name, func(t *testing.T) {
			m, err := compose()
			if err != nil {
				t.Fatal(err)
			}
			acts := m.ReactionMessage != nil || m.ProtocolMessage != nil || m.EditedMessage != nil || m.PollUpdateMessage != nil || m.PinInChatMessage != nil
			seen := Names(known).Shown(m)
			check(t, m, !acts && forwardable[seen.Kind] && !seen.ViewOnce)
		})
	}
	once := &waE2E.Message{ViewOnceMessageV2: &waE2E.FutureProofMessage{Message: &waE2E.Message{ImageMessage: &waE2E.ImageMessage{}}}}
	check(t, once, false)
}

// TestVotesOpenInEveryForm casts a vote under each address, and opens it knowing all.
func TestVotesOpenInEveryForm(t *testing.T) {
	poll, err := Poll{Poll: bot.Poll{Name: "?", Options: []string{"a", "b", "c"}}, Secret: secret}.Compose()
	if err != nil {
		t.Fatal(err)
	}
	fromPhone := &waE2E.Message{
		DeviceSentMessage:  &waE2E.DeviceSentMessage{Message: &waE2E.Message{PollCreationMessageV3: poll.PollCreationMessage}},
		MessageContextInfo: poll.MessageContextInfo,
	}
	sariLID := types.NewJID("999", types.HiddenUserServer)
	for _, kept := range []*waE2E.Message{poll, fromPhone} {
		raw, err := proto.Marshal(kept)
		if err != nil {
			t.Fatal(err)
		}
		ballot, err := ReadBallot("POLL", raw, budi, budiLID)
		if err != nil {
			t.Fatal(err)
		}
		for _, author := range []types.JID{budi, budiLID} {
			for _, voter := range []types.JID{sari, sariLID} {
				m, err := ballot.Cast(Subject{Chat: family, ID: "POLL"}, author, voter, []string{"c", "a"}, nonce, 7)
				if err != nil {
					t.Fatal(err)
				}
				vote := m.PollUpdateMessage.GetVote()
				if got, ok := ballot.Open(vote.GetEncPayload(), vote.GetEncIV(), sari, sariLID); !ok || fmt.Sprint(got) != "[a c]" {
					t.Errorf("%s %s: %v %v", author, voter, got, ok)
				}
				if _, ok := ballot.Open(vote.GetEncPayload(), vote.GetEncIV(), budi); ok {
					t.Error("a vote of somebody else opened")
				}
			}
		}
		if _, ok := ballot.Open([]byte("x"), nil, sari); ok {
			t.Error("a vote without a nonce opened")
		}
	}
	if _, err := ReadBallot("POLL", nil); !errors.Is(err, ErrNoBallot) {
		t.Error(err)
	}
}

// FuzzCompose makes messages of any texts and numbers, and reads them again.
func FuzzCompose(f *testing.F) {
	f.Add("halo", "Monas", "3EB0", "#38b42f", -6.2, 106.8, uint32(1), []byte("raw"))
	f.Fuzz(func(t *testing.T, text, name, id, color string, latitude, longitude float64, number uint32, raw []byte) {
		about := Context{Mentions: []types.JID{sari}, ExpiresIn: number, Reply: &Reply{ID: id, Sender: budi, Raw: raw}}
		if proto.Unmarshal(raw, &waE2E.Message{}) != nil {
			about.Reply.Raw = nil
		}
		sound := true
		for _, part := range []string{text, name, id, color} {
			sound = sound && utf8.ValidString(part)
		}
		look := &bot.StatusOptions{BackgroundColor: color, Font: number}
		for what, compose := range map[string]func() (*waE2E.Message, error){
			"text":     Text{Context: about, Text: text, Preview: &bot.LinkPreview{URL: name, Title: text}}.Compose,
			"status":   Text{Text: text, Status: look}.Compose,
			"place":    Place{Context: about, Location: bot.Location{Latitude: latitude, Longitude: longitude, Name: name, Address: text, Accuracy: number}}.Compose,
			"contacts": Contacts{Context: about, Contacts: []bot.VCard{MakeVCard(name, "6281234567890", text), ParseVCard(text)}}.Compose,
			"poll":     Poll{Context: about, Poll: bot.Poll{Name: text, Options: []string{name, id}, Selectable: number}, Secret: secret}.Compose,
		} {
			m, err := compose()
			if what == "status" && (color != "" && !IsColor(color) || !IsFont(number)) {
				if err == nil {
					t.Fatalf("a status of colour %q and font %d", color, number)
				}
				continue
			}
			if err != nil {
				t.Fatal(what, err)
			}
			encoded, err := proto.Marshal(m)
			if err != nil {
				if sound {
					t.Fatal(what, err)
				}
				continue
			}
			var again waE2E.Message
			if err := proto.Unmarshal(encoded, &again); err != nil {
				t.Fatal(what, err)
			}
			evt := (&events.Message{Info: info(nil), RawMessage: &again}).UnwrapRaw()
			r := Names(known).Receive(evt)
			if r.Data.Message == nil || r.Data.Message.Kind == bot.KindUnsupported {
				t.Fatalf("%s is read as %+v", what, r.Data.Message)
			}
			if got := r.Data.Message; what == "place" && sound && got.Location.Name != name || what == "poll" && got.Poll.Name != text {
				t.Fatalf("%s: %+v", what, got)
			}
		}
	})
}

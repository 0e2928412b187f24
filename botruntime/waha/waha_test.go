package waha

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/golden"
)

var (
	at     = bot.At(time.Date(2026, 11, 28, 13, 0, 0, 0, time.UTC))
	budi   = bot.Party{ID: "6281234567890@s.whatsapp.net", Kind: bot.PartyPerson, Phone: "+6281234567890", LID: "123456789012345@lid", Name: "Budi"}
	hidden = bot.Party{ID: "999@lid", Kind: bot.PartyPerson, LID: "999@lid"}
	sari   = bot.Party{ID: "6289876543210@s.whatsapp.net", Kind: bot.PartyPerson, Phone: "+6289876543210"}
	family = bot.Party{ID: "120363012345678901@g.us", Kind: bot.PartyGroup}
	teller = Teller{Session: "toko", Base: "http://localhost:3000", Version: "1", Me: &bot.WAHAMe{ID: "6289876543210@c.us", JID: "6289876543210:1@s.whatsapp.net", PushName: "Toko"}}
)

func message(tune func(*bot.Message)) bot.Message {
	m := bot.Message{ID: "3EB0AAAA", Chat: budi, From: budi, Kind: bot.KindText, Timestamp: at, Text: "halo"}
	if tune != nil {
		tune(&m)
	}
	return m
}

func mine(m *bot.Message) { m.From, m.FromMe, m.Origin = sari, true, bot.OriginAPI }

var messages = map[string]bot.Message{
	"text":   message(nil),
	"hidden": message(func(m *bot.Message) { m.Chat, m.From = hidden, hidden }),
	"group":  message(func(m *bot.Message) { m.Chat = family }),
	"held": message(func(m *bot.Message) {
		mine(m)
		m.State, m.Hold = bot.MessageHeld, &bot.Hold{Reason: bot.HoldTimelocked, Until: at}
	}),
	"read":  message(func(m *bot.Message) { mine(m); m.State = bot.MessageRead }),
	"phone": message(func(m *bot.Message) { mine(m); m.Origin = bot.OriginPhone; m.Chat = family }),
	"image": message(func(m *bot.Message) {
		m.Kind, m.Media = bot.KindImage, &bot.Media{Mimetype: "image/jpeg", Size: 5, SHA256: "00"}
	}),
	"place": message(func(m *bot.Message) {
		m.Kind, m.Location = bot.KindLocation, &bot.Location{Latitude: -6.2, Longitude: 106.8, Name: "Monas"}
	}),
	"contacts": message(func(m *bot.Message) {
		m.Kind, m.Contacts = bot.KindContacts, []bot.VCard{{Name: "Sari", VCard: "BEGIN:VCARD"}}
	}),
	"reply": message(func(m *bot.Message) {
		m.ReplyTo = &bot.Quote{ID: "3EB0BBBB", From: sari, Kind: bot.KindImage, Text: "foto"}
	}),
	"poll": message(func(m *bot.Message) {
		m.Kind, m.Text, m.Poll = bot.KindPoll, "", &bot.Poll{Name: "Kapan?", Options: []string{"Senin"}, Selectable: 1}
	}),
}

// The sender chooses a message's id. It leads to no other path of the bot, where a client would show its token.
func TestTheAddressOfAFileIsNoOtherPath(t *testing.T) {
	m := message(func(m *bot.Message) { m.ID, m.Media = "../../../session/backup?x=", &bot.Media{Mimetype: "image/jpeg"} })
	if got, want := teller.Message(m).MediaURL, "http://localhost:3000/api/files/toko/..%2F..%2F..%2Fsession%2Fbackup%3Fx=.jpeg"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestMessagesAsWAHAShowsThem(t *testing.T) {
	for name, m := range messages {
		t.Run(name, func(t *testing.T) {
			got, err := json.MarshalIndent(teller.Message(m), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, filepath.Join("testdata", "message_"+name+".json"), append(got, '\n'))
		})
	}
}

func TestMessageIDs(t *testing.T) {
	cases := map[string]struct {
		want Named
		ok   bool
	}{
		"false_6281234567890@c.us_3EB0AAAA":        {Named{"6281234567890@c.us", "3EB0AAAA", false}, true},
		"true_120363@g.us_3EB0_6281234567890@c.us": {Named{"120363@g.us", "3EB0", true}, true},
		"3EB0AAAA":                      {Named{"", "3EB0AAAA", false}, true},
		"":                              {},
		"maybe_6281234567890@c.us_3EB0": {},
		"false_6281234567890_3EB0":      {},
		"false_6281234567890@c.us":      {},
		"false_1@c.us_3EB0_2@c.us_more": {},
		"false_6281234567890@c.us_":     {},
		"3EB0/../x":                     {},
		"true_6281234567890@c.us_" + strings.Repeat("A", maxID): {},
	}
	for text, c := range cases {
		if got, ok := ParseMessageID(text); ok != c.ok || ok && got != c.want {
			t.Errorf("%q: %+v %v, want %+v %v", text, got, ok, c.want, c.ok)
		}
	}
}

// Every id that is told can be read again.
func FuzzMessageID(f *testing.F) {
	f.Add("false_6281234567890@c.us_3EB0AAAA", true)
	f.Add("3EB0AAAA", false)
	f.Fuzz(func(t *testing.T, text string, group bool) {
		named, ok := ParseMessageID(text)
		if !ok {
			return
		}
		chat := budi
		if group {
			chat = family
		}
		again, ok := ParseMessageID(MessageID(named.FromMe, chat, named.ID, budi))
		if !ok || again.ID != named.ID || again.FromMe != named.FromMe || again.Chat != ChatID(chat.ID) {
			t.Errorf("%q: %+v after %+v", text, again, named)
		}
	})
}

func TestEveryStateHasAnAck(t *testing.T) {
	seen := 0
	for _, name := range []string{"ERROR", "PENDING", "SERVER", "DEVICE", "READ", "PLAYED"} {
		seen += len(States(name))
	}
	if seen != len(bot.MessageStates) || States("NOTHING") != nil {
		t.Errorf("%d states have an ack, want %d", seen, len(bot.MessageStates))
	}
}

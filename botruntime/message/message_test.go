package message

import (
	"encoding/json"
	"math"
	"path/filepath"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/golden"
	"sesi.dev/sesi/test/odd"
)

var (
	budi    = types.NewJID("6281234567890", types.DefaultUserServer)
	budiLID = types.NewJID("123456789012345", types.HiddenUserServer)
	sari    = types.NewJID("6289876543210", types.DefaultUserServer)
	family  = types.NewJID("120363012345678901", types.GroupServer)
)

// known is what the tests' list of addresses holds.
func known(jid types.JID) types.JID {
	switch jid {
	case budi:
		return budiLID
	case budiLID:
		return budi
	}
	return types.EmptyJID
}

func info(tune func(*types.MessageInfo)) types.MessageInfo {
	i := types.MessageInfo{
		MessageSource: types.MessageSource{Chat: budi, Sender: types.JID{User: budi.User, Server: budi.Server, Device: 3}, SenderAlt: budiLID},
		ID:            "3EB0AAAA", PushName: "Budi", Timestamp: time.Date(2026, 11, 28, 13, 0, 0, 0, time.UTC),
	}
	if tune != nil {
		tune(&i)
	}
	return i
}

func key(id string) *waCommon.MessageKey {
	return &waCommon.MessageKey{ID: &id, FromMe: proto.Bool(true), RemoteJID: proto.String(budi.String())}
}

func group(i *types.MessageInfo) {
	i.Chat, i.IsGroup, i.Sender, i.SenderAlt = family, true, budiLID, types.EmptyJID
}

func mine(i *types.MessageInfo) {
	i.IsFromMe, i.Sender, i.SenderAlt, i.Chat = true, sari, types.EmptyJID, budi
}

var received = map[string]struct {
	tune    func(*types.MessageInfo)
	message *waE2E.Message
}{
	"text":       {nil, &waE2E.Message{Conversation: proto.String("halo")}},
	"from_phone": {mine, &waE2E.Message{Conversation: proto.String("halo")}},
	"group": {group, &waE2E.Message{
		ExtendedTextMessage:          &waE2E.ExtendedTextMessage{Text: proto.String("@6289876543210 halo"), ContextInfo: &waE2E.ContextInfo{MentionedJID: []string{sari.String(), "not an address@x@y"}}},
		SenderKeyDistributionMessage: &waE2E.SenderKeyDistributionMessage{},
	}},
	"reply": {nil, &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: proto.String("ya"), ContextInfo: &waE2E.ContextInfo{
		StanzaID: proto.String("3EB0BBBB"), Participant: proto.String(sari.String()), QuotedMessage: &waE2E.Message{ImageMessage: &waE2E.ImageMessage{Caption: proto.String("foto")}},
		Expiration: proto.Uint32(86400), IsForwarded: proto.Bool(true), ForwardingScore: proto.Uint32(2),
	}}}},
	"link":     {nil, &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: proto.String("lihat https://example.com"), MatchedText: proto.String("https://example.com"), Title: proto.String("Contoh"), Description: proto.String("Situs")}}},
	"reaction": {nil, &waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{Key: key("3EB0CCCC"), Text: proto.String("👍")}}},
	"appointment": {nil, &waE2E.Message{EventMessage: &waE2E.EventMessage{Name: proto.String("Arisan"), Description: proto.String("bawa kue"), StartTime: proto.Int64(1900000000),
		EndTime: proto.Int64(1 << 60), JoinLink: proto.String("https://call.whatsapp.com/video/x"), IsCanceled: proto.Bool(true), ExtraGuestsAllowed: proto.Bool(true),
		Location: &waE2E.LocationMessage{Name: proto.String("Monas")}, ContextInfo: &waE2E.ContextInfo{StanzaID: proto.String("3EB0BBBB")}}}},
	"answer": {group, &waE2E.Message{EncEventResponseMessage: &waE2E.EncEventResponseMessage{EventCreationMessageKey: key("3EB0FFFF"), EncPayload: []byte("payload"), EncIV: []byte("iv")}}},
	"pin": {group, &waE2E.Message{PinInChatMessage: &waE2E.PinInChatMessage{Key: key("3EB0CCCC"), Type: waE2E.PinInChatMessage_PIN_FOR_ALL.Enum()},
		MessageContextInfo: &waE2E.MessageContextInfo{MessageAddOnDurationInSecs: proto.Uint32(86400)}}},
	"unpin": {mine, &waE2E.Message{PinInChatMessage: &waE2E.PinInChatMessage{Key: key("3EB0CCCC"), Type: waE2E.PinInChatMessage_UNPIN_FOR_ALL.Enum()}}},
	"edit": {nil, &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum(), Key: key("3EB0DDDD"),
		EditedMessage: &waE2E.Message{Conversation: proto.String("baru")}}}},
	"revoke": {group, &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_REVOKE.Enum(), Key: key("3EB0EEEE")}}},
	"image": {nil, &waE2E.Message{ImageMessage: &waE2E.ImageMessage{Caption: proto.String("foto"), Mimetype: proto.String("image/jpeg"), FileLength: proto.Uint64(1234),
		FileSHA256: []byte{1, 2, 3}, Width: proto.Uint32(10), Height: proto.Uint32(20), ViewOnce: proto.Bool(true), MediaKey: []byte("secret")}}},
	"voice":         {nil, &waE2E.Message{AudioMessage: &waE2E.AudioMessage{Mimetype: proto.String("audio/ogg; codecs=opus"), PTT: proto.Bool(true), Seconds: proto.Uint32(7), FileLength: proto.Uint64(99)}}},
	"document":      {nil, &waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{Mimetype: proto.String("application/pdf"), FileName: proto.String("nota.pdf"), FileLength: proto.Uint64(5)}}},
	"location":      {nil, &waE2E.Message{LocationMessage: &waE2E.LocationMessage{DegreesLatitude: proto.Float64(-6.2), DegreesLongitude: proto.Float64(106.8), Name: proto.String("Monas")}}},
	"live_location": {nil, &waE2E.Message{LiveLocationMessage: &waE2E.LiveLocationMessage{DegreesLatitude: proto.Float64(-6.2), DegreesLongitude: proto.Float64(106.8), Caption: proto.String("di jalan"), AccuracyInMeters: proto.Uint32(12)}}},
	"contacts": {nil, &waE2E.Message{ContactsArrayMessage: &waE2E.ContactsArrayMessage{DisplayName: proto.String("2 contacts"), ContextInfo: &waE2E.ContextInfo{StanzaID: proto.String("3EB0BBBB")}, Contacts: []*waE2E.ContactMessage{
		{DisplayName: proto.String("Sari"), Vcard: proto.String("BEGIN:VCARD\nFN:Sari W\nTEL;waid=6289876543210:+62 898\nORG:PT A;\nEND:VCARD")},
		{Vcard: proto.String("BEGIN:VCARD\nFN:Budi\nEND:VCARD")},
	}}}},
	"vote":    {group, &waE2E.Message{PollUpdateMessage: &waE2E.PollUpdateMessage{PollCreationMessageKey: key("3EB0FFFF"), SenderTimestampMS: proto.Int64(1), Vote: &waE2E.PollEncValue{EncPayload: []byte("payload"), EncIV: []byte("iv")}}}},
	"poll_v4": {nil, &waE2E.Message{PollCreationMessageV4: &waE2E.FutureProofMessage{Message: &waE2E.Message{PollCreationMessage: &waE2E.PollCreationMessage{Name: proto.String("?"), Options: []*waE2E.PollCreationMessage_Option{{OptionName: proto.String("a")}}}}}}},
	"status_look": {func(i *types.MessageInfo) { i.Chat, i.IsGroup = types.StatusBroadcastJID, true }, &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{
		Text: proto.String("kabar"), BackgroundArgb: proto.Uint32(0xff00aaff), Font: waE2E.ExtendedTextMessage_SYSTEM_BOLD.Enum()}}},
	"view_once": {nil, &waE2E.Message{ViewOnceMessageV2: &waE2E.FutureProofMessage{Message: &waE2E.Message{VideoMessage: &waE2E.VideoMessage{Mimetype: proto.String("video/mp4")}}}}},
	"contact":   {nil, &waE2E.Message{ContactMessage: &waE2E.ContactMessage{DisplayName: proto.String("Sari"), Vcard: proto.String("BEGIN:VCARD\nEND:VCARD")}}},
	"poll": {nil, &waE2E.Message{PollCreationMessageV3: &waE2E.PollCreationMessage{Name: proto.String("Kapan?"), SelectableOptionsCount: proto.Uint32(1),
		Options: []*waE2E.PollCreationMessage_Option{{OptionName: proto.String("Senin")}, {OptionName: proto.String("Selasa")}}}}},
	"video_note": {nil, &waE2E.Message{PtvMessage: &waE2E.VideoMessage{Mimetype: proto.String("video/mp4"), Seconds: proto.Uint32(3)}}},
	"gif":        {nil, &waE2E.Message{VideoMessage: &waE2E.VideoMessage{Mimetype: proto.String("video/mp4"), GifPlayback: proto.Bool(true)}}},
	"voice_once": {nil, &waE2E.Message{ViewOnceMessageV2Extension: &waE2E.FutureProofMessage{Message: &waE2E.Message{AudioMessage: &waE2E.AudioMessage{
		Mimetype: proto.String("audio/ogg; codecs=opus"), PTT: proto.Bool(true), Waveform: []byte{0, 50, 255}}}}}},
	"document_caption": {nil, &waE2E.Message{DocumentWithCaptionMessage: &waE2E.FutureProofMessage{Message: &waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{
		Mimetype: proto.String("application/pdf"), Caption: proto.String("ini notanya")}}}}},
	"sticker": {nil, &waE2E.Message{StickerMessage: &waE2E.StickerMessage{Mimetype: proto.String("image/webp"), IsAnimated: proto.Bool(true), Width: proto.Uint32(512), Height: proto.Uint32(512)}}},
	"lottie":  {nil, &waE2E.Message{LottieStickerMessage: &waE2E.FutureProofMessage{Message: &waE2E.Message{StickerMessage: &waE2E.StickerMessage{Mimetype: proto.String("application/was"), IsLottie: proto.Bool(true)}}}}},
	"album":   {nil, &waE2E.Message{AlbumMessage: &waE2E.AlbumMessage{ExpectedImageCount: proto.Uint32(3), ExpectedVideoCount: proto.Uint32(1)}}},
	"album_part": {nil, &waE2E.Message{ImageMessage: &waE2E.ImageMessage{Mimetype: proto.String("image/jpeg")}, MessageContextInfo: &waE2E.MessageContextInfo{
		MessageAssociation: &waE2E.MessageAssociation{AssociationType: waE2E.MessageAssociation_MEDIA_ALBUM.Enum(), ParentMessageKey: key("3EB0ABBA")}}}},
	"reply_to_file": {nil, &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: proto.String("ya"), ContextInfo: &waE2E.ContextInfo{
		StanzaID: proto.String("3EB0BBBB"), QuotedMessage: &waE2E.Message{DocumentWithCaptionMessage: &waE2E.FutureProofMessage{Message: &waE2E.Message{
			DocumentMessage: &waE2E.DocumentMessage{Caption: proto.String("ini notanya")}}}}}}}},
	"unsupported":  {nil, &waE2E.Message{ButtonsMessage: &waE2E.ButtonsMessage{}}},
	"only_keys":    {group, &waE2E.Message{SenderKeyDistributionMessage: &waE2E.SenderKeyDistributionMessage{}}},
	"devices_only": {mine, &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_APP_STATE_SYNC_KEY_SHARE.Enum()}}},
	"disappearing": {nil, &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_EPHEMERAL_SETTING.Enum(), EphemeralExpiration: proto.Uint32(86400)}}},
	"status":       {func(i *types.MessageInfo) { i.Chat, i.IsGroup = types.StatusBroadcastJID, true }, &waE2E.Message{Conversation: proto.String("kabar")}},
	"lid_only": {func(i *types.MessageInfo) {
		i.Chat, i.Sender, i.SenderAlt = types.NewJID("999", types.HiddenUserServer), types.NewJID("999", types.HiddenUserServer), types.EmptyJID
	}, &waE2E.Message{Conversation: proto.String("halo")}},
	"peer_category": {func(i *types.MessageInfo) { mine(i); i.Category = "peer" }, &waE2E.Message{Conversation: proto.String("x")}},
}

func TestGoldenMessages(t *testing.T) {
	for name, c := range received {
		t.Run(name, func(t *testing.T) {
			evt := (&events.Message{Info: info(c.tune), RawMessage: c.message}).UnwrapRaw()
			r := Names(known).Receive(evt)
			r.Raw = nil
			got, err := json.MarshalIndent(r, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, filepath.Join("testdata", name+".json"), append(got, '\n'))
		})
	}
}

func TestAMessageThatCannotBeReadIsKept(t *testing.T) {
	evt := &events.Message{Info: info(nil), Message: &waE2E.Message{Conversation: proto.String("x")}, RawMessage: &waE2E.Message{Conversation: proto.String("x")}}
	broken := 0
	names := Names(func(types.JID) types.JID {
		if broken++; broken == 1 {
			panic("a fault in a translation")
		}
		return types.EmptyJID
	})
	evt.Info.SenderAlt = types.EmptyJID
	r := names.Receive(evt)
	if r.Type != bot.EventMessage || r.Data.Message.Kind != bot.KindUnsupported || len(r.Raw) == 0 || r.Data.Message.ID != evt.Info.ID {
		t.Errorf("%+v", r)
	}
}

func TestUndecryptableThenReadableHaveOneID(t *testing.T) {
	u := Names(known).Undecryptable(&events.UndecryptableMessage{Info: info(nil)})
	m := Names(known).Receive(&events.Message{Info: info(nil), Message: &waE2E.Message{Conversation: proto.String("x")}})
	if u.Data.Message.ID != m.Data.Message.ID || u.Chat.ID != m.Chat.ID || u.Type != bot.EventMessageUndecryptable {
		t.Errorf("%+v\n%+v", u, m)
	}
}

// A text that is no chat reaches nobody, and one that holds a number reaches that number or nobody.
func TestOddChatsAreRefused(t *testing.T) {
	chats := odd.Chats()
	if len(chats) < 100 {
		t.Fatalf("only %d odd chats", len(chats))
	}
	for _, text := range chats {
		if got, ok := Address(text); ok {
			t.Errorf("Address(%q) = %v", text, got)
		}
	}
}

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"+62 812-3456-7890": "6281234567890@s.whatsapp.net", "6281234567890": "6281234567890@s.whatsapp.net",
		"6281234567890@c.us": "6281234567890@s.whatsapp.net", "123@lid": "123@lid", "120363-1@g.us": "120363-1@g.us",
		"status": "status@broadcast", "1@newsletter": "1@newsletter",
		"081234567890": "", "": "", "abc": "", "x@g.us": "", "1:2@lid": "", "1@example.com": "", "12345": "", "@lid": "",
	} {
		got, ok := Address(in)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("Address(%q) = %v, %v; want %q", in, got, ok, want)
		}
	}
}

// A sender can write a place that JSON cannot: such a message must not stop all that come behind it.
func TestAPlaceWithoutNumbersIsAMessageAllTheSame(t *testing.T) {
	t.Parallel()
	for _, wrong := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1000} {
		for _, m := range []*waE2E.Message{
			{LocationMessage: &waE2E.LocationMessage{DegreesLatitude: &wrong, DegreesLongitude: proto.Float64(1)}},
			{LiveLocationMessage: &waE2E.LiveLocationMessage{DegreesLatitude: proto.Float64(1), DegreesLongitude: &wrong}},
		} {
			r := Names(known).Receive(&events.Message{Info: info(nil), RawMessage: m, Message: m})
			if _, err := json.Marshal(r.Data); err != nil || r.Type != bot.EventMessage || r.Data.Message.Kind != bot.KindUnsupported {
				t.Errorf("%v: %+v, %v", wrong, r, err)
			}
		}
	}
}

// FuzzReceive gives the translation any bytes that are a message of WhatsApp's protocol.
func FuzzReceive(f *testing.F) {
	for _, c := range received {
		raw, err := proto.Marshal(c.message)
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
		evt := (&events.Message{Info: info(nil), RawMessage: &m}).UnwrapRaw()
		r := Names(known).Receive(evt)
		if r.Type == "" {
			return
		}
		if _, err := json.Marshal(r.Data); err != nil {
			t.Fatal(err)
		}
		if r.Type == bot.EventMessage && r.Data.Message.UnsupportedType == "unreadable" {
			t.Fatal("the translation panicked")
		}
	})
}

package sim_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// restricted reports whether the server refused a message with 463.
func restricted(err error) bool {
	return errors.Is(err, whatsmeow.ErrServerReturnedError) && strings.HasSuffix(err.Error(), "463")
}

func limit(t *testing.T, s *simtest.Sim, limits sim.Limits) {
	t.Helper()
	if err := s.Person(botPhone).SetLimits(limits); err != nil {
		t.Fatal(err)
	}
}

func TestPrivacyTokenIsDemanded(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := diskBot(t, s, database(t))
	b.client.SynchronousAck = true // a token that is acknowledged is stored
	jid := b.pair(botPhone)
	limit(t, s, sim.Limits{NeedToken: true})
	if err := b.try(annaJID, "", "without a token", patience); !restricted(err) {
		t.Errorf("without a token: %v", err)
	}
	for _, given := range []struct {
		issued time.Time
		valid  bool
	}{{time.Now().Add(-40 * 24 * time.Hour), false}, {time.Time{}, true}} {
		if err := s.Person(anna).Trust(jid, given.issued); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the token is stored", func() bool { return info(t, s, jid).Pending == 0 })
		if err := b.try(annaJID, "", "with a token", patience); restricted(err) == given.valid {
			t.Errorf("token of %v: %v", given.issued, err)
		}
	}
	budiJID := types.NewJID(budi, types.DefaultUserServer)
	if _, err := s.Say(jid, budi, "I wrote first", ""); err != nil {
		t.Fatal(err)
	}
	wait[*events.Message](b, 0)
	if err := b.try(budiJID, "", "a reply needs none", patience); err != nil {
		t.Errorf("reply: %v", err)
	}
}

// TestATokenMadeOfTheSaltIsChecked: whatsmeow reads the app state, and a right token is made of its salt and of the
// person's LID.
func TestATokenMadeOfTheSaltIsChecked(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := diskBot(t, s, database(t))
	b.client.EmitAppStateEventsOnFullSync = true
	b.pair(botPhone)
	limit(t, s, sim.Limits{NeedToken: true})
	renew := func() []byte {
		t.Helper()
		mark := b.mark()
		if err := s.Person(botPhone).GiveSalt(); err != nil {
			t.Fatal(err)
		}
		change := wait[*events.AppState](b, mark)
		action, _ := protowire.ConsumeBytes(change.ProtoReflect().GetUnknown()[2:]) // behind the field's number
		salt, n := protowire.ConsumeBytes(action[1:])
		if !slices.Equal(change.Index, []string{"nct_salt_sync"}) || n < 0 || len(salt) != 32 {
			t.Fatalf("index %v, %d bytes", change.Index, len(salt))
		}
		return salt
	}
	send := func(salt []byte, person types.JID) error {
		hash := hmac.New(sha256.New, salt)
		hash.Write([]byte(person.String()))
		_, err := b.client.SendMessage(t.Context(), annaJID, &waE2E.Message{Conversation: proto.String("hello")}, whatsmeow.SendRequestExtra{
			AdditionalNodes: &[]waBinary.Node{{Tag: "cstoken", Content: hash.Sum(nil)}},
		})
		return err
	}
	lid := types.NewJID("77"+anna, types.HiddenUserServer)
	old := renew()
	if err := send(old, annaJID); !restricted(err) {
		t.Errorf("of the number instead of the LID: %v", err)
	}
	salt := renew()
	if err := send(old, lid); !restricted(err) {
		t.Errorf("of an old salt: %v", err)
	}
	if err := send(salt, lid); err != nil {
		t.Errorf("of the salt: %v", err)
	}
}

func TestBotHandsOutAPrivacyToken(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair(botPhone)
	_, err := b.client.DangerousInternals().SendIQ(t.Context(), whatsmeow.DangerousInfoQuery{ //nolint:staticcheck // SA1019: whatsmeow has no other way to send what it does not know
		Namespace: "privacy", Type: whatsmeow.DangerousInfoQueryType("set"), To: types.ServerJID,
		Content: []waBinary.Node{{Tag: "tokens", Content: []waBinary.Node{{
			Tag: "token", Attrs: waBinary.Attrs{"jid": annaJID, "t": time.Now().Unix(), "type": "trusted_contact"},
		}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(s.Signals(0), func(signal sim.Signal) bool {
		return signal.Bot == jid.String() && signal.Tag == "token" && signal.To == annaJID.String()
	}) {
		t.Errorf("signals %+v", s.Signals(0))
	}
}

func TestTimelockAndQuotaConcernNewPeopleOnly(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair(botPhone)
	b.say(jid, "I wrote first")
	group := makeGroup(t, s, sim.AddrPN, botPhone)
	newcomer := func(n string) types.JID { return types.NewJID("49176000000"+n, types.DefaultUserServer) }
	limit(t, s, sim.Limits{TimelockedUntil: time.Now().Add(time.Hour)})
	if err := b.try(newcomer("1"), "", "hello", patience); !restricted(err) {
		t.Errorf("timelocked: %v", err)
	}
	for name, to := range map[string]types.JID{"reply": annaJID, "group": group.JID()} {
		if err := b.try(to, "", name, patience); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	limit(t, s, sim.Limits{Quota: 1})
	if err := b.try(newcomer("1"), "", "hello", patience); err != nil {
		t.Errorf("within the quota: %v", err)
	}
	if err := b.try(newcomer("1"), "", "hello again", patience); err != nil {
		t.Errorf("a chat that is begun: %v", err)
	}
	if err := b.try(newcomer("2"), "", "hello", patience); !restricted(err) {
		t.Errorf("over the quota: %v", err)
	}
}

func TestLimitsAreAnnouncedAndCanBeQueried(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair(botPhone)
	ends := time.Now().Add(time.Hour)
	limit(t, s, sim.Limits{TimelockedUntil: ends, Quota: 4, Used: 3})
	eventually(t, "both notifications are acknowledged", func() bool { return info(t, s, jid).Pending == 0 })
	ask := func(query, field string, into any) error {
		raw, err := b.client.DangerousInternals().SendMexIQ(t.Context(), query, map[string]any{}) //nolint:staticcheck // SA1019: whatsmeow has no other way to send what it does not know
		if err != nil {
			return err
		}
		var data map[string]json.RawMessage
		if err = json.Unmarshal(raw, &data); err != nil {
			return err
		}
		return json.Unmarshal(data[field], into)
	}
	var lock struct {
		Active bool   `json:"is_active"`
		Ends   int64  `json:"time_enforcement_ends,string"`
		Type   string `json:"enforcement_type"`
	}
	if err := ask("23983697327930364", "xwa2_fetch_account_reachout_timelock", &lock); err != nil || !lock.Active ||
		lock.Ends != ends.Unix() || lock.Type != "RESTRICT_ALL_COMPANIONS" {
		t.Errorf("timelock %+v: %v", lock, err)
	}
	var capping struct {
		Total  int    `json:"total_quota"`
		Used   int    `json:"used_quota"`
		Status string `json:"capping_status"`
	}
	if err := ask("24503548349331633", "xwa2_message_capping_info", &capping); err != nil || capping.Total != 4 ||
		capping.Used != 3 || capping.Status != "FIRST_WARNING" {
		t.Errorf("capping %+v: %v", capping, err)
	}
	if err := ask("1", "", nil); err == nil {
		t.Error("an unknown query was answered")
	}
	fault(t, s, sim.Fault{Kind: sim.FaultMex, Code: 500, Count: 1})
	if err := ask("23983697327930364", "xwa2_fetch_account_reachout_timelock", &lock); err == nil {
		t.Error("the fault did not strike")
	}
}

func TestNumbersThatAreNotOnWhatsApp(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	b.pair(botPhone)
	stranger := types.NewJID("99912345", types.DefaultUserServer)
	if devices, err := b.client.GetUserDevices(t.Context(), []types.JID{stranger}); err != nil || len(devices) != 0 {
		t.Errorf("devices %v: %v", devices, err)
	}
	if found, err := b.client.GetUserInfo(t.Context(), []types.JID{stranger, annaJID}); err != nil || !found[stranger].LID.IsEmpty() ||
		found[annaJID].LID.IsEmpty() {
		t.Errorf("info %+v: %v", found, err)
	}
	if err := b.try(stranger, "GONE", "anyone?", patience); err == nil {
		t.Error("a message to no one was taken")
	}
	if event := s.WaitEvent(t, 0, sim.EventStranger); event.What != "GONE" {
		t.Errorf("event %+v", event)
	}
}

// In Brazil people write a ninth digit that the address on WhatsApp does not have.
func TestNumberLeadsToAnother(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	b.pair(botPhone)
	const written, real = "5531987654321", "553187654321"
	if err := s.Person(real).Alias(written); err != nil {
		t.Fatal(err)
	}
	found, err := b.client.IsOnWhatsApp(t.Context(), []string{"+" + written})
	if err != nil || len(found) != 1 || !found[0].IsIn || found[0].JID.User != real || found[0].Query != "+"+written {
		t.Errorf("found %+v: %v", found, err)
	}
	if err = b.try(types.NewJID(written, types.DefaultUserServer), "", "lost", patience); err == nil {
		t.Error("a message to the number as it is written was taken")
	}
	if err = b.try(found[0].JID, "", "found", patience); err != nil {
		t.Error(err)
	}
	s.WaitText(t, real, "found")
}

func TestPeopleWithoutANumber(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair(botPhone)
	setPerson(t, s, sim.PersonState{Hidden: true})
	message := b.say(jid, "who am I?")
	if message.Info.Sender.Server != types.HiddenUserServer || !message.Info.SenderAlt.IsEmpty() {
		t.Errorf("read %+v", message.Info)
	}
	if err := b.try(message.Info.Chat, "LID", "hello", patience); err != nil {
		t.Fatal(err)
	}
	s.WaitText(t, anna, "hello")
	if receipt := b.waitReceipt(0, types.ReceiptTypeDelivered, "LID"); receipt.Chat != message.Info.Chat {
		t.Errorf("receipt %+v", receipt)
	}
	group := makeGroup(t, s, sim.AddrLID, budi, botPhone)
	b.inGroup(group, anna, "in a group", sim.Delivery{})
	found, err := b.client.GetGroupInfo(t.Context(), group.JID())
	if err != nil || found.Participants[0].JID != message.Info.Chat || !found.Participants[0].PhoneNumber.IsEmpty() ||
		found.Participants[1].PhoneNumber.IsEmpty() {
		t.Errorf("group %+v: %v", found, err)
	}
	if err = b.try(group.JID(), "", "hello all", patience); err != nil {
		t.Fatal(err)
	}
	s.WaitText(t, anna, "hello all")
}

func TestHistory(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := diskBot(t, s, database(t))
	jid := b.pair(botPhone)
	group := makeGroup(t, s, sim.AddrPN, botPhone)
	b.say(jid, "first")
	b.inGroup(group, anna, "to all", sim.Delivery{})
	if _, err := s.Person(botPhone).Write(annaJID, "from the phone"); err != nil {
		t.Fatal(err)
	}
	if err := s.Person(anna).Trust(jid, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if count, err := s.Person(botPhone).SendHistory(jid); err != nil || count != 3 {
		t.Fatalf("%d messages: %v", count, err)
	}
	history := wait[*events.HistorySync](b, 0).Data
	if len(history.GetConversations()) != 2 {
		t.Fatalf("history %v", history)
	}
	chat := history.GetConversations()[0]
	if chat.GetID() != annaJID.String() || len(chat.GetMessages()) != 2 || len(chat.GetTcToken()) == 0 {
		t.Errorf("chat %v", chat)
	}
	newest, err := b.client.ParseWebMessage(annaJID, chat.GetMessages()[0].GetMessage())
	if err != nil || !newest.Info.IsFromMe || newest.Message.GetConversation() != "from the phone" {
		t.Errorf("newest %+v: %v", newest, err)
	}
}

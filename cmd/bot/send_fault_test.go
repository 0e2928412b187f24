package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// reads counts how often people could read a message: a copy under the same id is shown once.
func reads(wa *simtest.Sim, id string) (n int) {
	for _, m := range onPhones(wa) {
		if m.ID == id && !m.Double && m.Retry == 0 {
			n++
		}
	}
	return n
}

func fault(t *testing.T, wa *simtest.Sim, f sim.Fault) {
	t.Helper()
	if err := wa.AddFault(f); err != nil {
		t.Fatal(err)
	}
}

func textTo(to, words string) bot.SendRequest { return bot.SendRequest{To: to, Text: words} }

func TestWhatWhatsAppRefuses(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	p.pair(wa)
	refuse := func(code int, to string) {
		fault(t, wa, sim.Fault{Kind: sim.FaultAckError, Code: code, Count: 1, To: to})
	}
	refuse(403, "62899000001")
	problem := p.refuses(bot.ProblemNotAllowed, textTo("+62899000001", "satu"))
	if m := p.stored(problem.MessageID); m.State != bot.MessageFailed || m.Problem.Code != 403 || m.Problem.Retryable || problem.Retryable == nil || *problem.Retryable {
		t.Errorf("%+v %+v", problem, m)
	}
	refuse(503, "62899000002")
	if m := p.sends(http.StatusOK, textTo("+62899000002", "dua")); reads(wa, m.ID) != 1 {
		t.Errorf("after a server error: %+v", m)
	}
	refuse(429, "62899000003")
	slow := p.sends(http.StatusAccepted, textTo("+62899000003", "tiga"))
	if slow.State != bot.MessageHeld || slow.Hold.Reason != bot.HoldRateLimited || !slow.Hold.Until.After(time.Now()) {
		t.Errorf("too fast: %+v", slow)
	}
	behind := p.sends(http.StatusAccepted, textTo("+62899000003", "empat"), "Prefer", "respond-async")
	if m := p.sends(http.StatusOK, textTo("+62899000004", "lima")); reads(wa, m.ID) != 1 {
		t.Errorf("another chat waits: %+v", m)
	}
	if m := p.stored(behind.ID); m.State != bot.MessageQueued {
		t.Errorf("the message behind: %+v", m)
	}
	status, body := p.call(http.MethodDelete, bot.PathMessages+"/"+behind.ID)
	if m := p.stored(behind.ID); status != http.StatusOK || m.State != bot.MessageCancelled {
		t.Errorf("cancel: %d %s, %+v", status, body, m)
	}
	p.refuses(bot.ProblemNotOnWhatsApp, textTo("+999123456789", "siapa?"))
	events, _ := wa.Events(0)
	for _, m := range events {
		if m.Kind == sim.EventStranger {
			t.Errorf("a message to a stranger went out: %+v", m)
		}
	}
	if err := wa.Person("5511987654321").Alias("551187654321"); err != nil {
		t.Fatal(err)
	}
	if m := p.sends(http.StatusOK, textTo("+551187654321", "oi")); m.Chat.Phone != "+5511987654321" || p.onPhone(wa, m.ID).Phone != "5511987654321" {
		t.Errorf("ninth digit: %+v", m)
	}
	var checked bot.CheckedContacts
	p.asks(bot.PathContactsCheck, bot.CheckRequest{Contacts: []string{"+55 11 8765-4321", "+999123456789", "+62899000009"}}, &checked)
	if c := checked.Contacts; len(c) != 3 || !c[0].OnWhatsApp || c[0].NewChat || !c[0].Sendable || c[0].Contact.Phone != "+5511987654321" || c[0].Contact.LID == "" ||
		c[1].OnWhatsApp || c[1].Sendable || !c[2].OnWhatsApp || !c[2].NewChat {
		t.Errorf("%+v", c)
	}
}

func TestAMissingAnswerSendsNothingTwice(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	p.pair(wa)
	for i, kind := range []string{sim.FaultLoseAck, sim.FaultResetAck, sim.FaultResetMessage} {
		to := "6289900010" + string(rune('0'+i))
		fault(t, wa, sim.Fault{Kind: kind, Count: 1, To: to})
		m := p.sends(http.StatusOK, textTo("+"+to, kind))
		p.becomes(m.ID, bot.MessageDelivered)
		if n := reads(wa, m.ID); n != 1 {
			t.Errorf("%s: read %d times", kind, n)
		}
		if kind == sim.FaultLoseAck && strings.Contains(p.out.String(), "not sent at this attempt") {
			t.Error("the bot wrote that a message was not sent that its recipient has")
		}
		p.untilConnected()
	}
	if m := p.sends(http.StatusOK, textTo("+62899000109", "lancar")); reads(wa, m.ID) != 1 {
		t.Errorf("%+v", m)
	}
}

// What is in the outbox waits for the connection, over a restart too; another account does not send it, and knows
// none of the chats.
func TestTheOutboxOutlivesTheConnection(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	device := p.pair(wa).JID
	p.call(http.MethodPost, bot.PathStop)
	waiting := p.sends(http.StatusAccepted, textTo("+62899000001", "nanti"), "Prefer", "wait=1")
	later := bot.SendRequest{To: "+62899000001", Text: "besok", SendAt: bot.At(time.Now().Add(time.Hour))}
	scheduled := p.sends(http.StatusAccepted, later)
	p.kill()
	p = start(t, settings(wa, dir))
	p.call(http.MethodPost, bot.PathRestart)
	p.becomes(waiting.ID, bot.MessageDelivered)
	if m := p.stored(scheduled.ID); m.State != bot.MessageQueued || m.SendAt.IsZero() {
		t.Errorf("%+v", m)
	}

	// The phone asks again after the restart: the bot still has the message.
	p.terminate()
	p = start(t, settings(wa, dir))
	p.untilConnected()
	if err := wa.Person("62899000001").AskAgain(deviceJID(t, device), waiting.ID, 1); err != nil {
		t.Fatal(err)
	}
	p.waitFor("the message again", func() bool {
		for _, m := range onPhones(wa) {
			if m.ID == waiting.ID && m.Retry > 0 && m.Text == "nanti" {
				return true
			}
		}
		return false
	})

	p.call(http.MethodPost, bot.PathStop)
	orphan := p.sends(http.StatusAccepted, textTo("+62899000002", "dari akun lama"), "Prefer", "respond-async")
	p.call(http.MethodDelete, bot.PathClear+"?force")
	p.call(http.MethodPost, bot.PathRestart)
	p.scan(wa, p.code(), "62811000002")
	if m := p.becomes(orphan.ID, bot.MessageFailed); m.Problem.Type != bot.ProblemOtherAccount.Type() {
		t.Errorf("%+v", m)
	}
	if reads(wa, orphan.ID) != 0 {
		t.Error("another account sent the message")
	}
	var checked bot.CheckedContacts // the account before wrote to this person, this one did not
	p.asks(bot.PathContactsCheck, bot.CheckRequest{Contacts: []string{"+62899000001"}}, &checked)
	if c := checked.Contacts; len(c) != 1 || !c[0].OnWhatsApp || !c[0].NewChat {
		t.Errorf("%+v", c)
	}
}

// The server says that the bot's list of a group's devices is old: the message counts as sent, and the next one goes to
// the devices that the server knows.
func TestAGroupWhoseDevicesTheBotDoesNotKnow(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	p.pair(wa)
	group, err := wa.MakeGroup("Keluarga", sim.AddrLID, "62899000001", phone, "62899000002")
	if err != nil {
		t.Fatal(err)
	}
	to := group.JID().String()
	fault(t, wa, sim.Fault{Kind: sim.FaultPHash, Count: 1})
	for _, words := range []string{"satu", "dua"} {
		m := p.sends(http.StatusOK, textTo(to, words))
		p.becomes(m.ID, bot.MessageDelivered)
		p.waitFor("both members to read it", func() bool { return reads(wa, m.ID) == 2 })
		for _, got := range onPhones(wa) {
			if got.ID == m.ID && got.Double {
				t.Errorf("twice at a phone: %+v", got)
			}
		}
	}
}

// The disk fills up while WhatsApp's answer is on its way: what became of the message is written later, and it is not
// sent again to people. Meanwhile the bot takes no message that it could not keep.
func TestADiskThatFillsUpDuringASend(t *testing.T) {
	wa, dir := whatsapp(t), smallDisk(t, "10m")
	p := start(t, settings(wa, dir))
	p.pair(wa)
	first := p.sends(http.StatusOK, textTo("+62899000001", "halo"))
	p.becomes(first.ID, bot.MessageDelivered)
	if err := wa.Person("62899000001").Set(sim.PersonState{Silent: true}); err != nil {
		t.Fatal(err)
	}
	fault(t, wa, sim.Fault{Kind: sim.FaultLateAck, MS: 3000, Count: 1, To: "62899000001"})
	m := p.sends(http.StatusAccepted, textTo("+62899000001", "penuh"), "Prefer", "respond-async")
	p.onPhone(wa, m.ID)
	ballast := fill(t, dir)
	status, body, err := p.tryJSON(http.MethodPost, bot.PathMessages, textTo("+62899000001", strings.Repeat("tidak muat ", 4000)), "Prefer", "wait=5")
	if err != nil || status < 500 {
		t.Errorf("a message that cannot be kept: %d %s %v", status, body, err)
	}
	p.waitFor("the late answer", func() bool {
		// A few bytes may fit in the journal's log still.
		return strings.Contains(p.out.String(), "could not be written") || p.stored(m.ID).State == bot.MessageSent
	})
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	p.becomes(m.ID, bot.MessageSent)
	if n := reads(wa, m.ID); n != 1 {
		t.Errorf("read %d times", n)
	}
	for _, got := range onPhones(wa) {
		if strings.HasPrefix(got.Text, "tidak muat") {
			t.Error("a message that was refused went out")
		}
	}
}

func TestWhatRefersToAMessage(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	own := jid(t, p.pair(wa).JID)
	friend := wa.Person("62899000001")
	asked, err := friend.Write(own, "kopi 25rb")
	mustSend(t, asked, err)
	p.waitForEvent("a message", ofType(bot.EventMessage))
	first := p.sends(http.StatusOK, textTo("+62899000001", "tercatat 2.500"))

	reaction := p.sends(http.StatusOK, bot.SendRequest{To: "+62899000001", Reaction: &bot.SendReaction{MessageID: asked, Emoji: "👍"}})
	if got := p.onPhone(wa, reaction.ID); got.Kind != sim.KindReaction || got.Text != "👍" || got.Ref != asked {
		t.Errorf("%+v", got)
	}
	var edit bot.Message
	p.changes(http.MethodPatch, first.ID, bot.EditRequest{Text: "tercatat 25.000"}, http.StatusOK, &edit)
	if got := p.onPhone(wa, edit.ID); got.Kind != sim.KindEdit || got.Text != "tercatat 25.000" || got.Ref != first.ID || got.Edit != "1" {
		t.Errorf("%+v", got)
	}
	if m := p.stored(first.ID); m.Text != "tercatat 25.000" || m.EditedAt.IsZero() {
		t.Errorf("%+v", m)
	}
	forwarded := p.sends(http.StatusOK, bot.SendRequest{To: "+62899000002", Forward: &bot.SendForward{MessageID: asked}})
	if got := p.onPhone(wa, forwarded.ID); got.Text != "kopi 25rb" || !got.Message.GetExtendedTextMessage().GetContextInfo().GetIsForwarded() {
		t.Errorf("%+v", got)
	}
	preview := p.sends(http.StatusOK, bot.SendRequest{
		To: "+62899000001", Text: "lihat https://example.com/a", LinkPreview: &bot.LinkPreview{URL: "https://example.com/a", Title: "Contoh", Description: "Sebuah contoh"},
	})
	if got := p.onPhone(wa, preview.ID).Message.GetExtendedTextMessage(); got.GetTitle() != "Contoh" || got.GetMatchedText() != "https://example.com/a" {
		t.Errorf("%+v", got)
	}
	var revocation bot.Message
	p.changes(http.MethodDelete, first.ID, nil, http.StatusOK, &revocation)
	if got := p.onPhone(wa, revocation.ID); got.Kind != sim.KindRevoke || got.Ref != first.ID {
		t.Errorf("%+v", got)
	}
	if m := p.stored(first.ID); m.Text != "" || m.RevokedAt.IsZero() {
		t.Errorf("%+v", m)
	}
	p.changes(http.MethodPatch, asked, bot.EditRequest{Text: "kopi 2rb"}, http.StatusConflict, nil)
	if status, body, err := p.tryJSON(http.MethodPost, strings.Replace(bot.PathMessageRead, "{id}", asked, 1), nil); err != nil || status != http.StatusOK {
		t.Errorf("read: %d %s %v", status, body, err)
	}
	p.waitFor("the read receipt", func() bool {
		for _, s := range wa.Signals(0) {
			if s.Tag == "receipt" && s.Type == "read" {
				return true
			}
		}
		return false
	})

	group, err := wa.MakeGroup("Keluarga", "lid", "62899000001", phone)
	if err != nil {
		t.Fatal(err)
	}
	m := p.sends(http.StatusOK, textTo(group.JID().String(), "halo semua"))
	if got := p.onPhone(wa, m.ID); got.Text != "halo semua" || got.To != group.JID().String() {
		t.Errorf("%+v", got)
	}
	p.becomes(m.ID, bot.MessageDelivered)
}

// New chats wait while the account may not begin any; others go on.
func TestNewChatsWaitForTheirTime(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	noon := fmt.Sprintf("Etc/GMT%+d", time.Now().UTC().Hour()-12) // where the day does not end during the test
	p := start(t, settings(wa, dir, "MESSAGES_NEW_CHATS=2", "MESSAGES_TIME_ZONE="+noon))
	own := jid(t, p.pair(wa).JID)
	account := wa.Person(phone)
	set := func(limits sim.Limits) {
		t.Helper()
		if err := account.SetLimits(limits); err != nil {
			t.Fatal(err)
		}
	}
	set(sim.Limits{TimelockedUntil: time.Now().Add(time.Hour)})
	held := p.sends(http.StatusAccepted, textTo("+62899000001", "kenalan"))
	if held.State != bot.MessageHeld || held.Hold.Reason != bot.HoldTimelocked {
		t.Errorf("%+v", held)
	}
	id, err := wa.Person("62899000002").Write(own, "halo")
	mustSend(t, id, err)
	p.waitForEvent("a message", ofType(bot.EventMessage))
	if m := p.sends(http.StatusOK, textTo("+62899000002", "halo juga")); reads(wa, m.ID) != 1 {
		t.Errorf("an answer waits: %+v", m)
	}
	set(sim.Limits{})
	var limits bot.AccountLimits
	p.waitFor("the end of the timelock", func() bool {
		p.get(bot.PathAccountLimits, &limits)
		return limits.TimelockedUntil.IsZero()
	})
	p.becomes(held.ID, bot.MessageDelivered)
	p.waitForEvent("the new limits", ofType(bot.EventAccountLimits))

	set(sim.Limits{NeedToken: true})
	p.refuses(bot.ProblemRestricted, textTo("+62899000003", "tanpa token"))
	if err := wa.Person("62899000003").Trust(own, time.Now().Add(-60*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	p.refuses(bot.ProblemRestricted, textTo("+62899000003", "token basi"))
	if err := wa.Person("62899000003").Trust(own, time.Time{}); err != nil {
		t.Fatal(err)
	}
	p.waitFor("the message with a token", func() bool {
		status, _, err := p.tryJSON(http.MethodPost, bot.PathMessages, textTo("+62899000003", "dengan token"))
		return err == nil && status == http.StatusOK
	})
	p.waitFor("the bot's own token at the server", func() bool {
		for _, s := range wa.Signals(0) {
			if s.Tag == "token" && s.Type == "trusted_contact" {
				return true
			}
		}
		return false
	})
	over := p.sends(http.StatusAccepted, textTo("+62899000004", "ketiga hari ini"))
	if over.State != bot.MessageHeld || over.Hold.Reason != bot.HoldBudget {
		t.Errorf("%+v", over)
	}
	p.get(bot.PathAccountLimits, &limits)
	if limits.Pace.NewChatsPerDay != 2 || limits.Pace.NewChatsToday != 2 {
		t.Errorf("%+v", limits.Pace)
	}
}

// TestAFirstMessageCarriesATokenOfTheSalt: the person gave no privacy token, so the bot makes one of the account's salt,
// which it reads from the app state when it needs it; it follows a new salt, also one that came while it was away.
func TestAFirstMessageCarriesATokenOfTheSalt(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	own := jid(t, p.pair(wa).JID)
	account := wa.Person(phone)
	if err := account.SetLimits(sim.Limits{NeedToken: true}); err != nil {
		t.Fatal(err)
	}
	p.refuses(bot.ProblemRestricted, textTo("+62899000011", "tanpa garam"))
	renew := func() {
		t.Helper()
		if err := account.GiveSalt(); err != nil {
			t.Fatal(err)
		}
	}
	settled := func() {
		t.Helper()
		p.waitFor("the phone's messages to be handled", func() bool {
			all := wa.Devices()
			return len(all) == 1 && all[0].Pending == 0 && all[0].Online
		})
	}
	p.terminate()
	renew()
	p = start(t, settings(wa, dir))
	p.untilConnected()
	settled()
	if m := p.sends(http.StatusOK, textTo("+62899000012", "garam pertama")); reads(wa, m.ID) != 1 {
		t.Errorf("with the first salt: %+v", m)
	}
	renew()
	settled()
	p.waitFor("a message with the second salt", func() bool {
		status, _, err := p.tryJSON(http.MethodPost, bot.PathMessages, textTo("+62899000013", "garam kedua"))
		return err == nil && status == http.StatusOK
	})
	p.terminate()
	p = start(t, settings(wa, dir))
	p.untilConnected()
	if m := p.sends(http.StatusOK, textTo("+62899000014", "dari disk")); reads(wa, m.ID) != 1 {
		t.Errorf("with the salt on the disk: %+v", m)
	}
	if err := wa.Person("62899000015").Trust(own, time.Time{}); err != nil {
		t.Fatal(err)
	}
	settled()
	if m := p.sends(http.StatusOK, textTo("+62899000015", "dengan token orangnya")); reads(wa, m.ID) != 1 {
		t.Errorf("with the person's own token: %+v", m)
	}
}

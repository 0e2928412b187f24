package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/sim"
)

// outsideClient is what the generated client, or the check of events, reports.
type outsideClient struct {
	Good, Wrong, Names []string
	Events             int
}

func runNode(t *testing.T, into any, env []string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "node", args...)
	command.Env = append(os.Environ(), env...)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	if err := command.Run(); err != nil {
		t.Fatalf("node %v: %v\n%s", args, err, errs.String())
	}
	if err := json.Unmarshal(out.Bytes(), into); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
}

// A client that is generated from WAHA's own OpenAPI document drives the bot; each answer and each event is validated
// against that document. The document is not part of the tree: WAHA_OPENAPI names it.
func TestAClientOfWAHAsDocument(t *testing.T) {
	document := os.Getenv("WAHA_OPENAPI")
	if document == "" {
		t.Skip("WAHA_OPENAPI does not name WAHA's openapi.json; TestWAHAsClientsSendAndRead and TestWAHAsWebhook stand for it")
	}
	folder, err := exec.CommandContext(t.Context(), filepath.Join("..", "..", "test", "waha", "install.sh"), document).Output()
	if err != nil || len(folder) == 0 {
		t.Fatalf("install the client: %s, %v", folder, err)
	}
	at := strings.TrimSpace(string(folder))
	wa, h := whatsapp(t), startWAHAHook(t)
	p := start(t, settings(wa, t.TempDir(), "WHATSAPP_HOOK_URL="+h.URL, "WHATSAPP_HOOK_EVENTS=*", "WHATSAPP_HOOK_HMAC_KEY="+wahaKey,
		"WHATSAPP_HOOK_CUSTOM_HEADERS=X-Team:sales"))
	own := jid(t, p.pair(wa).JID)
	budi := wa.Person("6289900000001")
	came, err := budi.Write(own, "halo")
	mustSend(t, came, err)
	call, err := budi.Call(own, sim.Ring{})
	mustSend(t, call, err)
	group, err := wa.MakeGroup("Keluarga", sim.AddrPN, own.User, "6289900000001", "6289900000002")
	if err != nil {
		t.Fatal(err)
	}
	channel, err := budi.Newsletter()
	if err != nil {
		t.Fatal(err)
	}
	p.wahaEvent(h, "message", any1)
	p.wahaEvent(h, "call.received", any1)
	if err := wa.Person(own.User).GiveAppState(); err != nil {
		t.Fatal(err)
	}
	p.waitFor("the phone's key", func() bool {
		status, _, err := p.tryJSON(http.MethodPut, pathOf(bot.PathMessageStar, came), nil)
		return err == nil && status == http.StatusOK
	})
	var pair bot.WAHALID
	p.waha(200, http.MethodGet, "/api/default/lids/pn/6289900000001", nil, &pair)
	var client outsideClient
	runNode(t, &client, []string{"BOT=http://" + p.plain, "CHAT=6289900000001@c.us", "GROUP=" + group.JID().String(), "CHANNEL=" + channel.String(),
		"CAME=false_6289900000001@c.us_" + came, "LID=" + *pair.LID, "CALL=" + call}, filepath.Join(at, "client.js"))
	for _, wrong := range client.Wrong {
		t.Error(wrong)
	}
	t.Logf("%d operations answered as documented", len(client.Good))

	meeting := p.sends(http.StatusOK, bot.SendRequest{To: "+6289900000001", Appointment: &bot.Appointment{Name: "Arisan", StartsAt: bot.At(time.Unix(2_063_137_000, 0))}})
	p.onPhone(wa, meeting.ID)
	for form := range map[sim.VoteForm]bool{{}: true, {Author: sim.AddrPN, Voter: sim.AddrPN}: true} {
		answer, err := budi.Answer(own, meeting.ID, form, sim.Going, 1)
		mustSend(t, answer, err)
	}
	p.wahaEvent(h, "event.response", any1)
	p.wahaEvent(h, "message.revoked", any1)
	p.wahaEvent(h, "label.deleted", any1)
	h.mu.Lock()
	all, err := json.Marshal(h.got)
	h.mu.Unlock()
	file := filepath.Join(t.TempDir(), "events.json")
	if err != nil || os.WriteFile(file, all, 0o600) != nil {
		t.Fatal(err)
	}
	var events outsideClient
	runNode(t, &events, nil, filepath.Join(at, "check.mjs"), file)
	for _, wrong := range events.Wrong {
		t.Error(wrong)
	}
	t.Logf("%d events of %v", events.Events, events.Names)
}

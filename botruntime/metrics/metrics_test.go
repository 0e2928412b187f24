package metrics

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
)

func scrape(t *testing.T, b *Bot) string {
	t.Helper()
	answer := httptest.NewRecorder()
	b.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	if answer.Code != 200 {
		t.Fatalf("scrape = %d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("scrape lacks %q:\n%s", line, text)
		}
	}
}

func TestCounters(t *testing.T) {
	b := New("v1.2.3")
	// A reason that never happened is there, or rate() would miss its first time.
	wantLines(t, scrape(t, b), `sesi_bot_reconnects_total{reason="ConnectionLost"} 0`, `sesi_bot_logouts_total{reason="LoggedOut"} 0`)

	b.Reconnect(bot.ReasonConnectionLost)
	b.CodeIssued()
	b.CodeIssued()
	b.Paired()
	b.LoggedOut(bot.ReasonPrimaryDeviceGone)
	b.TakenOver()
	b.MessageReceived()
	b.MessageUndecryptable()
	b.BackupFailed()
	b.StoreRestored()
	wantLines(t, scrape(t, b),
		`sesi_bot_reconnects_total{reason="ConnectionLost"} 1`,
		`sesi_bot_qr_codes_total 2`,
		`sesi_bot_pairings_total 1`,
		`sesi_bot_logouts_total{reason="PrimaryDeviceGone"} 1`,
		`sesi_bot_takeovers_total 1`,
		`sesi_bot_messages_received_total 1`,
		`sesi_bot_messages_undecryptable_total 1`,
		`sesi_bot_backup_failures_total 1`,
		`sesi_bot_store_restored_total 1`,
	)
}

func TestGaugesFollowTheSnapshot(t *testing.T) {
	b := New("v1.2.3")
	if text := scrape(t, b); strings.Contains(text, "sesi_bot_state") {
		t.Fatalf("a bot that has not started yet has a state:\n%s", text)
	}
	current := &bot.Snapshot{
		ClientID: "628120000001", JID: "628120000001:7@s.whatsapp.net", LID: "99@lid", PushName: "Toko",
		State: bot.StatePairing, Reason: bot.ReasonQRAvailable, QRRequired: true, Expired: true,
	}
	b.Observe(func() *bot.Snapshot { return current })
	text := scrape(t, b)
	wantLines(t, text,
		`sesi_bot_state{state="Pairing"} 1`, `sesi_bot_state{state="Connected"} 0`, `sesi_bot_connected 0`,
		`sesi_bot_session_exists 0`, `sesi_bot_qr_required 1`, `sesi_bot_expired 1`,
	)
	current = &bot.Snapshot{State: bot.StateConnected, Connected: true, Exists: true}
	wantLines(t, scrape(t, b),
		`sesi_bot_state{state="Pairing"} 0`, `sesi_bot_state{state="Connected"} 1`, `sesi_bot_connected 1`,
		`sesi_bot_session_exists 1`, `sesi_bot_qr_required 0`, `sesi_bot_expired 0`,
	)
	for _, secret := range []string{"62812", "Toko", "99@lid"} {
		if strings.Contains(text, secret) {
			t.Errorf("the scrape gives away %q", secret)
		}
	}
}

func TestBackups(t *testing.T) {
	b := New("v1.2.3")
	wantLines(t, scrape(t, b), `sesi_bot_backup_last_success_timestamp_seconds 0`, `sesi_bot_backup_interval_seconds 0`)
	b.BackupInterval(5 * time.Minute)
	b.BackedUp(time.Unix(1_700_000_000, 0))
	wantLines(t, scrape(t, b), `sesi_bot_backup_last_success_timestamp_seconds 1.7e+09`, `sesi_bot_backup_interval_seconds 300`)
}

func TestWebVersionAge(t *testing.T) {
	b := New("v1.2.3")
	b.now = func() time.Time { return time.Unix(1_700_000_060, 0) }
	if text := scrape(t, b); strings.Contains(text, "web_version_age") {
		t.Fatal("an unknown age is shown")
	}
	b.WebVersion(time.Unix(1_700_000_000, 0))
	wantLines(t, scrape(t, b), `sesi_bot_web_version_age_seconds 60`)
	// The clock may have gone back since the fetch.
	b.WebVersion(time.Unix(1_800_000_000, 0))
	wantLines(t, scrape(t, b), `sesi_bot_web_version_age_seconds 0`)
}

func TestProcessAndBuild(t *testing.T) {
	text := scrape(t, New("v1.2.3"))
	for _, want := range []string{
		"sesi_bot_build_info{goversion=\"go1", `version="v1.2.3"} 1`, "\ngo_goroutines ", "\ngo_memstats_heap_alloc_bytes ",
		"\nprocess_cpu_seconds_total ", "\nprocess_resident_memory_bytes ", "\nprocess_open_fds ", "\nprocess_start_time_seconds ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("scrape lacks %q:\n%s", want, text)
		}
	}
}

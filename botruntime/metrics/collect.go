package metrics

import (
	"runtime"
	"time"

	"sesi.dev/sesi/api/bot"
)

// collect writes all that the bot tells.
func (b *Bot) collect(p *page) {
	b.reconnects.collect(p, "sesi_bot_reconnects_total", "Connections opened again, by why the one before ended.")
	b.logouts.collect(p, "sesi_bot_logouts_total", "Ends of the link, by reason.")
	p.counter("sesi_bot_qr_codes_total", "QR codes shown.", float64(b.codes.Load()))
	p.counter("sesi_bot_pairings_total", "Times a phone linked the session.", float64(b.pairings.Load()))
	p.counter("sesi_bot_takeovers_total", "Times the bot took its session back from another client.", float64(b.takeovers.Load()))
	p.counter("sesi_bot_messages_received_total", "Messages received and decrypted.", float64(b.messages.Load()))
	p.counter("sesi_bot_messages_undecryptable_total", "Messages received that could not be decrypted.", float64(b.undecryptable.Load()))
	p.counter("sesi_bot_backup_failures_total", "Backups of the store that failed.", float64(b.backupFailures.Load()))
	p.counter("sesi_bot_store_restored_total", "Times a damaged store was replaced by a backup.", float64(b.restoreds.Load()))
	p.gauge("sesi_bot_backup_last_success_timestamp_seconds",
		"When a good backup was last taken, or the newest one found to hold all there is; 0 for never.", float64(b.backedUp.Load())/1000)
	p.gauge("sesi_bot_backup_interval_seconds", "Time between backups as configured; 0 when they are off.",
		time.Duration(b.interval.Load()).Seconds())
	if fetched := b.webVersion.Load(); fetched != 0 {
		p.gauge("sesi_bot_web_version_age_seconds",
			"Age of the WhatsApp Web version in use: since it was fetched, or for the one built in since its library was made.",
			float64(max(0, b.now().Unix()-fetched)))
	}
	if source := b.snapshot.Load(); source != nil {
		if snapshot := (*source)(); snapshot != nil {
			collectSnapshot(p, snapshot)
		}
	}
	p.family("sesi_bot_build_info", "gauge", "Always 1; the labels say what runs.")
	p.row("sesi_bot_build_info", 1, "goversion", runtime.Version(), "version", b.version)
	collectProcess(p)
}

func collectSnapshot(p *page, snapshot *bot.Snapshot) {
	p.family("sesi_bot_state", "gauge", "1 for the state the session is in, 0 for the others.")
	for _, state := range bot.States {
		p.row("sesi_bot_state", flag(snapshot.State == state), "state", string(state))
	}
	p.gauge("sesi_bot_connected", "1 while the bot is logged in over a socket that answers.", flag(snapshot.Connected))
	p.gauge("sesi_bot_session_exists", "1 while the store holds a linked device.", flag(snapshot.Exists))
	p.gauge("sesi_bot_qr_required", "1 while only a person with the phone can bring the session back.", flag(snapshot.QRRequired))
	p.gauge("sesi_bot_expired", "1 from a logout until the next pairing.", flag(snapshot.Expired))
}

func flag(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

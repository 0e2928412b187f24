package metrics

import (
	"runtime"
	"slices"
	"time"

	"sesi.dev/sesi/api/bot"
)

func gauge(name, help string, labels ...string) *desc {
	return &desc{aGauge, "sesi_bot_" + name, help, labels}
}

var (
	stateDesc      = gauge("state", "1 for the state the session is in, 0 for the others.", "state")
	connectedDesc  = gauge("connected", "1 while the bot is logged in over a socket that answers.")
	existsDesc     = gauge("session_exists", "1 while the database holds a linked device.")
	qrRequiredDesc = gauge("qr_required", "1 while only a person with the phone can bring the session back.")
	expiredDesc    = gauge("expired", "1 from a logout until the next pairing.")
	backupDesc     = gauge("backup_last_success_timestamp_seconds", "Time of the last good backup, or of the last check that it is still complete; 0 for never.")
	intervalDesc   = gauge("backup_interval_seconds", "Time between backups as configured; 0 when they are off.")
	webVersionDesc = gauge("web_version_age_seconds", "Age of the WhatsApp Web version in use: since it was fetched, or since the library's commit for the built-in one.")
	buildDesc      = gauge("build_info", "Always 1; the labels name the build.", "goversion", "version")
)

// Names lists every metric that the bot can have; one whose labels have no values yet is not in a scrape.
func (b *Bot) Names() (all []string) {
	for _, one := range slices.Concat(b.counters, b.messages.counters()) {
		all = append(all, one.name)
	}
	for _, of := range []*desc{
		stateDesc, connectedDesc, existsDesc, qrRequiredDesc, expiredDesc, backupDesc, intervalDesc, webVersionDesc, buildDesc,
		cpuDesc, residentDesc, filesDesc, startDesc, goroutinesDesc, heapDesc,
	} {
		all = append(all, of.name)
	}
	if b.messages != nil {
		all = append(all, b.messages.attemptTime.name)
		for _, one := range messageGauges {
			all = append(all, one.desc.name)
		}
	}
	return all
}

// collect reads every metric of the bot.
func (b *Bot) collect() (all []sample) {
	for _, counter := range b.counters {
		all = append(all, counter.collect()...)
	}
	all = append(all, number(buildDesc, 1, runtime.Version(), b.version),
		number(backupDesc, float64(b.backedUp.Load())/1000), number(intervalDesc, time.Duration(b.interval.Load()).Seconds()))
	if fetched := b.webVersion.Load(); fetched != 0 {
		all = append(all, number(webVersionDesc, max(0, float64(b.now().Unix()-fetched))))
	}
	if source := b.snapshot.Load(); source != nil {
		if snapshot := (*source)(); snapshot != nil {
			all = append(all, collectSnapshot(snapshot)...)
		}
	}
	if b.messages != nil {
		all = append(all, b.messages.collect()...)
	}
	return append(all, collectProcess()...)
}

func collectSnapshot(snapshot *bot.Snapshot) (all []sample) {
	for _, state := range bot.States {
		all = append(all, flag(stateDesc, snapshot.State == state, string(state)))
	}
	return append(all, flag(connectedDesc, snapshot.Connected), flag(existsDesc, snapshot.Exists),
		flag(qrRequiredDesc, snapshot.QRRequired), flag(expiredDesc, snapshot.Expired))
}

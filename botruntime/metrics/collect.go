package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sesi.dev/sesi/api/bot"
)

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("sesi_bot_"+name, help, labels, nil)
}

var (
	stateDesc      = gauge("state", "1 for the state the session is in, 0 for the others.", "state")
	connectedDesc  = gauge("connected", "1 while the bot is logged in over a socket that answers.")
	existsDesc     = gauge("session_exists", "1 while the store holds a linked device.")
	qrRequiredDesc = gauge("qr_required", "1 while only a person with the phone can bring the session back.")
	expiredDesc    = gauge("expired", "1 from a logout until the next pairing.")
	backupDesc     = gauge("backup_last_success_timestamp_seconds", "Time of the last good backup, or of the last check that it is still complete; 0 for never.")
	intervalDesc   = gauge("backup_interval_seconds", "Time between backups as configured; 0 when they are off.")
	webVersionDesc = gauge("web_version_age_seconds", "Age of the WhatsApp Web version in use: since it was fetched, or since the release of the library for the built-in one.")
	buildDesc      = gauge("build_info", "Always 1; the labels name the build.", "version", "goversion")
)

// Describe implements prometheus.Collector.
func (b *Bot) Describe(descs chan<- *prometheus.Desc) {
	for _, counter := range b.counters {
		counter.Describe(descs)
	}
	for _, desc := range []*prometheus.Desc{
		stateDesc, connectedDesc, existsDesc, qrRequiredDesc, expiredDesc, backupDesc, intervalDesc, webVersionDesc, buildDesc,
	} {
		descs <- desc
	}
	describeProcess(descs)
}

// Collect implements prometheus.Collector.
func (b *Bot) Collect(metrics chan<- prometheus.Metric) {
	for _, counter := range b.counters {
		counter.Collect(metrics)
	}
	metrics <- b.build
	metrics <- number(backupDesc, float64(b.backedUp.Load())/1000)
	metrics <- number(intervalDesc, time.Duration(b.interval.Load()).Seconds())
	if fetched := b.webVersion.Load(); fetched != 0 {
		metrics <- number(webVersionDesc, max(0, float64(b.now().Unix()-fetched)))
	}
	if source := b.snapshot.Load(); source != nil {
		if snapshot := (*source)(); snapshot != nil {
			collectSnapshot(metrics, snapshot)
		}
	}
	collectProcess(metrics)
}

func collectSnapshot(metrics chan<- prometheus.Metric, snapshot *bot.Snapshot) {
	for _, state := range bot.States {
		metrics <- flag(stateDesc, snapshot.State == state, string(state))
	}
	metrics <- flag(connectedDesc, snapshot.Connected)
	metrics <- flag(existsDesc, snapshot.Exists)
	metrics <- flag(qrRequiredDesc, snapshot.QRRequired)
	metrics <- flag(expiredDesc, snapshot.Expired)
}

func flag(desc *prometheus.Desc, on bool, labels ...string) prometheus.Metric {
	if on {
		return number(desc, 1, labels...)
	}
	return number(desc, 0, labels...)
}

func number(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

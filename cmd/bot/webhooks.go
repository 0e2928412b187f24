package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/botruntime/metrics"
	"sesi.dev/sesi/botruntime/reach"
	"sesi.dev/sesi/botruntime/waha"
	"sesi.dev/sesi/botruntime/webhook"
)

// openWebhooks returns what delivers to the webhooks of the settings. A bot on a machine may reach loopback: the
// person who sets its webhooks has an account there. In a pod loopback belongs to the pod's containers.
func openWebhooks(cfg config.Config, m *messages, meter webhook.Meter) (*webhook.Manager, error) {
	_, inPod := os.LookupEnv("KUBERNETES_SERVICE_HOST")
	guard, err := reach.New("WEBHOOK_ALLOW", cfg.WebhookAllow, !inPod)
	if err != nil {
		return nil, err
	}
	load, err := targetsOf(cfg)
	if err != nil {
		return nil, err
	}
	return webhook.New(webhook.Options{
		Journal: m.journal, Names: m.names, Guard: guard, Load: load, Meter: meter, Agent: "Sesi/" + version, Log: m.log,
		Teller: func() waha.Teller { return m.teller(cfg) },
	}), nil
}

// teller tells WAHA's clients of the session as it is now.
func (m *messages) teller(cfg config.Config) waha.Teller {
	t := waha.Teller{Session: cfg.ClientID, Base: cfg.WAHABaseURL, Version: version, Find: m.journal.Find}
	if t.Base == "" {
		t.Base = "http://localhost:" + strconv.Itoa(cfg.Port)
	}
	if watch := m.watch.Load(); watch != nil {
		snap, _ := (*watch)()
		t.Me = waha.Me(snap)
	}
	return t
}

// targetsOf returns what gives the webhooks at this moment. A file that cannot be read at the start is a wrong
// setting; later the webhooks stay as they are.
func targetsOf(cfg config.Config) (func() ([]webhook.Target, bool, error), error) {
	var targets []webhook.Target
	switch {
	case cfg.WebhooksFile != "":
		f := &targetFile{path: cfg.WebhooksFile}
		if _, _, err := f.load(); err != nil {
			return nil, fmt.Errorf("WEBHOOKS_FILE: %w", err)
		}
		f.seen = nil
		return f.load, nil
	case cfg.WebhookURL != "":
		one, err := webhook.One(string(cfg.WebhookURL), string(cfg.WebhookSecret), cfg.WebhookEvents)
		if err != nil {
			return nil, err
		}
		targets = append(targets, one)
	}
	if cfg.Hook.URL != "" {
		one, err := webhook.Hook(string(cfg.Hook.URL), string(cfg.Hook.Key), cfg.Hook.Events, cfg.Hook.HeaderMap(), cfg.Hook.Patience())
		if err != nil {
			return nil, err
		}
		targets = append(targets, one)
	}
	return func() ([]webhook.Target, bool, error) { return targets, false, nil }, nil
}

// targetFile is read again when it changes.
type targetFile struct {
	path string
	seen os.FileInfo
}

// longestWebhooks bounds what is read of a file of webhooks; a longer one is refused.
const longestWebhooks = 512 << 10

func (f *targetFile) load() (targets []webhook.Target, changed bool, err error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, false, err
	}
	if f.seen != nil && os.SameFile(info, f.seen) && info.ModTime().Equal(f.seen.ModTime()) && info.Size() == f.seen.Size() {
		return nil, false, nil
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, false, err
	}
	data, err := io.ReadAll(io.LimitReader(file, longestWebhooks))
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, false, err
	}
	if targets, err = webhook.Parse(data); err != nil {
		return nil, false, fmt.Errorf("%s: %w", f.path, err)
	}
	f.seen = info
	return targets, true, nil
}

// webhookGauges reads what a scrape shows of webhooks.
func (m *messages) webhookGauges(ctx context.Context) (out []metrics.Gauge) {
	all, err := m.webhooks.List(ctx)
	if err != nil {
		return nil
	}
	for _, w := range all {
		labels := []string{w.Name}
		waited, delivering := 0.0, 0.0
		if !w.BacklogSince.IsZero() {
			waited = max(0, m.journal.Now().Sub(w.BacklogSince.Time).Seconds())
		}
		if w.State == bot.WebhookDelivering {
			delivering = 1
		}
		out = append(out,
			metrics.Gauge{Name: "webhook_backlog_events", Value: float64(w.Backlog), Labels: labels},
			metrics.Gauge{Name: "webhook_backlog_secs", Value: waited, Labels: labels},
			metrics.Gauge{Name: "webhook_dead_letters", Value: float64(w.DeadLetters), Labels: labels},
			metrics.Gauge{Name: "webhook_delivering", Value: delivering, Labels: labels})
	}
	return out
}

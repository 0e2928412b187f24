package main

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/botruntime/httpapi"
	"sesi.dev/sesi/botruntime/metrics"
	"sesi.dev/sesi/botruntime/session"
	"sesi.dev/sesi/botruntime/store"
)

// requestGrace is how long running requests may take after the bot was told to stop.
const requestGrace = 2 * time.Second

// startGrace is how long a start that was begun may take after that.
const startGrace = time.Second

// serve runs the bot until it is told to stop, or until a part of it fails.
func serve(ctx context.Context, p program) (err error) {
	limitRuntime()
	log := newLog(p)
	for _, warning := range p.cfg.Warnings {
		log.Warn(warning)
	}
	if at, err := filepath.Abs(p.cfg.AuthPath); err == nil {
		log.Info("starting", "session", filepath.Join(at, bot.SessionDirectory(p.cfg.ClientID)), "version", version)
	}
	token, err := tokenSource(p.cfg, log)
	if err != nil {
		return errors.Join(errSettings, err)
	}
	opening, done := steady(ctx)
	defer done()
	st, err := store.Open(opening, storeOptions(p.cfg, log))
	if err != nil {
		return ignoreStop(ctx, err)
	}
	var post *messages
	defer func() {
		if post != nil {
			err = errors.Join(err, post.journal.Close())
		}
		err = errors.Join(err, st.Close())
	}()
	meter := metrics.New(version)
	report(log, st.Opening(), meter)

	post, err = openMessages(opening, p.cfg, st, meter, log)
	if err != nil {
		return ignoreStop(ctx, err)
	}
	options := session.Options{Config: p.cfg, Store: st, Meter: meter, Log: log}
	if post != nil {
		options.Sink, options.Prepare = post.take, post.messenger.Prepare
	}
	sup, err := session.New(opening, options)
	if err != nil {
		return ignoreStop(ctx, err)
	}
	meter.Observe(func() *bot.Snapshot { snap, _ := sup.Watch(); return snap })
	settings := httpapi.Config{
		Session: sup, Identity: p.cfg.Identity, Locale: string(p.cfg.Locale), Token: token,
		Storage: sup.CheckStorage, Loop: sup.CheckLoop, Metrics: meter.Handler(), Log: log,
		LIDs: st.People, Version: version,
	}
	if post != nil {
		settings.Journal, settings.Names = post.journal, post.names
		settings.Webhooks, settings.Sender, settings.Files = post.webhooks, post.messenger, post.files
		post.directory.Use(sup)
		watch := sup.Watch
		post.watch.Store(&watch)
		settings.Directory = post.directory
	}
	api := httpapi.New(settings)
	server, err := httpapi.Listen(api, addresses(p.cfg))
	if err != nil {
		return err
	}
	log.Info("listening", "plain", text(server.PlainAddr()), "tls", text(server.TLSAddr()), "metrics", text(server.MetricsAddr()), "version", version)
	return runParts(ctx, p, log, sup, server, post)
}

// runParts runs the parts of a bot until one of them ends, and then ends the others.
func runParts(ctx context.Context, p program, log *slog.Logger, sup *session.Supervisor, server *httpapi.Server, post *messages) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(server.Serve)
	group.Go(func() error { return sup.Run(ctx) })
	group.Go(func() error {
		<-ctx.Done()
		log.Info("stopping")
		grace, cancel := context.WithTimeout(context.Background(), requestGrace)
		defer cancel()
		if err := server.Shutdown(grace); !errors.Is(err, context.DeadlineExceeded) { // of requests that were aborted
			return err
		}
		return nil
	})
	if post != nil {
		group.Go(func() error { return post.run(ctx) })
		group.Go(func() error { return post.follow(ctx) })
		group.Go(func() error { return post.recordSession(ctx) })
		group.Go(func() error { return post.report(ctx, sup) })
		group.Go(func() error { return post.webhooks.Run(ctx) })
		group.Go(func() error { return post.messenger.Run(ctx, sup) })
		group.Go(func() error { return post.messenger.RunUploads(ctx, sup) })
	}
	group.Go(func() error {
		keepSmall(ctx)
		return nil
	})
	if drawsCodes(p.cfg.TerminalQR, p.stdout) {
		group.Go(func() error {
			showCodes(ctx, p.stdout, sup, "http://"+server.PlainAddr().String()+bot.PathPage)
			return nil
		})
	}
	return group.Wait()
}

// text returns an address for the log; "" for none.
func text(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// steady returns a context that ends startGrace after ctx: a database that is left in the middle of a statement keeps a log.
func steady(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(startGrace, cancel) })
	return late, cancel
}

// ignoreStop drops the error of a bot that was told to stop before it had started. The stop also ends a transaction,
// and then database/sql may say only that it is over; and it ends the wait for the session of another process.
func ignoreStop(ctx context.Context, err error) error {
	var held *store.HeldError
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, sql.ErrTxDone) || errors.As(err, &held)) {
		return nil
	}
	return err
}

func storeOptions(cfg config.Config, log *slog.Logger) store.Options {
	return store.Options{
		Identity: cfg.Identity, BackupKeep: cfg.BackupKeep, Log: log, Copier: copier,
	}
}

func addresses(cfg config.Config) httpapi.Addresses {
	at := httpapi.Addresses{
		Plain:        net.JoinHostPort(cfg.Host, strconv.Itoa(cfg.Port)),
		OpenLoopback: !cfg.LoopbackToken,
		Metrics:      net.JoinHostPort(cfg.MetricsHost, strconv.Itoa(cfg.MetricsPort)),
	}
	if cfg.TLS() {
		at.TLS = net.JoinHostPort(cfg.TLSHost, strconv.Itoa(cfg.TLSPort))
		at.CertFile, at.KeyFile = cfg.TLSCertFile, cfg.TLSKeyFile
	}
	return at
}

// report logs what the store had to do to open.
func report(log *slog.Logger, o store.Opening, meter *metrics.Bot) {
	if o.ProfileFound {
		log.Warn("the session directory holds a whatsapp-web.js profile, which cannot be converted; link the phone again (the profile stays as it is)")
	}
	if o.Damage == "" || o.WithoutLog { // the store has logged which database runs without its log
		return
	}
	if o.Restored != nil {
		meter.StoreRestored()
		log.Error("the session store was damaged; the newest good backup took its place; messages since then may not decrypt",
			"damage", o.Damage, "setAside", o.SetAside, "restored", o.Restored.Path)
		return
	}
	log.Error("the session store was damaged and no backup could be restored; link the phone again", "damage", o.Damage, "setAside", o.SetAside)
}

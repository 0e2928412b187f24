package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/botruntime/httpapi"
	"sesi.dev/sesi/botruntime/metrics"
	"sesi.dev/sesi/botruntime/session"
	"sesi.dev/sesi/botruntime/store"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

const ownPhone = "6281234567890"

// gatedBot is a bot whose code a phone with a passkey has just scanned.
func gatedBot(t *testing.T) (*botAPI, *simtest.Authenticator) {
	t.Helper()
	wa, key := simtest.Start(t, sim.Config{}), simtest.NewAuthenticator(t)
	wa.TrustRoot()
	if err := wa.RequirePasskey(ownPhone, key.Passkey()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cfg := config.Config{Identity: bot.Identity{ClientID: "shop", AuthPath: dir}, QRMaxRetries: 3, WebVersionCachePath: filepath.Join(dir, "cache")}
	log := slog.New(slog.DiscardHandler)
	st, err := store.Open(t.Context(), store.Options{Identity: cfg.Identity, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	s, err := session.New(t.Context(), session.Options{Config: cfg, Store: st, Meter: metrics.New("test"), Log: log,
		Prepare: func(c *whatsmeow.Client) { wa.Point(c) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	api := httpapi.New(httpapi.Config{Session: s, Identity: cfg.Identity, Log: log})
	server, err := httpapi.Listen(api, httpapi.Addresses{Plain: "127.0.0.1:0", OpenLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	t.Cleanup(func() {
		api.Close()
		ending, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(ending)
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	b := &botAPI{client: client.Client{BaseURL: "http://" + server.PlainAddr().String(), Language: "en", Transport: http.DefaultTransport}}
	wait, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err = b.watch(wait, func(snap bot.Snapshot) (bool, error) {
		code, live, err := b.code(wait)
		if live {
			go func() { _, _ = wa.Scan(t.Context(), code.Code, ownPhone) }()
		}
		return !live, err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = b.watch(wait, func(snap bot.Snapshot) (bool, error) { return snap.Reason != bot.ReasonPasskeyRequired, nil })
	if err != nil || wait.Err() != nil {
		t.Fatal(err, wait.Err())
	}
	return b, key
}

// TestASignatureByTheConsole: the line is printed, a wrong text is told, and the command waits for the connection.
func TestASignatureByTheConsole(t *testing.T) {
	b, key := gatedBot(t)
	info, asked, err := b.passkey(t.Context())
	if err != nil || !asked || info.Step != bot.PasskeySign {
		t.Fatalf("%+v, %v, %v", info, asked, err)
	}
	var out, said strings.Builder
	stranger := simtest.NewAuthenticator(t)
	c := &tool{in: strings.NewReader("half of a te\n" + string(stranger.Sign(t, info.Options)) + "\n'" + string(key.Sign(t, info.Options)) + "'\n"), out: &out, err: &said}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err = c.signInConsole(ctx, "shop", b); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	if !strings.Contains(out.String(), info.Console) || !regexp.MustCompile(`Connected as `+ownPhone).MatchString(out.String()) {
		t.Errorf("it wrote %s", out.String())
	}
	if !strings.Contains(said.String(), "not the whole text") || !strings.Contains(said.String(), "refused the passkey") {
		t.Errorf("it said %s", said.String())
	}
	if _, asked, err = b.passkey(t.Context()); asked || err != nil {
		t.Errorf("after the linking a passkey is asked for: %v, %v", asked, err)
	}
}

func TestNoSignatureIsGiven(t *testing.T) {
	b, _ := gatedBot(t)
	c := &tool{in: strings.NewReader(""), out: io.Discard, err: io.Discard}
	if err := c.signInConsole(t.Context(), "shop", b); err == nil || !strings.Contains(err.Error(), "no signature") {
		t.Errorf("%v", err)
	}
}

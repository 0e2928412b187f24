package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/store"

	"sesi.dev/sesi/test/wasim/sim"
)

// begin runs the program and returns its ready line, and what ends it.
func begin(t *testing.T, args ...string) (ready map[string]string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, args, in, io.Discard)
		_ = in.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		cancel()
		t.Fatalf("not ready: %v", errors.Join(err, <-ended))
	}
	ready = map[string]string{}
	for _, field := range strings.Fields(line) {
		name, value, _ := strings.Cut(field, "=")
		ready[name] = value
	}
	return ready, func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(10 * time.Second):
			return errors.New("does not end")
		}
	}
}

func TestRunUntilStopped(t *testing.T) {
	dir := t.TempDir()
	args := []string{"-addr", "127.0.0.1:0", "-control", "127.0.0.1:0", "-dir", dir, "-state", filepath.Join(dir, "state")}
	var root string
	for range 2 {
		ready, stop := begin(t, args...)
		response, err := http.Get(ready["control"] + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK || ready["ca"] != filepath.Join(dir, sim.CAFile) {
			t.Errorf("health %d, ready %v", response.StatusCode, ready)
		}
		if root != "" && ready["noise_root"] != root {
			t.Error("the noise root changed over a restart")
		}
		root = ready["noise_root"]
		request, err := http.NewRequestWithContext(t.Context(), "GET", ready["control"]+"/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", "text/event-stream")
		stream, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Body.Close() // a reader that stays must not hold up the end
		if err = stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	}
}

func TestFlags(t *testing.T) {
	cfg, control, err := parse([]string{"-close-delay", "0", "-min-version", "2.3000.5", "-control", "0.0.0.0:1", "-addressing", "lid"}, io.Discard)
	if err != nil || control != "0.0.0.0:1" || cfg.CloseDelay >= 0 || cfg.MinVer != (store.WAVersionContainer{2, 3000, 5}) || cfg.AddrMode != sim.AddrLID {
		t.Errorf("%+v %q %v", cfg, control, err)
	}
	for name, c := range map[string]struct {
		args []string
		want error
	}{
		"help":        {[]string{"-h"}, flag.ErrHelp},
		"unknown":     {[]string{"-tickle"}, sim.ErrInvalid},
		"bad version": {[]string{"-min-version", "new"}, sim.ErrInvalid},
		"argument":    {[]string{"serve"}, sim.ErrInvalid},
	} {
		if _, _, err := parse(c.args, io.Discard); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if err = run(t.Context(), []string{"-dir", t.TempDir(), "-addressing", "carrier pigeon"}, io.Discard, io.Discard); !errors.Is(err, sim.ErrInvalid) {
		t.Errorf("bad addressing: %v", err)
	}
}

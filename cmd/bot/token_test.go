package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/botruntime/config"
)

// TestATokenFileIsHeldToTheTokensRules: a file must not hold a token that API_TOKEN refuses.
func TestATokenFileIsHeldToTheTokensRules(t *testing.T) {
	for name, content := range map[string]string{
		"empty":          "",
		"blank":          " \n",
		"guessable":      "secret\n",
		"two lines":      "a-token-of-this-bot\nand-another-one\n",
		"control signs":  "a-token-of-this-bot\x00\n",
		"without an end": strings.Repeat("x", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "token")
			write(t, path, content)
			if _, err := tokenSource(config.Config{APITokenFile: path}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("taken, or refused without the path: %v", err)
			} else if content != "" && strings.TrimSpace(content) != "" && strings.Contains(err.Error(), strings.TrimSpace(content)[:6]) {
				t.Errorf("the error repeats the file: %v", err)
			}
		})
	}
}

// TestATokenFileThatBreaksOpensNoDoor: only a valid token replaces the last one.
func TestATokenFileThatBreaksOpensNoDoor(t *testing.T) {
	const first, second = "first-token-of-this-bot", "second-token-of-this-bot"
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, first)
	var log bytes.Buffer
	token, err := tokenSource(config.Config{APITokenFile: path}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range []string{"", "\n", "sec", "second token of this bot"} {
		write(t, path, broken)
		if got := token(); got != first {
			t.Errorf("after %q was written: %q", broken, got)
		}
	}
	if n := strings.Count(log.String(), "level=WARN"); n == 0 || n > 4 {
		t.Errorf("warned %d times of four broken files", n)
	}
	if strings.Contains(log.String(), "second") {
		t.Error("the log holds what the file held")
	}
	write(t, path, second)
	if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil { // within one tick of the filesystem's clock
		t.Fatal(err)
	}
	if got := token(); got != second {
		t.Errorf("after the new token was written: %q", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := token(); got != second {
		t.Errorf("after the file went: %q", got)
	}
}

package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/internal/reread"
)

// tokenSource returns a function that returns the current API token. It reads a token file again when the file
// changes. While the file has no valid token it keeps the last one: an empty token would open the API, and half of one
// might be guessed.
func tokenSource(cfg config.Config, log *slog.Logger) (func() string, error) {
	if cfg.APITokenFile == "" {
		token := string(cfg.APIToken)
		return func() string { return token }, nil
	}
	f := &tokenFile{path: cfg.APITokenFile, log: log}
	files, err := reread.New(f.read, f.path)
	if err != nil {
		return nil, fmt.Errorf("API_TOKEN_FILE: %w", err)
	}
	f.files = files
	return f.current, nil
}

type tokenFile struct {
	path string
	log  *slog.Logger

	mu    sync.Mutex
	files *reread.Files
	token string
}

func (f *tokenFile) current() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.files.Refresh(); err != nil {
		f.log.Warn("the token file cannot be used; the last token stays in use", "error", err)
	}
	return f.token
}

// longest bounds the read; the longest valid token is shorter.
const longest = 8 << 10

func (f *tokenFile) read() error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(file, longest))
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	token := strings.TrimSpace(string(data))
	if !bot.ValidToken(token) {
		return fmt.Errorf("%s has no valid token; write at least 16 printable characters without spaces into it (try: openssl rand -hex 32)", f.path)
	}
	f.token = token
	return nil
}

package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"sesi.dev/sesi/botruntime/config"
)

// tokenSource returns what gives the API's token at this moment. A token file is read again when it changes;
// while it cannot be read the last token stays, for an empty one would open the door.
func tokenSource(cfg config.Config) (func() string, error) {
	if cfg.APITokenFile == "" {
		token := string(cfg.APIToken)
		return func() string { return token }, nil
	}
	f := &tokenFile{path: cfg.APITokenFile}
	if err := f.load(); err != nil {
		return nil, fmt.Errorf("API_TOKEN_FILE: %w", err)
	}
	return f.current, nil
}

type tokenFile struct {
	path string

	mu    sync.Mutex
	token string
	seen  time.Time
}

func (f *tokenFile) current() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = f.load()
	return f.token
}

func (f *tokenFile) load() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	if info.ModTime().Equal(f.seen) {
		return nil
	}
	data, err := os.ReadFile(f.path)
	if err != nil {
		return err
	}
	token := strings.TrimSpace(string(data))
	if token == "" {
		return fmt.Errorf("%s is empty; write the token into it", f.path)
	}
	f.token, f.seen = token, info.ModTime()
	return nil
}

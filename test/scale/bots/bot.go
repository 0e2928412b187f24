package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	api "sesi.dev/sesi/api/bot"
)

// bot is one bot process, observed by its log.
type bot struct {
	*process
	phone string

	listening      chan struct{}
	plain, metrics string // valid once listening is closed

	mu      sync.Mutex
	readies []time.Time   // logins
	changed chan struct{} // closed at the next login
}

// line is the part of a log line that this program reads.
type line struct {
	Time    time.Time `json:"time"`
	Msg     string    `json:"msg"`
	Event   string    `json:"event"`
	Plain   string    `json:"plain"`
	Metrics string    `json:"metrics"`
}

func startBot(ctx context.Context, program, dir string, number int, wa *whatsApp) (*bot, error) {
	b := &bot{phone: fmt.Sprintf("62812%07d", number), listening: make(chan struct{}), changed: make(chan struct{})}
	home := filepath.Join(dir, "bot-"+strconv.Itoa(number))
	cmd := exec.CommandContext(ctx, program)
	cmd.Dir = dir
	cmd.Env = append([]string{
		"AUTH_PATH=" + home, "WEB_VERSION_CACHE_PATH=" + filepath.Join(home, "cache"), "PORT=0", "METRICS_PORT=0", "LOG_FORMAT=json",
	}, wa.trust...)
	var err error
	b.process, err = startProcess("bot "+strconv.Itoa(number), cmd, b.read)
	return b, err
}

// read reads a line of the log.
func (b *bot) read(text []byte) {
	var l line
	if json.Unmarshal(text, &l) != nil {
		return // not a log line
	}
	if l.Msg == "listening" {
		b.plain, b.metrics = l.Plain, l.Metrics
		close(b.listening)
	}
	if l.Event != "ready" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.readies = append(b.readies, l.Time)
	close(b.changed)
	b.changed = make(chan struct{})
}

// readyAfter waits for the first login after a moment.
func (b *bot) readyAfter(since time.Time, deadline <-chan struct{}) (time.Time, error) {
	for {
		b.mu.Lock()
		changed := b.changed
		for _, at := range b.readies {
			if at.After(since) {
				b.mu.Unlock()
				return at, nil
			}
		}
		b.mu.Unlock()
		select {
		case <-changed:
		case <-b.ended:
			return time.Time{}, fmt.Errorf("%s: %w", b.kind, errEnded)
		case <-deadline:
			return time.Time{}, fmt.Errorf("%s did not connect in time", b.kind)
		}
	}
}

// link shows the bot's code to the simulated phone.
func (b *bot) link(ctx context.Context, wa *whatsApp) error {
	if err := b.await(b.listening, "its addresses"); err != nil {
		return err
	}
	return eventually(ctx, func() error {
		var code struct{ Code string }
		if err := request(ctx, wa.client, http.MethodGet, "http://"+b.plain+api.PathCode, nil, &code); err != nil {
			return err
		}
		return wa.call(ctx, http.MethodPost, "/scan", map[string]any{"qr": code.Code, "phone": b.phone})
	})
}

// received returns how many messages the bot has received.
func (b *bot) received(ctx context.Context, client *http.Client) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.metrics+api.PathMetrics, nil)
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxLine))
	if err != nil {
		return 0, err
	}
	for row := range strings.Lines(string(data)) {
		if value, found := strings.CutPrefix(row, "sesi_bot_messages_received_total "); found {
			return strconv.Atoi(strings.TrimSpace(value))
		}
	}
	return 0, fmt.Errorf("%s tells of no messages", b.kind)
}

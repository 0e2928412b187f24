package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
)

// web calls both programs directly, whatever proxy the user has.
var web = &http.Client{Transport: &http.Transport{ResponseHeaderTimeout: 20 * time.Second}}

// call sends a request with an optional JSON body, and decodes a JSON answer.
func call(ctx context.Context, method, url string, body, into any) error {
	return callAs(ctx, nil, method, url, body, into)
}

// fetch returns a text.
func fetch(ctx context.Context, url string) (string, error) {
	var text []byte
	err := callAs(ctx, nil, http.MethodGet, url, nil, &text)
	return string(text), err
}

// callAs is call with further headers. Into a []byte the answer is copied as it is.
func callAs(ctx context.Context, headers http.Header, method, url string, body, into any) error {
	var in io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("write the request: %w", err)
		}
		in = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, in)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	maps.Copy(request.Header, headers)
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := web.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %s: %s", method, url, answer.Status, bytes.TrimSpace(data))
	}
	switch into := into.(type) {
	case nil:
		return nil
	case *[]byte:
		*into = data
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read the answer of %s: %w", url, err)
	}
	return nil
}

// watchBot sends each snapshot of a bot until ctx ends. It reconnects to a bot that restarts.
func watchBot(ctx context.Context, address string, to chan<- session) {
	defer close(to)
	for ctx.Err() == nil {
		_ = readStream(ctx, address, to) // the bot restarts, or the demonstration ends
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func readStream(ctx context.Context, address string, to chan<- session) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+bot.PathSessionEvents, nil)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	answer, err := web.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", request.URL, answer.Status)
	}
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok {
			continue
		}
		var s bot.Snapshot
		if err := json.Unmarshal([]byte(data), &s); err != nil {
			return fmt.Errorf("read a snapshot: %w", err)
		}
		select {
		case to <- session{
			State: string(s.State), Reason: string(s.Reason), Instance: s.Instance, JID: s.JID,
			LinkedAt: s.LinkedAt.String(), QRNeeded: s.QRRequired, Expired: s.Expired, CodeShown: !s.QRExpiresAt.IsZero(),
		}:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// phone is the control API of the simulated WhatsApp.
type phone struct{ address string }

// number is the phone number that the demonstration links.
const number = "628123456789"

func (p phone) scan(ctx context.Context, code string) error {
	return call(ctx, http.MethodPost, p.address+"/scan", map[string]string{"qr": code, "phone": number}, nil)
}

func (p phone) unlink(ctx context.Context, jid string) error {
	return call(ctx, http.MethodPost, p.address+"/unlink", map[string]string{"jid": jid}, nil)
}

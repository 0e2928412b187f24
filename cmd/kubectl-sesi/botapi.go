package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// maxLine bounds an event of the bot's stream.
const maxLine = 64 << 10

// botAPI is the session API of one bot, reached through the API server.
type botAPI struct {
	tunnel *tunnel
	http   *http.Client
}

// bot opens the way to a session's bot; the caller closes it.
func (c *cluster) bot(ctx context.Context, s *v1alpha1.WhatsAppSession) (*botAPI, error) {
	pod, err := c.pod(ctx, s)
	if err != nil {
		return nil, err
	}
	return c.reach(pod, naming.PortPlain)
}

// reach opens the way to one port of a pod; the caller closes it.
func (c *cluster) reach(pod *corev1.Pod, port int32) (*botAPI, error) {
	t, err := openTunnel(c.config, pod, port)
	if err != nil {
		return nil, err
	}
	return &botAPI{tunnel: t, http: &http.Client{Transport: &http.Transport{DialContext: t.dial, DisableKeepAlives: true}}}, nil
}

func (b *botAPI) close() { b.tunnel.close() }

// request sends one request. An answer that reports a failure becomes an error with the text of its problem document.
func (b *botAPI) request(ctx context.Context, method, path string, body any, header ...string) (*http.Response, error) {
	var sent io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, sent)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept-Language", "en")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := b.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("call the bot: %s", printable(err.Error()))
	}
	if response.StatusCode < 300 {
		return response, nil
	}
	defer response.Body.Close()
	var problem struct{ Title, Detail string }
	if json.NewDecoder(io.LimitReader(response.Body, maxLine)).Decode(&problem) != nil || problem.Detail+problem.Title == "" {
		return nil, fmt.Errorf("the bot answers %s", printable(response.Status))
	}
	return nil, &refusal{status: response.StatusCode, text: printable(or(problem.Detail, problem.Title))}
}

// refusal is the bot's answer to a request that it does not carry out.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

// do sends a request and decodes the answer into out, if there is one.
func (b *botAPI) do(ctx context.Context, method, path string, body, out any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	response, err := b.request(ctx, method, path, body, "Accept", "application/json")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if out == nil {
		return nil
	}
	return json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(out)
}

// code is the current code; live is false when there is none.
func (b *botAPI) code(ctx context.Context) (code bot.Code, live bool, err error) {
	err = b.do(ctx, http.MethodGet, bot.PathCode, nil, &code)
	if refused := (*refusal)(nil); errors.As(err, &refused) && refused.status == http.StatusConflict {
		return bot.Code{}, false, nil
	}
	return code, err == nil, err
}

// watch calls see with each snapshot until see returns false, the context ends or the bot goes.
func (b *botAPI) watch(ctx context.Context, see func(bot.Snapshot) (more bool, err error)) error {
	response, err := b.request(ctx, http.MethodGet, bot.PathSessionEvents, nil, "Accept", "text/event-stream")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		data, found := strings.CutPrefix(lines.Text(), "data:")
		if !found {
			continue
		}
		var snap bot.Snapshot
		if err := json.Unmarshal([]byte(data), &snap); err != nil {
			return fmt.Errorf("read the bot's event: %w", err)
		}
		snap.Message, snap.JID = printable(snap.Message), printable(snap.JID)
		if more, err := see(snap); err != nil || !more {
			return err
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return errors.Join(errors.New("the bot's event stream ended; is its pod restarting?"), lines.Err())
}

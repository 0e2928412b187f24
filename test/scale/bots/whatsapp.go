package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"

	"sesi.dev/sesi/test/scale/internal/command"
)

// whatsApp is the simulator, and its control API.
type whatsApp struct {
	*process
	client  *http.Client
	control string
	trust   []string // what a bot needs in its environment
	ca      string
}

var readyLine = regexp.MustCompile(`^wasim ready ws=\S+ control=(\S+) ca=(\S+) noise_root=(\S+)`)

func startWhatsApp(ctx context.Context, program, dir string) (*whatsApp, error) {
	w := &whatsApp{client: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
	ready := make(chan struct{})
	cmd := exec.CommandContext(ctx, program, "-addr", "127.0.0.1:0", "-control", "127.0.0.1:0", "-dir", filepath.Join(dir, "wasim"))
	var err error
	w.process, err = startProcess("the simulator", cmd, func(line []byte) {
		if found := readyLine.FindSubmatch(line); found != nil && w.control == "" {
			w.control, w.ca = string(found[1]), string(found[2])
			w.trust = []string{"HTTPS_PROXY=" + w.control, "SSL_CERT_FILE=" + w.ca, "WHATSAPP_NOISE_ROOT=" + string(found[3])}
			close(ready)
		}
	})
	if err != nil {
		return nil, err
	}
	if err := w.await(ready, "its address"); err != nil {
		w.end()
		return nil, err
	}
	return w, nil
}

// call sends a command to the simulator.
func (w *whatsApp) call(ctx context.Context, method, path string, body map[string]any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return request(ctx, w.client, method, w.control+path, bytes.NewReader(data), nil)
}

// request makes a request and decodes a JSON answer into answer, unless that is nil.
func request(ctx context.Context, client *http.Client, method, url string, body io.Reader, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxLine))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, req.URL.Path, resp.Status, bytes.TrimSpace(data))
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(data, answer)
}

// eventually repeats try until it succeeds or patience ends.
func eventually(ctx context.Context, try func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := try()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		if err := command.Pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/test/wasim/memstore"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// asProgram makes the test program behave as the command.
const asProgram = "WASIM_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	simtest.Main(m)
}

// process is the command in a separate process.
type process struct {
	cmd   *exec.Cmd
	ready map[string]string
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(t.Context(), os.Args[0], args...), ready: map[string]string{}}
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("not ready: %v", err)
	}
	for _, field := range strings.Fields(line) {
		name, value, _ := strings.Cut(field, "=")
		p.ready[name] = value
	}
	return p
}

// end sends a signal and returns the exit code, -1 if the signal killed the process.
func (p *process) end(t *testing.T, signal syscall.Signal) int {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

// client is a bot that reaches the process by its proxy.
func (p *process) client(t *testing.T) (*whatsmeow.Client, chan any) {
	t.Helper()
	ca, err := os.ReadFile(p.ready["ca"])
	if err != nil {
		t.Fatal(err)
	}
	root, err := hex.DecodeString(p.ready["noise_root"])
	if err != nil || len(root) != 32 {
		t.Fatalf("noise root %q", p.ready["noise_root"])
	}
	whatsmeow.WACertPubKey = [32]byte(root)
	proxy, err := url.Parse(p.ready["control"])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	web := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}}}
	client := whatsmeow.NewClient(memstore.New().NewDevice(), nil)
	client.EnableAutoReconnect, client.DisableLoginAutoReconnect = false, true
	client.SetPreLoginHTTPClient(web)
	client.SetWebsocketHTTPClient(web)
	seen := make(chan any, 100)
	client.AddEventHandler(func(event any) {
		select {
		case seen <- event:
		default: // the test has read enough
		}
	})
	t.Cleanup(client.Disconnect)
	return client, seen
}

func await[E any](t *testing.T, seen chan any) E {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case event := <-seen:
			if found, ok := event.(E); ok {
				return found
			}
		case <-deadline:
			t.Fatalf("no %T", *new(E))
		}
	}
}

// A link that was confirmed is there after kill -9, although nothing was saved in between.
func TestKillRightAfterALink(t *testing.T) {
	dir := t.TempDir()
	args := []string{"-dir", dir, "-state", filepath.Join(dir, "state"), "-addr", "127.0.0.1:0", "-control", "127.0.0.1:0"}
	const rounds = 5
	for round := range rounds {
		p := start(t, args...)
		client, seen := p.client(t)
		if err := client.Connect(); err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(map[string]string{"qr": await[*events.QR](t, seen).Codes[0], "phone": fmt.Sprintf("62812000000%d", round)})
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.Post(p.ready["control"]+"/scan", "application/json", strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Fatalf("scan: %s", answer)
		}
		if code := p.end(t, syscall.SIGKILL); code != -1 {
			t.Fatalf("exit code %d", code)
		}
		args = append(args[:4], "-addr", p.ready["ws"], "-control", strings.TrimPrefix(p.ready["control"], "http://"))
		client.Disconnect()
		p = start(t, args...)
		if err = client.Connect(); err != nil {
			t.Fatal(err)
		}
		await[*events.Connected](t, seen)
		if code := p.end(t, syscall.SIGTERM); code != 0 {
			t.Fatalf("exit code %d after SIGTERM", code)
		}
	}
	server, err := sim.New(sim.Config{Dir: dir, StateFile: filepath.Join(dir, "state")})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if devices := server.Devices(); len(devices) != rounds {
		t.Errorf("%d devices are left: %+v", len(devices), devices)
	}
}

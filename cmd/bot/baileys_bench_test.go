package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// baileysClient is a client of Baileys, which is written in JavaScript, in a process of its own.
type baileysClient struct {
	pid   int
	mu    sync.Mutex // of send
	in    io.Writer
	lines map[string]chan struct{} // by the event that a line tells
}

// startBaileys links a client of Baileys, which tells what came every flush milliseconds. BAILEYS names the folder that
// npm installed it into.
func startBaileys(b *testing.B, wa *simtest.Sim, flush string) (client *baileysClient, own types.JID) {
	b.Helper()
	folder := os.Getenv("BAILEYS")
	if folder == "" {
		b.Skip(`BAILEYS names no folder; BAILEYS="$(test/wasim/baileys/install.sh)" installs it`)
	}
	// A client whose login is answered at once misses the answer.
	if err := wa.AddFault(sim.Fault{Kind: "slow_login", MS: 50}); err != nil {
		b.Fatal(err)
	}
	node := exec.Command("node", "talk.mjs", wa.ControlURL, phone, flush)
	node.Dir, node.Stderr = folder, os.Stderr
	node.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+wa.CAFile)
	in, err := node.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := node.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close() // it ends then
		_ = node.Wait()
	})
	c := &baileysClient{pid: node.Process.Pid, in: in, lines: map[string]chan struct{}{}}
	for _, event := range []string{"open", "sent", "message", "failed"} {
		c.lines[event] = make(chan struct{}, b.N+2*sendingTo+10)
	}
	go func() {
		for scan := bufio.NewScanner(out); scan.Scan(); {
			var line struct{ Event string }
			if json.Unmarshal(scan.Bytes(), &line) == nil && c.lines[line.Event] != nil {
				c.lines[line.Event] <- struct{}{}
			}
		}
	}()
	if err := c.wait("open"); err != nil {
		b.Fatal(err)
	}
	for _, device := range wa.Devices() {
		own = jid(b, device.JID)
	}
	return c, own
}

// wait waits for one line of an event.
func (c *baileysClient) wait(event string) error {
	select {
	case <-c.lines[event]:
		return nil
	case <-c.lines["failed"]:
		return errors.New("Baileys failed")
	case <-time.After(patience):
		return errors.New("Baileys tells of no " + event)
	}
}

// send sends a text, and waits until Baileys says that it is sent: it does not wait for the server's answer. One goes
// after the other: of several at once, Baileys encrypts some with keys that it has used.
func (c *baileysClient) send(to, text string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := json.NewEncoder(c.in).Encode(map[string]string{"to": to, "text": text}); err != nil {
		return err
	}
	return c.wait("sent")
}

//go:build baileys

package baileys

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/test/wasim/memstore"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

const (
	patience  = time.Minute
	goPhone   = "5511922220001"
	nodePhone = "6281200000009"
	anna      = "4915112345678"
)

func TestMain(m *testing.M) { simtest.Main(m) }

// line is what the Baileys client prints.
type line struct {
	Event, ID, Chat, Sender, Text, Error, Kind string
	FromMe                                     bool
	Data                                       []byte
}

// client is a Baileys client in a process of its own.
type client struct {
	t     *testing.T
	in    io.WriteCloser
	lines chan line
}

func start(t *testing.T, s *simtest.Sim) *client {
	t.Helper()
	install := exec.CommandContext(t.Context(), "./install.sh")
	install.Stderr = os.Stderr
	out, err := install.Output()
	folder := strings.TrimSpace(string(out))
	if err != nil || folder == "" {
		t.Fatalf("install Baileys: %v (node and npm are needed)", err)
	}
	node := exec.CommandContext(t.Context(), "node", "talk.mjs", s.ControlURL, nodePhone)
	node.Dir, node.Stderr = folder, os.Stderr
	node.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+s.CAFile)
	c := &client{t: t, lines: make(chan line, 100)}
	if c.in, err = node.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = node.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.lines)
		scanner := bufio.NewScanner(stdout)
		scanner.Buffer(nil, 8<<20) // a file is one line
		for scanner.Scan() {
			var l line
			if json.Unmarshal(scanner.Bytes(), &l) == nil {
				c.lines <- l
			}
		}
	}()
	t.Cleanup(func() {
		_ = c.in.Close()
		_ = node.Wait()
	})
	return c
}

// wait returns the next line of a kind.
func (c *client) wait(event string, wanted func(line) bool) line {
	c.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		select {
		case l, ok := <-c.lines:
			switch {
			case !ok:
				c.t.Fatalf("Baileys ended while it should say %q", event)
			case l.Event == "failed", l.Event == "close":
				c.t.Fatalf("Baileys: %+v", l)
			case l.Event == event && wanted(l):
				return l
			}
		case <-deadline.C:
			c.t.Fatalf("Baileys does not say %q", event)
		}
	}
}

// read waits for a message in a chat.
func (c *client) read(text string) line {
	c.t.Helper()
	return c.wait("message", func(l line) bool { return l.Text == text && !l.FromMe })
}

func (c *client) send(to types.JID, text string) {
	c.t.Helper()
	c.tell(map[string]any{"to": to.String(), "text": text})
}

// tell has the client send a message, and waits until it has.
func (c *client) tell(message map[string]any) {
	c.t.Helper()
	raw, err := json.Marshal(message)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err = fmt.Fprintf(c.in, "%s\n", raw); err != nil {
		c.t.Fatal(err)
	}
	c.wait("sent", func(line) bool { return true })
}

// partner is the whatsmeow client on the other side.
type partner struct {
	t        *testing.T
	client   *whatsmeow.Client
	messages chan *events.Message
}

func pair(t *testing.T, s *simtest.Sim) *partner {
	t.Helper()
	s.TrustRoot()
	p := &partner{t: t, client: whatsmeow.NewClient(memstore.New().NewDevice(), nil), messages: make(chan *events.Message, 100)}
	s.Point(p.client)
	codes, connected := make(chan string, 1), make(chan struct{}, 10)
	p.client.AddEventHandler(func(event any) {
		switch event := event.(type) {
		case *events.QR:
			codes <- event.Codes[0]
		case *events.Connected:
			connected <- struct{}{}
		case *events.Message:
			p.messages <- event
		}
	})
	t.Cleanup(p.client.Disconnect)
	if err := p.client.Connect(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case code := <-codes:
		if _, err := s.Scan(ctx, code, goPhone); err != nil {
			t.Fatal(err)
		}
	case <-ctx.Done():
		t.Fatal("whatsmeow gets no code")
	}
	select {
	case <-connected:
	case <-ctx.Done():
		t.Fatal("whatsmeow does not log in")
	}
	return p
}

func (p *partner) read(text string) *events.Message {
	p.t.Helper()
	return p.wait(func(m *events.Message) bool {
		return m.Message.GetConversation() == text || m.Message.GetExtendedTextMessage().GetText() == text
	})
}

// wait returns the next message that is wanted.
func (p *partner) wait(wanted func(*events.Message) bool) *events.Message {
	p.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		select {
		case m := <-p.messages:
			if wanted(m) {
				return m
			}
		case <-deadline.C:
			p.t.Fatal("whatsmeow does not read the message")
		}
	}
}

func (p *partner) send(to types.JID, text string) {
	p.t.Helper()
	if _, err := p.client.SendMessage(p.t.Context(), to, sim.Text(text)); err != nil {
		p.t.Fatalf("send %q: %v", text, err)
	}
}

func TestBaileysAndWhatsmeowTalk(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	// Baileys drops what comes within a millisecond of its handshake, as no distant server ever does.
	if err := s.AddFault(sim.Fault{Kind: sim.FaultSlowLogin, MS: 50}); err != nil {
		t.Fatal(err)
	}
	node := start(t, s)
	node.wait("open", func(line) bool { return true })
	whatsmeow := pair(t, s)
	goJID, nodeJID := types.NewJID(goPhone, types.DefaultUserServer), types.NewJID(nodePhone, types.DefaultUserServer)

	for i := range 3 {
		ping, pong := fmt.Sprintf("ping %d", i), fmt.Sprintf("pong %d", i)
		whatsmeow.send(nodeJID, ping)
		if l := node.read(ping); l.Chat != goJID.String() {
			t.Errorf("Baileys read %+v", l)
		}
		node.send(goJID, pong)
		if m := whatsmeow.read(pong); m.Info.Chat != nodeJID {
			t.Errorf("whatsmeow read %+v", m.Info)
		}
		s.WaitText(t, goPhone, pong)
		s.WaitText(t, nodePhone, ping)
	}

	group, err := s.MakeGroup("Kas RT", sim.AddrPN, anna, goPhone, nodePhone)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		ping, pong := fmt.Sprintf("ping all %d", i), fmt.Sprintf("pong all %d", i)
		whatsmeow.send(group.JID(), ping)
		node.read(ping)
		node.send(group.JID(), pong)
		if m := whatsmeow.read(pong); m.Info.Chat != group.JID() || m.Info.Sender.User != nodePhone {
			t.Errorf("whatsmeow read %+v", m.Info)
		}
		s.WaitText(t, anna, ping)
		s.WaitText(t, anna, pong)
	}
	if _, err = s.Person(anna).Write(group.JID(), "hello both"); err != nil {
		t.Fatal(err)
	}
	node.read("hello both")
	whatsmeow.read("hello both")
	if _, err = s.Person(anna).Send(nodeJID, sim.Text("at the second try"), sim.Delivery{Bad: 1}); err != nil {
		t.Fatal(err)
	}
	node.read("at the second try")
}

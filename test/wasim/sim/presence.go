package sim

import (
	"fmt"
	"sync"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// watchers are the companions' wishes about presence. WhatsApp forgets them with the connection.
type watchers struct {
	mu     sync.Mutex
	online map[*conn]bool
	wanted map[*conn]map[*account]bool
}

// note takes a companion's own presence, or its wish to know somebody's.
func (w *watchers) note(c *conn, kind string, of *account) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.online == nil {
		w.online, w.wanted = map[*conn]bool{}, map[*conn]map[*account]bool{}
	}
	switch {
	case kind == "available":
		w.online[c] = true
	case kind == "unavailable":
		delete(w.online, c)
	case kind == "subscribe" && of != nil:
		if w.wanted[c] == nil {
			w.wanted[c] = map[*account]bool{}
		}
		w.wanted[c][of] = true
	}
}

// forget drops what belongs to a connection that is over.
func (w *watchers) forget(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.online, c)
	delete(w.wanted, c)
}

// of are the online connections that wish to know an account's presence, or all online ones.
func (w *watchers) of(a *account) (all []*conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.online {
		if a == nil || w.wanted[c][a] {
			all = append(all, c)
		}
	}
	return all
}

// Subscribed reports whether a bot that is online wishes to know a person's presence.
func (p Person) Subscribed() bool {
	a, err := p.server.account(p.phone)
	return err == nil && len(p.server.watchers.of(a)) > 0
}

// Appear shows a person as online, or as gone since lastSeen. Only bots that are online themselves and subscribed to
// the person are told.
func (p Person) Appear(online bool, lastSeen time.Time) error {
	a, err := p.server.account(p.phone)
	if err != nil {
		return err
	}
	attrs := waBinary.Attrs{"from": p.server.addressOf(a)}
	if !online {
		attrs["type"] = "unavailable"
		if !lastSeen.IsZero() {
			attrs["last"] = lastSeen.Unix()
		}
	}
	for _, c := range p.server.watchers.of(a) {
		c.send(waBinary.Node{Tag: "presence", Attrs: attrs})
	}
	return nil
}

// Type shows that a person writes to a number: composing, recording or paused. Only bots that are online themselves are
// told.
func (p Person) Type(to types.JID, what string) error {
	a, err := p.server.account(p.phone)
	if err != nil {
		return err
	}
	called := p.server.accountOf(to)
	if called == nil {
		return fmt.Errorf("%w: no account %s", ErrUnknown, to)
	}
	child := waBinary.Node{Tag: what}
	if what == "recording" {
		child = waBinary.Node{Tag: "composing", Attrs: waBinary.Attrs{"media": "audio"}}
	}
	for _, c := range p.server.watchers.of(nil) {
		if c.dev.account == called {
			c.send(waBinary.Node{Tag: "chatstate", Attrs: waBinary.Attrs{"from": p.server.addressOf(a)}, Content: []waBinary.Node{child}})
		}
	}
	return nil
}

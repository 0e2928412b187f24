package sim

import (
	"sync"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// maxSignals bounds the signals that are remembered.
const maxSignals = 20_000

// Signal is what a bot tells others apart from messages: a receipt, its presence, that it types, or a privacy token.
type Signal struct {
	// Seq numbers the signals from 1.
	Seq int64 `json:"seq"`
	// Bot is the companion, Tag is receipt, presence, chatstate or token.
	Bot string `json:"bot"`
	Tag string `json:"tag"`
	// Type is the receipt's type (empty: delivered), available or unavailable, composing, recording or paused.
	Type string `json:"type"`
	// To is the chat, Participant the sender of a group's message, IDs the messages of a receipt.
	To          string    `json:"to,omitempty"`
	Participant string    `json:"participant,omitempty"`
	IDs         []string  `json:"ids,omitempty"`
	T           time.Time `json:"t"`
}

type signalLog struct {
	mu   sync.Mutex
	last int64
	all  []Signal
}

func (l *signalLog) add(signal Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	signal.Seq, signal.T = l.last, time.Now()
	if len(l.all) >= maxSignals {
		l.all = append([]Signal(nil), l.all[maxSignals/2:]...)
	}
	l.all = append(l.all, signal)
}

func (l *signalLog) addReceipt(d *device, node *waBinary.Node) {
	signal := Signal{
		Bot: d.jid().String(), Tag: node.Tag, Type: attrText(node, "type"), To: attrText(node, "to"),
		Participant: attrText(node, "participant"), IDs: []string{attrText(node, "id")},
	}
	list := node.GetChildByTag("list")
	for _, item := range list.GetChildrenByTag("item") {
		signal.IDs = append(signal.IDs, attrText(&item, "id"))
	}
	l.add(signal)
}

// handlePresence takes a companion's presence or typing.
func (s *Server) handlePresence(d *device, node *waBinary.Node) {
	signal := Signal{Bot: d.jid().String(), Tag: node.Tag, Type: attrText(node, "type"), To: attrText(node, "to")}
	if children := node.GetChildren(); node.Tag == "chatstate" && len(children) > 0 {
		signal.Type = children[0].Tag
		if attrText(&children[0], "media") == "audio" {
			signal.Type = "recording"
		}
	}
	s.signals.add(signal)
}

// Signals returns the receipts, presences and typing of bots after a sequence number.
func (s *Server) Signals(since int64) []Signal {
	l := &s.signals
	l.mu.Lock()
	defer l.mu.Unlock()
	found := []Signal{}
	for _, signal := range l.all {
		if signal.Seq > since {
			found = append(found, signal)
		}
	}
	return found
}

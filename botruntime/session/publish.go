package session

import (
	"time"

	"go.mau.fi/whatsmeow"

	"sesi.dev/sesi/api/bot"
)

// public is what others may see of the session.
type public struct {
	snapshot       bot.Snapshot
	code           bot.Code
	current        bool // there is a code that can be scanned
	passkey        passkeyGate
	pairingRefused bool
	pairingFor     string            // the number that the pairing code is, or will be, for
	client         *whatsmeow.Client // nil unless the snapshot says Connected
	changed        chan struct{}     // closed when a later one takes its place
}

// publish makes the model's snapshot visible, and reports whether it says anything new.
func (s *Supervisor) publish() (news bool) {
	was := s.public.Load()
	next := s.look()
	if next.sameAs(was) {
		s.publishFiles(was, next.snapshot)
		return false
	}
	next.snapshot.ChangedAt = bot.At(time.Now())
	next.snapshot.Revision = was.snapshot.Revision + 1
	next.code.Revision = next.snapshot.Revision
	next.changed = make(chan struct{})
	s.public.Store(next)
	close(was.changed)
	return true
}

// look returns what others see of the model.
func (s *Supervisor) look() *public {
	p := &public{snapshot: s.model.snapshot(), passkey: s.model.passkey, pairingRefused: s.model.pairingRefused, pairingFor: s.model.pairingWanted}
	p.snapshot.Messages = s.summary
	p.code, p.current = s.model.code(time.Now())
	p.client = s.connectedClient(p.snapshot)
	return p
}

// publishFiles updates the files' size and time without waking anyone: every message changes them.
func (s *Supervisor) publishFiles(was *public, now bot.Snapshot) {
	if was.snapshot.Size == now.Size && was.snapshot.LastModified == now.LastModified {
		return
	}
	next := *was
	next.snapshot.Size, next.snapshot.LastModified = now.Size, now.LastModified
	s.public.Store(&next)
}

// sameAs ignores what changes without an event: the revision, and the files' size and time.
func (p *public) sameAs(was *public) bool {
	a, b := p.snapshot, was.snapshot
	a.Revision, a.ChangedAt, a.Size, a.LastModified = b.Revision, b.ChangedAt, b.Size, b.LastModified
	code := p.code
	code.Revision = was.code.Revision
	return a == b && code == was.code && p.current == was.current && p.client == was.client && p.passkey == was.passkey &&
		p.pairingRefused == was.pairingRefused && p.pairingFor == was.pairingFor
}

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
	live           bool
	pairingRefused bool
	pairingFor     string            // the number that the pairing code is, or will be, for
	client         *whatsmeow.Client // nil unless the snapshot says Connected
	changed        chan struct{}     // closed when a later one takes its place
}

// publish tells the world of the model, if there is anything new to tell.
func (s *Supervisor) publish() {
	was := s.public.Load()
	next := &public{snapshot: s.model.snapshot(), pairingRefused: s.model.pairingRefused, pairingFor: s.model.pairingWanted}
	next.code, next.live = s.model.code(time.Now())
	s.describe(&next.snapshot)
	next.client = s.connectedClient(next.snapshot)
	if next.sameAs(was) {
		return
	}
	next.snapshot.ChangedAt = bot.At(time.Now())
	next.snapshot.Revision = was.snapshot.Revision + 1
	next.code.Revision = next.snapshot.Revision
	next.changed = make(chan struct{})
	s.public.Store(next)
	close(was.changed)
}

// describe adds what the model does not know.
func (s *Supervisor) describe(snap *bot.Snapshot) {
	snap.ClientID, snap.Instance = s.cfg.ClientID, s.cfg.Instance
	snap.BackupAt, snap.Notice = bot.At(s.backupAt), s.notice
	if s.backupFailing && s.notice == bot.NoticeNone {
		snap.Notice = bot.NoticeBackupFailing
	}
	snap.WebVersion = s.presented.String()
	if s.presented.IsZero() {
		snap.WebVersion = s.version.String()
	}
	s.describeFiles(snap)
}

// describeFiles adds the sizes and times of the session's files.
func (s *Supervisor) describeFiles(snap *bot.Snapshot) {
	files := s.store.Files()
	snap.Path, snap.Size, snap.LastModified = files.Path, files.Size, bot.At(files.LastModified)
}

// sameAs ignores what changes without news: the revision, and the files' size and time, which every message
// moves.
func (p *public) sameAs(was *public) bool {
	a, b := p.snapshot, was.snapshot
	a.Revision, a.ChangedAt, a.Size, a.LastModified = b.Revision, b.ChangedAt, b.Size, b.LastModified
	code := p.code
	code.Revision = was.code.Revision
	return a == b && code == was.code && p.live == was.live && p.client == was.client && p.pairingRefused == was.pairingRefused && p.pairingFor == was.pairingFor
}

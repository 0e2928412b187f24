package session

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.mau.fi/whatsmeow"
	wastore "go.mau.fi/whatsmeow/store"

	"sesi.dev/sesi/botruntime/store"
)

// Limits of what runs outside the loop.
const (
	// unlinkTimeout bounds the unlink at WhatsApp; the store is cleared anyway.
	unlinkTimeout = 10 * time.Second
	// clearTimeout bounds the removal of a session from the store.
	clearTimeout = 30 * time.Second
	// settleTimeout bounds the flush of a new pairing, which the first login waits for.
	settleTimeout = 5 * time.Second
	// pairingCodeTimeout bounds WhatsApp's answer to the request for a pairing code.
	pairingCodeTimeout = 20 * time.Second
	// probeTimeout bounds a probe of the store.
	probeTimeout = time.Minute
	// backupTimeout bounds a backup of the store.
	backupTimeout = time.Minute
)

// perform does one action. Whatever may block runs elsewhere and comes back as an input.
func (s *Supervisor) perform(ctx context.Context, a action) {
	switch a := a.(type) {
	case actDial:
		s.client.dial(ctx, a.version, s.disk.drained())
	case actHangup:
		s.client.hangup()
	case actRenew:
		s.client.close()
		s.renew(ctx, s.store.NewDevice())
	case actReplace:
		s.client.close()
		s.renew(ctx, s.client.wa.Store)
	case actFetchVersion:
		s.side.Go(func() { s.fetchVersion(ctx) })
	case actAskPairingCode:
		wa, generation := s.client.wa, s.generation
		s.side.Go(func() { s.askPairingCode(ctx, wa, generation, a.phone) })
	case actCheckSocket:
		s.checkSocket(s.client.wa, s.generation, a.login)
		s.side.Go(func() { s.checkLock() })
	case actUnlink:
		c, ready := s.client, s.disk.drained()
		s.side.Go(func() { s.unlink(ctx, c, ready, a) })
	case actAnswerUnlink:
		s.answerUnlinks(a.err)
	case actTimer:
		s.arm(a.name, a.after)
	case actDisarm:
		s.disarm(a.name)
	case actLog, actWarn, actStoreFailed, actStoreWorks:
		s.write(a)
	default:
		s.performOnDisk(ctx, a)
	}
}

// performOnDisk does an action that writes to the disk. Its writes are finished also when the bot shuts down.
func (s *Supervisor) performOnDisk(ctx context.Context, a action) {
	switch a := a.(type) {
	case actBackup:
		s.side.Go(func() { s.post(envelope{input: s.backUp(ctx, "periodic")}) })
	case actRemember:
		s.remember()
	case actProbe:
		s.disk.add(func() { s.post(envelope{input: inProbed{s.probe(ctx)}}) })
	case actSettle:
		s.disk.add(func() { s.settle(context.WithoutCancel(ctx)) })
	case actForget:
		s.disk.add(func() { s.post(envelope{input: inForgotten{s.forget(ctx)}}) })
	default:
		s.count(a)
	}
}

// count counts for the metrics.
func (s *Supervisor) count(a action) {
	switch a := a.(type) {
	case actCountReconnect:
		s.meter.Reconnect(a.reason)
	case actCountCode:
		s.meter.CodeIssued()
	case actCountPairing:
		s.meter.Paired()
	case actCountLogout:
		s.meter.LoggedOut(a.reason)
	case actCountTakeover:
		s.meter.TakenOver()
	case actCountBackup:
		s.meter.BackedUp(a.at)
	case actCountBackupFailed:
		s.log.Error("the store could not be backed up", "error", a.err)
		s.meter.BackupFailed()
	case actCountVersion:
		s.meter.WebVersion(a.at)
	}
}

// renew makes a client for device; the events of the client before it mean nothing from here on.
func (s *Supervisor) renew(ctx context.Context, device *wastore.Device) {
	s.generation++
	generation := s.generation
	post := func(in input) { s.post(envelope{input: in, generation: generation}) }
	take := newIntake(s.sink, s.meter, s.log)
	gated := func(evt any) {
		if in := translateGate(evt); in != nil {
			post(in)
		}
	}
	c := newClient(ctx, s.log, device, s.via, gated, func(wa *whatsmeow.Client, evt any) bool {
		if in := translate(wa, evt); in != nil {
			post(in)
			return true
		}
		return take.take(evt, func() { post(inNotKept{}) })
	})
	c.generation, take.overlap = generation, c.overlap
	s.client = c
	s.live.Store(c)
	s.client.opened = func() bool {
		take.open()
		return s.checkLock()
	}
	s.client.dialled = func(order uint64, err error) {
		s.post(envelope{input: inDialled{err}, generation: generation, order: order})
	}
	if s.prepare != nil {
		s.prepare(s.client.wa)
	}
}

// checkSocket finds the end of a stream that whatsmeow does not report: after a stream error 503 without a close it
// is logged out and stays so, and after a pairing it reports no close at all.
func (s *Supervisor) checkSocket(wa *whatsmeow.Client, generation uint64, login bool) {
	s.side.Go(func() {
		if !wa.IsConnected() || login && !wa.IsLoggedIn() {
			s.post(envelope{input: inLost{"WhatsApp ended the stream"}, generation: generation})
		}
	})
}

// askPairingCode asks WhatsApp for the code to type into the phone with that number. WhatsApp checks the client's
// name against a list of browsers and systems.
func (s *Supervisor) askPairingCode(ctx context.Context, wa *whatsmeow.Client, generation uint64, phone string) {
	ctx, cancel := context.WithTimeout(ctx, pairingCodeTimeout)
	defer cancel()
	code, err := wa.PairPhone(ctx, phone, true, whatsmeow.PairClientChrome, "Chrome (Linux)")
	s.post(envelope{input: inPairingCode{phone, code, err}, generation: generation})
}

// unlink removes the session: first a backup, then the device at WhatsApp, then the store. The store decides, also when
// WhatsApp cannot be reached; but without a backup and without WhatsApp the only keys of a device that still exists
// would be gone, so that needs force. whatsmeow deletes the device as soon as WhatsApp agreed, so the facts must say
// before that a person wants it: ready is closed when they do.
func (s *Supervisor) unlink(ctx context.Context, c *client, ready <-chan struct{}, a actUnlink) {
	<-ready
	backup := s.backUp(ctx, "before clear")
	backup.extra = true
	s.post(envelope{input: backup})
	atWhatsApp := false
	if a.online {
		asked, cancel := context.WithTimeout(ctx, unlinkTimeout)
		err := c.wa.Logout(asked)
		cancel()
		if atWhatsApp = err == nil; !atWhatsApp {
			s.log.Warn("WhatsApp did not take the unlink", "error", plain(err))
		}
	}
	c.wa.Disconnect()
	if ctx.Err() != nil && !atWhatsApp { // the bot shuts down: the session stays as it was
		s.post(envelope{input: inUnlinked{err: ErrStopping}})
		return
	}
	c.cut() // a pairing that just succeeded must not write its device after the store was cleared
	if backup.err != nil && !atWhatsApp && !a.force {
		s.post(envelope{input: inUnlinked{err: &Refusal{
			Kind: RefusedNoBackup, Reason: s.public.Load().snapshot.Reason, Detail: backup.err.Error()}}})
		return
	}
	if err := s.forget(ctx); err != nil {
		s.post(envelope{input: inUnlinked{atWhatsApp, &ClearError{AtWhatsApp: atWhatsApp, Err: err}}})
		return
	}
	s.post(envelope{input: inUnlinked{atWhatsApp: atWhatsApp}})
}

// backUp backs the store up. A store without a device has nothing to keep.
func (s *Supervisor) backUp(ctx context.Context, why string) inBackedUp {
	ctx, cancel := context.WithTimeout(ctx, backupTimeout)
	defer cancel()
	backup, _, err := s.store.Backup(ctx, why)
	if errors.Is(err, store.ErrNoDevice) {
		return inBackedUp{}
	}
	return inBackedUp{at: backup.At, err: err}
}

// remember writes the newest facts. Facts that wait for a slow disk are replaced, not queued.
func (s *Supervisor) remember() {
	m, begun := s.model, s.begun
	if s.facts.Swap(&m) != nil {
		return
	}
	s.disk.add(func() {
		m := s.facts.Swap(nil)
		err := s.store.UpdateFacts(func(f *facts) {
			m.remember(f)
			f.Revision = begun
		})
		if err != nil {
			s.log.Error("the session's facts could not be written; a restart may forget what happened", "error", err)
			s.reportUnwritable(err)
		}
	})
}

// forget removes the session from the store. It continues when the bot shuts down; otherwise it would have to be done
// again.
func (s *Supervisor) forget(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), clearTimeout)
	defer cancel()
	err := s.store.Clear(ctx)
	if err != nil {
		s.log.Error("the session could not be removed from the store", "error", err)
	}
	return err
}

func (s *Supervisor) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	if err := s.store.Sync(ctx); err != nil {
		s.log.Error("the pairing may not survive a power failure", "error", err)
	}
}

// readFiles reads the sizes and times of the session's files, one read at a time.
func (s *Supervisor) readFiles() {
	if s.reading {
		s.readAgain = true
		return
	}
	s.reading, s.readAgain = true, false
	s.side.Go(func() { s.post(envelope{input: inFiles{s.store.Files()}}) })
}

// checkLock reports whether the session directory is still the one that this bot locked. If someone removed or
// replaced it, another bot may run on what is there now.
func (s *Supervisor) checkLock() bool {
	err := s.store.CheckLock()
	if err != nil {
		s.post(envelope{input: inUnwritable{err}})
	}
	return err == nil
}

// probe reports whether the store takes writes.
func (s *Supervisor) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return s.store.Probe(ctx)
}

// storeFailed runs where whatsmeow met the error. It cuts the connection before whatsmeow goes on, so that the message
// is not acknowledged and WhatsApp delivers it again.
func (s *Supervisor) storeFailed(err error) {
	if c := s.live.Load(); c != nil {
		c.cut()
	}
	s.post(envelope{input: inUnwritable{err}})
}

// reportUnwritable tells the machine of a write that failed outside the database.
func (s *Supervisor) reportUnwritable(err error) {
	if store.IsUnwritable(err) {
		s.storeFailed(err)
	}
}

// write logs what the machine asks for; events have the names that users of WhatsApp bots know.
func (s *Supervisor) write(a action) {
	switch a := a.(type) {
	case actLog:
		level := slog.LevelInfo
		if a.event == eventAuthFailure {
			level = slog.LevelWarn
		}
		s.log.Log(context.Background(), level, string(a.event), "event", string(a.event), "detail", a.detail)
	case actWarn:
		s.log.Warn("WhatsApp still cannot be reached", "detail", a.words)
	case actStoreFailed:
		s.log.Error("the store refuses writes; the bot leaves WhatsApp, which keeps the messages, until it can write again", "error", a.err)
	case actStoreWorks:
		s.log.Info("the store takes writes again")
	}
}

package session

import (
	"context"
	"log/slog"
	"time"

	"go.mau.fi/whatsmeow"
	wastore "go.mau.fi/whatsmeow/store"

	"sesi.dev/sesi/api/bot"
)

const (
	// unlinkTimeout bounds the unlink at WhatsApp; the store is cleared all the same.
	unlinkTimeout = 10 * time.Second
	// clearTimeout bounds the removal of a session that a person ended.
	clearTimeout = 30 * time.Second
	// settleTimeout bounds the writing down of a pairing, which holds up everything else.
	settleTimeout = 5 * time.Second
	// forgetTimeout bounds the removal of an ended session.
	forgetTimeout = 5 * time.Second
	// pairingCodeTimeout bounds WhatsApp's answer to the wish for a pairing code.
	pairingCodeTimeout = 20 * time.Second
)

// perform does one action. Whatever may wait runs on the side and comes back as an input.
func (s *Supervisor) perform(ctx context.Context, a action) {
	switch a := a.(type) {
	case actDial:
		s.presented = s.version
		s.link.dial(ctx, s.version)
	case actHangup:
		s.link.hangup()
	case actForget:
		s.forget(ctx)
	case actRenew:
		s.link.close()
		s.renew(ctx, s.store.Container().NewDevice())
	case actFetchVersion:
		s.side.Go(func() { s.fetchVersion(ctx) })
	case actAskPairingCode:
		client, generation := s.link.client, s.generation
		s.side.Go(func() { s.askPairingCode(ctx, client, generation, a.phone) })
	case actUnlink:
		client := s.link.client
		s.side.Go(func() { s.unlink(ctx, client, a.online) })
	case actCheckLink:
		s.checkLink(s.link.client, s.generation, a.login)
	case actBackup:
		s.startBackup(ctx)
	case actRemember:
		s.remember()
	case actSettle:
		s.settle(ctx)
	case actTimer:
		s.arm(a.name, a.after)
	case actStop:
		s.disarm(a.name)
	case actSay:
		s.say(a)
	case actCount:
		s.count(a)
	}
}

// renew makes a link for device; the events of the one before it mean nothing from here on.
func (s *Supervisor) renew(ctx context.Context, device *wastore.Device) {
	s.generation++
	generation := s.generation
	post := func(in input) { s.post(envelope{input: in, generation: generation}) }
	in := &intake{sink: s.sink, meter: s.meter, log: s.log}
	s.link = newLink(ctx, s.log, device, s.http, func(client *whatsmeow.Client, evt any) bool {
		if in := translate(client, evt); in != nil {
			post(in)
			return true
		}
		return in.take(evt, func() { post(inLost{"an event could not be stored"}) })
	}, func(turn uint64, err error) {
		s.post(envelope{input: inDialled{err}, generation: generation, dial: turn})
	})
	s.link.opened = func() { in.closed.Store(false) }
	if s.prepare != nil {
		s.prepare(s.link.client)
	}
}

// checkLink finds the end of a stream of which whatsmeow tells nobody: a stream error 503 logs the client out,
// and if no close follows it stays so for ever; and after a pairing it keeps every close to itself, also one
// that took the reason with it.
func (s *Supervisor) checkLink(client *whatsmeow.Client, generation uint64, login bool) {
	s.side.Go(func() {
		if !client.IsConnected() || login && !client.IsLoggedIn() {
			s.post(envelope{input: inLost{"WhatsApp ended the stream"}, generation: generation})
		}
	})
}

// askPairingCode asks WhatsApp for the code to type into the phone with that number. WhatsApp checks the
// client's name against a list of browsers and systems.
func (s *Supervisor) askPairingCode(ctx context.Context, client *whatsmeow.Client, generation uint64, phone string) {
	ctx, cancel := context.WithTimeout(ctx, pairingCodeTimeout)
	defer cancel()
	code, err := client.PairPhone(ctx, phone, true, whatsmeow.PairClientChrome, "Chrome (Linux)")
	s.post(envelope{input: inPairingCode{phone, code, err}, generation: generation})
}

// unlink ends the link: first a snapshot, then the phone's list of devices, then the store. The middle one
// needs WhatsApp, so it may fail; the last one decides.
func (s *Supervisor) unlink(ctx context.Context, client *whatsmeow.Client, online bool) {
	s.post(envelope{input: s.takeBackup(ctx, "before clear")})
	atWhatsApp := false
	if online {
		// whatsmeow deletes the device as soon as WhatsApp agreed: a start after a crash must not take that for damage
		s.rememberUnlink(client.Store.GetJID().String())
		asked, cancel := context.WithTimeout(ctx, unlinkTimeout)
		err := client.Logout(asked)
		cancel()
		if atWhatsApp = err == nil; !atWhatsApp {
			s.log.Warn("WhatsApp did not take the unlink", "error", err)
		}
	}
	client.Disconnect()
	ctx, cancel := context.WithTimeout(ctx, clearTimeout)
	defer cancel()
	s.post(envelope{input: inUnlinked{atWhatsApp, s.store.Clear(ctx)}})
}

// rememberUnlink writes down that a person ends the link of that device.
func (s *Supervisor) rememberUnlink(jid string) {
	err := s.store.UpdateFacts(func(f *facts) {
		f.Expired, f.ExpiredReason, f.ExpiredJID = true, bot.ReasonClearedByUser, jid
	})
	if err != nil {
		s.log.Error("the coming unlink could not be written down", "error", err)
	}
}

func (s *Supervisor) remember() {
	err := s.store.UpdateFacts(func(f *facts) {
		s.model.remember(f)
		f.Notice, f.Revision = s.notice, s.begun
	})
	if err != nil {
		s.log.Error("what must outlive a restart could not be written", "error", err)
	}
}

func (s *Supervisor) forget(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, forgetTimeout)
	defer cancel()
	if err := s.store.Clear(ctx); err != nil {
		s.log.Error("the ended session could not be removed from the store", "error", err)
	}
}

func (s *Supervisor) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	if err := s.store.Sync(ctx); err != nil {
		s.log.Error("the pairing may not survive a power failure", "error", err)
	}
}

// say logs an event under the name that users of WhatsApp bots know.
func (s *Supervisor) say(a actSay) {
	level := slog.LevelInfo
	if a.event == eventAuthFailure {
		level = slog.LevelWarn
	}
	s.log.Log(context.Background(), level, string(a.event), "event", string(a.event), "detail", a.detail)
}

func (s *Supervisor) count(a actCount) {
	switch a.what {
	case countReconnect:
		s.meter.Reconnect(a.reason)
	case countCode:
		s.meter.CodeIssued()
	case countPairing:
		s.notice = bot.NoticeNone // whatever happened to the old keys, these are new
		s.meter.Paired()
	case countLogout:
		s.meter.LoggedOut(a.reason)
	case countTakeover:
		s.meter.TakenOver()
	}
}

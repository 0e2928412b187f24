package controllers_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/clustertest"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// realBot is the bot's own program, built once for all tests.
var realBot = struct {
	sync.Mutex
	path string
}{}

// phone is a world whose pods run real bots against a simulated WhatsApp.
type phone struct {
	*world
	wa *simtest.Sim
}

func newPhone(t *testing.T) *phone {
	t.Helper()
	w := newWorld(t)
	realBot.Lock()
	if realBot.path == "" {
		realBot.path = buildInto(t, stage.dir, "cmd/bot", "-tags", "simulator")
	}
	path := realBot.path
	realBot.Unlock()
	p := &phone{world: w, wa: simtest.Start(t, sim.Config{})}
	w.play(&clustertest.Programs{Path: path, Environ: p.wa.Env()})
	return p
}

// scan links the session to a number as soon as its bot shows a code.
func (p *phone) scan(name, number string) *v1alpha1.WhatsAppSession {
	p.t.Helper()
	p.untilCondition(name, v1alpha1.ConditionQRRequired, metav1.ConditionTrue, string(bot.ReasonQRAvailable))
	var secret corev1.Secret
	if err := p.cluster.Client.Get(p.t.Context(), p.key(name), &secret); err != nil {
		p.t.Fatal(err)
	}
	within(p.t, "the code to be scanned", func() bool {
		pod, code := p.pod(name), ""
		if pod != nil {
			code = clustertest.Code(pod.Status.PodIP, string(secret.Data[credentials.KeyToken]))
		}
		if code == "" {
			return false
		}
		_, err := p.wa.Scan(p.t.Context(), code, number)
		return err == nil
	})
	return p.untilCondition(name, v1alpha1.ConditionReady, metav1.ConditionTrue, string(bot.ReasonLoggedIn))
}

func (p *phone) jid(session *v1alpha1.WhatsAppSession) types.JID {
	p.t.Helper()
	jid, err := types.ParseJID(session.Status.Session.JID)
	if err != nil {
		p.t.Fatal(err)
	}
	return jid
}

func (p *phone) kick(session *v1alpha1.WhatsAppSession, kind string) {
	p.t.Helper()
	if err := p.wa.Kick(p.jid(session), kind); err != nil {
		p.t.Fatal(err)
	}
}

func (p *phone) fault(fault sim.Fault) {
	p.t.Helper()
	if err := p.wa.AddFault(fault); err != nil {
		p.t.Fatal(err)
	}
}

// The whole life with real bots: a code, a scan, a connection; a deleted pod; an unlink on the phone and another scan;
// a changed spec; and a deletion that unlinks.
func TestARealBotsLife(t *testing.T) {
	t.Parallel()
	p := newPhone(t)
	p.operate(staging{})
	session := p.create("kasir", func(s *v1alpha1.WhatsAppSession) {
		s.Spec.ClientID = "wa-finance-render"
		s.Spec.DeletionPolicy = v1alpha1.DeletionUnlink
	})
	linked := p.scan("kasir", "628123456789")
	if linked.Status.ClientID != "wa-finance-render" || linked.Status.Session.PhoneNumber != "+628123456789" || linked.Status.Session.Expired ||
		!strings.HasSuffix(linked.Status.Session.Path, "session-wa-finance-render") || linked.Status.Session.SizeBytes == 0 {
		t.Errorf("connected:\n%s", show(linked))
	}

	before := p.pod("kasir")
	if err := p.cluster.Client.Delete(t.Context(), before.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	again := p.untilReplaced("kasir", before)
	if again.Status.Session.JID != linked.Status.Session.JID {
		t.Errorf("the session was not kept:\n%s", show(again))
	}

	if err := p.wa.Unlink(p.jid(again)); err != nil {
		t.Fatal(err)
	}
	p.untilCondition("kasir", v1alpha1.ConditionSessionExpired, metav1.ConditionTrue, string(bot.ReasonLoggedOut))
	expired := p.until("kasir", "an expired session that asks for a code", func(s *v1alpha1.WhatsAppSession) bool {
		return has(s, v1alpha1.ConditionSessionExpired, metav1.ConditionTrue, "") && has(s, v1alpha1.ConditionQRRequired, metav1.ConditionTrue, string(bot.ReasonQRAvailable))
	})
	if expired.Status.Session.Exists || expired.Status.UserAction != bot.ActionScanQR || !has(expired, v1alpha1.ConditionConnected, metav1.ConditionFalse, "") {
		t.Errorf("expired:\n%s", show(expired))
	}
	p.scan("kasir", "628123456789")

	before = p.pod("kasir")
	edit(p.world, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Locale = v1alpha1.LocaleEnglish })
	p.untilReplaced("kasir", before)

	if err := p.cluster.Client.Delete(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	p.untilGone("kasir")
	if devices := p.wa.Devices(); len(devices) != 0 {
		t.Errorf("the phone still lists %v", devices)
	}
	p.untilEvent("kasir", "Unlinked")
}

// Everything that WhatsApp does to a session shows in the status, each with its own reason.
func TestWhatWhatsAppDoesIsInTheStatus(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		do     func(p *phone, session *v1alpha1.WhatsAppSession)
		state  bot.State
		reason bot.Reason
		action bot.UserAction
		check  func(s *v1alpha1.WhatsAppSession) bool
	}{
		"replaced": {
			do:    func(p *phone, s *v1alpha1.WhatsAppSession) { p.kick(s, sim.KickReplaced) },
			state: bot.StateConflict, reason: bot.ReasonStreamReplaced, action: bot.ActionResolveConflict,
			check: func(s *v1alpha1.WhatsAppSession) bool {
				return has(s, v1alpha1.ConditionConflict, metav1.ConditionTrue, string(bot.ReasonStreamReplaced)) && s.Status.Session.Exists
			},
		},
		"outdated": {
			do: func(p *phone, s *v1alpha1.WhatsAppSession) {
				p.fault(sim.Fault{Kind: sim.FaultFailure, Code: 405})
				p.kick(s, sim.KickDrop)
			},
			state: bot.StateOutdated, reason: bot.ReasonClientOutdated, action: bot.ActionUpgradeClient,
			check: func(s *v1alpha1.WhatsAppSession) bool { return s.Status.Session.Exists && !s.Status.QR.Needed },
		},
		"banned for a while": {
			do: func(p *phone, s *v1alpha1.WhatsAppSession) {
				p.fault(sim.Fault{Kind: sim.FaultFailure, Code: 402, Attrs: map[string]string{"code": "101", "expire": "3600"}})
				p.kick(s, sim.KickDrop)
			},
			state: bot.StateRestricted, reason: bot.ReasonTemporaryBan, action: bot.ActionWaitUntil,
			check: func(s *v1alpha1.WhatsAppSession) bool {
				return s.Status.Session.Exists && s.Status.RestrictedUntil != nil && s.Status.RestrictedUntil.After(time.Now())
			},
		},
		"banned for good": {
			do: func(p *phone, s *v1alpha1.WhatsAppSession) {
				p.fault(sim.Fault{Kind: sim.FaultFailure, Code: 406, Count: 1})
				p.kick(s, sim.KickDrop)
			},
			state: bot.StateLoggedOut, reason: bot.ReasonAccountBanned, action: bot.ActionOpenPhone,
			check: func(s *v1alpha1.WhatsAppSession) bool {
				return !s.Status.Session.Exists && has(s, v1alpha1.ConditionSessionExpired, metav1.ConditionTrue, string(bot.ReasonAccountBanned))
			},
		},
		"out of reach": {
			do: func(p *phone, s *v1alpha1.WhatsAppSession) {
				p.fault(sim.Fault{Kind: sim.FaultRefuse})
				p.kick(s, sim.KickDrop)
			},
			state: bot.StateReconnecting, reason: bot.ReasonConnectionLost, action: bot.ActionNone,
			check: func(s *v1alpha1.WhatsAppSession) bool { return s.Status.Session.Exists },
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPhone(t)
			p.operate(staging{})
			no := false
			p.create("kasir", func(s *v1alpha1.WhatsAppSession) { s.Spec.Conflict.Takeover = &no })
			c.do(p, p.scan("kasir", "628123456789"))
			shown := p.until("kasir", string(c.state), func(s *v1alpha1.WhatsAppSession) bool {
				return s.Status.State == c.state && s.Status.Reason == string(c.reason) && c.check(s)
			})
			if shown.Status.UserAction != c.action || !has(shown, v1alpha1.ConditionConnected, metav1.ConditionFalse, string(c.reason)) ||
				!has(shown, v1alpha1.ConditionReady, metav1.ConditionFalse, string(c.reason)) {
				t.Errorf("%s:\n%s", name, show(shown))
			}
			p.untilEvent("kasir", string(c.reason))
		})
	}
}

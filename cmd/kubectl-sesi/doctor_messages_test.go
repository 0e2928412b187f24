package main

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// A session that waits for a scan, or for the end of a ban, is healthy. One that cannot get a code is not.
func TestDoctorOnTheSession(t *testing.T) {
	scannable := func(s *v1alpha1.WhatsAppSession) {
		s.Status.QR = &v1alpha1.QRStatus{Needed: true, ExpiresAt: &metav1.Time{Time: time.Now().Add(time.Minute)}}
	}
	cases := map[string]struct {
		edits          []func(*v1alpha1.WhatsAppSession)
		problem, waits bool
	}{
		"connected":       {nil, false, false},
		"waits for scan":  {[]func(*v1alpha1.WhatsAppSession){is(bot.StatePairing, bot.ReasonQRAvailable, bot.ActionScanQR), scannable}, true, true},
		"restricted":      {[]func(*v1alpha1.WhatsAppSession){is(bot.StateRestricted, bot.ReasonTemporaryBan, bot.ActionWaitUntil)}, true, true},
		"no code, no net": {[]func(*v1alpha1.WhatsAppSession){is(bot.StateConnecting, bot.ReasonConnectionLost, bot.ActionCheckNetwork)}, true, false},
		"a full disk":     {[]func(*v1alpha1.WhatsAppSession){is(bot.StateFailed, bot.ReasonStoreUnwritable, bot.ActionFixStorage)}, true, false},
		"outdated":        {[]func(*v1alpha1.WhatsAppSession){is(bot.StateOutdated, bot.ReasonClientOutdated, bot.ActionUpgradeClient)}, true, false},
		"another client":  {[]func(*v1alpha1.WhatsAppSession){is(bot.StateConflict, bot.ReasonStreamReplaced, bot.ActionResolveConflict)}, true, false},
		"starts":          {[]func(*v1alpha1.WhatsAppSession){is(v1alpha1.StatePending, v1alpha1.ReasonPodStarting, bot.ActionNone)}, true, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			session := someSession("shop", c.edits...)
			if f := checkSession(t.Context(), nil, &session); (f.problem != "") != c.problem || f.waits != c.waits {
				t.Errorf("%+v; want a problem %t, that waits %t", f, c.problem, c.waits)
			}
		})
	}
}

func TestDoctorOnMessages(t *testing.T) {
	const bad, next, ok, skipped = "BAD", "NEXT", "ok", "-"
	cases := map[string]struct {
		kind, reason string
		status       metav1.ConditionStatus
		want, remedy string
	}{
		"delivering":  {v1alpha1.ConditionEventsDelivered, v1alpha1.ReasonDelivering, metav1.ConditionTrue, ok, ""},
		"no report":   {v1alpha1.ConditionEventsDelivered, v1alpha1.ReasonNotObserved, metav1.ConditionUnknown, skipped, ""},
		"retrying":    {v1alpha1.ConditionEventsDelivered, v1alpha1.ReasonRetrying, metav1.ConditionFalse, bad, "kubectl sesi webhooks shop"},
		"paused":      {v1alpha1.ConditionEventsDelivered, v1alpha1.ReasonPaused, metav1.ConditionFalse, next, "--resume"},
		"no Secret":   {v1alpha1.ConditionEventsDelivered, v1alpha1.ReasonSecretNotFound, metav1.ConditionFalse, bad, "correct the Secret"},
		"refused":     {v1alpha1.ConditionEventsDelivered, v1alpha1.ReasonRefused, metav1.ConditionFalse, bad, "kubectl sesi logs shop"},
		"sending":     {v1alpha1.ConditionSending, v1alpha1.ReasonNotHeld, metav1.ConditionTrue, ok, ""},
		"timelocked":  {v1alpha1.ConditionSending, v1alpha1.ReasonTimelocked, metav1.ConditionFalse, next, "wait until then"},
		"quiet hours": {v1alpha1.ConditionSending, v1alpha1.ReasonQuietHours, metav1.ConditionFalse, next, "spec.messages.pace.quietHours"},
		"off":         {v1alpha1.ConditionSending, v1alpha1.ReasonMessagesOff, metav1.ConditionFalse, ok, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			session := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
			session.Status.Conditions = []metav1.Condition{{Type: c.kind, Status: c.status, Reason: c.reason, Message: "why"}}
			check := checkWebhooks
			if c.kind == v1alpha1.ConditionSending {
				check = checkSending
			}
			f := check(t.Context(), nil, session)
			got := bad
			switch {
			case f.skipped:
				got = skipped
			case f.problem == "":
				got = ok
			case f.waits:
				got = next
			}
			if got != c.want || !strings.Contains(f.remedy, c.remedy) || f.problem != "" && f.problem != c.reason+": why" {
				t.Errorf("%s %q -> %q, want %s with the remedy %q", got, f.problem, f.remedy, c.want, c.remedy)
			}
		})
	}
}

package main

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/v1alpha1"
)

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

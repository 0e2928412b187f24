package gateway

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// classifyAway returns the problem for a session whose bot cannot be called, and whether the bot is expected within
// seconds, so that a request may wait for it.
func classifyAway(session *v1alpha1.WhatsAppSession, now time.Time) (p *problem, soon bool) {
	status := &session.Status
	with := func(base *problem) *problem {
		base.session = session
		return base
	}
	switch {
	case session.DeletionTimestamp != nil:
		return with(problemGoing.about(problemGoing.detail)), false
	case suspended(session):
		return with(problemSuspended.about(problemSuspended.detail)), false
	}
	detail := problemAway.detail
	if ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); ready != nil && ready.Message != "" {
		detail = text{detail.id + " " + ready.Message, detail.en + " " + ready.Message}
	}
	away := with(problemAway.about(detail).after(retryAfter(session, now)))
	pod := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionPodReady)
	if pod == nil {
		return away, false
	}
	switch pod.Reason {
	case v1alpha1.ReasonPodRunning, v1alpha1.ReasonPodStarting, v1alpha1.ReasonPodFailed, v1alpha1.ReasonAwaitingTermination,
		v1alpha1.ReasonAwaitingTurn, v1alpha1.ReasonAwaitingPairing:
		return away, true
	}
	return away, false
}

// retryAfter is after how many seconds it is worth asking again.
func retryAfter(session *v1alpha1.WhatsAppSession, now time.Time) int {
	status := &session.Status
	switch {
	case status.RestrictedUntil != nil && status.RestrictedUntil.After(now):
		return int(min(status.RestrictedUntil.Sub(now), time.Hour)/time.Second) + 1
	case status.UserAction != "" && status.UserAction != bot.ActionNone:
		return 60 // a person has to do something first
	case status.State == v1alpha1.StateUnknown:
		return 30
	}
	return 5
}

func suspended(session *v1alpha1.WhatsAppSession) bool {
	return session.Spec.Suspended != nil && *session.Spec.Suspended
}

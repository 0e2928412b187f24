package controllers

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// Limits on events that are not warnings, for all sessions together: a burst and a rate. When a network fails, thousands
// of bots lose WhatsApp and return a minute later. Two events for each were half of all writes, at the moment when the
// API server is busiest. Warnings are never dropped.
const (
	eventsAtOnce    = 500
	eventsPerSecond = 10
)

// transition is a change of a status that is worth an event.
type transition struct {
	kind, reason, message string
}

// brief are reasons that last for seconds while a bot starts or stops. The condition shows them; an event would not help.
var brief = []string{
	v1alpha1.ReasonPodStarting, v1alpha1.ReasonAwaitingTermination, v1alpha1.ReasonClaimPending, v1alpha1.ReasonTerminating,
}

// expected are reasons for a condition that somebody asked for.
var expected = []string{v1alpha1.ReasonQuietHours, v1alpha1.ReasonMessagesOff, v1alpha1.ReasonPaused}

// worrying are the states that a person should look at.
var worrying = []bot.State{
	bot.StateConflict, bot.StateLoggedOut, bot.StateRestricted, bot.StateOutdated, bot.StateFailed, v1alpha1.StateUnknown,
}

// decideTransitions lists what changed between two statuses, each once and with the message of the later one.
func decideTransitions(before, after *v1alpha1.WhatsAppSessionStatus) []transition {
	var all []transition
	add := func(kind, reason, message string) {
		if reason == "" || slices.Contains(brief, reason) || slices.ContainsFunc(all, func(t transition) bool { return t.reason == reason }) {
			return
		}
		all = append(all, transition{kind, reason, message})
	}
	if before.State != after.State || before.Reason != after.Reason {
		kind := corev1.EventTypeNormal
		if slices.Contains(worrying, after.State) || after.State == v1alpha1.StatePending {
			kind = corev1.EventTypeWarning
		}
		add(kind, after.Reason, messageOf(after, after.Reason))
	}
	for _, watched := range []struct {
		condition string
		wanted    metav1.ConditionStatus
	}{
		{v1alpha1.ConditionStorageReady, metav1.ConditionTrue},
		{v1alpha1.ConditionConflict, metav1.ConditionFalse},
		{v1alpha1.ConditionStalled, metav1.ConditionFalse},
		{v1alpha1.ConditionEventsDelivered, metav1.ConditionTrue},
		{v1alpha1.ConditionSending, metav1.ConditionTrue},
	} {
		was, is := meta.FindStatusCondition(before.Conditions, watched.condition), meta.FindStatusCondition(after.Conditions, watched.condition)
		if is == nil || was != nil && was.Status == is.Status && was.Reason == is.Reason {
			continue
		}
		switch {
		case slices.Contains(expected, is.Reason):
			add(corev1.EventTypeNormal, is.Reason, is.Message)
		case is.Status == metav1.ConditionUnknown || was != nil && was.Status == metav1.ConditionUnknown && is.Status == watched.wanted:
			// The bot has not reported yet, or reports that all is well.
		case is.Status != watched.wanted:
			add(corev1.EventTypeWarning, is.Reason, is.Message)
		case was != nil && !slices.Contains(brief, was.Reason):
			add(corev1.EventTypeNormal, is.Reason, is.Message)
		}
	}
	return all
}

// emitTransitions emits an event for each change between two statuses of a session.
func (r *Reconciler) emitTransitions(session *v1alpha1.WhatsAppSession, after *v1alpha1.WhatsAppSessionStatus) {
	for _, t := range decideTransitions(&session.Status, after) {
		if t.kind == corev1.EventTypeWarning || r.ordinary.AllowN(r.now(), 1) {
			r.emit(session, t, string(after.State))
		}
	}
}

// emit emits an event. It names the session but no version of it, so that repetitions become one event with a count.
func (r *Reconciler) emit(session *v1alpha1.WhatsAppSession, t transition, action string) {
	about := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{
		Namespace: session.Namespace, Name: session.Name, UID: session.UID,
	}}
	r.events.Eventf(about, nil, t.kind, t.reason, action, "%s", t.message)
}

// messageOf is the message of the condition that has a reason; Ready's where none has.
func messageOf(status *v1alpha1.WhatsAppSessionStatus, reason string) string {
	for _, kind := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionPodReady, v1alpha1.ConditionStorageReady, v1alpha1.ConditionConnected} {
		if found := meta.FindStatusCondition(status.Conditions, kind); found != nil && found.Reason == reason {
			return found.Message
		}
	}
	if ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.Message
	}
	return ""
}

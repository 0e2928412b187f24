package controllers

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// How many events of ordinary changes there may be, all sessions together: so many at once, and so many a second. When
// a network fails, thousands of bots lose WhatsApp and are back a minute later; an event of each, twice, was half of what
// that wrote, at the moment when the API server is busiest. Their statuses tell. Warnings are never left out.
const (
	eventsAtOnce    = 500
	eventsPerSecond = 10
)

// transition is a change of a status that a person may want to have been told of.
type transition struct {
	kind, reason, message string
}

// quiet are the reasons of a bot that is merely on its way: they last for seconds and are told by the condition.
var quiet = []string{
	v1alpha1.ReasonPodStarting, v1alpha1.ReasonAwaitingTermination, v1alpha1.ReasonClaimPending, v1alpha1.ReasonTerminating,
}

// bad are the states that someone should look at.
var bad = []bot.State{
	bot.StateConflict, bot.StateLoggedOut, bot.StateRestricted, bot.StateOutdated, bot.StateFailed, v1alpha1.StateUnknown,
}

// decideTransitions lists what changed between two statuses, each once and in the words of the later one.
func decideTransitions(before, after *v1alpha1.WhatsAppSessionStatus) []transition {
	var told []transition
	tell := func(kind, reason, message string) {
		if reason == "" || slices.Contains(quiet, reason) || slices.ContainsFunc(told, func(t transition) bool { return t.reason == reason }) {
			return
		}
		told = append(told, transition{kind, reason, message})
	}
	if before.State != after.State || before.Reason != after.Reason {
		kind := corev1.EventTypeNormal
		if slices.Contains(bad, after.State) || after.State == v1alpha1.StatePending {
			kind = corev1.EventTypeWarning
		}
		tell(kind, after.Reason, conditionMessage(after, v1alpha1.ConditionReady))
	}
	for _, watched := range []struct {
		condition string
		wanted    metav1.ConditionStatus
	}{
		{v1alpha1.ConditionStorageReady, metav1.ConditionTrue},
		{v1alpha1.ConditionConflict, metav1.ConditionFalse},
		{v1alpha1.ConditionStalled, metav1.ConditionFalse},
	} {
		was, is := meta.FindStatusCondition(before.Conditions, watched.condition), meta.FindStatusCondition(after.Conditions, watched.condition)
		if is == nil || was != nil && was.Status == is.Status && was.Reason == is.Reason {
			continue
		}
		switch {
		case is.Status != watched.wanted:
			tell(corev1.EventTypeWarning, is.Reason, is.Message)
		case was != nil && !slices.Contains(quiet, was.Reason):
			tell(corev1.EventTypeNormal, is.Reason, is.Message)
		}
	}
	return told
}

// tellTransitions tells what changed between two statuses of a session.
func (r *Reconciler) tellTransitions(session *v1alpha1.WhatsAppSession, after *v1alpha1.WhatsAppSessionStatus) {
	for _, t := range decideTransitions(&session.Status, after) {
		if t.kind == corev1.EventTypeWarning || r.ordinary.AllowN(r.now(), 1) {
			r.tell(session, t, string(after.State))
		}
	}
}

// tell makes an event. It is about the session and not about one version of it, so that what happens again and again
// is one event with a count.
func (r *Reconciler) tell(session *v1alpha1.WhatsAppSession, t transition, action string) {
	about := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{
		Namespace: session.Namespace, Name: session.Name, UID: session.UID,
	}}
	r.events.Eventf(about, nil, t.kind, t.reason, action, "%s", t.message)
}

func conditionMessage(status *v1alpha1.WhatsAppSessionStatus, kind string) string {
	if found := meta.FindStatusCondition(status.Conditions, kind); found != nil {
		return found.Message
	}
	return ""
}

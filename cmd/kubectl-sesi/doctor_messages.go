package main

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/v1alpha1"
)

// checkWebhooks checks by the status whether the session's webhooks get their events.
func checkWebhooks(_ context.Context, _ *cluster, s *v1alpha1.WhatsAppSession) finding {
	const what = "the webhooks"
	found := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionEventsDelivered)
	switch {
	case found == nil || found.Status == metav1.ConditionUnknown:
		return finding{what: what, skipped: true}
	case found.Status == metav1.ConditionTrue:
		return well(what)
	}
	f := finding{what: what, problem: found.Reason + ": " + found.Message, remedy: "see the last error: kubectl sesi webhooks " + s.Name}
	switch found.Reason {
	case v1alpha1.ReasonPaused:
		f.waits, f.remedy = true, "deliver again: kubectl sesi webhooks "+s.Name+" WEBHOOK --resume"
	case v1alpha1.ReasonSecretNotFound, v1alpha1.ReasonSecretInvalid:
		f.remedy = "correct the Secret; the bot takes the change over without a restart"
	case v1alpha1.ReasonRefused:
		f.remedy = "see why: kubectl sesi logs " + s.Name
	}
	return f
}

// checkSending checks by the status whether something holds the session's messages back.
func checkSending(_ context.Context, _ *cluster, s *v1alpha1.WhatsAppSession) finding {
	const what = "sending"
	found := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionSending)
	switch {
	case found == nil || found.Status == metav1.ConditionUnknown:
		return finding{what: what, skipped: true}
	case found.Status == metav1.ConditionTrue || found.Reason == v1alpha1.ReasonMessagesOff:
		return well(what)
	}
	remedy := "wait until then; the messages are sent automatically"
	if found.Reason == v1alpha1.ReasonQuietHours {
		remedy = "wait, or change spec.messages.pace.quietHours"
	}
	return finding{what: what, problem: found.Reason + ": " + found.Message, remedy: remedy, waits: true}
}

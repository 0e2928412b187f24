package gateway

import (
	"net/http"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// TestClassifyAway: a request waits only for a bot that comes soon, and the answer says when it is worth asking again.
func TestClassifyAway(t *testing.T) {
	t.Parallel()
	now := time.Now()
	pod := func(reason string) func(*v1alpha1.WhatsAppSession) {
		return func(s *v1alpha1.WhatsAppSession) {
			s.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionPodReady, Status: metav1.ConditionFalse, Reason: reason}}
		}
	}
	until := func(in time.Duration) func(*v1alpha1.WhatsAppSession) {
		return func(s *v1alpha1.WhatsAppSession) {
			s.Status.UserAction, s.Status.RestrictedUntil = bot.ActionWaitUntil, &metav1.Time{Time: now.Add(in)}
		}
	}
	for name, c := range map[string]struct {
		edit   func(*v1alpha1.WhatsAppSession)
		status int
		retry  int
		soon   bool
	}{
		"its pod is replaced":       {pod(v1alpha1.ReasonAwaitingTermination), http.StatusServiceUnavailable, 5, true},
		"its pod starts":            {pod(v1alpha1.ReasonPodStarting), http.StatusServiceUnavailable, 5, true},
		"its pod crashes":           {pod(v1alpha1.ReasonCrashLooping), http.StatusServiceUnavailable, 5, false},
		"nothing is known of a pod": {func(*v1alpha1.WhatsAppSession) {}, http.StatusServiceUnavailable, 5, false},
		"suspended":                 {func(s *v1alpha1.WhatsAppSession) { pod(v1alpha1.ReasonPodRunning)(s); s.Spec.Suspended = new(true) }, http.StatusConflict, 0, false},
		"being deleted": {func(s *v1alpha1.WhatsAppSession) {
			pod(v1alpha1.ReasonPodRunning)(s)
			s.DeletionTimestamp = &metav1.Time{Time: now}
		}, http.StatusConflict, 0, false},
		"restricted for a while": {until(10 * time.Minute), http.StatusServiceUnavailable, 601, false},
		"restricted for long":    {until(72 * time.Hour), http.StatusServiceUnavailable, 3601, false},
		"no longer restricted":   {until(-time.Minute), http.StatusServiceUnavailable, 60, false},
	} {
		session := &v1alpha1.WhatsAppSession{}
		c.edit(session)
		p, soon := classifyAway(session, now)
		if p.status != c.status || p.retryAfter != c.retry || soon != c.soon || p.session != session {
			t.Errorf("%s: %d, after %d seconds, soon %t; want %d, %d, %t", name, p.status, p.retryAfter, soon, c.status, c.retry, c.soon)
		}
	}
	if problemGoing.session != nil || problemSuspended.session != nil || problemAway.session != nil {
		t.Error("an answer changed what all answers begin with")
	}
}

package controllers

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

func TestDecideProgress(t *testing.T) {
	starting := v1alpha1.WhatsAppSessionStatus{State: v1alpha1.StatePending, Reason: v1alpha1.ReasonPodStarting, ObservedGeneration: 1}
	cases := map[string]struct {
		before, after func(*v1alpha1.WhatsAppSessionStatus)
		want          bool
	}{
		"a node is chosen": {after: func(s *v1alpha1.WhatsAppSessionStatus) { s.NodeName = "node-1" }, want: true},
		"the first status": {before: func(s *v1alpha1.WhatsAppSessionStatus) { *s = v1alpha1.WhatsAppSessionStatus{} }},
		"the bot speaks": {after: func(s *v1alpha1.WhatsAppSessionStatus) {
			s.State, s.Reason = bot.StateConnected, string(bot.ReasonLoggedIn)
		}},
		"the pod does not come": {after: func(s *v1alpha1.WhatsAppSessionStatus) { s.Reason = v1alpha1.ReasonUnschedulable }},
		"the pod comes at last": {before: func(s *v1alpha1.WhatsAppSessionStatus) { s.Reason = v1alpha1.ReasonUnschedulable }},
		"the spec was edited":   {after: func(s *v1alpha1.WhatsAppSessionStatus) { s.ObservedGeneration = 2 }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			before, after := starting, starting
			for _, edit := range []struct {
				of *v1alpha1.WhatsAppSessionStatus
				by func(*v1alpha1.WhatsAppSessionStatus)
			}{{&before, c.before}, {&after, c.after}} {
				if edit.by != nil {
					edit.by(edit.of)
				}
			}
			if got := decideProgress(&before, &after); got != c.want {
				t.Errorf("decideProgress = %t, want %t", got, c.want)
			}
		})
	}
}

// However many steps there are, the first of them is shown when the pause is over.
func TestStepsAreShownInTheEnd(t *testing.T) {
	var p paces
	key := types.NamespacedName{Namespace: "shop", Name: "kasir"}
	for _, c := range []struct {
		at, left time.Duration
	}{{0, progressPause}, {time.Second, progressPause - time.Second}, {progressPause, 0}, {progressPause + time.Second, -time.Second}} {
		if left := p.left(key, noon.Add(c.at)); left != c.left {
			t.Errorf("after %s it waits for %s, want %s", c.at, left, c.left)
		}
	}
	p.forget(key)
	if left := p.left(key, noon.Add(time.Hour)); left != progressPause {
		t.Errorf("the next start waits for %s, want %s", left, progressPause)
	}
}

package controllers

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
	"sesi.dev/sesi/controllers/resources"
	"sesi.dev/sesi/test/bottest"
)

// What the operator alone changed waits for its turn, and nothing else does.
func TestWhoWaitsForATurn(t *testing.T) {
	edited := func(s *pass) { s.desired.Annotations[resources.AnnotationOwnHash] = "another" }
	early := func(s *pass) { delete(s.pod.Annotations, resources.AnnotationOwnHash) }
	reported := says(observer.Heard, connected())
	cases := map[string]struct {
		edits  []func(*pass)
		action action
		waits  bool
	}{
		"the operator changed":           {[]func(*pass){changed, reported}, keepPod, true},
		"changed, not reported yet":      {[]func(*pass){changed}, keepPod, true},
		"changed, cannot be reported":    {[]func(*pass){changed, says(observer.Lost, connected())}, keepPod, true},
		"changed, of an early operator":  {[]func(*pass){changed, early, reported}, keepPod, true},
		"changed, crashes":               {[]func(*pass){changed, pods(bothContainers(waits("CrashLoopBackOff"), exited(1, "Error"), false))}, removePod, false},
		"changed, being linked":          {[]func(*pass){changed, says(observer.Heard, scanning())}, keepPod, false},
		"the session was edited":         {[]func(*pass){changed, edited, reported}, removePod, false},
		"changed, and suspended":         {[]func(*pass){changed, suspended, reported}, removePod, false},
		"changed, another has its claim": {[]func(*pass){changed, held, reported}, removePod, false},
		"nothing changed":                {[]func(*pass){reported}, keepPod, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			full := rollout{}
			for i := range rolloutAtOnce {
				full.begin(types.NamespacedName{Namespace: "shop", Name: fmt.Sprint(i)}, true)
			}
			s := passOf(c.edits...)
			got := full.decide(&s.input, s.plan)
			waits := got.action != s.plan.action
			if got.action != c.action || waits != c.waits || waits && !got.bot.recheck.After(noon) {
				t.Errorf("decide = %+v; want %d, waits %t", got, c.action, c.waits)
			}
			free := rollout{}
			if got := free.decide(&s.input, s.plan); c.waits && got.action != removePod {
				t.Error("it waits though a turn is free")
			}
		})
	}
}

// A turn ends when the bot is as well as it was.
func TestWhenATurnEnds(t *testing.T) {
	wasConnected := func(s *pass) {
		s.session.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionConnected, Status: metav1.ConditionTrue}}
	}
	reconnecting := bottest.Paired("kasir", "pod-1", "62811:1@s.whatsapp.net")
	reconnecting.State, reconnecting.Connected = bot.StateReconnecting, false
	cases := map[string]struct {
		before, after []func(*pass)
		ends          bool
	}{
		"connected again":           {[]func(*pass){wasConnected}, []func(*pass){says(observer.Heard, connected())}, true},
		"not connected yet":         {[]func(*pass){wasConnected}, []func(*pass){says(observer.Heard, &reconnecting)}, false},
		"asks for a scan":           {[]func(*pass){wasConnected}, []func(*pass){says(observer.Heard, scanning())}, false},
		"not reported":              {[]func(*pass){wasConnected}, nil, false},
		"the old bot, still ending": {[]func(*pass){wasConnected}, []func(*pass){changed, says(observer.Heard, connected())}, false},
		"reported, never connected": {nil, []func(*pass){says(observer.Heard, scanning())}, true},
		"suspended":                 {[]func(*pass){wasConnected}, []func(*pass){suspended, noPod}, true},
		"lost its claim to another": {[]func(*pass){wasConnected}, []func(*pass){held, noPod}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := rollout{}
			before, after := passOf(append(c.before, changed)...), passOf(c.after...)
			if r.decide(&before.input, before.plan).action != removePod {
				t.Fatal("no turn was free")
			}
			r.decide(&after.input, after.plan)
			if ended := len(r.away) == 0; ended != c.ends {
				t.Errorf("the turn ended: %t, want %t", ended, c.ends)
			}
		})
	}
}

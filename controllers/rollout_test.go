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
	edited := func(s *scope) { s.desired.Annotations[resources.AnnotationOwnHash] = "another" }
	early := func(s *scope) { delete(s.pod.Annotations, resources.AnnotationOwnHash) }
	heard := says(observer.Heard, connected())
	cases := map[string]struct {
		edits []func(*scope)
		step  step
		waits bool
	}{
		"the operator changed":           {[]func(*scope){changed, heard}, keepPod, true},
		"changed, not heard yet":         {[]func(*scope){changed}, keepPod, true},
		"changed, cannot be heard":       {[]func(*scope){changed, says(observer.Lost, connected())}, keepPod, true},
		"changed, of an early operator":  {[]func(*scope){changed, early, heard}, keepPod, true},
		"changed, crashes":               {[]func(*scope){changed, pods(bothContainers(waits("CrashLoopBackOff"), exited(1, "Error"), false))}, removePod, false},
		"changed, being linked":          {[]func(*scope){changed, says(observer.Heard, scanning())}, keepPod, false},
		"the session was edited":         {[]func(*scope){changed, edited, heard}, removePod, false},
		"changed, and suspended":         {[]func(*scope){changed, suspended, heard}, removePod, false},
		"changed, another has its claim": {[]func(*scope){changed, held, heard}, removePod, false},
		"nothing changed":                {[]func(*scope){heard}, keepPod, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			full := rollout{}
			for i := range rolloutAtOnce {
				full.begin(types.NamespacedName{Namespace: "shop", Name: fmt.Sprint(i)}, true)
			}
			s := visit(c.edits...)
			next, v := full.decide(s)
			if next != c.step || s.stays != c.waits || s.stays && !v.look.After(noon) {
				t.Errorf("decide = %d, %+v, waits %t; want %d, %t", next, v, s.stays, c.step, c.waits)
			}
			free := rollout{}
			if next, _ := free.decide(visit(c.edits...)); c.waits && next != removePod {
				t.Error("it waits though a turn is free")
			}
		})
	}
}

// A turn ends when the bot is as well as it was.
func TestWhenATurnEnds(t *testing.T) {
	wasConnected := func(s *scope) {
		s.session.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionConnected, Status: metav1.ConditionTrue}}
	}
	reconnecting := bottest.Paired("kasir", "pod-1", "62811:1@s.whatsapp.net")
	reconnecting.State, reconnecting.Connected = bot.StateReconnecting, false
	cases := map[string]struct {
		before, after []func(*scope)
		ends          bool
	}{
		"connected again":           {[]func(*scope){wasConnected}, []func(*scope){says(observer.Heard, connected())}, true},
		"not connected yet":         {[]func(*scope){wasConnected}, []func(*scope){says(observer.Heard, &reconnecting)}, false},
		"asks for a scan":           {[]func(*scope){wasConnected}, []func(*scope){says(observer.Heard, scanning())}, false},
		"not heard":                 {[]func(*scope){wasConnected}, nil, false},
		"the old bot, still ending": {[]func(*scope){wasConnected}, []func(*scope){changed, says(observer.Heard, connected())}, false},
		"heard, never connected":    {nil, []func(*scope){says(observer.Heard, scanning())}, true},
		"suspended":                 {[]func(*scope){wasConnected}, []func(*scope){suspended, noPod}, true},
		"lost its claim to another": {[]func(*scope){wasConnected}, []func(*scope){held, noPod}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := rollout{}
			if next, _ := r.decide(visit(append(c.before, changed)...)); next != removePod {
				t.Fatal("no turn was free")
			}
			r.decide(visit(c.after...))
			if ended := len(r.away) == 0; ended != c.ends {
				t.Errorf("the turn ended: %t, want %t", ended, c.ends)
			}
		})
	}
}

package controllers

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
	"sesi.dev/sesi/controllers/resources"
	"sesi.dev/sesi/test/bottest"
)

// Only what the operator changed waits for its turn.
func TestWhoWaitsForATurn(t *testing.T) {
	edited := func(s *pass) {
		s.desired.Annotations[resources.AnnotationOwnHash] = "another"
		s.session.Generation++
	}
	// The operator learnt to pass on a setting that nobody edited.
	learnt := func(s *pass) { s.desired.Annotations[resources.AnnotationOwnHash] = "another" }
	early := func(s *pass) {
		delete(s.pod.Annotations, resources.AnnotationOwnHash)
		delete(s.pod.Annotations, resources.AnnotationGeneration)
	}
	reports := says(observer.Heard, connected())
	cases := map[string]struct {
		edits  []func(*pass)
		action action
		waits  bool
	}{
		"the operator changed":            {[]func(*pass){changed, reports}, keepPod, true},
		"the operator passes more on":     {[]func(*pass){changed, learnt, reports}, keepPod, true},
		"changed, no report yet":          {[]func(*pass){changed}, keepPod, true},
		"changed, unreachable":            {[]func(*pass){changed, says(observer.Lost, connected())}, keepPod, true},
		"changed, of an earlier operator": {[]func(*pass){changed, early, reports}, keepPod, true},
		"changed, crashes":                {[]func(*pass){changed, pods(bothContainers(waits("CrashLoopBackOff"), exited(1, "Error"), false))}, removePod, false},
		"changed, being linked":           {[]func(*pass){changed, says(observer.Heard, scanning())}, keepPod, false},
		"the session was edited":          {[]func(*pass){changed, edited, reports}, removePod, false},
		"changed, and suspended":          {[]func(*pass){changed, suspended, reports}, removePod, false},
		"changed, another has its claim":  {[]func(*pass){changed, held, reports}, removePod, false},
		"nothing changed":                 {[]func(*pass){reports}, keepPod, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			full := rollout{}
			for i := range rolloutAtOnce {
				full.begin(types.NamespacedName{Namespace: "shop", Name: fmt.Sprint(i)})
			}
			s := passOf(c.edits...)
			got := full.decide(&s.input, s.plan)
			waiting := got.replacement != nil && got.replacement.WaitsFor == v1alpha1.ReplacementWaitsForTurn
			if got.action != c.action || waiting != c.waits || waiting && !got.recheck.After(noon) {
				t.Errorf("decide = %+v; want %d, waits %t", got, c.action, c.waits)
			}
			if !c.waits {
				return
			}
			s.plan, s.bot = got, got.bot
			status := deriveStatus(s)
			if s.bot.kind == kindAwaitingTurn && !(&conditions{s, status, reported}).isTrue(v1alpha1.ConditionReady) {
				t.Error("a session that waits for its turn is not Ready")
			}
			s.session.Status, s.now = *status, noon.Add(time.Minute)
			if later := full.decide(&s.input, decidePlan(&s.input, s.storage)).replacement; !later.Since.Equal(&got.replacement.Since) {
				t.Errorf("each pass writes the status: the wait began at %s, and then at %s", got.replacement.Since, later.Since)
			}
			s.now = noon
			free := rollout{}
			first := free.decide(&s.input, decidePlan(&s.input, s.storage))
			if first.action != keepPod || first.replacement == nil || first.replacement.WaitsFor != v1alpha1.ReplacementWaitsForBot {
				t.Fatalf("with a free turn the first pass plans %+v", first)
			}
			s.session.Status.Replacement = first.replacement
			if second := free.decide(&s.input, decidePlan(&s.input, s.storage)); second.action != removePod || second.replacement == nil {
				t.Errorf("with its turn in the status the second pass plans %+v", second)
			}
		})
	}
}

func (c *conditions) isTrue(kind string) bool {
	found := c.find(kind)
	return found != nil && found.Status == metav1.ConditionTrue
}

// A turn ends when the bot is as well as before, waits for a person, or its time is over.
func TestWhenATurnEnds(t *testing.T) {
	turn := func(wasConnected bool, ago time.Duration) func(*pass) {
		return func(s *pass) {
			since := metav1.NewTime(noon.Add(-ago))
			until := metav1.NewTime(since.Add(rolloutPatience))
			s.session.Status.Replacement = &v1alpha1.ReplacementStatus{
				WaitsFor: v1alpha1.ReplacementWaitsForBot, Since: since, Until: &until, WasConnected: wasConnected}
		}
	}
	reconnecting := bottest.Paired("kasir", "pod-1", "62811:1@s.whatsapp.net")
	reconnecting.State, reconnecting.Connected = bot.StateReconnecting, false
	stopped := reconnecting
	stopped.State = bot.StateStopped
	cases := map[string]struct {
		edits        []func(*pass)
		ends, heldUp bool
	}{
		"connected again":           {[]func(*pass){turn(true, time.Minute), says(observer.Heard, connected())}, true, false},
		"not connected yet":         {[]func(*pass){turn(true, time.Minute), says(observer.Heard, &reconnecting)}, false, false},
		"asks for a scan":           {[]func(*pass){turn(true, time.Minute), says(observer.Heard, scanning())}, true, false},
		"asks for a passkey":        {[]func(*pass){turn(true, time.Minute), says(observer.Heard, signing())}, true, false},
		"stopped by a person":       {[]func(*pass){turn(true, time.Minute), says(observer.Heard, &stopped)}, true, false},
		"no report":                 {[]func(*pass){turn(true, time.Minute)}, false, false},
		"no pod":                    {[]func(*pass){turn(true, time.Minute), noPod}, false, false},
		"no report for too long":    {[]func(*pass){turn(true, rolloutPatience)}, true, true},
		"the old bot, still ending": {[]func(*pass){turn(true, time.Minute), changed, says(observer.Heard, connected())}, false, false},
		"reports, never connected":  {[]func(*pass){turn(false, time.Minute), says(observer.Heard, &reconnecting)}, true, false},
		"suspended":                 {[]func(*pass){turn(true, time.Minute), suspended, noPod}, true, false},
		"lost its claim to another": {[]func(*pass){turn(true, time.Minute), held, noPod}, true, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := rollout{}
			r.begin(types.NamespacedName{Namespace: "shop", Name: "kasir"})
			s := passOf(c.edits...)
			got := r.decide(&s.input, s.plan)
			if ended := len(r.away) == 0; ended != c.ends || got.heldUp != c.heldUp || (got.replacement == nil) != c.ends {
				t.Errorf("the turn ended: %t, %+v; want %t, held up %t", ended, got, c.ends, c.heldUp)
			}
		})
	}
}

// If the status with a session's turn could not be written and nothing is left to replace, the turn is free again.
func TestATurnThatIsNotNeededIsFree(t *testing.T) {
	r, s := rollout{}, passOf(says(observer.Heard, connected()))
	r.begin(types.NamespacedName{Namespace: "shop", Name: "kasir"})
	if r.decide(&s.input, s.plan); len(r.away) > 0 {
		t.Errorf("the session keeps its turn: %v", r.away)
	}
}

// A new operator knows the turns that the previous one gave.
func TestTurnsOutliveTheOperator(t *testing.T) {
	m := newModel(t, 1)
	until := metav1.NewTime(noon.Add(rolloutPatience))
	for i := range rolloutAtOnce {
		session := newSession(fmt.Sprint("s", i))
		session.UID = ""
		m.must(m.store.create(session))
		session.Status.Replacement = &v1alpha1.ReplacementStatus{WaitsFor: v1alpha1.ReplacementWaitsForBot, Since: metav1.NewTime(noon), Until: &until}
		m.must(m.store.write(session, true))
	}
	m.restart()
	m.reconcile(types.NamespacedName{Namespace: "shop", Name: "s0"})
	if m.operator.rollout.begin(types.NamespacedName{Namespace: "shop", Name: "another"}) {
		t.Error("the new operator gives an eleventh turn")
	}
}

// Reports from bots and pods are handled before sessions that were just applied.
func TestAReportGoesBeforeWhatWasJustApplied(t *testing.T) {
	q := priorityqueue.New[reconcile.Request]("test")
	defer q.ShutDown()
	request := func(name string) reconcile.Request {
		return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "shop", Name: name}}
	}
	for i := range 2000 {
		q.Add(request(fmt.Sprint("new-", i)))
	}
	addReported(q, request("kasir"))
	pod := podOf(newSession("gudang"))
	podReports().Update(t.Context(), event.UpdateEvent{ObjectOld: pod, ObjectNew: pod}, q)
	for _, want := range []string{"kasir", "gudang"} {
		if next, _ := q.Get(); next != request(want) {
			t.Errorf("%s comes before %s", next, want)
		}
	}
}

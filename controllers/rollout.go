package controllers

import (
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/v1alpha1"
)

const (
	// rolloutAtOnce is how many bots are replaced at once because the operator changed. At a few seconds each, 5,000
	// take half an hour, and WhatsApp does not see all of them reconnect at once.
	rolloutAtOnce = 10
	// rolloutPause is the mean wait before a session that waits for its turn asks again.
	rolloutPause = 30 * time.Second
)

// rollout limits what a new version of the operator, or a new default image, does to sessions whose spec did not
// change: only so many bots are away at once. A bot that was connected is away until it is connected again, so an image
// that cannot be pulled or cannot log in stops the rollout at the first few bots.
type rollout struct {
	mu sync.Mutex
	// away are the sessions whose bot was stopped, and whether it was connected.
	away map[types.NamespacedName]bool
}

// decide holds a plan back until it is the session's turn.
func (r *rollout) decide(in *input, p plan) plan {
	key := client.ObjectKeyFromObject(in.session)
	switch snapshot := in.snapshot(); {
	case in.suspended() || in.holder != nil:
		r.forget(key)
	case snapshot != nil && !in.outdated():
		r.back(key, snapshot.Connected)
	}
	if p.action != removePod || !in.rolled() || r.begin(key, meta.IsStatusConditionTrue(in.session.Status.Conditions, v1alpha1.ConditionConnected)) {
		return p
	}
	p.action = keepPod
	p.bot = p.bot.recheckAt(in.now.Add(rolloutPause/2 + rand.N(rolloutPause)))
	return p
}

// begin gives a session its turn, if one is free.
func (r *rollout) begin(key types.NamespacedName, connected bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, mine := r.away[key]; !mine && len(r.away) >= rolloutAtOnce {
		return false
	}
	if r.away == nil {
		r.away = map[types.NamespacedName]bool{}
	}
	r.away[key] = r.away[key] || connected
	return true
}

// back ends a session's turn once its bot is as well as it was.
func (r *rollout) back(key types.NamespacedName, connected bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if was, away := r.away[key]; away && (connected || !was) {
		delete(r.away, key)
	}
}

func (r *rollout) forget(key types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.away, key)
}

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
	// rolloutAtOnce is how many bots are made anew at once for no wish of their sessions. With a few seconds each, 5,000
	// take half an hour, and WhatsApp does not see all of them come at once.
	rolloutAtOnce = 10
	// rolloutPause is the mean wait between two askings of a session that waits for its turn.
	rolloutPause = 30 * time.Second
)

// rollout bounds what another version of the operator, or another default image, does to sessions that asked for
// nothing: so many bots may be away at once, and one counts as away until it is connected again, if it was before. With
// an image that cannot be pulled, or that cannot log in, the rollout stops by itself at the first few.
type rollout struct {
	mu sync.Mutex
	// away are the sessions whose bot was taken, and whether it was connected.
	away map[types.NamespacedName]bool
}

// decide is decidePod, with the turns kept: where it is not the session's yet, its pod stays.
func (r *rollout) decide(s *scope) (step, verdict) {
	key := client.ObjectKeyFromObject(s.session)
	switch snapshot := s.snapshot(); {
	case s.suspended() || s.holder != nil:
		r.forget(key)
	case snapshot != nil && !s.outdated():
		r.back(key, snapshot.Connected)
	}
	next, v := decidePod(s)
	if next != removePod || !s.rolled() || r.begin(key, meta.IsStatusConditionTrue(s.session.Status.Conditions, v1alpha1.ConditionConnected)) {
		return next, v
	}
	s.stays = true
	next, v = decidePod(s)
	v.look = s.now.Add(rolloutPause/2 + rand.N(rolloutPause))
	return next, v
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

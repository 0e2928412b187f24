package controllers

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"sesi.dev/sesi/api/v1alpha1"
)

// stepPause is how long the steps of a pod's start are gathered before a status tells of them. A claim that is bound,
// a node that is chosen and a container that runs are a second apart and nobody's to act on; each told by itself, they
// were most of what a session's creation writes.
const stepPause = 5 * time.Second

// decideStep tells whether two statuses differ only in how far the pod's start has come. All else is told at once.
func decideStep(before, after *v1alpha1.WhatsAppSessionStatus) bool {
	return before.State == v1alpha1.StatePending && before.Reason == v1alpha1.ReasonPodStarting &&
		after.State == before.State && after.Reason == before.Reason &&
		after.ObservedGeneration == before.ObservedGeneration
}

// paces remember since when a session has steps that its status does not show.
type paces struct {
	mu    sync.Mutex
	since map[types.NamespacedName]time.Time
}

// left is how long a session's steps still wait, at a time.
func (p *paces) left(key types.NamespacedName, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since == nil {
		p.since = map[types.NamespacedName]time.Time{}
	}
	since, found := p.since[key]
	if !found {
		since = now
		p.since[key] = now
	}
	return since.Add(stepPause).Sub(now)
}

// forget ends the wait.
func (p *paces) forget(key types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.since, key)
}

package controllers

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"sesi.dev/sesi/api/v1alpha1"
)

// progressPause is how long the steps of a pod's start are collected before the status shows them. A bound claim, a chosen
// node and a running container are a second apart and need no action. A write for each was most of what the creation of
// a session wrote.
const progressPause = 5 * time.Second

// decideProgress reports whether two statuses differ only in how far the pod's start has come. Any other change is written
// at once.
func decideProgress(before, after *v1alpha1.WhatsAppSessionStatus) bool {
	return before.State == v1alpha1.StatePending && before.Reason == v1alpha1.ReasonPodStarting &&
		after.State == before.State && after.Reason == before.Reason &&
		after.ObservedGeneration == before.ObservedGeneration
}

// paces remember since when a session's status is behind.
type paces struct {
	mu    sync.Mutex
	since map[types.NamespacedName]time.Time
}

// left is how much longer a session's status waits.
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
	return since.Add(progressPause).Sub(now)
}

// forget ends the wait.
func (p *paces) forget(key types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.since, key)
}

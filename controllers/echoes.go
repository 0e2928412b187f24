package controllers

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// echoPatience is how long a pass waits for the cache to show the operator's own write. The cache is milliseconds behind;
// a version that stays longer is real, for example after etcd was restored from a backup.
const echoPatience = 5 * time.Second

// echoes remember which version of a session the operator's last status write replaced. A pass over that version would
// repeat the write, and the API server would work on it only to refuse it as a conflict.
type echoes struct {
	mu       sync.Mutex
	replaced map[types.NamespacedName]replaced
}

type replaced struct {
	version string
	at      time.Time
}

// wrote notes a write that replaced one version by another.
func (e *echoes) wrote(key types.NamespacedName, before, after string, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if before == after {
		return // the API server found nothing to change, so no event comes
	}
	if e.replaced == nil {
		e.replaced = map[types.NamespacedName]replaced{}
	}
	e.replaced[key] = replaced{before, now}
}

// left is how much longer a pass that reads this version waits for the event of the operator's own write.
func (e *echoes) left(key types.NamespacedName, version string, now time.Time) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	last, found := e.replaced[key]
	if !found {
		return 0
	}
	left := last.at.Add(echoPatience).Sub(now)
	if last.version != version || left <= 0 {
		delete(e.replaced, key)
		return 0
	}
	return left
}

func (e *echoes) forget(key types.NamespacedName) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.replaced, key)
}

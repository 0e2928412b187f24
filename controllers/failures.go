package controllers

import (
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/v1alpha1"
)

// A write that fails once is retried and not shown: an API server restarts, a connection breaks. One that fails this
// often and for this long is shown, because only a person can end it.
const (
	failuresShown = 3
	failingShown  = 3 * time.Second
)

// failures remember the sessions whose passes fail, one after the other.
type failures struct {
	mu    sync.Mutex
	since map[types.NamespacedName]failing
}

type failing struct {
	first time.Time
	count int
	shown bool
}

// note counts a failed pass. It reports whether the failure has lasted long enough to be shown, and whether this is the
// first pass on which it has.
func (f *failures) note(key types.NamespacedName, now time.Time) (lasting, first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.since == nil {
		f.since = map[types.NamespacedName]failing{}
	}
	now0 := f.since[key]
	if now0.count == 0 {
		now0.first = now
	}
	now0.count++
	lasting = now0.count >= failuresShown && !now.Before(now0.first.Add(failingShown))
	first = lasting && !now0.shown
	now0.shown = lasting
	f.since[key] = now0
	return lasting, first
}

func (f *failures) forget(key types.NamespacedName) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.since, key)
}

// showFailure makes a write that keeps failing a verdict, so that a condition and an event show it.
func (r *Reconciler) showFailure(p *pass, err error) {
	key := client.ObjectKeyFromObject(p.session)
	if err == nil {
		return
	}
	lasting, _ := r.failures.note(key, p.now)
	if !lasting || p.storage.kind == kindClaimRejected || p.bot.kind == kindPodRejected || !p.trouble.empty() {
		return
	}
	v := found(kindWriteFailed, "The operator keeps failing to %s", sentence(err.Error()))
	if p.claimFailed {
		p.storage = v
	}
	p.trouble = v
	if p.pod == nil {
		p.bot = v
	}
}

// showUnwritten emits an event when the status itself cannot be written: no condition can show that. A pass that wrote
// everything ends the count.
func (r *Reconciler) showUnwritten(p *pass, err error) {
	key := client.ObjectKeyFromObject(p.session)
	if err == nil {
		r.failures.forget(key)
		return
	}
	if _, first := r.failures.note(key, p.now); first {
		r.emit(p.session, transition{corev1.EventTypeWarning, v1alpha1.ReasonWriteFailed, bounded("The operator keeps failing to " + sentence(err.Error()))}, "Write")
	}
}

package controllers

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// How often the operator corrects one object: so many times at once, then once in this time. Another operator or a policy
// that changes the object back would otherwise make it write without end.
const (
	correctionsAtOnce = 5
	correctionPause   = time.Minute
)

// brakes limit how often each object of a session is corrected.
type brakes struct {
	mu     sync.Mutex
	limits map[types.NamespacedName]map[string]*rate.Limiter
}

// of returns how often a session's object may still be corrected. The caller takes a token once a correction has succeeded:
// nobody undid one that failed.
func (b *brakes) of(session types.NamespacedName, object string) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.limits == nil {
		b.limits = map[types.NamespacedName]map[string]*rate.Limiter{}
	}
	if b.limits[session] == nil {
		b.limits[session] = map[string]*rate.Limiter{}
	}
	limit := b.limits[session][object]
	if limit == nil {
		limit = rate.NewLimiter(rate.Every(correctionPause), correctionsAtOnce)
		b.limits[session][object] = limit
	}
	return limit
}

func (b *brakes) forget(session types.NamespacedName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.limits, session)
}

// undoneError says that something keeps changing an object back.
type undoneError struct{ kind, name, manager string }

func (e *undoneError) Error() string {
	if e.manager == "" {
		return fmt.Sprintf("%s %s does not stay as the operator writes it; an admission policy may change it", e.kind, e.name)
	}
	return fmt.Sprintf("%s keeps changing %s %s back", e.manager, e.kind, e.name)
}

// undone names who changed an object last, beside the operator. The cache does not keep that, so it is read once more.
func (r *Reconciler) undone(ctx context.Context, kind string, object client.Object) error {
	e := &undoneError{kind: kind, name: object.GetName()}
	there := object.DeepCopyObject().(client.Object)
	if err := r.live.Get(ctx, client.ObjectKeyFromObject(object), there); err != nil {
		return wrap(client.IgnoreNotFound(err), "read %s %s", kind, object.GetName())
	}
	var last metav1.Time
	for _, field := range there.GetManagedFields() {
		if field.Manager != fieldOwner && field.Time != nil && !field.Time.Before(&last) {
			e.manager, last = field.Manager, *field.Time
		}
	}
	return e
}

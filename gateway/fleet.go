package gateway

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"sesi.dev/sesi/api/apikey"
	botclient "sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/api/v1alpha1"
)

// fleet knows every session, where its bot is, and every API key. It reads by watches and never writes.
type fleet struct {
	objects, secrets cache.Cache // sessions, pods and their Secrets; the Secrets of API keys
	log              *slog.Logger
	hosts            atomic.Uint64

	mu      sync.RWMutex
	members map[sessionKey]*member
	keys    map[apikey.Sum][]heldKey            // the Secrets with the key, the oldest first
	holders map[types.NamespacedName]apikey.Sum // of the Secrets in keys
	readers map[*changes]struct{}
}

// member is what is known of one session. fleet.mu guards its fields; what they point to is never changed.
type member struct {
	session *v1alpha1.WhatsAppSession // nil while only its pod or Secret is known
	pod     *corev1.Pod
	secret  *corev1.Secret
	target  *target       // nil while the bot cannot be called
	changed chan struct{} // closed when target changes; nil while nobody waits
}

// target is one bot process: where it is, and what each side proves to the other.
type target struct {
	// host stands for address and pins in a URL, so that connections are pooled by both.
	host          string
	address       string
	pins          botclient.Pins
	authorization string
}

// heldKey is an API key as one Secret has it.
type heldKey struct {
	apikey.Key
	made time.Time
}

// key finds an API key by its sum. If several Secrets have it, the oldest one counts: a copy in another namespace opens
// nothing there, and takes nothing away here.
func (f *fleet) key(sum apikey.Sum) (apikey.Key, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if held := f.keys[sum]; len(held) > 0 {
		return held[0].Key, true
	}
	return apikey.Key{}, false
}

// session returns a session; nil for none.
func (f *fleet) session(key sessionKey) *v1alpha1.WhatsAppSession {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if m := f.members[key]; m != nil {
		return m.session
	}
	return nil
}

// target returns where a session's bot is, nil for nowhere.
func (f *fleet) target(key sessionKey) *target {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if m := f.members[key]; m != nil {
		return m.target
	}
	return nil
}

// awaitTarget waits until the session has another target than the given one, or ctx ends.
func (f *fleet) awaitTarget(ctx context.Context, key sessionKey, than *target) {
	f.mu.Lock()
	m := f.members[key]
	if m == nil || m.target != than {
		f.mu.Unlock()
		return
	}
	if m.changed == nil {
		m.changed = make(chan struct{})
	}
	changed := m.changed
	f.mu.Unlock()
	select {
	case <-changed:
	case <-ctx.Done():
	}
}

// sessions returns the sessions that keep returns true for, by namespace and name. keep must not call the fleet.
func (f *fleet) sessions(keep func(*v1alpha1.WhatsAppSession) bool) []*v1alpha1.WhatsAppSession {
	f.mu.RLock()
	var kept []*v1alpha1.WhatsAppSession
	for _, m := range f.members {
		if m.session != nil && keep(m.session) {
			kept = append(kept, m.session)
		}
	}
	f.mu.RUnlock()
	slices.SortFunc(kept, func(a, b *v1alpha1.WhatsAppSession) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return kept
}

// namespaces are those that have sessions.
func (f *fleet) namespaces() []string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	found := map[string]bool{}
	for key, m := range f.members {
		if m.session != nil {
			found[key.namespace] = true
		}
	}
	names := make([]string, 0, len(found))
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// count returns how many sessions there are, and of how many the bot can be called.
func (f *fleet) count() (sessions, reachable int) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, m := range f.members {
		if m.session != nil {
			sessions++
		}
		if m.target != nil {
			reachable++
		}
	}
	return sessions, reachable
}

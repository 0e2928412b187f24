package gateway

import (
	"cmp"
	"context"
	"encoding/pem"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/apikey"
	botclient "sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// Fields of a session's Secret as the gateway keeps it. It never holds the bot's private key.
const (
	keptToken = "token"
	keptPins  = "pins"
)

// fleet knows every session, where its bot is, and every API key. It reads by watches and never writes.
type fleet struct {
	objects, secrets cache.Cache // sessions, pods and their Secrets; the Secrets of API keys
	log              *slog.Logger
	hosts            atomic.Uint64

	mu      sync.RWMutex
	members map[sessionKey]*member
	keys    map[apikey.Sum]apikey.Key
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

// newFleet prepares the watches. namespaces limits them; none means the whole cluster.
func newFleet(config *rest.Config, namespaces []string, log *slog.Logger) (*fleet, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("register the API's kinds: %w", err)
		}
	}
	ours, err := labels.NewRequirement(naming.LabelSession, selection.Exists, nil)
	if err != nil {
		return nil, fmt.Errorf("select by %s: %w", naming.LabelSession, err)
	}
	options := cache.Options{Scheme: scheme, ReaderFailOnMissingInformer: true, DefaultUnsafeDisableDeepCopy: new(true)}
	if len(namespaces) > 0 {
		options.DefaultNamespaces = map[string]cache.Config{}
		for _, namespace := range namespaces {
			options.DefaultNamespaces[namespace] = cache.Config{}
		}
	}
	f := &fleet{
		log: log, members: map[sessionKey]*member{}, keys: map[apikey.Sum]apikey.Key{},
		holders: map[types.NamespacedName]apikey.Sum{}, readers: map[*changes]struct{}{},
	}
	labelled := labels.NewSelector().Add(*ours)
	options.ByObject = map[client.Object]cache.ByObject{
		&v1alpha1.WhatsAppSession{}: {Transform: slimSession},
		&corev1.Pod{}:               {Label: labelled, Transform: slimPod},
		&corev1.Secret{}:            {Label: labelled, Transform: slimSecret},
	}
	if f.objects, err = cache.New(config, options); err != nil {
		return nil, fmt.Errorf("watch the sessions: %w", err)
	}
	options.ByObject = map[client.Object]cache.ByObject{
		&corev1.Secret{}: {Field: fields.OneTermEqualSelector("type", string(apikey.Type)), Transform: slimMeta},
	}
	if f.secrets, err = cache.New(config, options); err != nil {
		return nil, fmt.Errorf("watch the API keys: %w", err)
	}
	return f, nil
}

// start watches until ctx ends. It returns when everything has been read once; ended is closed after ctx's end.
func (f *fleet) start(ctx context.Context) (ended <-chan struct{}, err error) {
	for _, watched := range []struct {
		from   cache.Cache
		object client.Object
		see    func(object any, gone bool)
	}{
		{f.objects, &v1alpha1.WhatsAppSession{}, f.seeSession},
		{f.objects, &corev1.Pod{}, f.seePod},
		{f.objects, &corev1.Secret{}, f.seeSecret},
		{f.secrets, &corev1.Secret{}, f.seeKey},
	} {
		informer, err := watched.from.GetInformer(ctx, watched.object, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, fmt.Errorf("watch %T: %w", watched.object, err)
		}
		handlers := toolscache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { watched.see(object, false) },
			UpdateFunc: func(_, object any) { watched.see(object, false) },
			DeleteFunc: func(object any) {
				if tomb, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
					object = tomb.Obj
				}
				watched.see(object, true)
			},
		}
		if _, err := informer.AddEventHandler(handlers); err != nil {
			return nil, fmt.Errorf("watch %T: %w", watched.object, err)
		}
	}
	var running sync.WaitGroup
	for _, c := range []cache.Cache{f.objects, f.secrets} {
		running.Go(func() {
			if err := c.Start(ctx); err != nil {
				f.log.Error("the watches ended", "error", err)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		running.Wait()
		close(done)
	}()
	for _, c := range []cache.Cache{f.objects, f.secrets} {
		if !c.WaitForCacheSync(ctx) {
			return done, fmt.Errorf("read the sessions: %w", context.Cause(ctx))
		}
	}
	return done, nil
}

func slimMeta(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
		if annotations := accessor.GetAnnotations(); annotations[corev1.LastAppliedConfigAnnotation] != "" {
			delete(annotations, corev1.LastAppliedConfigAnnotation)
		}
	}
	return object, nil
}

// slimSession drops the pod's template, which only the operator reads.
func slimSession(object any) (any, error) {
	if session, ok := object.(*v1alpha1.WhatsAppSession); ok {
		session.Spec.Template = nil
	}
	return slimMeta(object)
}

func slimPod(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion,
			DeletionTimestamp: pod.DeletionTimestamp, OwnerReferences: pod.OwnerReferences,
			Labels: map[string]string{naming.LabelSession: pod.Labels[naming.LabelSession]},
		},
		Status: corev1.PodStatus{Phase: pod.Status.Phase, PodIP: pod.Status.PodIP},
	}, nil
}

// slimSecret keeps the token and the pins of the certificates that the bot may serve: the present one and at most one
// other, as the operator does.
func slimSecret(object any) (any, error) {
	secret, ok := object.(*corev1.Secret)
	if !ok {
		return object, nil
	}
	if _, done := secret.Data[keptPins]; done {
		return object, nil // an informer may ask twice
	}
	var pins []byte
	known := map[botclient.Pin]bool{}
	for _, field := range []string{credentials.KeyCertificate, credentials.KeyRoots} {
		for block, rest := pem.Decode(secret.Data[field]); block != nil && len(known) < len(botclient.Pins{}); block, rest = pem.Decode(rest) {
			pin, err := botclient.PinOf(pem.EncodeToMemory(block))
			if err == nil && !known[pin] {
				known[pin] = true
				pins = append(pins, pin[:]...)
			}
		}
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: secret.Namespace, Name: secret.Name, UID: secret.UID, ResourceVersion: secret.ResourceVersion,
			OwnerReferences: secret.OwnerReferences,
			Labels:          map[string]string{naming.LabelSession: secret.Labels[naming.LabelSession]},
		},
		Data: map[string][]byte{keptToken: []byte(strings.TrimSpace(string(secret.Data[credentials.KeyToken]))), keptPins: pins},
	}, nil
}

func (f *fleet) seeSession(object any, gone bool) {
	session, ok := object.(*v1alpha1.WhatsAppSession)
	if !ok {
		return
	}
	key := sessionKey{session.Namespace, session.Name}
	f.change(key, func(m *member) {
		m.session = session
		if gone {
			m.session = nil
		}
	})
	f.tell(key)
}

func (f *fleet) seePod(object any, gone bool) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return
	}
	f.change(sessionKey{pod.Namespace, pod.Labels[naming.LabelSession]}, func(m *member) {
		switch {
		case !gone && pod.Name == "wa-"+pod.Labels[naming.LabelSession]:
			m.pod = pod
		case gone && m.pod != nil && m.pod.UID == pod.UID:
			m.pod = nil
		}
	})
}

func (f *fleet) seeSecret(object any, gone bool) {
	secret, ok := object.(*corev1.Secret)
	if !ok {
		return
	}
	f.change(sessionKey{secret.Namespace, secret.Labels[naming.LabelSession]}, func(m *member) {
		switch {
		case !gone && secret.Name == "wa-"+secret.Labels[naming.LabelSession]:
			m.secret = secret
		case gone && m.secret != nil && m.secret.UID == secret.UID:
			m.secret = nil
		}
	})
}

// change edits a member and derives its target again.
func (f *fleet) change(key sessionKey, edit func(*member)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.members[key]
	if m == nil {
		m = &member{}
		f.members[key] = m
	}
	edit(m)
	before := m.target
	m.target = f.deriveTarget(m)
	if m.changed != nil && m.target != before {
		close(m.changed)
		m.changed = nil
	}
	if m.session == nil && m.pod == nil && m.secret == nil {
		delete(f.members, key)
		if m.changed != nil {
			close(m.changed)
		}
	}
}

// deriveTarget returns where the member's bot can be called; nil for nowhere. The pod and the Secret must be this
// session's: one of an earlier session of the same name, or of someone else, gets no request.
func (f *fleet) deriveTarget(m *member) *target {
	if m.session == nil || m.pod == nil || m.secret == nil || m.pod.Status.PodIP == "" ||
		m.pod.DeletionTimestamp != nil || m.pod.Status.Phase != corev1.PodRunning ||
		!ownedBy(m.pod, m.session) || !ownedBy(m.secret, m.session) {
		return nil
	}
	token, kept := string(m.secret.Data[keptToken]), m.secret.Data[keptPins]
	if token == "" || len(kept) == 0 {
		return nil
	}
	next := target{address: botAddress(m.pod.Status.PodIP), authorization: "Bearer " + token}
	for i := range next.pins {
		copy(next.pins[i][:], kept[min(i*len(next.pins[i]), len(kept)):])
	}
	if old := m.target; old != nil && old.address == next.address && old.pins == next.pins {
		if old.authorization == next.authorization {
			return old
		}
		next.host = old.host
		return &next
	}
	next.host = fmt.Sprintf("bot-%d", f.hosts.Add(1))
	return &next
}

func ownedBy(object, session client.Object) bool {
	owner := metav1.GetControllerOf(object)
	return owner != nil && owner.UID == session.GetUID()
}

func (f *fleet) seeKey(object any, gone bool) {
	secret, ok := object.(*corev1.Secret)
	if !ok {
		return
	}
	holder := types.NamespacedName{Namespace: secret.Namespace, Name: secret.Name}
	f.mu.Lock()
	defer f.mu.Unlock()
	if sum, found := f.holders[holder]; found {
		delete(f.holders, holder)
		delete(f.keys, sum)
	}
	if gone {
		return
	}
	key, err := apikey.Read(secret)
	if err != nil {
		f.log.Warn("an API key's Secret is wrong and opens nothing", "namespace", secret.Namespace, "error", err.Error())
		return
	}
	if other, taken := f.keys[key.Sum]; taken {
		f.log.Warn("two Secrets hold the same API key; the second opens nothing", "namespace", secret.Namespace, "secret", secret.Name,
			"otherNamespace", other.Namespace, "otherSecret", other.Name)
		return
	}
	f.keys[key.Sum], f.holders[holder] = key, key.Sum
}

// key finds an API key by its sum.
func (f *fleet) key(sum apikey.Sum) (apikey.Key, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	key, found := f.keys[sum]
	return key, found
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

// count is how many sessions there are.
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

// changes are the sessions that changed since a reader last took them. A slow reader gets each once, so it costs no
// memory but the names.
type changes struct {
	mu   sync.Mutex
	keys map[sessionKey]struct{}
	wake chan struct{}
}

// follow begins to note changes for a reader, until stop.
func (f *fleet) follow() (c *changes, stop func()) {
	c = &changes{wake: make(chan struct{}, 1)}
	f.mu.Lock()
	f.readers[c] = struct{}{}
	f.mu.Unlock()
	return c, func() {
		f.mu.Lock()
		delete(f.readers, c)
		f.mu.Unlock()
	}
}

func (f *fleet) tell(key sessionKey) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for c := range f.readers {
		c.mu.Lock()
		if c.keys == nil {
			c.keys = map[sessionKey]struct{}{}
		}
		c.keys[key] = struct{}{}
		c.mu.Unlock()
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

func (c *changes) take() map[sessionKey]struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	keys := c.keys
	c.keys = nil
	return keys
}

package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// modelStore is an API server in memory, as far as the operator can tell: names are unique, versions grow with every
// change, a stale version is a conflict, preconditions are checked, finalizers and grace periods hold a deleted
// object, and every change is an event of its kind, in order.
type modelStore struct {
	clock   func() time.Time
	version int64
	uids    int
	objects map[string]map[types.NamespacedName]client.Object
	// events are all changes so far, by kind.
	events map[string][]modelEvent
}

// modelEvent is one change: before is nil for a new object, after for a deleted one.
type modelEvent struct {
	key           types.NamespacedName
	before, after client.Object
}

var modelKinds = []string{"WhatsAppSession", "Pod", "Secret", "Service", "NetworkPolicy", "PersistentVolumeClaim"}

func newModelStore(clock func() time.Time) *modelStore {
	m := &modelStore{clock: clock, objects: map[string]map[types.NamespacedName]client.Object{}, events: map[string][]modelEvent{}}
	for _, kind := range modelKinds {
		m.objects[kind] = map[types.NamespacedName]client.Object{}
	}
	return m
}

func modelKind(object any) string {
	switch object.(type) {
	case *v1alpha1.WhatsAppSession, *v1alpha1.WhatsAppSessionList:
		return "WhatsAppSession"
	case *corev1.Pod, *corev1.PodList:
		return "Pod"
	case *corev1.Secret, *corev1.SecretList:
		return "Secret"
	case *corev1.Service, *corev1.ServiceList:
		return "Service"
	case *networkingv1.NetworkPolicy, *networkingv1.NetworkPolicyList:
		return "NetworkPolicy"
	case *corev1.PersistentVolumeClaim, *corev1.PersistentVolumeClaimList:
		return "PersistentVolumeClaim"
	}
	panic(fmt.Sprintf("the model knows no %T", object))
}

func modelResource(kind string) schema.GroupResource { return schema.GroupResource{Resource: kind} }

// sorted returns the keys of a kind in order, so that a seed always gives the same run.
func sorted[V any](objects map[types.NamespacedName]V) []types.NamespacedName {
	return slices.SortedFunc(maps.Keys(objects), func(a, b types.NamespacedName) int {
		return strings.Compare(a.String(), b.String())
	})
}

func copyOf(object client.Object) client.Object { return object.DeepCopyObject().(client.Object) }

// put stores an object with a new version and records the event.
func (m *modelStore) put(object client.Object) {
	kind, key := modelKind(object), client.ObjectKeyFromObject(object)
	m.version++
	stored := copyOf(object)
	stored.SetResourceVersion(strconv.FormatInt(m.version, 10))
	before := m.objects[kind][key]
	m.objects[kind][key] = stored
	m.events[kind] = append(m.events[kind], modelEvent{key, before, stored})
	object.SetResourceVersion(stored.GetResourceVersion())
}

// drop removes an object.
func (m *modelStore) drop(object client.Object) {
	kind, key := modelKind(object), client.ObjectKeyFromObject(object)
	before, found := m.objects[kind][key]
	if !found {
		return
	}
	m.version++
	delete(m.objects[kind], key)
	m.events[kind] = append(m.events[kind], modelEvent{key, before, nil})
}

func (m *modelStore) create(object client.Object) error {
	kind, key := modelKind(object), client.ObjectKeyFromObject(object)
	if _, taken := m.objects[kind][key]; taken {
		return apierrors.NewAlreadyExists(modelResource(kind), key.Name)
	}
	if object.GetResourceVersion() != "" {
		return apierrors.NewBadRequest("resourceVersion should not be set on objects to be created")
	}
	m.uids++
	object.SetUID(types.UID(fmt.Sprintf("%s-%d", kind, m.uids)))
	object.SetCreationTimestamp(metav1.NewTime(m.clock().Truncate(time.Second)))
	object.SetGeneration(1)
	switch o := object.(type) {
	case *v1alpha1.WhatsAppSession:
		o.Status = v1alpha1.WhatsAppSessionStatus{ObservedGeneration: -1, State: v1alpha1.StatePending}
	case *corev1.Pod:
		o.Status = corev1.PodStatus{Phase: corev1.PodPending}
	case *corev1.PersistentVolumeClaim:
		o.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending}
		o.Finalizers = []string{"kubernetes.io/pvc-protection"}
	}
	m.put(object)
	return nil
}

// write replaces the stored object. If object has a version, it must be the stored one.
func (m *modelStore) write(object client.Object, status bool) error {
	kind, key := modelKind(object), client.ObjectKeyFromObject(object)
	stored, found := m.objects[kind][key]
	if !found {
		return apierrors.NewNotFound(modelResource(kind), key.Name)
	}
	if object.GetResourceVersion() != stored.GetResourceVersion() || object.GetUID() != stored.GetUID() {
		return apierrors.NewConflict(modelResource(kind), key.Name, errors.New("the object has been modified"))
	}
	next := copyOf(stored)
	if session, is := object.(*v1alpha1.WhatsAppSession); is {
		next := next.(*v1alpha1.WhatsAppSession)
		if status {
			next.Status = *session.Status.DeepCopy()
		} else {
			if !equality.Semantic.DeepEqual(next.Spec, session.Spec) {
				next.Generation++
			}
			next.Spec, next.Labels, next.Finalizers = *session.Spec.DeepCopy(), session.Labels, session.Finalizers
		}
	} else {
		next = copyOf(object)
	}
	if reflect.DeepEqual(next, stored) {
		return nil
	}
	m.put(next)
	object.SetResourceVersion(next.GetResourceVersion())
	m.finish(next)
	return nil
}

// finish removes a deleted object that nothing holds any longer.
func (m *modelStore) finish(object client.Object) {
	if _, pod := object.(*corev1.Pod); pod {
		return
	}
	if object.GetDeletionTimestamp() != nil && len(object.GetFinalizers()) == 0 {
		m.drop(object)
	}
}

func (m *modelStore) delete(object client.Object, uid *types.UID, grace time.Duration) error {
	kind, key := modelKind(object), client.ObjectKeyFromObject(object)
	stored, found := m.objects[kind][key]
	if !found {
		return apierrors.NewNotFound(modelResource(kind), key.Name)
	}
	if uid != nil && *uid != stored.GetUID() {
		return apierrors.NewConflict(modelResource(kind), key.Name, errors.New("precondition failed: UID"))
	}
	held := len(stored.GetFinalizers()) > 0
	if pod, is := stored.(*corev1.Pod); is {
		held = pod.Spec.NodeName != "" && grace > 0
	}
	if !held {
		m.drop(stored)
		return nil
	}
	if stored.GetDeletionTimestamp() == nil {
		next := copyOf(stored)
		at := metav1.NewTime(m.clock().Add(grace).Truncate(time.Second))
		next.SetDeletionTimestamp(&at)
		m.put(next)
	}
	return nil
}

// modelCache is an operator's view of the store: each kind as it was at some moment.
type modelCache struct {
	store   *modelStore
	objects map[string]map[types.NamespacedName]client.Object
	seen    map[string]int
}

// newModelCache returns an up-to-date cache, as after a sync.
func newModelCache(store *modelStore) *modelCache {
	c := &modelCache{store, map[string]map[types.NamespacedName]client.Object{}, map[string]int{}}
	for _, kind := range modelKinds {
		c.objects[kind] = map[types.NamespacedName]client.Object{}
		for key, object := range store.objects[kind] {
			if c.selects(kind, object) {
				c.objects[kind][key] = slimmed(object)
			}
		}
		c.seen[kind] = len(store.events[kind])
	}
	return c
}

// selects reports whether the cache sees an object, by the rules of CacheOptions.
func (c *modelCache) selects(kind string, object client.Object) bool {
	return kind == "WhatsAppSession" || kind == "PersistentVolumeClaim" || object.GetLabels()[naming.LabelSession] != ""
}

// advance applies the next event of a kind; false when there is none.
func (c *modelCache) advance(kind string) (modelEvent, bool) {
	if c.seen[kind] == len(c.store.events[kind]) {
		return modelEvent{}, false
	}
	e := c.store.events[kind][c.seen[kind]]
	c.seen[kind]++
	for _, object := range []*client.Object{&e.before, &e.after} {
		if *object != nil && !c.selects(kind, *object) {
			*object = nil
		}
	}
	if e.after == nil {
		delete(c.objects[kind], e.key)
	} else {
		c.objects[kind][e.key] = slimmed(e.after)
	}
	return e, true
}

// slimmed is what CacheOptions keep of an object.
func slimmed(object client.Object) client.Object {
	for _, transform := range []func(any) (any, error){slimPod, slimClaim} {
		if kept, err := transform(object); err == nil {
			object = kept.(client.Object)
		}
	}
	return object
}

// modelClient is an operator's client: it reads from the cache and writes to the store, unless a fault strikes.
type modelClient struct {
	client.Client
	scheme *runtime.Scheme
	store  *modelStore
	cache  *modelCache
	// strike is called before every write. before replaces the write with an error; after makes its answer an error.
	strike func() (before, after error)
}

func (c *modelClient) Scheme() *runtime.Scheme { return c.scheme }

func (c *modelClient) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	return getFrom(c.cache.objects, key, into)
}

func getFrom(objects map[string]map[types.NamespacedName]client.Object, key client.ObjectKey, into client.Object) error {
	kind := modelKind(into)
	found, ok := objects[kind][key]
	if !ok {
		return apierrors.NewNotFound(modelResource(kind), key.Name)
	}
	reflect.ValueOf(into).Elem().Set(reflect.ValueOf(copyOf(found)).Elem())
	return nil
}

func (c *modelClient) List(_ context.Context, list client.ObjectList, opts ...client.ListOption) error {
	return listFrom(c.cache.objects, list, opts)
}

func listFrom(objects map[string]map[types.NamespacedName]client.Object, list client.ObjectList, opts []client.ListOption) error {
	options := client.ListOptions{}
	options.ApplyOptions(opts)
	kind := modelKind(list)
	var items []runtime.Object
	for _, key := range sorted(objects[kind]) {
		object := objects[kind][key]
		switch {
		case options.Namespace != "" && key.Namespace != options.Namespace:
			continue
		case options.LabelSelector != nil && !options.LabelSelector.Matches(labels.Set(object.GetLabels())):
			continue
		case options.FieldSelector != nil && !indexed(object, options.FieldSelector.Requirements()[0].Field, options.FieldSelector.Requirements()[0].Value):
			continue
		}
		items = append(items, copyOf(object))
	}
	return meta.SetList(list, items)
}

func indexed(object client.Object, index, value string) bool {
	return indexes[index](object.(*v1alpha1.WhatsAppSession)) == value
}

func (c *modelClient) do(write func() error) error {
	before, after := c.strike()
	if before != nil {
		return before
	}
	if err := write(); err != nil {
		return err
	}
	return after
}

func (c *modelClient) Create(_ context.Context, object client.Object, opts ...client.CreateOption) error {
	options := client.CreateOptions{}
	options.ApplyOptions(opts)
	if len(options.DryRun) > 0 {
		return c.do(func() error {
			kind, key := modelKind(object), client.ObjectKeyFromObject(object)
			if _, taken := c.store.objects[kind][key]; taken {
				return apierrors.NewAlreadyExists(modelResource(kind), key.Name)
			}
			return nil
		})
	}
	return c.do(func() error { return c.store.create(object) })
}

func (c *modelClient) Update(_ context.Context, object client.Object, _ ...client.UpdateOption) error {
	return c.do(func() error { return c.store.write(object, false) })
}

func (c *modelClient) Delete(_ context.Context, object client.Object, opts ...client.DeleteOption) error {
	options := client.DeleteOptions{}
	options.ApplyOptions(opts)
	var uid *types.UID
	if options.Preconditions != nil {
		uid = options.Preconditions.UID
	}
	return c.do(func() error { return c.store.delete(object, uid, 30*time.Second) })
}

func (c *modelClient) Patch(_ context.Context, object client.Object, patch client.Patch, _ ...client.PatchOption) error {
	return c.do(func() error { return c.patch(object, patch, false) })
}

func (c *modelClient) Status() client.SubResourceWriter { return modelStatus{c: c} }

type modelStatus struct {
	client.SubResourceWriter
	c *modelClient
}

func (s modelStatus) Patch(_ context.Context, object client.Object, patch client.Patch, _ ...client.SubResourcePatchOption) error {
	return s.c.do(func() error { return s.c.patch(object, patch, true) })
}

// patch applies a merge patch to the stored object, as the API server does: a version in the patch must be the stored
// one.
func (c *modelClient) patch(object client.Object, patch client.Patch, status bool) error {
	if patch.Type() != types.MergePatchType {
		panic("the model knows merge patches alone")
	}
	data, err := patch.Data(object)
	if err != nil {
		return err
	}
	kind, key := modelKind(object), client.ObjectKeyFromObject(object)
	stored, found := c.store.objects[kind][key]
	if !found {
		return apierrors.NewNotFound(modelResource(kind), key.Name)
	}
	before, err := json.Marshal(stored)
	if err != nil {
		return err
	}
	merged, err := jsonpatch.MergePatch(before, data)
	if err != nil {
		return err
	}
	next := reflect.New(reflect.TypeOf(stored).Elem()).Interface().(client.Object)
	if err := json.Unmarshal(merged, next); err != nil {
		return err
	}
	if err := c.store.write(next, status); err != nil {
		return err
	}
	reflect.ValueOf(object).Elem().Set(reflect.ValueOf(next).Elem())
	return nil
}

// modelLive reads past the cache.
type modelLive struct{ m *model }

func (l modelLive) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	l.m.met["live read of a "+modelKind(into)]++
	return getFrom(l.m.store.objects, key, into)
}

func (l modelLive) List(_ context.Context, list client.ObjectList, opts ...client.ListOption) error {
	err := listFrom(l.m.store.objects, list, opts)
	for _, pod := range list.(*corev1.PodList).Items {
		l.m.met["store held by "+map[bool]string{true: "the session's own pod", false: "another's pod"}[pod.Name == l.m.current]]++
	}
	return err
}

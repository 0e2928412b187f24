package e2e

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// watcher sees every bot's pod and every session during the whole run, even across an outage of the API server.
type watcher struct {
	mu     sync.Mutex
	pods   map[string]map[string]bool // by session directory: the UIDs of the pods that exist
	needed map[string]bool            // by session: a QR code is needed
	asked  map[string]int             // by session: how often a QR code became needed
	seen   map[string]string          // by session: its last resource version
	faults []string
}

var watched = &watcher{pods: map[string]map[string]bool{}, needed: map[string]bool{}, asked: map[string]int{}, seen: map[string]string{}}

func (w *watcher) start() error {
	begun := make(chan struct{}, 2)
	go follow(func() client.ObjectList { return &corev1.PodList{} }, w.resetPods, w.seePod, begun)
	go follow(func() client.ObjectList { return &v1alpha1.WhatsAppSessionList{} }, func() {}, w.seeSession, begun)
	for range 2 {
		select {
		case <-begun:
		case <-time.After(patience):
			return fmt.Errorf("watch the cluster: no answer in %s", patience)
		}
	}
	return nil
}

// follow lists and watches one kind while the process lives.
func follow(newList func() client.ObjectList, reset func(), see func(watch.EventType, client.Object), begun chan<- struct{}) {
	retry := time.NewTicker(200 * time.Millisecond)
	defer retry.Stop()
	for ; ; <-retry.C {
		list := newList() // one that was filled before would keep what the answer leaves out
		if err := cluster.List(context.Background(), list); err != nil {
			continue
		}
		reset()
		items, _ := meta.ExtractList(list)
		for _, item := range items {
			see(watch.Added, item.(client.Object))
		}
		stream, err := cluster.Watch(context.Background(), list, &client.ListOptions{Raw: rawFrom(list)})
		if err != nil {
			continue
		}
		select {
		case begun <- struct{}{}:
		default:
		}
		for event := range stream.ResultChan() {
			if object, ok := event.Object.(client.Object); ok {
				see(event.Type, object)
			}
		}
	}
}

func (w *watcher) resetPods() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.pods)
}

// seePod checks every pod against the rule that at most one may hold a session's keys.
func (w *watcher) seePod(kind watch.EventType, object client.Object) {
	store := object.GetLabels()[naming.LabelDirectory]
	if store == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	key, uid := object.GetNamespace()+"/"+store, string(object.GetUID())
	if w.pods[key] == nil {
		w.pods[key] = map[string]bool{}
	}
	if kind == watch.Deleted {
		delete(w.pods[key], uid)
		return
	}
	w.pods[key][uid] = true
	if len(w.pods[key]) > 1 {
		w.faults = append(w.faults, fmt.Sprintf("two pods at a time for the session of %s/%s", object.GetNamespace(), object.GetName()))
	}
}

func (w *watcher) seeSession(kind watch.EventType, object client.Object) {
	session, ok := object.(*v1alpha1.WhatsAppSession)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	key := session.Namespace + "/" + session.Name
	w.seen[key] = session.ResourceVersion
	if kind == watch.Deleted {
		delete(w.needed, key)
		return
	}
	needed := meta.IsStatusConditionTrue(session.Status.Conditions, v1alpha1.ConditionQRRequired)
	if needed && !w.needed[key] {
		w.asked[key]++
	}
	w.needed[key] = needed
}

// hasSeen returns an error while the session was last seen as it was before, or will be.
func (w *watcher) hasSeen(session *v1alpha1.WhatsAppSession) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if seen := w.seen[session.Namespace+"/"+session.Name]; seen != session.ResourceVersion {
		return fmt.Errorf("it has version %s, the watch saw %s", session.ResourceVersion, seen)
	}
	return nil
}

// scansAsked returns how often each session started to ask for a QR code.
func (w *watcher) scansAsked() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.asked)
}

func (w *watcher) violations() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.faults
}

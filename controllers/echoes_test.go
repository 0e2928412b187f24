package controllers

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"sesi.dev/sesi/api/v1alpha1"
)

// A pass that reads a session as it was before the operator's own write makes no write, which would be refused. The event
// of that write starts the next one; so does the end of the patience, if the old version is back.
func TestAnOldVersionIsNotWrittenTwice(t *testing.T) {
	m := newModel(t, 1)
	session := newSession("kasir")
	session.UID, session.Spec.Storage.ClaimName = "", ""
	m.must(m.store.create(session))
	m.settle()
	key := types.NamespacedName{Namespace: "shop", Name: "kasir"}
	report := func(pushName string) {
		for uid := range m.nodes {
			snapshot := *connected()
			snapshot.Instance, snapshot.PushName = string(uid), pushName
			m.nodes[uid].snapshot, m.bots.reported[key] = snapshot, &snapshot
		}
	}
	shown := func() string {
		return m.store.objects["WhatsAppSession"][key].(*v1alpha1.WhatsAppSession).Status.Session.PushName
	}
	writes := 0
	m.client.strike = func() (before, after error) { writes++; return nil, nil }

	report("one")
	m.reconcile(key)
	report("two")
	m.reconcile(key)
	if writes != 1 || shown() != "one" {
		t.Errorf("%d writes, and the status shows %q, want 1 of one", writes, shown())
	}
	if at := m.timers[key]; at != m.now.Add(echoPatience) {
		t.Errorf("the next pass is at %s, want %s after now", at, echoPatience)
	}
	for m.deliver("WhatsAppSession") {
	}
	if !m.queue[key] {
		t.Fatal("the event of the write starts no pass")
	}
	m.reconcile(key)
	if writes != 2 || shown() != "two" {
		t.Errorf("after the event: %d writes, and the status shows %q", writes, shown())
	}

	m.now = m.now.Add(echoPatience)
	report("three")
	m.reconcile(key)
	if writes != 3 {
		t.Errorf("a version that stays is not written: %d writes", writes)
	}
}

// A write that changed nothing has no event, so no pass waits for it. A forgotten session leaves nothing behind.
func TestEchoesEnd(t *testing.T) {
	var e echoes
	key := types.NamespacedName{Namespace: "shop", Name: "kasir"}
	e.wrote(key, "1", "1", noon)
	if left := e.left(key, "1", noon); left != 0 {
		t.Errorf("after a write of nothing a pass waits for %s", left)
	}
	e.wrote(key, "1", "2", noon)
	if left := e.left(key, "1", noon.Add(time.Second)); left != echoPatience-time.Second {
		t.Errorf("a pass waits for %s", left)
	}
	for name, end := range map[string]func(){
		"the event":    func() { e.left(key, "2", noon) },
		"forgotten":    func() { e.forget(key) },
		"the patience": func() { e.left(key, "1", noon.Add(echoPatience)) },
	} {
		e.wrote(key, "1", "2", noon)
		if end(); len(e.replaced) != 0 {
			t.Errorf("%s leaves %d entries", name, len(e.replaced))
		}
	}
}

package controllers

import (
	"context"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	"sesi.dev/sesi/api/v1alpha1"
)

// BenchmarkVisit measures a pass with nothing to do, as after a resync and after the event of every write.
func BenchmarkVisit(b *testing.B) {
	m := newModel(b, 1)
	session := newSession("kasir")
	session.UID, session.Spec.Storage.ClaimName = "", ""
	session.Spec.Locale = v1alpha1.LocaleEnglish
	m.must(m.store.create(session))
	m.settle()
	for uid := range m.nodes {
		m.nodes[uid].snapshot = *connected()
		m.nodes[uid].snapshot.Instance = string(uid)
	}
	m.settle()
	request := ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "shop", Name: "kasir"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.operator.Reconcile(context.Background(), request); err != nil {
			b.Fatal(err)
		}
	}
}

package controllers_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

const testLease = "operator.sesi.dev"

// counted counts the writes of an operator.
func counted(writes *atomic.Int32) *interceptor.Funcs {
	return &interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			writes.Add(1)
			return c.Create(ctx, o, opts...)
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			writes.Add(1)
			return c.Update(ctx, o, opts...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			writes.Add(1)
			return c.Delete(ctx, o, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			writes.Add(1)
			return c.SubResource(sub).Patch(ctx, o, patch, opts...)
		},
	}
}

// holder waits until somebody holds the namespace's lease.
func (w *world) holder(want string) *coordinationv1.Lease {
	w.t.Helper()
	lease := &coordinationv1.Lease{}
	within(w.t, "the namespace's lease to be "+want+"'s", func() bool {
		err := w.cluster.Client.Get(w.t.Context(), client.ObjectKey{Namespace: w.namespace, Name: testLease}, lease)
		return err == nil && lease.Spec.HolderIdentity != nil && *lease.Spec.HolderIdentity == want
	})
	return lease
}

// An operator that was installed for a namespace serves it alone: that of the whole cluster writes nothing there, and takes
// the sessions over, each without a new scan, once the other is gone. One of them serves the whole cluster, so this test
// runs alone.
func TestANamespacesOwnOperatorGoesFirst(t *testing.T) {
	w := newWorld(t)
	const user = "operators-beside-each-other"
	for _, file := range []string{"role.yaml", "cluster.yaml", "shared/leader_election.yaml"} {
		w.grant(user, file)
	}
	cfg := newUser(t, user, nil)
	own := w.operate(staging{config: cfg, lease: testLease, home: "team", image: "registry.example/own:1"})
	w.holder("team")
	w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	before := w.pod("kasir")

	var writes atomic.Int32
	other := w.operate(staging{everywhere: true, config: cfg, lease: testLease, home: "sesi-system", image: "registry.example/other:1", calls: counted(&writes)})
	within(t, "the other to say whose the namespace is", func() bool {
		return strings.Contains(other.log.String(), "another operator serves the namespace") && strings.Contains(other.log.String(), w.namespace)
	})
	w.comeUp("toko", "62812:1@s.whatsapp.net", nil)
	if pod := w.pod("kasir"); pod == nil || pod.UID != before.UID {
		t.Error("the pod was replaced")
	}
	if pod := w.pod("toko"); botImage(pod) != "registry.example/own:1" {
		t.Errorf("the new session's pod has the image %s", botImage(pod))
	}
	if n := writes.Load(); n > 0 {
		t.Errorf("the operator of the whole cluster wrote %d times", n)
	}
	for who, c := range map[string]struct {
		operator *operator
		want     bool
	}{"its own": {own, true}, "that of the whole cluster": {other, false}} {
		if has := c.operator.measures(w.namespace); has != c.want {
			t.Errorf("the operator that is %s has metrics of the namespace: %t", who, has)
		}
	}
	other.stop()
	own.stop()

	// A person says that the namespace's own operator is gone.
	if err := w.cluster.Client.Delete(t.Context(), w.holder("team")); err != nil {
		t.Fatal(err)
	}
	w.operate(staging{everywhere: true, config: cfg, lease: testLease, home: "sesi-system", image: "registry.example/other:1"})
	for _, name := range []string{"kasir", "toko"} {
		w.until(name, "a bot of the other operator", func(s *v1alpha1.WhatsAppSession) bool {
			pod := w.pod(name)
			return pod != nil && botImage(pod) == "registry.example/other:1" && s.Status.Instance == string(pod.UID)
		})
	}
}

// Of two operators that were installed for one namespace the first serves it, and the second says so and does nothing.
func TestTheSecondOperatorOfANamespaceWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user := "operators-of-" + w.namespace
	w.grant(user, "role.yaml")
	w.grant(user, "shared/leader_election.yaml")
	cfg := newUser(t, user, nil)
	w.operate(staging{config: cfg, lease: testLease, home: "first"})
	w.holder("first")
	var writes atomic.Int32
	second := w.operate(staging{config: cfg, lease: testLease, home: "second", image: "registry.example/other:1", calls: counted(&writes)})
	within(t, "the second to say who serves the namespace", func() bool {
		return strings.Contains(second.log.String(), "another operator serves the namespace")
	})
	w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	// Each change that the first writes is one that the second sees, and it would replace the pod.
	for n := range 10 {
		name := fmt.Sprint("Toko ", n)
		w.bots.Bot(w.key("kasir")).Change(func(s *bot.Snapshot) { s.PushName = name })
		w.until("kasir", "the name "+name, func(s *v1alpha1.WhatsAppSession) bool { return s.Status.Session.PushName == name })
	}
	if n := writes.Load(); n > 0 {
		t.Errorf("the second operator wrote %d times", n)
	}
}

// measures reports whether an operator has metrics of a namespace's sessions.
func (o *operator) measures(namespace string) bool {
	o.t.Helper()
	families, err := o.metrics.Gather()
	if err != nil {
		o.t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "namespace" && label.GetValue() == namespace {
					return true
				}
			}
		}
	}
	return false
}

func botImage(pod *corev1.Pod) string {
	if pod == nil {
		return ""
	}
	return pod.Spec.Containers[0].Image
}

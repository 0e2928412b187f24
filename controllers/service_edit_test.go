package controllers_test

import (
	"context"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/resources"
)

// Whatever a person changes in a session's Service, its name leads to the session's bot again, and to nothing else. One that
// has an address, as those of earlier releases have, keeps it: an address cannot be changed.
func TestAnEditedServiceLeadsToTheBotAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.operate(staging{})
	edits := map[string]func(*corev1.Service){
		"external-name": func(s *corev1.Service) {
			s.Spec.Type, s.Spec.ExternalName, s.Spec.ClusterIP, s.Spec.ClusterIPs = corev1.ServiceTypeExternalName, "thief.example", "", nil
		},
		"no-selector":  func(s *corev1.Service) { s.Spec.Selector = nil },
		"other-pods":   func(s *corev1.Service) { s.Spec.Selector = map[string]string{"app": "thief"} },
		"another-port": func(s *corev1.Service) { s.Spec.Ports[0].TargetPort = intstr.FromInt32(8444) },
		"a-port-more": func(s *corev1.Service) {
			s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Name: "plain", Port: 80, Protocol: corev1.ProtocolTCP})
		},
		"not-ready":   func(s *corev1.Service) { s.Spec.PublishNotReadyAddresses = true },
		"external-ip": func(s *corev1.Service) { s.Spec.ExternalIPs = []string{"192.0.2.1"} },
	}
	const open, addressed = "a-node-port", "an-address"
	names := []string{open, addressed}
	for name := range edits {
		names = append(names, name)
	}
	for _, name := range names {
		w.comeUp(name, "62811:1@s.whatsapp.net", nil)
	}
	first.stop()
	service := func(name string) *corev1.Service {
		return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "wa-" + name, Namespace: w.namespace}}
	}
	addresses := map[string]string{}
	for _, name := range names {
		if change := edits[name]; change != nil {
			edit(w, service(name), change)
			continue
		}
		there := service(name)
		if err := w.cluster.Client.Get(t.Context(), client.ObjectKeyFromObject(there), there); err != nil {
			t.Fatal(err)
		}
		if err := w.cluster.Client.Delete(t.Context(), there); err != nil {
			t.Fatal(err)
		}
		again := service(name)
		again.Labels, again.OwnerReferences, again.Spec = there.Labels, there.OwnerReferences, there.Spec
		again.Spec.ClusterIP, again.Spec.ClusterIPs = "", nil
		if name == open {
			again.Spec.Type = corev1.ServiceTypeNodePort
		}
		if err := w.cluster.Client.Create(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		addresses[name] = again.Spec.ClusterIP
	}

	var updates atomic.Int32
	w.operate(staging{calls: &interceptor.Funcs{
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			err := c.Update(ctx, o, opts...)
			if err == nil {
				updates.Add(1)
			}
			return err
		},
	}})
	for _, name := range names {
		want := resources.BuildService(w.get(name)).Spec
		if address := addresses[name]; address != "" {
			want.ClusterIP = address
		}
		var now corev1.ServiceSpec
		within(t, "the Service of "+name+" to be mended", func() bool {
			there := service(name)
			if err := w.cluster.Client.Get(t.Context(), client.ObjectKeyFromObject(there), there); err != nil {
				t.Fatal(err)
			}
			now = there.Spec
			return now.Type == want.Type && now.ClusterIP == want.ClusterIP && now.ExternalName == "" && len(now.ExternalIPs) == 0 &&
				!now.PublishNotReadyAddresses && equality.Semantic.DeepEqual(now.Selector, want.Selector) && equality.Semantic.DeepEqual(now.Ports, want.Ports)
		})
	}
	written := updates.Load()
	for _, name := range names {
		w.bots.Bot(w.key(name)).Change(func(s *bot.Snapshot) { s.PushName = "a later pass" })
		w.until(name, "a later pass", func(s *v1alpha1.WhatsAppSession) bool { return s.Status.Session.PushName == "a later pass" })
	}
	if more := updates.Load() - written; more > 0 {
		t.Errorf("%d more updates of Services that were mended", more)
	}
}

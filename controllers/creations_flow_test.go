package controllers_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// While the API server works on the objects of many new sessions, a connected bot's changes are shown, its deleted pod
// comes back, and an edit of a session takes effect. In the end all new ones are created.
func TestRunningBotsDoNotWaitForNewOnes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var slow atomic.Bool
	var held atomic.Int32
	open := make(chan struct{})
	w.operate(staging{calls: &interceptor.Funcs{
		Create: func(ctx context.Context, inner client.WithWatch, object client.Object, options ...client.CreateOption) error {
			if _, claim := object.(*corev1.PersistentVolumeClaim); claim && slow.Load() {
				held.Add(1)
				select {
				case <-open:
				case <-ctx.Done():
				}
			}
			return inner.Create(ctx, object, options...)
		},
	}})
	w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	w.comeUp("gudang", "62812:1@s.whatsapp.net", nil)
	slow.Store(true)
	const many = 30
	for i := range many {
		w.create(fmt.Sprint("new-", i), nil)
	}
	within(t, "the first new sessions to be created", func() bool { return held.Load() >= 2 })
	for i := range 3 {
		name := fmt.Sprint("change ", i)
		w.bots.Bot(w.key("kasir")).Change(func(s *bot.Snapshot) { s.PushName = name })
		w.until("kasir", name, func(s *v1alpha1.WhatsAppSession) bool { return s.Status.Session.PushName == name })
	}
	old := w.pod("kasir")
	if err := w.cluster.Client.Delete(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	within(t, "the pod to come back", func() bool { now := w.pod("kasir"); return now != nil && now.UID != old.UID })
	edit(w, w.get("gudang"), func(s *v1alpha1.WhatsAppSession) { yes := true; s.Spec.Suspended = &yes })
	w.untilState("gudang", v1alpha1.StateSuspended)
	close(open)
	for i := range many {
		w.untilState(fmt.Sprint("new-", i), bot.StatePairing)
	}
}

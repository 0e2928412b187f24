package controllers_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/bottest"
	"sesi.dev/sesi/test/campaign"
)

// ledger counts an operator's writes and its passes of each session.
type ledger struct {
	mu     sync.Mutex
	writes int
	visits map[string]int
}

func (l *ledger) wrote() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes++
}

// turn returns the counts and resets them.
func (l *ledger) turn() (int, map[string]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	writes, visits := l.writes, l.visits
	l.writes, l.visits = 0, map[string]int{}
	return writes, visits
}

func (l *ledger) calls() *interceptor.Funcs {
	return &interceptor.Funcs{
		// Every pass begins with a read of its session.
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if _, is := o.(*v1alpha1.WhatsAppSession); is {
				l.mu.Lock()
				l.visits[key.Name]++
				l.mu.Unlock()
			}
			return c.Get(ctx, key, o, opts...)
		},
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			l.wrote()
			return c.Create(ctx, o, opts...)
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			l.wrote()
			return c.Update(ctx, o, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			l.wrote()
			return c.Patch(ctx, o, p, opts...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			l.wrote()
			return c.Delete(ctx, o, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			l.wrote()
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		},
	}
}

// settle waits until an operator has made no pass for a while.
func (l *ledger) settle(t *testing.T) {
	t.Helper()
	quiet := time.Now()
	within(t, "the operator to come to rest", func() bool {
		if writes, visits := l.turn(); writes > 0 || len(visits) > 0 {
			quiet = time.Now()
		}
		return time.Since(quiet) > 3*time.Second
	})
}

// In a minute in which nothing happens, there is no write, and at most one pass per session.
func TestNothingHappensWhenNothingHappens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bots.Linked = func(clientID, instance string) bot.Snapshot {
		return bottest.Paired(clientID, instance, "62811"+clientID[1:]+":1@s.whatsapp.net")
	}
	l := &ledger{visits: map[string]int{}}
	w.operate(staging{calls: l.calls()})
	const sessions = 20
	for i := range sessions {
		w.create(fmt.Sprintf("s%d", i), nil)
	}
	suspended := true
	w.create("suspended", func(s *v1alpha1.WhatsAppSession) { s.Spec.Suspended = &suspended })
	w.create("stalled", named("missing"))
	for i := range sessions {
		w.untilCondition(fmt.Sprintf("s%d", i), v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	}
	w.untilCondition("suspended", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	w.untilCondition("stalled", v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonClaimNotFound)
	l.settle(t)
	// The promise is about a minute, so this test has to wait for one.
	minute := time.NewTimer(time.Minute)
	<-minute.C
	writes, visits := l.turn()
	if writes > 0 {
		t.Errorf("%d writes in an idle minute", writes)
	}
	for name, count := range visits {
		if count > 1 {
			t.Errorf("%d visits of session %s in an idle minute", count, name)
		}
	}
}

// A change in a bot is one write, however often the bot repeats itself. The pass that follows the write writes
// nothing.
func TestAChangeIsOneWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := &ledger{visits: map[string]int{}}
	w.operate(staging{calls: l.calls()})
	w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	l.settle(t)
	b := w.bots.Bot(w.key("kasir"))
	for range 20 {
		b.Change(func(s *bot.Snapshot) { s.BackupAt = bot.At(time.Now()) })
	}
	b.Change(func(s *bot.Snapshot) {
		s.State, s.Reason, s.Connected = bot.StateReconnecting, bot.ReasonConnectionLost, false
	})
	w.untilState("kasir", bot.StateReconnecting)
	var writes, visits int
	within(t, "the visit after the write", func() bool {
		moreWrites, moreVisits := l.turn()
		writes, visits = writes+moreWrites, visits+moreVisits["kasir"]
		return visits >= 2
	})
	if writes != 1 || visits != 2 {
		t.Errorf("one change was %d writes and %d visits, want 1 and 2", writes, visits)
	}
}

// Objects that are not the operator's never reach its memory.
func TestForeignPodsAndSecretsCostNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	op := w.operate(staging{})
	w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	const foreign = 300
	for i := range foreign {
		at := metav1.ObjectMeta{Name: fmt.Sprintf("foreign-%d", i), Namespace: w.namespace, Labels: map[string]string{"app": "other"}}
		w.cluster.Node.Hold(client.ObjectKey{Namespace: at.Namespace, Name: at.Name})
		for _, object := range []client.Object{
			&corev1.Secret{ObjectMeta: at, Data: map[string][]byte{"big": make([]byte, 1<<10)}},
			&corev1.Pod{ObjectMeta: at, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "x", Image: "x"}}}},
		} {
			if err := w.cluster.Client.Create(t.Context(), object); err != nil {
				t.Fatal(err)
			}
		}
	}
	// This later object has been seen, so the earlier ones would have been seen too.
	w.comeUp("later", "62812:1@s.whatsapp.net", nil)
	for _, list := range []client.ObjectList{&corev1.PodList{}, &corev1.SecretList{}} {
		if err := op.manager.GetCache().List(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		var items int
		switch l := list.(type) {
		case *corev1.PodList:
			items = len(l.Items)
			for _, pod := range l.Items {
				if len(pod.Spec.Containers) > 0 || len(pod.ManagedFields) > 0 {
					t.Errorf("the cache keeps of the pod %s what nobody reads", pod.Name)
				}
			}
		case *corev1.SecretList:
			items = len(l.Items)
		}
		if items != 2 {
			t.Errorf("the cache holds %d of %T, want 2", items, list)
		}
	}
}

// However many messages come, and although a webhook of the session is down, the operator writes at most three times in a
// minute. The bot is a real one; it has written every message to its disk before WhatsApp has no message left for it.
func TestManyMessagesCostFewWrites(t *testing.T) {
	t.Parallel()
	p := newPhone(t)
	l := &ledger{visits: map[string]int{}}
	p.operate(staging{calls: l.calls()})
	p.create("shop", func(s *v1alpha1.WhatsAppSession) {
		s.Spec.Webhooks = []v1alpha1.Webhook{{Name: "books", URL: "http://127.0.0.1:1/nobody-listens"}}
	})
	to := p.jid(p.scan("shop", "628123456789"))
	p.untilCondition("shop", v1alpha1.ConditionEventsDelivered, metav1.ConditionTrue, v1alpha1.ReasonDelivering)
	l.settle(t)
	const people = 20
	messages, began := campaign.Rounds(t, 500), time.Now()
	for i := range messages {
		if _, err := p.wa.Person(fmt.Sprintf("628990011%02d", i%people)).Write(to, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	within(t, "the bot to have every message", func() bool {
		devices := p.wa.Devices()
		return len(devices) == 1 && devices[0].Pending == 0
	})
	writes, _ := l.turn()
	took := time.Since(began)
	if most := 3 * (1 + int(took/time.Minute)); writes > most {
		t.Errorf("%d messages in %s cost %d writes, want at most %d", messages, took, writes, most)
	}
	t.Logf("%d messages in %s cost %d writes", messages, took.Round(time.Second), writes)
}

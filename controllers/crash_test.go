package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers"
)

// saboteur makes one write of an operator fail: the write with a given number after arm.
type saboteur struct {
	// done writes reach the API server although the operator gets an error; a deadly write is the operator's last.
	done, deadly bool

	mu     sync.Mutex
	left   int
	struck bool
	dead   chan struct{}
}

var errSabotage = errors.New("the connection broke")

// arm makes the write with this number fail, counted from now.
func (s *saboteur) arm(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left, s.struck, s.dead = number, false, make(chan struct{})
}

// happened reports whether a write failed since arm.
func (s *saboteur) happened() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.struck
}

// write performs a write, or makes it fail.
func (s *saboteur) write(do func() error) error {
	s.mu.Lock()
	if s.struck && s.deadly {
		select {
		case <-s.dead:
		default:
			s.mu.Unlock()
			return errSabotage
		}
	}
	s.left--
	mine := s.left == 0
	if mine {
		s.struck = true
	}
	s.mu.Unlock()
	if !mine {
		return do()
	}
	err := errSabotage
	if s.done {
		err = errors.Join(err, do())
	}
	return err
}

// calls puts the saboteur between an operator and the API server.
func (s *saboteur) calls() *interceptor.Funcs {
	return &interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			return s.write(func() error { return c.Create(ctx, o, opts...) })
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			return s.write(func() error { return c.Update(ctx, o, opts...) })
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			return s.write(func() error { return c.Patch(ctx, o, p, opts...) })
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			return s.write(func() error { return c.Delete(ctx, o, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			return s.write(func() error { return c.SubResource(sub).Patch(ctx, o, p, opts...) })
		},
	}
}

// guarded is an operator that is restarted whenever the saboteur killed it.
type guarded struct {
	w   *world
	s   *saboteur
	now *operator
}

// revive replaces a dead operator.
func (g *guarded) revive() {
	if !g.s.deadly || !g.s.happened() {
		return
	}
	g.s.mu.Lock()
	alive := false
	select {
	case <-g.s.dead:
		alive = true
	default:
	}
	g.s.mu.Unlock()
	if alive {
		return
	}
	g.now.stop()
	close(g.s.dead)
	g.now = g.w.operate(staging{calls: g.s.calls()})
}

// until waits for a state of the session, and revives the operator meanwhile.
func (g *guarded) until(name, what string, done func(*v1alpha1.WhatsAppSession) bool) *v1alpha1.WhatsAppSession {
	g.w.t.Helper()
	return g.w.until(name, what, func(s *v1alpha1.WhatsAppSession) bool { g.revive(); return done(s) })
}

// Every write fails once: refused, lost, or the operator's last. The session's whole life still ends as if nothing had
// happened: no second pod, no orphan, the right status.
func TestEveryWriteFailsOnce(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*saboteur{
		"refused":       {},
		"answer lost":   {done: true},
		"killed before": {deadly: true},
		"killed after":  {deadly: true, done: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			g := &guarded{w: w, s: s}
			s.arm(-1)
			close(s.dead)
			g.now = w.operate(staging{calls: s.calls()})
			number := 1
			for ; ; number++ {
				if number > 60 {
					t.Fatal("a session's life takes more than 60 writes")
				}
				if !liveAndDie(g, fmt.Sprintf("s%d", number), number) {
					break
				}
			}
			t.Logf("a session's life is %d writes", number-1)
			if number < 15 {
				t.Errorf("only %d writes were seen: the test misses some", number-1)
			}
		})
	}
}

// liveAndDie takes one session from its creation over a change to its deletion, and reports whether the write failed.
func liveAndDie(g *guarded, name string, number int) bool {
	w, t := g.w, g.w.t
	t.Helper()
	g.s.arm(number)
	jid := fmt.Sprintf("6281%d:1@s.whatsapp.net", number)
	session := w.create(name, func(s *v1alpha1.WhatsAppSession) {
		s.Spec.DeletionPolicy = v1alpha1.DeletionUnlink
		s.Spec.Storage = v1alpha1.Storage{ClaimTemplate: &v1alpha1.ClaimTemplate{}, RetentionPolicy: v1alpha1.RetentionRetain}
	})
	ready := func(s *v1alpha1.WhatsAppSession) bool {
		return s.Status.ObservedGeneration == s.Generation && has(s, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	}
	g.until(name, "a code", func(s *v1alpha1.WhatsAppSession) bool { return s.Status.State == bot.StatePairing })
	w.link(name, jid)
	g.until(name, "a connection", ready)
	before := w.pod(name)
	edit(w, session, func(s *v1alpha1.WhatsAppSession) {
		s.Spec.Locale, s.Spec.Storage.RetentionPolicy = v1alpha1.LocaleEnglish, v1alpha1.RetentionDelete
	})
	after := g.until(name, "another pod", func(s *v1alpha1.WhatsAppSession) bool { return s.Status.Instance != string(before.UID) && ready(s) })
	for _, fault := range controllers.ConditionFaults(after) {
		t.Errorf("%s: %s", name, fault)
	}
	if started := w.cluster.Node.Started(w.key(name)); started != 2 {
		t.Errorf("%s: %d bots were started, want 2", name, started)
	}
	b := w.bots.Bot(w.key(name))
	if err := w.cluster.Client.Delete(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	within(t, name+" to go", func() bool { g.revive(); return w.get(name) == nil })
	if last := b.Change(func(*bot.Snapshot) {}); last.Exists {
		t.Errorf("%s: the bot was not asked to log out", name)
	}
	within(t, name+" to leave nothing", func() bool {
		for _, list := range []client.ObjectList{
			&corev1.PodList{}, &corev1.SecretList{}, &corev1.ServiceList{}, &corev1.PersistentVolumeClaimList{}, &networkingv1.NetworkPolicyList{},
		} {
			if err := w.cluster.Client.List(t.Context(), list, client.InNamespace(w.namespace), client.MatchingLabels{naming.LabelSession: name}); err != nil {
				t.Fatal(err)
			}
			if meta.LenList(list) > 0 {
				return false
			}
		}
		return true
	})
	return g.s.happened()
}

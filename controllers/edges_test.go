package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/bottest"
	"sesi.dev/sesi/test/clustertest"
)

// The API server answers a create with Conflict when many creates meet one quota. No event follows, so the operator
// has to retry.
func TestACreateOverAQuotaIsRetried(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	refused := map[string]int{}
	w.operate(staging{calls: &interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			kind := fmt.Sprintf("%T", o)
			mu.Lock()
			refused[kind]++
			_, pod := o.(*corev1.Pod)
			again := refused[kind] == 1 || pod && refused[kind] <= 6
			mu.Unlock()
			if again {
				return apierrors.NewConflict(schema.GroupResource{Resource: "resourcequotas"}, "quota", fmt.Errorf("the object has been modified"))
			}
			return c.Create(ctx, o, opts...)
		},
	}})
	w.create("kasir", nil)
	w.untilState("kasir", bot.StatePairing)
	mu.Lock()
	defer mu.Unlock()
	if len(refused) < 5 {
		t.Errorf("only %v were refused", refused)
	}
}

// Another program's refusal may have any length, but the API server limits a status and an event.
func TestALongRefusalIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate(staging{calls: &interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			if _, pod := o.(*corev1.Pod); pod {
				return apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, o.GetName(), errors.New(strings.Repeat("nein, ", 10_000)))
			}
			return c.Create(ctx, o, opts...)
		},
	}})
	w.create("kasir", nil)
	shown := w.untilCondition("kasir", v1alpha1.ConditionPodReady, metav1.ConditionFalse, v1alpha1.ReasonPodRejected)
	if said := meta.FindStatusCondition(shown.Status.Conditions, v1alpha1.ConditionPodReady).Message; !strings.Contains(said, "rejects pod wa-kasir") {
		t.Errorf("it says %q", said)
	}
	w.untilEvent("kasir", v1alpha1.ReasonPodRejected)
}

// No other problem may keep a bot running that is to stop.
func TestSuspendedStopsABotWhateverElseIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.operate(staging{})
	session := w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	first.stop()
	at := metav1.ObjectMeta{Name: "wa-kasir", Namespace: w.namespace}
	if err := w.cluster.Client.Delete(t.Context(), &corev1.Service{ObjectMeta: at}); err != nil {
		t.Fatal(err)
	}
	theirs := &corev1.Service{ObjectMeta: at, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
	if err := w.cluster.Client.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	yes := true
	edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Suspended = &yes })
	w.operate(staging{})
	within(t, "the bot to end", func() bool { return w.pod("kasir") == nil })
	stopped := w.until("kasir", "suspended, with its trouble", func(s *v1alpha1.WhatsAppSession) bool {
		return s.Status.State == v1alpha1.StateSuspended && s.Status.PodName == "" && has(s, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonNameTaken)
	})
	if !has(stopped, v1alpha1.ConditionConnected, metav1.ConditionFalse, "") {
		t.Errorf("the status is\n%s", show(stopped))
	}
}

// A pod that lost the operator's label is not in its cache, but still belongs to the session.
func TestAPodThatLostItsLabelIsStillTheSessions(t *testing.T) {
	t.Parallel()
	for name, labels := range map[string][]string{"session": {naming.LabelSession}, "both": {naming.LabelSession, naming.LabelDirectory}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.operate(staging{})
			w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
			before := w.pod("kasir")
			edit(w, before.DeepCopy(), func(pod *corev1.Pod) {
				for _, label := range labels {
					delete(pod.Labels, label)
				}
			})
			w.bots.Bot(w.key("kasir")).Change(func(s *bot.Snapshot) { s.PushName = "without a label" })
			w.until("kasir", "what its bot says", func(s *v1alpha1.WhatsAppSession) bool {
				return s.Status.Session.PushName == "without a label" && s.Status.PodName == before.Name && has(s, v1alpha1.ConditionConnected, metav1.ConditionTrue, "")
			})
			if err := w.cluster.Client.Delete(t.Context(), before); err != nil {
				t.Fatal(err)
			}
			w.untilReplaced("kasir", before)
		})
	}
}

// A session that is deleted and recreated, as by kubectl replace --force, waits until its predecessor's objects are
// collected; nobody has to act.
func TestWhatAnEarlierSessionLeftIsWaitedFor(t *testing.T) {
	t.Parallel()
	yes := true
	for name, left := range map[string]client.Object{
		"secret":        &corev1.Secret{},
		"service":       &corev1.Service{Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}},
		"networkpolicy": &networkingv1.NetworkPolicy{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.operate(staging{})
			left.SetName("wa-kasir")
			left.SetNamespace(w.namespace)
			left.SetLabels(map[string]string{naming.LabelSession: "kasir"})
			left.SetFinalizers([]string{"example.com/slow"})
			left.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "sesi.dev/v1alpha1", Kind: "WhatsAppSession", Name: "kasir", UID: "an-earlier-one", Controller: &yes}})
			if err := w.cluster.Client.Create(t.Context(), left); err != nil {
				t.Fatal(err)
			}
			w.create("kasir", nil)
			waiting := w.until("kasir", "a wait", func(s *v1alpha1.WhatsAppSession) bool {
				return has(s, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonAwaitingTermination) ||
					has(s, v1alpha1.ConditionStalled, metav1.ConditionTrue, "")
			})
			if has(waiting, v1alpha1.ConditionStalled, metav1.ConditionTrue, "") || !strings.Contains(show(waiting), "deleted session") {
				t.Errorf("the status is\n%s", show(waiting))
			}
			edit(w, left, func(o client.Object) { o.SetFinalizers(nil) })
			w.untilState("kasir", bot.StatePairing)
		})
	}
}

// TestOtherFieldsOfTheServiceStay: what a user sets on the Service stays where it leads no caller elsewhere, and causes no
// write.
func TestOtherFieldsOfTheServiceStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var updates atomic.Int32
	w.operate(staging{calls: &interceptor.Funcs{
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			updates.Add(1)
			return c.Update(ctx, o, opts...)
		},
	}})
	session := w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "wa-kasir", Namespace: w.namespace}}
	edit(w, service, func(s *corev1.Service) {
		s.Spec.SessionAffinity = corev1.ServiceAffinityClientIP
		s.Annotations = map[string]string{"example.com/team": "finance"}
	})
	edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.DeletionPolicy = v1alpha1.DeletionUnlink })
	w.until("kasir", "the new generation", func(s *v1alpha1.WhatsAppSession) bool {
		return s.Status.ObservedGeneration == s.Generation && len(s.Finalizers) == 1
	})
	if count := updates.Load(); count > 0 {
		t.Errorf("%d writes of an unchanged Service", count)
	}
	if err := w.cluster.Client.Get(t.Context(), w.key("kasir"), service); err != nil {
		t.Fatal(err)
	}
	if service.Spec.SessionAffinity != corev1.ServiceAffinityClientIP || service.Annotations["example.com/team"] != "finance" {
		t.Errorf("the Service is %+v", service.Spec)
	}
}

// broken are bots with one image that cannot log in to WhatsApp.
type broken struct {
	*clustertest.Doubles
	image string
}

func (b broken) Start(pod *corev1.Pod, address string, files clustertest.Files) (func(), error) {
	stop, err := b.Doubles.Start(pod, address, files)
	if err == nil && pod.Spec.Containers[0].Image == b.image {
		b.Bot(client.ObjectKeyFromObject(pod)).Change(func(s *bot.Snapshot) {
			s.State, s.Reason, s.Connected = bot.StateFailed, bot.ReasonConnectFailure, false
		})
	}
	return stop, err
}

// A new default image replaces a few bots at a time, and continues only when they are connected again: with an image
// that cannot log in the rollout stops. A change that a person makes to one session takes effect at once.
func TestANewDefaultImageReplacesAFewBotsAtATime(t *testing.T) {
	t.Parallel()
	const atOnce = 10
	w := newWorld(t)
	w.bots.Linked = func(clientID, instance string) bot.Snapshot {
		return bottest.Paired(clientID, instance, "62811"+clientID[1:]+":1@s.whatsapp.net")
	}
	w.play(broken{w.bots, "bot:2"})
	first := w.operate(staging{image: "bot:1"})
	var names []string
	for i := range atOnce + 2 {
		names = append(names, fmt.Sprintf("s%d", i))
		w.create(names[i], nil)
	}
	for _, name := range names {
		w.untilCondition(name, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	}
	first.stop()
	w.operate(staging{image: "bot:2"})
	of := func(image string) (found []string) {
		for _, name := range names {
			if pod := w.pod(name); pod != nil && pod.DeletionTimestamp == nil && pod.Spec.Containers[0].Image == image {
				found = append(found, name)
			}
		}
		return found
	}
	within(t, "the first few", func() bool { return len(of("bot:2")) == atOnce })
	for _, name := range of("bot:2") {
		w.untilState(name, bot.StateFailed)
	}
	old := of("bot:1")
	if len(old) != 2 {
		t.Fatalf("%v still have the image before, want two", old)
	}
	edit(w, w.get(old[0]), func(s *v1alpha1.WhatsAppSession) { s.Spec.Locale = v1alpha1.LocaleEnglish })
	w.until(old[0], "another pod for another spec", func(*v1alpha1.WhatsAppSession) bool { return slices.Contains(of("bot:2"), old[0]) })
	waiting := w.get(old[1])
	if !slices.Contains(of("bot:1"), old[1]) || !has(waiting, v1alpha1.ConditionReady, metav1.ConditionTrue, "") {
		t.Fatalf("the last one did not wait:\n%s", show(waiting))
	}
	next := of("bot:2")[0]
	if next == old[0] {
		next = of("bot:2")[1]
	}
	w.link(next, "62811"+next[1:]+":1@s.whatsapp.net")
	within(t, "the last one's turn", func() bool { return slices.Contains(of("bot:2"), old[1]) })
}

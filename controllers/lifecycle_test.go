package controllers_test

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

func TestASessionComesUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate(staging{})
	w.create("kasir", nil)
	shown := w.untilCondition("kasir", v1alpha1.ConditionQRRequired, metav1.ConditionTrue, string(bot.ReasonQRAvailable))
	if shown.Status.State != bot.StatePairing || shown.Status.UserAction != bot.ActionScanQR || !shown.Status.QR.Needed ||
		shown.Status.QR.ExpiresAt == nil || shown.Status.ClientID != "kasir" {
		t.Errorf("before the scan the status is\n%s", show(shown))
	}
	w.link("kasir", "628123456789:7@s.whatsapp.net")
	linked := w.untilCondition("kasir", v1alpha1.ConditionReady, metav1.ConditionTrue, string(bot.ReasonLoggedIn))
	session := linked.Status.Session
	if linked.Status.State != bot.StateConnected || !session.Exists || session.Expired || session.PhoneNumber != "+628123456789" ||
		session.SizeBytes == 0 || session.LastModified == nil || session.LinkedAt == nil || session.LastConnectedAt == nil {
		t.Errorf("after the scan the status is\n%s", show(linked))
	}
	pod := w.pod("kasir")
	if linked.Status.PodName != pod.Name || linked.Status.NodeName != pod.Spec.NodeName || linked.Status.Instance != string(pod.UID) {
		t.Errorf("the status names another pod than %s on %s: \n%s", pod.UID, pod.Spec.NodeName, show(linked))
	}
	for _, object := range []client.Object{&corev1.Secret{}, &corev1.Service{}, &networkingv1.NetworkPolicy{}, &corev1.PersistentVolumeClaim{}} {
		if err := w.cluster.Client.Get(t.Context(), w.key("kasir"), object); err != nil {
			t.Error(err)
		}
	}
	w.untilEvent("kasir", string(bot.ReasonQRAvailable))
	w.untilEvent("kasir", string(bot.ReasonLoggedIn))
}

// comeUp creates a session and links it.
func (w *world) comeUp(name, jid string, edit func(*v1alpha1.WhatsAppSession)) *v1alpha1.WhatsAppSession {
	w.t.Helper()
	w.create(name, edit)
	w.untilState(name, bot.StatePairing)
	w.link(name, jid)
	return w.untilCondition(name, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

// untilReplaced waits until another pod runs the session, connected.
func (w *world) untilReplaced(name string, before *corev1.Pod) *v1alpha1.WhatsAppSession {
	w.t.Helper()
	return w.until(name, "a connection by another pod", func(s *v1alpha1.WhatsAppSession) bool {
		return s.Status.Instance != string(before.UID) && has(s, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	})
}

// However a pod ends, exactly one other replaces it, and the session needs no new code.
func TestAPodThatEndsIsReplaced(t *testing.T) {
	t.Parallel()
	cases := map[string]func(w *world, pod *corev1.Pod){
		"deleted": func(w *world, pod *corev1.Pod) {
			if err := w.cluster.Client.Delete(w.t.Context(), pod); err != nil {
				w.t.Fatal(err)
			}
		},
		"force-deleted": func(w *world, pod *corev1.Pod) {
			if err := w.cluster.Client.Delete(w.t.Context(), pod, client.GracePeriodSeconds(0)); err != nil {
				w.t.Fatal(err)
			}
		},
		"evicted": func(w *world, pod *corev1.Pod) {
			editStatus(w, pod, func(pod *corev1.Pod) { pod.Status.Phase, pod.Status.Reason = corev1.PodFailed, "Evicted" })
		},
		"failed": func(w *world, pod *corev1.Pod) {
			editStatus(w, pod, func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodFailed })
		},
		"succeeded": func(w *world, pod *corev1.Pod) {
			editStatus(w, pod, func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodSucceeded })
		},
	}
	for name, end := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.operate(staging{})
			w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
			before := w.pod("kasir")
			end(w, before.DeepCopy())
			after := w.untilReplaced("kasir", before)
			if after.Status.QR.Needed || after.Status.Session.JID != "62811:1@s.whatsapp.net" {
				t.Errorf("the session was not kept:\n%s", show(after))
			}
			if started := w.cluster.Node.Started(w.key("kasir")); started != 2 {
				t.Errorf("%d bots were started, want 2", started)
			}
		})
	}
}

func TestAChangedSpecReplacesThePodAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	op := w.operate(staging{})
	session := w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	before := w.pod("kasir")
	edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Locale = v1alpha1.LocaleEnglish })
	after := w.untilReplaced("kasir", before)

	// A change that does not affect the pod replaces nothing, and neither does another operator of the same version.
	pod := w.pod("kasir")
	edit(w, after, func(s *v1alpha1.WhatsAppSession) { s.Spec.DeletionPolicy = v1alpha1.DeletionUnlink })
	w.until("kasir", "the new generation", func(s *v1alpha1.WhatsAppSession) bool {
		return s.Status.ObservedGeneration == s.Generation && len(s.Finalizers) == 1
	})
	op.stop()
	w.operate(staging{})
	edit(w, after, func(s *v1alpha1.WhatsAppSession) { s.Spec.DeletionPolicy = v1alpha1.DeletionRetain })
	w.until("kasir", "the next generation", func(s *v1alpha1.WhatsAppSession) bool {
		return s.Status.ObservedGeneration == s.Generation && len(s.Finalizers) == 0
	})
	if now := w.pod("kasir"); now.UID != pod.UID {
		t.Error("a pod was replaced without need")
	}
}

func TestAChangedSpecWaitsForAPairing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.operate(staging{})
	session := w.create("kasir", nil)
	w.untilState("kasir", bot.StatePairing)
	before := w.pod("kasir")
	// An operator that starts during the pairing does not cut it off either.
	first.stop()
	edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Locale = v1alpha1.LocaleEnglish })
	w.operate(staging{})
	w.untilCondition("kasir", v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonAwaitingPairing)
	if now := w.pod("kasir"); now.UID != before.UID || now.DeletionTimestamp != nil {
		t.Fatal("a pairing in progress was cut off")
	}
	w.link("kasir", "62811:1@s.whatsapp.net")
	w.untilReplaced("kasir", before)
}

func TestSuspendedKeepsTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate(staging{})
	session := w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	before := w.pod("kasir")
	yes, no := true, false
	edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Suspended = &yes })
	suspended := w.until("kasir", "no pod", func(s *v1alpha1.WhatsAppSession) bool {
		return s.Status.State == v1alpha1.StateSuspended && s.Status.PodName == "" && has(s, v1alpha1.ConditionPodReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	})
	if w.pod("kasir") != nil || !suspended.Status.Session.Exists || !has(suspended, v1alpha1.ConditionConnected, metav1.ConditionFalse, v1alpha1.ReasonSuspended) {
		t.Errorf("suspended:\n%s", show(suspended))
	}
	edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Suspended = &no })
	w.untilReplaced("kasir", before)
}

func TestWhatADeletedSessionLeaves(t *testing.T) {
	t.Parallel()
	for name, retention := range map[string]v1alpha1.RetentionPolicy{"retained": v1alpha1.RetentionRetain, "deleted": v1alpha1.RetentionDelete} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.operate(staging{})
			session := w.comeUp("kasir", "62811:1@s.whatsapp.net", func(s *v1alpha1.WhatsAppSession) {
				s.Spec.Storage = v1alpha1.Storage{ClaimTemplate: &v1alpha1.ClaimTemplate{}, RetentionPolicy: v1alpha1.RetentionRetain}
			})
			if retention == v1alpha1.RetentionDelete {
				edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Storage.RetentionPolicy = retention })
				within(t, "the claim's owner", func() bool {
					var claim corev1.PersistentVolumeClaim
					return w.cluster.Client.Get(t.Context(), w.key("kasir"), &claim) == nil && metav1.IsControlledBy(&claim, session)
				})
			}
			if err := w.cluster.Client.Delete(t.Context(), session); err != nil {
				t.Fatal(err)
			}
			w.untilGone("kasir")
			within(t, "the bot to end", func() bool { return w.pod("kasir") == nil })
			gone := func() bool {
				return apierrors.IsNotFound(w.cluster.Client.Get(t.Context(), w.key("kasir"), &corev1.PersistentVolumeClaim{}))
			}
			if retention == v1alpha1.RetentionDelete {
				within(t, "the claim to go", gone)
				return
			}
			// A new session of the same name uses the claim again, and needs no code.
			w.create("kasir", nil)
			again := w.untilCondition("kasir", v1alpha1.ConditionReady, metav1.ConditionTrue, "")
			if again.Status.Session.JID != "62811:1@s.whatsapp.net" {
				t.Errorf("the session was not taken up:\n%s", show(again))
			}
		})
	}
}

func TestTwoSessionsOnOneClaimAndClientID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate(staging{})
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "shared", Namespace: w.namespace}}
	claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	if err := w.cluster.Client.Create(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	on := func(clientID string) func(*v1alpha1.WhatsAppSession) {
		return func(s *v1alpha1.WhatsAppSession) {
			s.Spec.ClientID = clientID
			s.Spec.Storage = v1alpha1.Storage{ClaimName: "shared"}
		}
	}
	older := w.comeUp("older", "62811:1@s.whatsapp.net", on("shop"))
	w.create("younger", on("shop"))
	w.comeUp("neighbour", "62812:1@s.whatsapp.net", on("bank"))
	conflict := w.untilCondition("younger", v1alpha1.ConditionConflict, metav1.ConditionTrue, v1alpha1.ReasonClaimShared)
	if !has(conflict, v1alpha1.ConditionStorageReady, metav1.ConditionFalse, v1alpha1.ReasonClaimShared) ||
		!has(conflict, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonClaimShared) ||
		!strings.Contains(meta.FindStatusCondition(conflict.Status.Conditions, v1alpha1.ConditionConflict).Message, "older") {
		t.Errorf("the younger says\n%s", show(conflict))
	}
	if w.pod("younger") != nil {
		t.Error("the younger has a pod")
	}
	if err := w.cluster.Client.Delete(t.Context(), older); err != nil {
		t.Fatal(err)
	}
	released := w.untilCondition("younger", v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if released.Status.Session.JID != "62811:1@s.whatsapp.net" {
		t.Errorf("the younger holds another session:\n%s", show(released))
	}
}

// A session deleted with --cascade=orphan leaves its pod, which holds the keys: no other pod may be created.
func TestAnOrphanedPodKeepsItsStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate(staging{})
	first := w.comeUp("first", "62811:1@s.whatsapp.net", func(s *v1alpha1.WhatsAppSession) { s.Spec.ClientID = "shop" })
	edit(w, w.pod("first"), func(pod *corev1.Pod) { pod.OwnerReferences = nil })
	if err := w.cluster.Client.Delete(t.Context(), first, client.PropagationPolicy(metav1.DeletePropagationOrphan)); err != nil {
		t.Fatal(err)
	}
	edit(w, first, func(s *v1alpha1.WhatsAppSession) { s.Finalizers = nil })
	w.untilGone("first")
	w.create("second", func(s *v1alpha1.WhatsAppSession) {
		s.Spec.ClientID = "shop"
		s.Spec.Storage = v1alpha1.Storage{ClaimName: "wa-first"}
	})
	waiting := w.untilCondition("second", v1alpha1.ConditionPodReady, metav1.ConditionFalse, v1alpha1.ReasonAwaitingTermination)
	if !strings.Contains(show(waiting), "wa-first") || w.pod("second") != nil {
		t.Errorf("the second waits for nothing:\n%s", show(waiting))
	}
	if err := w.cluster.Client.Delete(t.Context(), w.pod("first")); err != nil {
		t.Fatal(err)
	}
	w.untilCondition("second", v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestTheSameAccountTwiceInANamespace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate(staging{})
	w.comeUp("kasir", "62899:1@s.whatsapp.net", nil)
	w.comeUp("toko", "62899:2@s.whatsapp.net", nil)
	here := w.untilCondition("kasir", v1alpha1.ConditionConflict, metav1.ConditionTrue, v1alpha1.ReasonAccountShared)
	there := w.untilCondition("toko", v1alpha1.ConditionConflict, metav1.ConditionTrue, v1alpha1.ReasonAccountShared)
	if !strings.Contains(show(here), "WhatsAppSession toko") || !strings.Contains(show(there), "WhatsAppSession kasir") {
		t.Errorf("neither names the other:\n%s\n%s", show(here), show(there))
	}
	if err := w.cluster.Client.Delete(t.Context(), there); err != nil {
		t.Fatal(err)
	}
	w.untilCondition("kasir", v1alpha1.ConditionConflict, metav1.ConditionFalse, v1alpha1.ReasonNoConflict)
}

// A tenant's own bot may report any account. Nothing of it appears in another namespace, and the tenant does not learn
// who else has the account. The operator serves the whole cluster, so this test runs alone.
func TestNamespacesDoNotSeeEachOthersAccounts(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	w.operate(staging{everywhere: true})
	w.comeUp("kasir", "62899:1@s.whatsapp.net", nil)
	other.comeUp("toko", "62899:2@s.whatsapp.net", nil)
	for _, c := range []struct {
		world  *world
		name   string
		secret string
	}{{w, "kasir", other.namespace}, {other, "toko", w.namespace}} {
		c.world.bots.Bot(c.world.key(c.name)).Change(func(s *bot.Snapshot) { s.PushName = "after both" })
		seen := c.world.until(c.name, "a later report", func(s *v1alpha1.WhatsAppSession) bool { return s.Status.Session.PushName == "after both" })
		if !has(seen, v1alpha1.ConditionConflict, metav1.ConditionFalse, v1alpha1.ReasonNoConflict) || strings.Contains(show(seen), c.secret) {
			t.Errorf("the status of %s tells of another namespace:\n%s", c.name, show(seen))
		}
		if c.world.events(c.name)[v1alpha1.ReasonAccountShared] {
			t.Errorf("an event of %s tells of another namespace", c.name)
		}
	}
}

func TestUnlinkAsksTheBotFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate(staging{})
	unlink := func(s *v1alpha1.WhatsAppSession) { s.Spec.DeletionPolicy = v1alpha1.DeletionUnlink }
	linked := w.comeUp("linked", "62811:1@s.whatsapp.net", unlink)
	b := w.bots.Bot(w.key("linked"))
	w.create("unlinked", unlink)
	unlinked := w.untilState("unlinked", bot.StatePairing)
	yes := true
	stopped := w.comeUp("stopped", "62812:1@s.whatsapp.net", unlink)
	edit(w, stopped, func(s *v1alpha1.WhatsAppSession) { s.Spec.Suspended = &yes })
	stopped = w.untilCondition("stopped", v1alpha1.ConditionPodReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	for _, session := range []*v1alpha1.WhatsAppSession{linked, unlinked, stopped} {
		if err := w.cluster.Client.Delete(t.Context(), session); err != nil {
			t.Fatal(err)
		}
		w.untilGone(session.Name)
	}
	if last := b.Change(func(*bot.Snapshot) {}); last.Exists || last.Reason != bot.ReasonClearedByUser {
		t.Errorf("the bot was not asked to log out: %+v", last)
	}
	w.untilEvent("linked", "Unlinked")
	w.untilEvent("stopped", "NotUnlinked")
	if w.events("unlinked")["NotUnlinked"] {
		t.Error("a session that was never linked is said to stay linked")
	}
}

// Where a whole namespace is deleted, its bots end before they can log out, and no event can say so: the operator's log does.
func TestADeletedNamespaceLeavesALineForEachLinkedDevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	op := w.operate(staging{})
	session := w.comeUp("kasir", "62811:1@s.whatsapp.net", func(s *v1alpha1.WhatsAppSession) { s.Spec.DeletionPolicy = v1alpha1.DeletionUnlink })
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
	// No namespace controller runs here; the test deletes what is in the namespace, and like that one the pods first.
	if err := w.cluster.Client.Delete(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	if err := w.cluster.Client.Delete(t.Context(), w.pod("kasir")); err != nil {
		t.Fatal(err)
	}
	within(t, "the bot to end", func() bool { return w.pod("kasir") == nil })
	if err := w.cluster.Client.Delete(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	w.untilGone("kasir")
	within(t, "the line", func() bool {
		return strings.Contains(op.log.String(), "deleted a session without unlinking its device") && strings.Contains(op.log.String(), "Linked devices")
	})
}

func TestABotThatStopsReportingIsUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate(staging{})
	w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	before := w.pod("kasir")
	w.bots.Bot(w.key("kasir")).Stop()
	lost := w.untilCondition("kasir", v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonBotUnreachable)
	if lost.Status.State != v1alpha1.StateUnknown || !has(lost, v1alpha1.ConditionConnected, metav1.ConditionUnknown, v1alpha1.ReasonBotUnreachable) ||
		!has(lost, v1alpha1.ConditionPodReady, metav1.ConditionFalse, v1alpha1.ReasonBotUnreachable) ||
		!has(lost, v1alpha1.ConditionSessionExists, metav1.ConditionTrue, "") || lost.Status.Session.JID == "" {
		t.Errorf("an unheard bot's status is\n%s", show(lost))
	}
	if now := w.pod("kasir"); now.UID != before.UID {
		t.Error("a pod was replaced because its bot was not reported")
	}
}

// begun brings a session's pod to this point: its kubelet has seen it, is about to start its bot, and has reported
// nothing for an hour. The test must hold the pod before it is created.
func (w *world) begun(name, node string) *corev1.Pod {
	w.t.Helper()
	within(w.t, "the pod", func() bool { return w.pod(name) != nil })
	pod := w.pod(name)
	binding := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace}, Target: corev1.ObjectReference{Kind: "Node", Name: node}}
	if err := w.cluster.Client.SubResource("binding").Create(w.t.Context(), pod, binding); err != nil {
		w.t.Fatal(err)
	}
	long := metav1.NewTime(time.Now().Add(-time.Hour))
	editStatus(w, pod, func(pod *corev1.Pod) {
		pod.Status.StartTime = &long
		pod.Status.Conditions = []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: long},
			{Type: corev1.ContainersReady, Status: corev1.ConditionFalse, Reason: "ContainersNotReady", LastTransitionTime: long},
			{Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: "ContainersNotReady", LastTransitionTime: long},
		}
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: naming.Container, State: corev1.ContainerState{
			Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}}}
	})
	return pod
}

// If a node fails before the pod was ever Ready, Kubernetes does not mark the pod; only the node shows it. The bot may
// still run.
func TestANodeThatIsLostBeforeItsPodIsReady(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cluster.Node.Hold(w.key("kasir"))
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
	if err := w.cluster.Client.Create(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.cluster.Client.Delete(context.Background(), node) })
	ready := func(status corev1.ConditionStatus) {
		editStatus(w, node, func(node *corev1.Node) {
			node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: status, Reason: "NodeStatusUnknown"}}
		})
	}
	ready(corev1.ConditionUnknown)
	user := "operator-that-reads-nodes"
	cfg := newUser(t, user, nil)
	w.grant(user, "role.yaml")
	w.grant(user, "cluster.yaml")
	w.operate(staging{config: cfg, readNodes: true})
	session := w.create("kasir", nil)
	pod := w.begun("kasir", node.Name)
	lost := w.untilCondition("kasir", v1alpha1.ConditionPodReady, metav1.ConditionUnknown, v1alpha1.ReasonNodeUnreachable)
	if lost.Status.State != v1alpha1.StateUnknown || !has(lost, v1alpha1.ConditionConnected, metav1.ConditionUnknown, v1alpha1.ReasonNodeUnreachable) ||
		!has(lost, v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonNodeUnreachable) {
		t.Errorf("the status is\n%s", show(lost))
	}
	edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Locale = v1alpha1.LocaleEnglish })
	w.until("kasir", "the new generation", func(s *v1alpha1.WhatsAppSession) bool {
		return s.Status.ObservedGeneration == s.Generation && has(s, v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonNodeUnreachable)
	})
	if now := w.pod("kasir"); now.UID != pod.UID || now.DeletionTimestamp != nil {
		t.Fatal("the pod on a lost node was touched")
	}
	// The node comes back, and its kubelet continues.
	ready(corev1.ConditionTrue)
	if err := w.cluster.Node.Release(t.Context(), w.key("kasir")); err != nil {
		t.Fatal(err)
	}
	w.untilState("kasir", bot.StatePairing)
}

// A bot newer than the operator is still reported: its facts show, and what the operator does not know is named.
func TestANewerBotIsReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate(staging{})
	w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	b := w.bots.Bot(w.key("kasir"))
	b.Change(func(s *bot.Snapshot) {
		s.State, s.Reason, s.UserAction, s.Connected, s.PushName = "PasskeyRequired", "PasskeyChallenge", "CompletePasskey", false, "Newer"
	})
	newer := w.untilState("kasir", v1alpha1.StateUnknown)
	if newer.Status.Reason != v1alpha1.ReasonOperatorOutdated || newer.Status.UserAction != "CompletePasskey" || newer.Status.Session.PushName != "Newer" ||
		!has(newer, v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonOperatorOutdated) ||
		!has(newer, v1alpha1.ConditionPodReady, metav1.ConditionTrue, v1alpha1.ReasonOperatorOutdated) ||
		!has(newer, v1alpha1.ConditionConnected, metav1.ConditionFalse, "PasskeyChallenge") {
		t.Errorf("a newer bot's status is\n%s", show(newer))
	}
	for _, want := range []string{"state PasskeyRequired", "Upgrade the operator"} {
		if said := meta.FindStatusCondition(newer.Status.Conditions, v1alpha1.ConditionReady).Message; !strings.Contains(said, want) {
			t.Errorf("Ready says %q, without %q", said, want)
		}
	}
	w.untilEvent("kasir", v1alpha1.ReasonOperatorOutdated)
	if b.Streams() != 1 || b.Opened() != 1 {
		t.Errorf("its stream was opened %d times and %d stand", b.Opened(), b.Streams())
	}
	w.link("kasir", "62811:1@s.whatsapp.net")
	w.untilCondition("kasir", v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestAPodOnALostNodeStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate(staging{})
	session := w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	before := w.pod("kasir")
	w.cluster.Node.Hold(w.key("kasir"))
	editStatus(w, before.DeepCopy(), func(pod *corev1.Pod) {
		for i := range pod.Status.Conditions {
			if pod.Status.Conditions[i].Type == corev1.PodReady {
				pod.Status.Conditions[i].Status = corev1.ConditionFalse
			}
		}
	})
	w.untilCondition("kasir", v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonNodeUnreachable)
	edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Locale = v1alpha1.LocaleEnglish })
	w.until("kasir", "the new generation", func(s *v1alpha1.WhatsAppSession) bool {
		return s.Status.ObservedGeneration == s.Generation && has(s, v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonNodeUnreachable)
	})
	if now := w.pod("kasir"); now.UID != before.UID || now.DeletionTimestamp != nil {
		t.Fatal("the pod on a lost node was touched")
	}
	// Kubernetes itself removes the pod: the node came back, was deleted, or was tainted out of service.
	if err := w.cluster.Client.Delete(t.Context(), before, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
	if err := w.cluster.Node.Release(t.Context(), w.key("kasir")); err != nil {
		t.Fatal(err)
	}
	w.untilReplaced("kasir", before)
}

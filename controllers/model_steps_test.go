package controllers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/resources"
	"sesi.dev/sesi/test/bottest"
)

// step performs one random event. Events that are frequent in a cluster have a larger share.
func (m *model) step() {
	m.now = m.now.Add(time.Duration(m.dice.IntN(900)) * time.Millisecond)
	switch roll := m.dice.IntN(100); {
	case roll < 30:
		kind := modelKinds[m.dice.IntN(len(modelKinds))]
		for range 1 + m.dice.IntN(3) {
			m.deliver(kind)
		}
		m.note("the cache of %s goes on", kind)
	case roll < 60:
		if keys := sorted(m.queue); len(keys) > 0 {
			m.reconcile(pick(m, keys))
		}
	case roll < 76:
		m.note("node: %t", m.nodeStep())
	case roll < 82:
		m.note("listener: %t", m.listenerStep())
	case roll < 86:
		m.note("collector: %t", m.collect())
	case roll < 88:
		m.nextTimer()
	case roll < 90:
		m.faulty = !m.faulty
		m.note("faults: %t", m.faulty)
	case roll < 91:
		m.note("the operator starts again")
		m.restart()
	case roll < 95:
		m.user()
	case roll < 98:
		m.trouble()
	default:
		m.phone()
	}
}

func pick[T any](m *model, from []T) T { return from[m.dice.IntN(len(from))] }

// user performs what a person does to sessions, claims and pods.
func (m *model) user() {
	sessions := sorted(m.store.objects["WhatsAppSession"])
	if len(sessions) == 0 || m.dice.IntN(2) == 0 && len(sessions) < len(modelNames) {
		m.makeSession()
		if m.dice.IntN(3) == 0 {
			m.makeTwin()
		}
		return
	}
	key := pick(m, sessions)
	session := m.store.objects["WhatsAppSession"][key].(*v1alpha1.WhatsAppSession).DeepCopy()
	if holder := m.contested(); holder != nil && m.dice.IntN(2) == 0 {
		key, session = types.NamespacedName{Namespace: holder.Namespace, Name: holder.Name}, holder
		m.note("user deletes session %s, whose store another wants", key.Name)
		m.met["holder of a contested store deleted"]++
		m.must(m.store.delete(session, nil, 0))
		return
	}
	switch m.dice.IntN(6) {
	case 0:
		m.note("user deletes session %s", key.Name)
		m.must(m.store.delete(session, nil, 0))
	case 1, 2:
		yes := session.Spec.Suspended == nil || !*session.Spec.Suspended
		session.Spec.Suspended = &yes
		m.note("user suspends session %s: %t", key.Name, yes)
		m.must(m.store.write(session, false))
	case 3, 4:
		session.Spec.Locale = map[v1alpha1.Locale]v1alpha1.Locale{v1alpha1.LocaleEnglish: v1alpha1.LocaleIndonesian}[session.Spec.Locale]
		if session.Spec.Locale == "" {
			session.Spec.Locale = v1alpha1.LocaleEnglish
		}
		m.note("user edits session %s", key.Name)
		m.must(m.store.write(session, false))
	case 5:
		policies := []v1alpha1.DeletionPolicy{v1alpha1.DeletionRetain, v1alpha1.DeletionUnlink}
		session.Spec.DeletionPolicy = pick(m, policies)
		if session.Spec.Storage.ClaimName == "" {
			session.Spec.Storage.RetentionPolicy = pick(m, []v1alpha1.RetentionPolicy{v1alpha1.RetentionRetain, v1alpha1.RetentionDelete})
		}
		m.note("user changes the policies of session %s", key.Name)
		m.must(m.store.write(session, false))
	}
}

// makeTwin creates a second session for the directory of the youngest, within the same second, so that only the name
// says which is older. The operator may have served the first before it sees the second.
func (m *model) makeTwin() {
	var first *v1alpha1.WhatsAppSession
	for _, key := range sorted(m.store.objects["WhatsAppSession"]) {
		if session := m.store.objects["WhatsAppSession"][key].(*v1alpha1.WhatsAppSession); session.CreationTimestamp.Equal(&metav1.Time{Time: m.now.Truncate(time.Second)}) {
			first = session
		}
	}
	if first == nil || m.store.objects["WhatsAppSession"][types.NamespacedName{Namespace: "shop", Name: "r"}] != nil {
		return
	}
	for range m.dice.IntN(4) {
		for _, kind := range modelKinds {
			m.deliver(kind)
		}
		m.reconcile(client.ObjectKeyFromObject(first))
	}
	twin := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "r"}}
	twin.Spec.ClientID, twin.Spec.Storage.ClaimName = naming.ClientID(first), naming.ClaimName(first)
	m.note("user makes session r, the twin of %s", first.Name)
	m.must(m.store.create(twin))
}

// contested returns a session that has a directory and a pod, while another session wants the directory.
func (m *model) contested() *v1alpha1.WhatsAppSession {
	var all []v1alpha1.WhatsAppSession
	for _, key := range sorted(m.store.objects["WhatsAppSession"]) {
		all = append(all, *m.store.objects["WhatsAppSession"][key].(*v1alpha1.WhatsAppSession))
	}
	for i := range all {
		holder := resources.DecideHolder(&all[i], all)
		if holder == nil {
			continue
		}
		if pod := m.store.objects["Pod"][types.NamespacedName{Namespace: holder.Namespace, Name: naming.Name(holder)}]; pod != nil {
			return holder.DeepCopy()
		}
	}
	return nil
}

var modelNames = []string{"s0", "s1", "s2", "s3"}

// makeSession creates a session with one of a few names, on one of a few claims, so that names, claims and clientIds
// collide.
func (m *model) makeSession() {
	free := slices.DeleteFunc(slices.Clone(modelNames), func(name string) bool {
		return m.store.objects["WhatsAppSession"][types.NamespacedName{Namespace: "shop", Name: name}] != nil
	})
	session := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: pick(m, free)}}
	session.Spec.ClientID = pick(m, []string{"", "red", "red", "red", "blue"})
	session.Spec.Storage.ClaimName = pick(m, []string{"", "claim-1", "claim-1", "claim-1", "claim-2", "wa-s1"})
	if m.dice.IntN(4) == 0 {
		session.Spec.DeletionPolicy = v1alpha1.DeletionUnlink
	}
	if name := session.Spec.Storage.ClaimName; strings.HasPrefix(name, "claim-") {
		_ = m.store.create(&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}})
	}
	m.note("user makes session %s on %s/%s: %v", session.Name, naming.ClaimName(session), naming.ClientID(session), m.store.create(session))
}

// trouble performs what goes wrong in a cluster.
func (m *model) trouble() {
	if m.dice.IntN(12) == 0 {
		m.foreign()
		return
	}
	pods := slices.DeleteFunc(sorted(m.store.objects["Pod"]), func(key types.NamespacedName) bool {
		return m.store.objects["Pod"][key].GetLabels()[naming.LabelDirectory] == ""
	})
	if len(pods) == 0 {
		return
	}
	key := pick(m, pods)
	pod := m.store.objects["Pod"][key].(*corev1.Pod)
	switch m.dice.IntN(8) {
	case 0:
		m.note("someone deletes pod %s", key.Name)
		m.must(m.store.delete(pod, nil, 30*time.Second))
	case 1:
		// A forced deletion asserts that the process has ended.
		m.note("someone forces pod %s away", key.Name)
		delete(m.nodes, pod.UID)
		m.must(m.store.delete(pod, nil, 0))
	case 2:
		m.note("pod %s is evicted", key.Name)
		delete(m.nodes, pod.UID)
		m.editPod(key, func(pod *corev1.Pod) { pod.Status.Phase, pod.Status.Reason = corev1.PodFailed, "Evicted" })
	case 3:
		lost := condition(pod, corev1.PodReady) != nil && condition(pod, corev1.PodReady).Status == corev1.ConditionTrue
		m.note("the node of pod %s is lost: %t", key.Name, lost)
		m.editPod(key, func(pod *corev1.Pod) {
			setCondition(pod, corev1.PodReady, map[bool]corev1.ConditionStatus{true: corev1.ConditionFalse, false: corev1.ConditionTrue}[lost])
		})
	case 4:
		m.note("someone orphans pod %s", key.Name)
		m.editPod(key, func(pod *corev1.Pod) { pod.OwnerReferences = nil })
		// and the node cleans it up later
		m.must(m.store.delete(m.store.objects["Pod"][key], nil, time.Hour))
	case 5:
		name := naming.ClaimName(&v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Name: "s1"}})
		if claim := m.store.objects["PersistentVolumeClaim"][types.NamespacedName{Namespace: "shop", Name: name}]; claim != nil {
			m.note("someone deletes claim %s", name)
			m.must(m.store.delete(claim, nil, 0))
		}
	case 6:
		if secret := m.store.objects["Secret"][key]; secret != nil {
			m.note("someone deletes Secret %s", key.Name)
			m.must(m.store.delete(secret, nil, 0))
		}
	case 7:
		if to, listening := m.bots.targets[types.NamespacedName{Namespace: key.Namespace, Name: pod.Labels[naming.LabelSession]}]; listening && to.Instance == string(pod.UID) {
			session := types.NamespacedName{Namespace: key.Namespace, Name: pod.Labels[naming.LabelSession]}
			m.note("bot %s is unreachable", key.Name)
			m.bots.lost[session] = true
			m.queue[session] = true
		}
	}
}

// foreign creates someone else's object with a name that the operator would use, or deletes it.
func (m *model) foreign() {
	meta := metav1.ObjectMeta{Namespace: "shop", Name: "wa-" + pick(m, modelNames)}
	for _, object := range []client.Object{&corev1.Pod{ObjectMeta: meta}, &corev1.PersistentVolumeClaim{ObjectMeta: meta}} {
		key := client.ObjectKeyFromObject(object)
		switch there := m.store.objects[modelKind(object)][key]; {
		case there == nil && m.dice.IntN(2) == 0:
			m.note("someone makes a foreign %s %s", modelKind(object), key.Name)
			m.must(m.store.create(object))
		case there != nil && len(there.GetLabels()) == 0:
			m.note("someone takes the foreign %s %s away", modelKind(object), key.Name)
			m.must(m.store.delete(there, nil, 0))
		}
	}
}

// phone performs what happens at WhatsApp.
func (m *model) phone() {
	uids := make([]types.UID, 0, len(m.nodes))
	for uid := range m.nodes {
		uids = append(uids, uid)
	}
	if len(uids) == 0 {
		return
	}
	slices.Sort(uids)
	uid := pick(m, uids)
	b := m.nodes[uid]
	if b.snapshot.Exists && m.dice.IntN(3) == 0 {
		m.note("the phone unlinks %s", b.pod.Name)
		delete(m.paired, b.store)
		b.snapshot = unlinkedBot(string(uid), m.now)
		b.snapshot.Expired = true
		return
	}
	if b.snapshot.Exists {
		b.snapshot.State, b.snapshot.Reason, b.snapshot.Connected = bot.StateReconnecting, bot.ReasonConnectionLost, false
		if m.dice.IntN(2) == 0 {
			b.snapshot = bottest.Paired("x", string(uid), m.paired[b.store])
		}
		m.note("bot %s is %s", b.pod.Name, b.snapshot.State)
		return
	}
	m.paired[b.store] = fmt.Sprintf("6281%d:1@s.whatsapp.net", m.dice.IntN(3))
	b.snapshot = bottest.Paired("x", string(uid), m.paired[b.store])
	m.note("the phone links %s", b.pod.Name)
}

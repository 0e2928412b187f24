package controllers

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
)

// Single moments of the model: what happens between two steps of the operator.

var kasir = types.NamespacedName{Namespace: "shop", Name: "kasir"}

var kasirsPod = types.NamespacedName{Namespace: "shop", Name: "wa-kasir"}

// kasirUp returns a model with one session that is up, and the session.
func kasirUp(t *testing.T) (*model, *v1alpha1.WhatsAppSession) {
	t.Helper()
	m := newModel(t, 1)
	session := newSession(kasir.Name)
	session.UID = ""
	m.must(m.store.create(session))
	m.settle()
	return m, m.session()
}

// session is kasir as it is stored.
func (m *model) session() *v1alpha1.WhatsAppSession {
	return m.store.objects["WhatsAppSession"][kasir].(*v1alpha1.WhatsAppSession).DeepCopy()
}

// sync brings the operator's cache of a kind up to date.
func (m *model) sync(kind string) {
	for m.deliver(kind) {
	}
}

// told returns a function that returns the events that the operator emits from now on.
func (m *model) told() func() []string {
	recorder := events.NewFakeRecorder(100)
	m.operator.events = recorder
	return func() (all []string) {
		for {
			select {
			case event := <-recorder.Events:
				all = append(all, event)
			default:
				return all
			}
		}
	}
}

// An event repeats what a status says. If the status could not be written, there is no event; each retry would repeat it.
func TestNoEventWithoutItsStatus(t *testing.T) {
	m := newModel(t, 1)
	told := m.told()
	session := newSession(kasir.Name)
	session.UID, session.Spec.Storage.ClaimName = "", "missing"
	m.must(m.store.create(session))
	m.sync("WhatsAppSession")
	// Someone edits the session, and the operator's cache does not show it yet.
	session.Spec.Locale = v1alpha1.LocaleEnglish
	m.must(m.store.write(session, false))
	m.reconcile(kasir)
	if got := told(); len(got) > 0 {
		t.Errorf("the status was not written, and there are the events %q", got)
	}
	m.settle()
	if got := told(); len(got) != 1 || !strings.HasPrefix(got[0], "Warning "+v1alpha1.ReasonClaimNotFound) {
		t.Errorf("events = %q", got)
	}
}

// A pod is deleted by its UID: since the cache showed it, another one may have taken its name.
func TestOnlyThePlannedPodIsDeleted(t *testing.T) {
	m, session := kasirUp(t)
	old := m.store.objects["Pod"][kasirsPod].(*corev1.Pod)
	m.store.drop(old)
	other := old.DeepCopy()
	other.UID, other.ResourceVersion = "", ""
	m.must(m.store.create(other))
	yes := true
	session.Spec.Suspended = &yes
	m.must(m.store.write(session, false))
	m.sync("WhatsAppSession")
	m.reconcile(kasir)
	if now := m.store.objects["Pod"][kasirsPod]; now == nil || now.GetUID() != other.UID || now.GetDeletionTimestamp() != nil {
		t.Errorf("another pod was deleted: %+v", now)
	}
}

// What someone else has written since the cache showed an object stays: a session's finalizer, a claim's owner.
func TestWhatTheCacheDoesNotShowYetStays(t *testing.T) {
	m, session := kasirUp(t)
	session.Spec.DeletionPolicy, session.Spec.Storage.RetentionPolicy = v1alpha1.DeletionUnlink, v1alpha1.RetentionDelete
	m.must(m.store.write(session, false))
	m.sync("WhatsAppSession")
	session = m.session()
	session.Finalizers = []string{"example.com/audit"}
	m.must(m.store.write(session, false))
	m.reconcile(kasir)
	if m.queue[kasir] {
		t.Error("a cache that is behind counts as a failure")
	}
	m.sync("WhatsAppSession")

	claim := copyOf(m.store.objects["PersistentVolumeClaim"][kasirsPod])
	claim.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "example.com/v1", Kind: "Backup", Name: "kasir", UID: "backup"}})
	m.must(m.store.write(claim, false))
	m.reconcile(kasir)
	m.settle()
	if got := m.session().Finalizers; !slices.Contains(got, "example.com/audit") || !slices.Contains(got, v1alpha1.FinalizerUnlink) {
		t.Errorf("the session has the finalizers %q", got)
	}
	if got := m.store.objects["PersistentVolumeClaim"][kasirsPod].GetOwnerReferences(); len(got) != 2 || got[0].UID != "backup" || got[1].UID != session.UID {
		t.Errorf("the claim has the owners %+v", got)
	}
}

// silentUnlinker asks a bot that never answers.
type silentUnlinker struct{ modelUnlinker }

func (u silentUnlinker) ask(key types.NamespacedName, session types.UID, _ observer.Target) {
	u.results[key] = unlinkResult{session: session, since: u.results[key].since, at: u.m.now, busy: true}
}

// A session with deletionPolicy Unlink can always be deleted: if its bot does not answer, if its Secret is gone, and after
// the policy was changed back without anything that the operator has to do for it.
func TestASessionToUnlinkCanAlwaysBeDeleted(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*model)
		event  string
	}{
		"its bot does not answer": {func(m *model) { m.operator.unlinker = silentUnlinker{m.unlinks} }, eventNotUnlinked},
		"its Secret is gone":      {func(m *model) { m.store.drop(m.store.objects["Secret"][kasirsPod]) }, eventNotUnlinked},
		"its policy is Retain": {func(m *model) {
			session := m.session()
			session.Spec.DeletionPolicy = v1alpha1.DeletionRetain
			m.must(m.store.write(session, false))
			m.settle()
			if held := m.session().Finalizers; len(held) > 0 {
				t.Errorf("with the policy Retain the session has the finalizers %q", held)
			}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m, session := kasirUp(t)
			for _, b := range m.nodes {
				b.snapshot = *connected()
				b.snapshot.Instance = string(m.store.objects["Pod"][kasirsPod].GetUID())
			}
			session.Spec.DeletionPolicy = v1alpha1.DeletionUnlink
			m.must(m.store.write(session, false))
			m.settle()
			c.before(m)
			told := m.told()
			m.must(m.store.delete(m.session(), nil, 0))
			m.settle()
			if got := told(); (c.event == "") != (len(got) == 0) || c.event != "" && !slices.ContainsFunc(got, func(event string) bool {
				return strings.HasPrefix(event, "Warning "+c.event)
			}) {
				t.Errorf("events = %q, want %s", got, c.event)
			}
		})
	}
}

// A pod that ended is replaced at once if it is old, so no status ever says why.
func TestAnOldPodThatEndsLeavesAnEvent(t *testing.T) {
	m, _ := kasirUp(t)
	told := m.told()
	m.now = m.now.Add(time.Hour)
	m.editPod(kasirsPod, func(pod *corev1.Pod) { pod.Status.Phase, pod.Status.Reason = corev1.PodFailed, "Evicted" })
	m.settle()
	if got := told(); !slices.ContainsFunc(got, func(event string) bool {
		return strings.HasPrefix(event, "Warning "+v1alpha1.ReasonPodFailed) && strings.Contains(event, "Evicted")
	}) {
		t.Errorf("events = %q", got)
	}
}

// kasirInItsTurn is kasirUp during a rollout: the operator, which was restarted, waits for the session's bot until a time.
func kasirInItsTurn(t *testing.T) (m *model, session *v1alpha1.WhatsAppSession, until time.Time) {
	t.Helper()
	m, session = kasirUp(t)
	end := metav1.NewTime(m.now.Add(rolloutPatience).Truncate(time.Second))
	session.Status.Replacement = &v1alpha1.ReplacementStatus{
		WaitsFor: v1alpha1.ReplacementWaitsForBot, Since: metav1.NewTime(m.now.Truncate(time.Second)), Until: &end, WasConnected: true}
	m.must(m.store.write(session, true))
	m.restart()
	return m, session, end.Time
}

// If a bot does not come back within its turn of the rollout, an event names it.
func TestABotThatHoldsUpTheRolloutIsNamed(t *testing.T) {
	m, _, until := kasirInItsTurn(t)
	told := m.told()
	m.now = until
	m.reconcile(kasir)
	if got := told(); !slices.ContainsFunc(got, func(event string) bool {
		return strings.HasPrefix(event, "Warning "+eventHeldUp) && strings.Contains(event, "wa-kasir")
	}) {
		t.Errorf("events = %q", got)
	}
}

// A pod that the operator could not replace within the turn was not replaced, and the event says so.
func TestAPodThatIsNotReplacedHoldsUpTheRollout(t *testing.T) {
	m, _, until := kasirInItsTurn(t)
	m.operator.options.BotImage = "bot:next"
	m.operator.Client = fullQuota{m.operator.Client}
	m.listenerStep()
	told := m.told()
	m.now = until
	m.reconcile(kasir)
	if got := told(); !slices.ContainsFunc(got, func(event string) bool {
		return strings.HasPrefix(event, "Warning "+eventHeldUp) && strings.Contains(event, "could not replace") && !strings.Contains(event, "come back")
	}) {
		t.Errorf("events = %q", got)
	}
}

// A session that is deleted during its turn of the rollout gives the turn back.
func TestADeletedSessionGivesItsTurnBack(t *testing.T) {
	m, session, _ := kasirInItsTurn(t)
	m.reconcile(kasir)
	if len(m.operator.rollout.away) != 1 {
		t.Fatalf("the session has no turn: %v", m.operator.rollout.away)
	}
	m.store.drop(session)
	m.settle()
	if len(m.operator.rollout.away) > 0 {
		t.Errorf("a deleted session has a turn: %v", m.operator.rollout.away)
	}
}

// A Secret that lost the operator's label keeps its token and its certificate: the running bot goes by them.
func TestASecretThatLostItsLabelKeepsItsKeys(t *testing.T) {
	m, _ := kasirUp(t)
	secret := m.store.objects["Secret"][kasirsPod].DeepCopyObject().(*corev1.Secret)
	before := secret.DeepCopy()
	delete(secret.Labels, naming.LabelSession)
	m.must(m.store.write(secret, false))
	m.settle()
	after := m.store.objects["Secret"][kasirsPod].(*corev1.Secret)
	if !equality.Semantic.DeepEqual(after.Data, before.Data) || !maps.Equal(after.Labels, before.Labels) {
		t.Errorf("the Secret has the labels %v, its keys are the same: %t", after.Labels, equality.Semantic.DeepEqual(after.Data, before.Data))
	}
}

// No event comes of a pod that lost the operator's labels, so the operator looks again by itself.
func TestAPodThatTheCacheDoesNotShowIsLookedAtAgain(t *testing.T) {
	m, _ := kasirUp(t)
	pod := m.store.objects["Pod"][kasirsPod].DeepCopyObject().(*corev1.Pod)
	pod.Labels = nil
	m.must(m.store.write(pod, false))
	m.sync("Pod")
	m.reconcile(kasir)
	if at := m.timers[kasir]; !at.Equal(m.now.Add(takenPause)) {
		t.Errorf("it looks again at %s", at)
	}
}

// A pod whose label was changed to another session's is an event for both sessions.
func TestARelabelledPodConcernsBothSessions(t *testing.T) {
	before := podOf(newSession("kasir"))
	after := before.DeepCopy()
	after.Labels[naming.LabelSession] = "toko"
	m := newModel(t, 1)
	podReports().Update(t.Context(), event.UpdateEvent{ObjectOld: before, ObjectNew: after}, modelQueue{m: m})
	if len(m.queue) != 2 || !m.queue[kasir] {
		t.Errorf("the passes are of %v", m.queue)
	}
}

// A bot that was stopped is not listened to: its address may soon be another pod's.
func TestAStoppedBotIsNotListenedTo(t *testing.T) {
	m, session := kasirUp(t)
	session.Spec.Suspended = new(true)
	m.must(m.store.write(session, false))
	m.settle()
	if _, listening := m.bots.targets[kasir]; listening {
		t.Error("the operator still listens to the bot")
	}
}

// Failures count only while they follow one another.
func TestAPassThatSucceedsEndsTheCount(t *testing.T) {
	m, _ := kasirUp(t)
	for range failuresShown {
		m.operator.failures.note(kasir, m.now)
	}
	m.reconcile(kasir)
	if lasting, _ := m.operator.failures.note(kasir, m.now.Add(failingShown)); lasting {
		t.Error("one failure after a success is shown")
	}
}

// An operator that learns that another one serves the namespace stops listening to its bots.
func TestAnotherOperatorsBotsAreNotListenedTo(t *testing.T) {
	m, _ := kasirUp(t)
	if _, listening := m.bots.targets[kasir]; !listening {
		t.Fatal("the operator does not listen to the bot")
	}
	m.operator.territory = &territory{own: "sesi-system", namespaces: []string{"shop"}, looks: map[string]look{"shop": {foreign: true}}}
	m.reconcile(kasir)
	if _, listening := m.bots.targets[kasir]; listening {
		t.Error("the operator still listens to the bot")
	}
	if at := m.timers[kasir]; !at.Equal(m.now.Add(foreignPause)) {
		t.Errorf("it looks again at %s", at)
	}
}

// A report counts only for the pod whose bot sent it.
func TestAReportOfAnotherPodDoesNotCount(t *testing.T) {
	in := &passOf().input
	bots := &modelListener{
		targets: map[observer.Key]observer.Target{kasir: {Instance: "an-earlier-pod"}}, reported: map[observer.Key]*bot.Snapshot{kasir: connected()},
		lost: map[observer.Key]bool{},
	}
	r := &Reconciler{bots: bots}
	if r.observe(in); in.observation != nil {
		t.Errorf("the earlier pod's bot reports for this one: %+v", in.observation)
	}
	bots.targets[kasir] = observer.Target{Instance: string(in.pod.UID)}
	if r.observe(in); in.observation == nil {
		t.Error("the pod's own bot does not report")
	}
}

// guarded notes each read of pods, and each create of one, while the lock of their directory is free.
type guarded struct {
	client.Client
	live modelLive
	free func(what string)
}

func (g *guarded) Create(ctx context.Context, object client.Object, opts ...client.CreateOption) error {
	if _, pod := object.(*corev1.Pod); pod {
		g.free("create")
	}
	return g.Client.Create(ctx, object, opts...)
}

// guardedLive reads past the cache.
type guardedLive struct{ *guarded }

func (g guardedLive) Get(ctx context.Context, key client.ObjectKey, into client.Object, opts ...client.GetOption) error {
	return g.live.Get(ctx, key, into, opts...)
}

func (g guardedLive) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	g.free("list")
	return g.live.List(ctx, list, opts...)
}

// Between the look for other pods of a directory and the create no other pass may create one there, whatever session it is
// about.
func TestOnePassAtATimeCreatesInADirectory(t *testing.T) {
	m := newModel(t, 1)
	session := newSession(kasir.Name)
	session.UID = ""
	m.must(m.store.create(session))
	stores, met := &m.operator.stores, map[string]bool{}
	g := &guarded{Client: m.client, live: modelLive{m}, free: func(what string) {
		met[what] = true
		held := &stores.held[maphash.String(stores.seed, naming.DirectoryKey(session))%uint64(len(stores.held))]
		if held.TryLock() {
			held.Unlock()
			t.Errorf("the directory is free during the %s", what)
		}
	}}
	m.operator.Client, m.operator.live = g, guardedLive{g}
	m.settle()
	if !met["list"] || !met["create"] {
		t.Errorf("no pod was created: %v", met)
	}
}

// A quota may free up. Whatever else the API server rejects stays so until someone edits it.
func TestAQuotaMayFreeUp(t *testing.T) {
	for why, want := range map[string]outlook{
		"exceeded quota: one, requested: pods=1, used: pods=1, limited: pods=1": moving,
		`violates PodSecurity "restricted:latest": privileged`:                  stalled,
	} {
		err := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "wa-kasir", errors.New(why))
		if got := classifyRejection(kindPodRejected, "pod wa-kasir", err); got.outlook != want || !strings.Contains(got.message, why) {
			t.Errorf("classifyRejection = %+v, want the outlook %d", got, want)
		}
	}
}

// A running bot whose Service was deleted does not wait until other sessions have created their objects: its reports are
// shown, and its Service comes back.
func TestARunningBotDoesNotWaitForNewSessions(t *testing.T) {
	m, _ := kasirUp(t)
	for i := range creationsAtOnce {
		m.operator.creations.begin(types.NamespacedName{Namespace: "other", Name: fmt.Sprint("new-", i)})
	}
	m.must(m.store.delete(m.store.objects["Service"][kasirsPod], nil, 0))
	m.sync("Service")
	for uid := range m.nodes {
		snapshot := *connected()
		snapshot.Instance = string(uid)
		m.nodes[uid].snapshot, m.bots.reported[kasir] = snapshot, &snapshot
	}
	m.reconcile(kasir)
	if state := m.session().Status.State; state != bot.StateConnected {
		t.Errorf("the bot is connected, and the status shows %s", state)
	}
	if m.store.objects["Service"][kasirsPod] == nil {
		t.Error("its Service does not come back")
	}
}

// Only a session that the operator would create something for waits for a place.
func TestWhoCreatesAll(t *testing.T) {
	all := func(p *pass) {
		p.pod, p.secret, p.service, p.policy = nil, &corev1.Secret{}, &corev1.Service{}, &networkingv1.NetworkPolicy{}
	}
	gone := func(p *pass) { p.claim = nil }
	for name, c := range map[string]struct {
		edits []func(*pass)
		want  bool
	}{
		"nothing but the pod":      {[]func(*pass){all}, false},
		"no claim":                 {[]func(*pass){all, gone}, true},
		"no claim, and not its to": {[]func(*pass){all, gone, func(p *pass) { p.session.Spec.Storage.ClaimName = "mine" }}, false},
		"no Secret":                {[]func(*pass){all, func(p *pass) { p.secret = nil }}, true},
		"no Service":               {[]func(*pass){all, func(p *pass) { p.service = nil }}, true},
		"no policy":                {[]func(*pass){all, func(p *pass) { p.policy = nil }}, true},
		"no policy, deleted":       {[]func(*pass){all, func(p *pass) { p.policy = nil }, deleting}, false},
	} {
		if got := passOf(c.edits...).createsAll(); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// What holds a pod back that has ended, or that no node has, is not its node.
func TestAPodHeldByAFinalizer(t *testing.T) {
	m, session := kasirUp(t)
	m.editPod(kasirsPod, func(pod *corev1.Pod) { pod.Finalizers = []string{"example.com/hold"} })
	session.Spec.Suspended = new(true)
	m.must(m.store.write(session, false))
	m.sync("WhatsAppSession")
	m.reconcile(kasir)
	m.editPod(kasirsPod, func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodSucceeded })
	clear(m.nodes)
	m.now = m.now.Add(time.Hour)
	m.sync("Pod")
	m.sync("WhatsAppSession")
	m.reconcile(kasir)
	ready := meta.FindStatusCondition(m.session().Status.Conditions, v1alpha1.ConditionPodReady)
	if ready.Reason != v1alpha1.ReasonAwaitingTermination || !strings.Contains(ready.Message, "example.com/hold") || strings.Contains(ready.Message, "new one") {
		t.Errorf("PodReady is %+v", ready)
	}
	if at, again := m.timers[kasir]; again {
		t.Errorf("nothing changes without an event, and the next pass is at %s", at)
	}
}

// A bot goes on with a claim that was deleted by force. The next claim of that name is empty, so it is neither the session's
// nor a reason to say that all is well, and nothing may end the bot for another pod.
func TestAClaimReplacedUnderItsBot(t *testing.T) {
	for name, named := range map[string]bool{"template": false, "claimName": true} {
		t.Run(name, func(t *testing.T) {
			m := newModel(t, 1)
			session, claim := newSession(kasir.Name), kasirsPod
			session.UID = ""
			if named {
				claim.Name = "mine"
				session.Spec.Storage.ClaimName = claim.Name
				m.must(m.store.create(&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: claim.Namespace, Name: claim.Name}}))
			}
			m.must(m.store.create(session))
			m.settle()
			for _, b := range m.nodes {
				b.snapshot = *connected()
				b.snapshot.Instance = string(m.store.objects["Pod"][kasirsPod].GetUID())
			}
			m.settle()
			m.store.drop(m.store.objects["PersistentVolumeClaim"][claim])
			for range 2 {
				session = m.session()
				session.Spec.Locale = map[bool]v1alpha1.Locale{true: v1alpha1.LocaleEnglish, false: v1alpha1.LocaleIndonesian}[session.Spec.Locale == ""]
				m.must(m.store.write(session, false))
				for m.deliver("PersistentVolumeClaim") || m.deliver("WhatsAppSession") || m.queue[kasir] {
					m.reconcile(kasir)
				}
				status := m.session().Status
				ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
				if ready.Status != metav1.ConditionFalse || ready.Reason != v1alpha1.ReasonClaimLost || !strings.Contains(ready.Message, "kubectl sesi backup kasir") {
					t.Errorf("Ready is %+v", ready)
				}
				if status.State != bot.StateConnected || status.Session == nil || !status.Session.Exists {
					t.Errorf("the bot is connected, and the status shows %s, %+v", status.State, status.Session)
				}
				if pod := m.store.objects["Pod"][kasirsPod]; pod == nil || pod.GetDeletionTimestamp() != nil {
					t.Fatal("the bot was ended")
				}
				if named && m.store.objects["PersistentVolumeClaim"][claim] == nil {
					m.must(m.store.create(&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: claim.Namespace, Name: claim.Name}}))
				}
			}
			clear(m.paired)
			m.must(m.store.delete(m.store.objects["Pod"][kasirsPod], nil, 0))
			clear(m.nodes)
			m.settle()
			if status := m.session().Status; status.State != bot.StatePairing || status.Session.Exists {
				t.Errorf("on the new claim the status shows %s, %+v", status.State, status.Session)
			}
		})
	}
}

// taken says that every pod's name is taken.
type taken struct{ client.Client }

func (c taken) Create(ctx context.Context, object client.Object, opts ...client.CreateOption) error {
	if _, pod := object.(*corev1.Pod); pod {
		return apierrors.NewAlreadyExists(modelResource("Pod"), object.GetName())
	}
	return c.Client.Create(ctx, object, opts...)
}

// A name that was taken, and is free a moment later, starts no pass: its pod may have been anyone's.
func TestANameThatIsFreeAgainIsTriedAgain(t *testing.T) {
	m, _ := kasirUp(t)
	m.store.drop(m.store.objects["Pod"][kasirsPod])
	m.sync("Pod")
	m.operator.Client = taken{m.operator.Client}
	m.reconcile(kasir)
	if at, again := m.timers[kasir]; !again || at.After(m.now.Add(time.Second)) || m.queue[kasir] {
		t.Errorf("the next pass is at %s (%t), failed: %t", at, again, m.queue[kasir])
	}
}

// A bot that may not use the directory stops, even if a phase before it fails.
func TestABotWithoutItsDirectoryStops(t *testing.T) {
	m, _ := kasirUp(t)
	p, err := m.operator.load(t.Context(), kasir)
	if err != nil {
		t.Fatal(err)
	}
	p.holder = newSession("older")
	p.plan = decidePlan(&p.input, classifyClaim(&p.input))
	if err := m.operator.ensureStopped(t.Context(), p); err != nil || m.store.objects["Pod"][kasirsPod].GetDeletionTimestamp() == nil {
		t.Errorf("the bot runs on: %v", err)
	}
}

// Nothing stays in memory of a session that is gone, and the next session of that name starts with nothing.
func TestNothingOfAGoneSessionStays(t *testing.T) {
	m, session := kasirUp(t)
	r := m.operator
	r.failures.note(kasir, m.now)
	r.brakes.of(kasir, "Pod")
	r.paces.left(kasir, m.now)
	r.echoes.wrote(kasir, "1", "2", m.now)
	m.unlinks.result(kasir, session.UID, m.now)
	if r.builds.built[kasir].uid == "" || r.keyring.held[kasir] == nil {
		t.Fatalf("the test looks at the wrong place: %v, %v", r.builds.built, r.keyring.held)
	}
	m.must(m.store.delete(session, nil, 0))
	m.settle()
	for name, left := range map[string]int{
		"failures": len(r.failures.since), "brakes": len(r.brakes.limits), "paces": len(r.paces.since), "echoes": len(r.echoes.replaced),
		"unlinks": len(m.unlinks.results), "builds": len(r.builds.built), "keys": len(r.keyring.held), "streams": len(m.bots.targets),
	} {
		if left > 0 {
			t.Errorf("%s: %d left", name, left)
		}
	}
}

// After an object was changed back too often the operator looks again by itself, when it may correct it again.
func TestAnUndoneCorrectionIsTriedAgain(t *testing.T) {
	m := newModel(t, 1)
	p := passOf()
	if err := m.operator.explain(p, &undoneError{"Service", "wa-kasir", "helm"}); err != nil {
		t.Error(err)
	}
	if p.trouble.kind != kindUndone || !p.trouble.recheck.Equal(p.now.Add(correctionPause)) || !p.bot.recheck.IsZero() || p.bot.kind == kindUndone {
		t.Errorf("the trouble is %+v, the bot %+v", p.trouble, p.bot)
	}
}

// A claimTemplate cannot be edited, so a PVC that the API server rejects says what to do instead; a quota may free up.
func TestARejectedClaimTemplateNamesTheRemedy(t *testing.T) {
	claims := schema.GroupResource{Resource: "persistentvolumeclaims"}
	for want, err := range map[string]error{
		"cannot be edited, so recreate the session": apierrors.NewInvalid(schema.GroupKind{Kind: "PersistentVolumeClaim"}, "wa-kasir", nil),
		"exceeded quota": apierrors.NewForbidden(claims, "wa-kasir", errors.New("exceeded quota: one")),
	} {
		m := newModel(t, 1)
		session := newSession(kasir.Name)
		session.UID = ""
		m.must(m.store.create(session))
		m.sync("WhatsAppSession")
		m.operator.Client = noClaims{m.operator.Client, err}
		m.reconcile(kasir)
		status := m.session().Status
		for _, kind := range []string{v1alpha1.ConditionStorageReady, v1alpha1.ConditionPodReady, v1alpha1.ConditionReady} {
			found := meta.FindStatusCondition(status.Conditions, kind)
			if found.Status != metav1.ConditionFalse || !strings.Contains(found.Message, want) || strings.Contains(found.Message, "recreate") != apierrors.IsInvalid(err) {
				t.Errorf("%s is %+v; want %q", kind, found, want)
			}
		}
		if status.Reason != v1alpha1.ReasonClaimRejected {
			t.Errorf("the reason is %s", status.Reason)
		}
	}
}

// noClaims refuses every claim.
type noClaims struct {
	client.Client
	err error
}

func (c noClaims) Create(ctx context.Context, object client.Object, opts ...client.CreateOption) error {
	if _, claim := object.(*corev1.PersistentVolumeClaim); claim {
		return c.err
	}
	return c.Client.Create(ctx, object, opts...)
}

// fullQuota answers each dry run of a pod as a quota of no pods does.
type fullQuota struct{ client.Client }

func (c fullQuota) Create(ctx context.Context, object client.Object, opts ...client.CreateOption) error {
	if options := (&client.CreateOptions{}).ApplyOptions(opts); len(options.DryRun) > 0 {
		return apierrors.NewForbidden(modelResource("Pod"), object.GetName(), errors.New("exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=0"))
	}
	return c.Client.Create(ctx, object, opts...)
}

// A full quota keeps a bot that runs. One that does not has nothing to lose, and its crash must not hide the quota.
func TestAFullQuotaKeepsWhatRuns(t *testing.T) {
	for crashes, keeps := range map[bool]bool{false: true, true: false} {
		m, session := kasirUp(t)
		if crashes {
			m.editPod(kasirsPod, bothContainers(waits("CrashLoopBackOff"), exited(1, "Error"), false))
			m.sync("Pod")
		}
		for _, b := range m.nodes { // no phone is being linked
			b.snapshot = *connected()
			b.snapshot.Instance = string(m.store.objects["Pod"][kasirsPod].GetUID())
		}
		m.listenerStep()
		session.Spec.Locale = v1alpha1.LocaleEnglish
		m.must(m.store.write(session, false))
		m.sync("WhatsAppSession")
		m.operator.Client = fullQuota{m.operator.Client}
		m.reconcile(kasir)
		pod := m.store.objects["Pod"][kasirsPod]
		if kept := pod != nil && pod.GetDeletionTimestamp() == nil; kept != keeps {
			t.Errorf("crashes: %t, and it is kept: %t", crashes, kept)
		}
		if ready := meta.FindStatusCondition(m.session().Status.Conditions, v1alpha1.ConditionReady); keeps && ready.Reason != v1alpha1.ReasonPodRejected {
			t.Errorf("Ready is %+v", ready)
		}
	}
}

// Nobody is asked to link a phone to a session that is being deleted, however long a finalizer holds it.
func TestADeletedSessionAsksForNoPhone(t *testing.T) {
	got := deriveStatus(decided(deleting, says(observer.Heard, scanning())))
	if required := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionQRRequired); required.Status != metav1.ConditionFalse || got.QR.Needed {
		t.Errorf("QRRequired is %+v, qr.needed %t", required, got.QR.Needed)
	}
}

// A conflict that only the operator saw ends with the other session, and so does what a person should do about it.
func TestAnEndedConflictAsksForNothing(t *testing.T) {
	p := passOf(noPod, func(p *pass) {
		p.session.Status.State, p.session.Status.Reason = bot.StateConflict, v1alpha1.ReasonClaimShared
		p.session.Status.UserAction = bot.ActionResolveConflict
	})
	if got := deriveStatus(p); got.State != v1alpha1.StatePending || got.UserAction != bot.ActionNone {
		t.Errorf("the state is %s, and a person should %s", got.State, got.UserAction)
	}
}

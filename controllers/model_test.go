package controllers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
	"sesi.dev/sesi/controllers/resources"
	"sesi.dev/sesi/test/bottest"
	"sesi.dev/sesi/test/campaign"
)

// The randomised test runs modelRuns times modelSteps steps, each run from another seed. SESI_SOAK multiplies the runs;
// SESI_SEED runs one seed.
const (
	modelRuns  = 8
	modelSteps = 3000
)

// TestModel interleaves at random what users, nodes, bots, caches, failures and restarts of the operator can do. It
// checks two promises: there are never two pods that may hold one session, and whenever the disturbances stop,
// everything reaches the state that the specs ask for and stays there. A write in flight when an operator dies lands
// before the next operator starts, as the lease ensures.
func TestModel(t *testing.T) {
	seeds := make([]uint64, campaign.Rounds(t, modelRuns))
	for i := range seeds {
		seeds[i] = uint64(i + 1)
	}
	if seed, given := campaign.GivenSeed(t); given {
		seeds = []uint64{seed}
	}
	met := map[string]int{}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			m := newModel(t, seed)
			m.met = met
			for step := range modelSteps {
				m.step()
				m.check()
				if step%200 == 199 {
					m.settle()
				}
			}
		})
	}
	t.Log(met)
}

// model is the whole world of one run.
type model struct {
	t    testing.TB
	dice *rand.Rand
	now  time.Time
	log  []string

	store *modelStore
	// nodes are the running processes, by the UID of their pod.
	nodes map[types.UID]*modelBot
	// paired are the accounts in the claims' directories.
	paired map[string]string

	// The running operator: its cache, its client and its memory.
	cache    *modelCache
	client   *modelClient
	operator *Reconciler
	bots     *modelListener
	unlinks  modelUnlinker
	queue    map[types.NamespacedName]bool
	timers   map[types.NamespacedName]time.Time
	faulty   bool
	// current is the name of the pod of the pass in progress.
	current string
	// met counts the situations of a run, to check that the run reaches the important ones.
	met map[string]int
}

// modelBot is a bot's process.
type modelBot struct {
	pod      types.NamespacedName
	store    string
	snapshot bot.Snapshot
}

func newModel(t testing.TB, seed uint64) *model {
	m := &model{t: t, dice: rand.New(rand.NewPCG(seed, 7)), now: noon, met: map[string]int{}, nodes: map[types.UID]*modelBot{}, paired: map[string]string{}}
	m.store = newModelStore(func() time.Time { return m.now })
	m.restart()
	return m
}

func (m *model) note(format string, args ...any) {
	m.log = append(m.log, fmt.Sprintf(format, args...))
}

func (m *model) fail(format string, args ...any) {
	m.t.Helper()
	last := m.log[max(0, len(m.log)-60):]
	m.t.Fatalf(format+"\nlast steps:\n%s", append(args, strings.Join(last, "\n"))...)
}

// restart starts a new operator with a freshly synced cache.
func (m *model) restart() {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		m.t.Fatal(err)
	}
	m.cache = newModelCache(m.store)
	m.client = &modelClient{scheme: scheme, store: m.store, cache: m.cache, strike: m.strike}
	m.bots = &modelListener{targets: map[observer.Key]observer.Target{}, reported: map[observer.Key]*bot.Snapshot{}, lost: map[observer.Key]bool{}}
	m.unlinks = modelUnlinker{m: m, results: map[types.NamespacedName]unlinkResult{}}
	m.operator = &Reconciler{
		Client: m.client, options: resources.Options{BotImage: fmt.Sprintf("bot:%d", 1+m.dice.IntN(2))}, live: modelLive{m}, bots: m.bots,
		events: &events.FakeRecorder{}, ordinary: rate.NewLimiter(eventsPerSecond, eventsAtOnce), now: func() time.Time { return m.now }, unlinker: m.unlinks,
	}
	m.queue, m.timers = map[types.NamespacedName]bool{}, map[types.NamespacedName]time.Time{}
	for key := range m.cache.objects["WhatsAppSession"] {
		m.queue[key] = true
	}
}

var errModel = errors.New("the connection broke")

// strike makes one write in eight fail while faults are on: the write is refused, or its answer is lost.
func (m *model) strike() (before, after error) {
	if !m.faulty {
		return nil, nil
	}
	switch m.dice.IntN(16) {
	case 0:
		return errModel, nil
	case 1:
		return nil, errModel
	}
	return nil, nil
}

// modelQueue collects the passes that a handler requests.
type modelQueue struct {
	queue
	m *model
}

func (q modelQueue) Add(request reconcile.Request) { q.m.queue[request.NamespacedName] = true }

// deliver delivers the next event of a kind to the operator, as its watches do.
func (m *model) deliver(kind string) bool {
	e, found := m.cache.advance(kind)
	if !found {
		return false
	}
	ctx, q := context.Background(), modelQueue{m: m}
	for _, object := range []client.Object{e.before, e.after} {
		if object == nil {
			continue
		}
		switch kind {
		case "WhatsAppSession":
			m.queue[e.key] = true
		case "PersistentVolumeClaim":
			for _, request := range m.operator.requestsOfClaim(ctx, object) {
				q.Add(request)
			}
		default:
			q.Add(requestOfLabel(ctx, object)[0])
		}
	}
	relatives := m.operator.relatives()
	switch {
	case e.before == nil && e.after == nil:
	case kind == "Pod" && e.after == nil:
		m.operator.podGone(ctx, event.DeleteEvent{Object: e.before}, q)
	case kind == "WhatsAppSession" && e.before == nil:
		relatives.Create(ctx, event.CreateEvent{Object: e.after}, q)
	case kind == "WhatsAppSession" && e.after == nil:
		relatives.Delete(ctx, event.DeleteEvent{Object: e.before}, q)
	case kind == "WhatsAppSession":
		relatives.Update(ctx, event.UpdateEvent{ObjectOld: e.before, ObjectNew: e.after}, q)
	}
	return true
}

// reconcile runs one pass over a session.
func (m *model) reconcile(key types.NamespacedName) {
	delete(m.queue, key)
	m.current = "wa-" + key.Name
	result, err := m.operator.Reconcile(context.Background(), ctrl.Request{NamespacedName: key})
	m.note("pass over %s: %v %v", key.Name, result.RequeueAfter, err)
	switch {
	case err != nil:
		m.queue[key] = true
	case result.RequeueAfter > 0:
		m.timers[key] = m.now.Add(result.RequeueAfter)
	default:
		delete(m.timers, key)
	}
}

// check checks the promise of every step: one directory never has two pods or two processes.
func (m *model) check() {
	m.t.Helper()
	pods, processes := map[string][]string{}, map[string][]string{}
	for _, key := range sorted(m.store.objects["Pod"]) {
		if store := m.store.objects["Pod"][key].GetLabels()[naming.LabelDirectory]; store != "" {
			pods[store] = append(pods[store], key.Name)
		}
	}
	for uid, b := range m.nodes {
		processes[b.store] = append(processes[b.store], fmt.Sprintf("%s (%s)", b.pod.Name, uid))
	}
	for _, holders := range []map[string][]string{pods, processes} {
		for store, names := range holders {
			if len(names) > 1 {
				m.fail("store %s is held by %v", store, names)
			}
		}
	}
	for _, key := range sorted(m.store.objects["WhatsAppSession"]) {
		session := m.store.objects["WhatsAppSession"][key].(*v1alpha1.WhatsAppSession)
		if faults := ConditionFaults(session); len(faults) > 0 {
			m.fail("session %s: %v", key.Name, faults)
		}
	}
}

// settle ends every disturbance and checks the other promise: everything reaches what the specs ask for and rests.
func (m *model) settle() {
	m.t.Helper()
	m.note("settle")
	m.faulty = false
	for _, key := range sorted(m.store.objects["Pod"]) {
		if pod := m.store.objects["Pod"][key].(*corev1.Pod); len(pod.Labels) > 0 {
			m.editPod(key, func(pod *corev1.Pod) { setCondition(pod, corev1.PodReady, corev1.ConditionTrue) })
		}
	}
	for round := 0; ; round++ {
		if round > 400 {
			m.fail("the operator does not come to rest; the queue is %v", slices.Collect(maps.Keys(m.queue)))
		}
		moved := m.nodeStep() || m.listenerStep() || m.collect()
		for _, kind := range modelKinds {
			for m.deliver(kind) {
				moved = true
			}
		}
		for _, key := range sorted(m.queue) {
			m.reconcile(key)
			moved = true
		}
		if moved {
			continue
		}
		if !m.nextTimer() {
			break
		}
	}
	m.converged()
}

// nextTimer moves the time to the next pass that the operator asked for. It returns false when the same pass repeats
// only because a person has to act.
func (m *model) nextTimer() bool {
	var next types.NamespacedName
	var at time.Time
	for _, key := range sorted(m.timers) {
		session, alive := m.store.objects["WhatsAppSession"][key].(*v1alpha1.WhatsAppSession)
		if !alive {
			delete(m.timers, key)
			continue
		}
		foreign := m.store.objects["Pod"][types.NamespacedName{Namespace: key.Namespace, Name: naming.Name(session)}]
		if foreign != nil && len(foreign.GetLabels()) == 0 && session.Status.Reason == v1alpha1.ReasonPodNameTaken {
			continue
		}
		if at.IsZero() || m.timers[key].Before(at) {
			next, at = key, m.timers[key]
		}
	}
	if at.IsZero() {
		return false
	}
	m.note("time passes to %s", at.Format(time.TimeOnly))
	if at.After(m.now) {
		m.now = at
	}
	delete(m.timers, next)
	m.queue[next] = true
	return true
}

// converged compares every session with what its spec asks for.
func (m *model) converged() {
	m.t.Helper()
	var all []v1alpha1.WhatsAppSession
	for _, key := range sorted(m.store.objects["WhatsAppSession"]) {
		all = append(all, *m.store.objects["WhatsAppSession"][key].(*v1alpha1.WhatsAppSession))
	}
	wanted := map[types.NamespacedName]bool{}
	for i := range all {
		session := &all[i]
		key := client.ObjectKeyFromObject(session)
		if session.DeletionTimestamp != nil {
			m.fail("session %s is not let go", key.Name)
		}
		if session.Status.ObservedGeneration != session.Generation {
			m.fail("session %s: generation %d was not seen", key.Name, session.Generation)
		}
		claim := m.store.objects["PersistentVolumeClaim"][types.NamespacedName{Namespace: key.Namespace, Name: naming.ClaimName(session)}]
		usable := claim != nil && claim.GetDeletionTimestamp() == nil && (session.Spec.Storage.ClaimName != "" || resources.OwnsClaim(session, claim.(*corev1.PersistentVolumeClaim)))
		runs := resources.DecideHolder(session, all) == nil && usable && (session.Spec.Suspended == nil || !*session.Spec.Suspended)
		name := types.NamespacedName{Namespace: key.Namespace, Name: naming.Name(session)}
		pod, _ := m.store.objects["Pod"][name].(*corev1.Pod)
		if claim != nil && claim.GetDeletionTimestamp() == nil && session.Spec.Storage.ClaimName == "" && !usable && pod != nil && metav1.IsControlledBy(pod, session) {
			m.fail("session %s has a pod on someone else's claim", key.Name)
		}
		if pod != nil && len(pod.Labels) == 0 {
			if runs && session.Status.Reason != v1alpha1.ReasonPodNameTaken {
				m.fail("session %s does not say that its pod's name is taken, but %s", key.Name, session.Status.Reason)
			}
			continue
		}
		if !runs {
			if pod != nil && metav1.IsControlledBy(pod, session) && (resources.DecideHolder(session, all) != nil || session.Spec.Suspended != nil && *session.Spec.Suspended) {
				m.fail("session %s has a pod and should have none: %s %s", key.Name, session.Status.State, session.Status.Reason)
			}
			continue
		}
		wanted[name] = true
		want, err := resources.BuildPod(session, m.operator.options)
		switch {
		case err != nil:
			m.fail("session %s: %v", key.Name, err)
		case pod == nil:
			m.fail("session %s has no pod: %s %s", key.Name, session.Status.State, session.Status.Reason)
		case !metav1.IsControlledBy(pod, session) || resources.SpecHash(pod) != resources.SpecHash(want):
			m.fail("session %s has another pod than its spec asks for", key.Name)
		}
		b := m.nodes[pod.UID]
		if b == nil {
			m.fail("the pod of session %s runs no bot", key.Name)
		}
		if session.Status.State != b.snapshot.State || session.Status.Instance != string(pod.UID) ||
			(session.Status.Session.JID != b.snapshot.JID) {
			m.fail("session %s shows %s of %s, and its bot is %s as %s", key.Name, session.Status.State, session.Status.Instance, b.snapshot.State, pod.UID)
		}
	}
	for _, key := range sorted(m.store.objects["Pod"]) {
		pod := m.store.objects["Pod"][key].(*corev1.Pod)
		owner := metav1.GetControllerOf(pod)
		if owner != nil && !wanted[key] && pod.DeletionTimestamp == nil && !slices.ContainsFunc(all, func(s v1alpha1.WhatsAppSession) bool { return s.UID == owner.UID }) {
			m.fail("the pod %s is left over", key.Name)
		}
	}
	if creating := &m.operator.creations; len(creating.running)+len(creating.waiting) > 0 {
		m.fail("sessions still create or wait for it: %v, %v", creating.running, creating.waiting)
	}
	// Another pass of every session has nothing left to write.
	version := m.store.version
	for i := range all {
		m.reconcile(client.ObjectKeyFromObject(&all[i]))
	}
	if m.store.version != version {
		m.fail("visits with nothing to do made %d changes", m.store.version-version)
	}
}

// modelListener is the observer: the dice decide what it hears and loses.
type modelListener struct {
	targets  map[observer.Key]observer.Target
	reported map[observer.Key]*bot.Snapshot
	lost     map[observer.Key]bool
}

func (l *modelListener) Ensure(key observer.Key, to observer.Target) {
	if l.targets[key].Instance != to.Instance {
		delete(l.reported, key)
		delete(l.lost, key)
	}
	l.targets[key] = to
}

func (l *modelListener) Forget(key observer.Key) {
	delete(l.targets, key)
	delete(l.reported, key)
	delete(l.lost, key)
}

func (l *modelListener) Observed(key observer.Key) (observer.Observation, bool) {
	to, listening := l.targets[key]
	if !listening {
		return observer.Observation{}, false
	}
	seen := observer.Observation{Instance: to.Instance, Hearing: observer.Listening, Snapshot: l.reported[key]}
	switch {
	case l.lost[key]:
		seen.Hearing, seen.Err = observer.Lost, errModel
	case seen.Snapshot != nil:
		seen.Hearing = observer.Heard
	}
	return seen, true
}

func (l *modelListener) Shown(observer.Key, uint64) {}
func (l *modelListener) Notify(observer.Key)        {}

// modelUnlinker asks the bot at once.
type modelUnlinker struct {
	m       *model
	results map[types.NamespacedName]unlinkResult
}

func (u modelUnlinker) ask(key types.NamespacedName, session types.UID, to observer.Target) {
	result := unlinkResult{session: session, since: u.results[key].since, at: u.m.now, done: true, err: errModel}
	if b := u.m.nodes[types.UID(to.Instance)]; b != nil {
		delete(u.m.paired, b.store)
		b.snapshot = unlinkedBot(to.Instance, u.m.now)
		result.err = nil
	}
	u.results[key] = result
	u.m.queue[key] = true
}

func (u modelUnlinker) result(key types.NamespacedName, session types.UID, now time.Time) unlinkResult {
	result := u.results[key]
	if result.since.IsZero() || result.session != session {
		result = unlinkResult{session: session, since: now}
		u.results[key] = result
	}
	return result
}

func (u modelUnlinker) forget(key types.NamespacedName) { delete(u.results, key) }

func unlinkedBot(instance string, now time.Time) bot.Snapshot {
	snapshot := bottest.Unlinked("x", instance)
	snapshot.QRExpiresAt = bot.At(now.Add(time.Minute))
	return snapshot
}

// startBot starts the process of a pod, as the node does.
func (m *model) startBot(pod *corev1.Pod) {
	store := pod.Labels[naming.LabelDirectory]
	b := &modelBot{client.ObjectKeyFromObject(pod), store, unlinkedBot(string(pod.UID), m.now)}
	if jid := m.paired[store]; jid != "" {
		b.snapshot = bottest.Paired("x", string(pod.UID), jid)
	}
	m.nodes[pod.UID] = b
}

// nodeStep performs one action of a healthy node; false when there is nothing to do.
func (m *model) nodeStep() bool {
	for _, key := range sorted(m.store.objects["PersistentVolumeClaim"]) {
		claim := m.store.objects["PersistentVolumeClaim"][key].(*corev1.PersistentVolumeClaim)
		if claim.DeletionTimestamp != nil && !m.claimUsed(key) {
			next := claim.DeepCopy()
			next.Finalizers = nil
			m.must(m.store.write(next, false))
			return true
		}
		if claim.Status.Phase == corev1.ClaimPending {
			next := claim.DeepCopy()
			next.Status.Phase = corev1.ClaimBound
			m.must(m.store.write(next, true))
			return true
		}
	}
	for _, key := range sorted(m.store.objects["Pod"]) {
		if m.podStep(key) {
			return true
		}
	}
	for _, uid := range slices.Sorted(maps.Keys(m.nodes)) {
		pod := m.store.objects["Pod"][m.nodes[uid].pod]
		if pod == nil || pod.GetUID() != uid {
			delete(m.nodes, uid)
			return true
		}
	}
	return false
}

func (m *model) claimUsed(claim types.NamespacedName) bool {
	for _, object := range m.store.objects["Pod"] {
		for _, volume := range object.(*corev1.Pod).Spec.Volumes {
			if used := volume.PersistentVolumeClaim; used != nil && used.ClaimName == claim.Name && object.GetNamespace() == claim.Namespace {
				return true
			}
		}
	}
	return false
}

// podStep performs the next action on one pod. A lost node does nothing.
func (m *model) podStep(key types.NamespacedName) bool {
	pod := m.store.objects["Pod"][key].(*corev1.Pod)
	_, running := m.nodes[pod.UID]
	switch {
	case pod.Labels[naming.LabelDirectory] == "" || nodeLost(pod):
		return false
	case pod.Spec.NodeName == "":
		m.editPod(key, func(pod *corev1.Pod) { pod.Spec.NodeName = "node-1" })
	case pod.DeletionTimestamp != nil && running:
		delete(m.nodes, pod.UID)
	case pod.DeletionTimestamp != nil:
		m.store.drop(pod)
	case ended(pod) && running:
		delete(m.nodes, pod.UID)
	case ended(pod) || pod.Status.Phase == corev1.PodRunning && running:
		return false
	case !running:
		m.startBot(pod)
	default:
		m.editPod(key, func(pod *corev1.Pod) {
			running := podOf(newSession("any"))
			pod.Status = running.Status
		})
	}
	return true
}

func (m *model) editPod(key types.NamespacedName, edit func(*corev1.Pod)) {
	next := m.store.objects["Pod"][key].(*corev1.Pod).DeepCopy()
	edit(next)
	m.must(m.store.write(next, true))
}

func setCondition(pod *corev1.Pod, kind corev1.PodConditionType, status corev1.ConditionStatus) {
	if found := condition(pod, kind); found != nil {
		found.Status = status
	}
}

func (m *model) must(err error) {
	if err != nil {
		m.fail("the model itself: %v", err)
	}
}

// listenerStep reports one change to the operator; false when everything is reported.
func (m *model) listenerStep() bool {
	for _, key := range sorted(m.bots.targets) {
		b := m.nodes[types.UID(m.bots.targets[key].Instance)]
		switch seen := m.bots.reported[key]; {
		case b == nil:
			if !m.bots.lost[key] {
				m.bots.lost[key] = true
				m.queue[key] = true
				return true
			}
		case m.bots.lost[key] || seen == nil || *seen != b.snapshot:
			snapshot := b.snapshot
			m.bots.reported[key] = &snapshot
			delete(m.bots.lost, key)
			m.queue[key] = true
			return true
		}
	}
	return false
}

// collect deletes one object whose owner is gone.
func (m *model) collect() bool {
	for _, kind := range modelKinds[1:] {
		for _, key := range sorted(m.store.objects[kind]) {
			object := m.store.objects[kind][key]
			owner := metav1.GetControllerOf(object)
			if owner == nil || owner.Kind != "WhatsAppSession" || object.GetDeletionTimestamp() != nil {
				continue
			}
			session := m.store.objects["WhatsAppSession"][types.NamespacedName{Namespace: key.Namespace, Name: owner.Name}]
			if session == nil || session.GetUID() != owner.UID {
				uid := object.GetUID()
				m.must(m.store.delete(object, &uid, 30*time.Second))
				return true
			}
		}
	}
	return false
}

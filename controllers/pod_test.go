package controllers

import (
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
	"sesi.dev/sesi/controllers/resources"
	"sesi.dev/sesi/test/bottest"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newSession(name string) *v1alpha1.WhatsAppSession {
	return &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{
		Name: name, Namespace: "shop", UID: types.UID("session-" + name), Generation: 3,
		CreationTimestamp: metav1.NewTime(noon.Add(-time.Hour)),
	}}
}

// podOf returns a session's running pod, changed by the edits.
func podOf(session *v1alpha1.WhatsAppSession, edits ...func(*corev1.Pod)) *corev1.Pod {
	pod, err := resources.BuildPod(session, resources.Options{BotImage: "bot:1"})
	if err != nil {
		panic(err)
	}
	pod.UID, pod.CreationTimestamp = "pod-1", metav1.NewTime(noon.Add(-time.Hour))
	pod.Spec.NodeName = "node-1"
	yes := true
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "10.0.0.1", ContainerStatuses: []corev1.ContainerStatus{{
		Name: naming.Container, Image: "bot:1", Ready: true, Started: &yes, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
	}}}
	for _, kind := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodReadyToStartContainers, corev1.ContainersReady, corev1.PodReady} {
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{
			Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(noon.Add(-time.Hour))})
	}
	for _, edit := range edits {
		edit(pod)
	}
	return pod
}

func podCondition(kind corev1.PodConditionType, status corev1.ConditionStatus, reason, message string, since time.Time) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		found := condition(pod, kind)
		found.Status, found.Reason, found.Message, found.LastTransitionTime = status, reason, message, metav1.NewTime(since)
	}
}

func bothContainers(state, last corev1.ContainerState, started bool) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Status.ContainerStatuses[0].State, pod.Status.ContainerStatuses[0].LastTerminationState = state, last
		pod.Status.ContainerStatuses[0].Ready, pod.Status.ContainerStatuses[0].Started = started, &started
	}
}

func waits(reason string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
}

func exited(code int32, reason string) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason}}
}

func deleted(ago time.Duration) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		at := metav1.NewTime(noon.Add(-ago))
		pod.DeletionTimestamp = &at
	}
}

// noRecheck is the recheck of a verdict that only an event changes.
var noRecheck time.Time

var runs = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}

func TestClassifyPod(t *testing.T) {
	bare := func(pod *corev1.Pod) { pod.Status = corev1.PodStatus{Phase: corev1.PodPending}; pod.Spec.NodeName = "" }
	bound := func(ago time.Duration) func(*corev1.Pod) {
		return func(pod *corev1.Pod) {
			pod.Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
				Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(noon.Add(-ago))}}}
		}
	}
	made := func(ago time.Duration) func(*corev1.Pod) {
		return func(pod *corev1.Pod) { pod.CreationTimestamp = metav1.NewTime(noon.Add(-ago)) }
	}
	gated := func(pod *corev1.Pod) {
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonSchedulingGated}}
	}
	cases := map[string]struct {
		edits   []func(*corev1.Pod)
		want    string
		process botProcess
		says    string
		recheck time.Time
	}{
		"runs": {nil, v1alpha1.ReasonPodStarting, processRuns, "waiting for the first report", noRecheck},
		"runs, not ready yet": {[]func(*corev1.Pod){bothContainers(runs, corev1.ContainerState{}, false),
			podCondition(corev1.PodReady, corev1.ConditionFalse, "ContainersNotReady", "", noon), podCondition(corev1.ContainersReady, corev1.ConditionFalse, "ContainersNotReady", "", noon)},
			v1alpha1.ReasonPodStarting, processRuns, "waiting for the first report", noRecheck},
		"no address yet":           {[]func(*corev1.Pod){func(pod *corev1.Pod) { pod.Status.PodIP = "" }}, v1alpha1.ReasonPodStarting, processNone, "is starting", noRecheck},
		"just made":                {[]func(*corev1.Pod){bare, made(0)}, v1alpha1.ReasonPodStarting, processNone, "is starting", noon.Add(scheduling)},
		"of no scheduler":          {[]func(*corev1.Pod){bare, made(scheduling)}, v1alpha1.ReasonUnschedulable, processNone, "Check schedulerName in spec.template", noRecheck},
		"not seen by its node yet": {[]func(*corev1.Pod){bound(time.Minute)}, v1alpha1.ReasonPodStarting, processNone, "is starting", noon.Add(acknowledging - time.Minute)},
		"never seen by its node":   {[]func(*corev1.Pod){bound(acknowledging)}, v1alpha1.ReasonNodeUnreachable, processUnknown, "Node node-1 is unreachable", noRecheck},
		"never seen by a node that its template names": {[]func(*corev1.Pod){bound(0), func(pod *corev1.Pod) { pod.Status.Conditions = nil }},
			v1alpha1.ReasonNodeUnreachable, processUnknown, "Node node-1 is unreachable", noRecheck},
		"seen by its node": {[]func(*corev1.Pod){bound(acknowledging), func(pod *corev1.Pod) { pod.Status.StartTime = &metav1.Time{Time: noon} }},
			v1alpha1.ReasonPodStarting, processNone, "is starting", noRecheck},
		"unschedulable": {[]func(*corev1.Pod){podCondition(corev1.PodScheduled, corev1.ConditionFalse, corev1.PodReasonUnschedulable, "0/3 nodes are available.", noon)},
			v1alpha1.ReasonUnschedulable, processNone, "0/3 nodes are available. Free resources", noRecheck},
		"just held by a scheduling gate": {[]func(*corev1.Pod){bare, gated, made(0)}, v1alpha1.ReasonPodStarting, processNone, "is starting", noon.Add(scheduling)},
		"held by a scheduling gate":      {[]func(*corev1.Pod){bare, gated}, v1alpha1.ReasonUnschedulable, processNone, "spec.schedulingGates", noRecheck},
		"image refused":                  {[]func(*corev1.Pod){bothContainers(waits("ErrImagePull"), corev1.ContainerState{}, false)}, v1alpha1.ReasonImagePullFailed, processNone, "Cannot pull image bot:1", noRecheck},
		"image backs off":                {[]func(*corev1.Pod){bothContainers(waits("ImagePullBackOff"), corev1.ContainerState{}, false)}, v1alpha1.ReasonImagePullFailed, processNone, "Cannot pull image bot:1", noRecheck},
		"image has no name":              {[]func(*corev1.Pod){bothContainers(waits("InvalidImageName"), corev1.ContainerState{}, false)}, v1alpha1.ReasonImagePullFailed, processNone, "Check spec.image", noRecheck},
		"a Secret is missing":            {[]func(*corev1.Pod){bothContainers(waits("CreateContainerConfigError"), corev1.ContainerState{}, false)}, v1alpha1.ReasonContainerConfigFailed, processNone, "kubectl describe pod", noRecheck},
		"crashed":                        {[]func(*corev1.Pod){bothContainers(exited(2, "Error"), corev1.ContainerState{}, false)}, v1alpha1.ReasonCrashLooping, processNone, "code 2", noRecheck},
		"backs off":                      {[]func(*corev1.Pod){bothContainers(waits("CrashLoopBackOff"), exited(1, "Error"), false)}, v1alpha1.ReasonCrashLooping, processNone, "--previous", noRecheck},
		"between two crashes":            {[]func(*corev1.Pod){bothContainers(runs, exited(1, "Error"), false)}, v1alpha1.ReasonCrashLooping, processNone, "code 1", noRecheck},
		"well after a crash":             {[]func(*corev1.Pod){bothContainers(runs, exited(1, "Error"), true)}, v1alpha1.ReasonPodStarting, processRuns, "waiting for the first report", noRecheck},
		"out of memory":                  {[]func(*corev1.Pod){bothContainers(waits("CrashLoopBackOff"), exited(137, "OOMKilled"), false)}, v1alpha1.ReasonOOMKilled, processNone, "limits.memory", noRecheck},
		"init container fails": {[]func(*corev1.Pod){bothContainers(waits("PodInitializing"), corev1.ContainerState{}, false), func(pod *corev1.Pod) {
			pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "fetch", State: exited(1, "Error")}}
		}}, v1alpha1.ReasonCrashLooping, processNone, "Container fetch", noRecheck},
		"init container is done": {[]func(*corev1.Pod){func(pod *corev1.Pod) {
			pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "fetch", State: exited(0, "Completed")}}
		}}, v1alpha1.ReasonPodStarting, processRuns, "waiting for the first report", noRecheck},
		"sidecar crashes": {[]func(*corev1.Pod){func(pod *corev1.Pod) {
			pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{Name: "logic", State: waits("CrashLoopBackOff"), LastTerminationState: exited(1, "Error")})
		}, podCondition(corev1.PodReady, corev1.ConditionFalse, "ContainersNotReady", "", noon), podCondition(corev1.ContainersReady, corev1.ConditionFalse, "ContainersNotReady", "", noon)},
			v1alpha1.ReasonPodStarting, processRuns, "waiting for the first report", noRecheck},
		"native sidecar crashes": {[]func(*corev1.Pod){func(pod *corev1.Pod) {
			pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "proxy", State: waits("CrashLoopBackOff"), LastTerminationState: exited(1, "Error")}}
		}}, v1alpha1.ReasonPodStarting, processRuns, "waiting for the first report", noRecheck},
		"native sidecar's image is gone": {[]func(*corev1.Pod){bothContainers(runs, exited(1, "Error"), true), func(pod *corev1.Pod) {
			pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "proxy", State: waits("ImagePullBackOff")}}
		}}, v1alpha1.ReasonPodStarting, processRuns, "waiting for the first report", noRecheck},
		"bot and native sidecar crash": {[]func(*corev1.Pod){bothContainers(waits("CrashLoopBackOff"), exited(1, "Error"), false), func(pod *corev1.Pod) {
			pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "proxy", State: waits("CrashLoopBackOff"), LastTerminationState: exited(1, "Error")}}
		}}, v1alpha1.ReasonCrashLooping, processNone, "Container", noRecheck},
		"mounting": {[]func(*corev1.Pod){bothContainers(waits("ContainerCreating"), corev1.ContainerState{}, false),
			podCondition(corev1.PodScheduled, corev1.ConditionTrue, "", "", noon.Add(-10*time.Second)), podCondition(corev1.PodReadyToStartContainers, corev1.ConditionFalse, "", "", noon)},
			v1alpha1.ReasonPodStarting, processNone, "is starting", noon.Add(mounting - 10*time.Second)},
		"cannot mount": {[]func(*corev1.Pod){bothContainers(waits("ContainerCreating"), corev1.ContainerState{}, false),
			podCondition(corev1.PodScheduled, corev1.ConditionTrue, "", "", noon.Add(-mounting)), podCondition(corev1.PodReadyToStartContainers, corev1.ConditionFalse, "", "", noon)},
			v1alpha1.ReasonVolumeMountFailed, processNone, "has not set up the volumes", noRecheck},
		"evicted":   {[]func(*corev1.Pod){func(pod *corev1.Pod) { pod.Status.Phase, pod.Status.Reason = corev1.PodFailed, "Evicted" }}, v1alpha1.ReasonPodFailed, processNone, "(Evicted)", noRecheck},
		"succeeded": {[]func(*corev1.Pod){func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodSucceeded }}, v1alpha1.ReasonPodFailed, processNone, "(Succeeded)", noRecheck},
		"node lost": {[]func(*corev1.Pod){podCondition(corev1.PodReady, corev1.ConditionFalse, "", "", noon)}, v1alpha1.ReasonNodeUnreachable, processUnknown, "Node node-1 is unreachable", noRecheck},
		"readiness gate": {[]func(*corev1.Pod){podCondition(corev1.PodReady, corev1.ConditionFalse, "ReadinessGatesNotReady", "", noon)},
			v1alpha1.ReasonPodStarting, processRuns, "waiting for the first report", noRecheck},
		"ending":                   {[]func(*corev1.Pod){deleted(-30 * time.Second)}, v1alpha1.ReasonAwaitingTermination, processNone, "to terminate", noon.Add(30*time.Second + overdue)},
		"ending late":              {[]func(*corev1.Pod){deleted(overdue)}, v1alpha1.ReasonNodeUnreachable, processUnknown, "does not confirm", noRecheck},
		"never bound, ending late": {[]func(*corev1.Pod){bare, deleted(overdue)}, v1alpha1.ReasonAwaitingTermination, processNone, "to terminate", noRecheck},
		"ending on a lost node": {[]func(*corev1.Pod){deleted(-30 * time.Second), podCondition(corev1.PodReady, corev1.ConditionFalse, "", "", noon)},
			v1alpha1.ReasonAwaitingTermination, processNone, "to terminate", noon.Add(30*time.Second + overdue)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			kept := slimmed(podOf(newSession("kasir"), c.edits...)).(*corev1.Pod)
			got, process := classifyPod(kept, noon)
			if got.reason() != c.want || process != c.process || !strings.Contains(got.message, c.says) || !got.recheck.Equal(c.recheck) {
				t.Errorf("classifyPod = %+v, %d; want %s with %q, %d, recheck at %s", got, process, c.want, c.says, c.process, c.recheck)
			}
			if got.good() {
				t.Error("a pod is ready before its bot has reported")
			}
		})
	}
}

// The last status of a never-ready pod on a lost node is old. Its event stream shows whether its bot still runs.
func TestALostNodeOfAPodThatWasNeverReady(t *testing.T) {
	waiting := bothContainers(waits("ContainerCreating"), corev1.ContainerState{}, false)
	fresh := podCondition(corev1.PodScheduled, corev1.ConditionTrue, "", "", noon)
	cases := map[string]struct {
		edits   []func(*corev1.Pod)
		reads   bool
		want    string
		process botProcess
		recheck time.Time
	}{
		"starting":           {[]func(*corev1.Pod){waiting}, true, v1alpha1.ReasonNodeUnreachable, processUnknown, noon.Add(nodePause)},
		"starting, just now": {[]func(*corev1.Pod){waiting, fresh}, true, v1alpha1.ReasonPodStarting, processNone, noRecheck},
		"nodes are not read": {[]func(*corev1.Pod){waiting}, false, v1alpha1.ReasonPodStarting, processNone, noRecheck},
		"crashes":            {[]func(*corev1.Pod){bothContainers(waits("CrashLoopBackOff"), exited(1, "Error"), false)}, true, v1alpha1.ReasonNodeUnreachable, processUnknown, noon.Add(nodePause)},
		"runs":               {nil, true, v1alpha1.ReasonPodStarting, processRuns, noRecheck},
		"ended":              {[]func(*corev1.Pod){func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodFailed }}, true, v1alpha1.ReasonPodFailed, processNone, noRecheck},
		"ending":             {[]func(*corev1.Pod){deleted(-time.Second)}, true, v1alpha1.ReasonAwaitingTermination, processNone, noon.Add(overdue + time.Second)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := passOf(pods(c.edits...), func(s *pass) { s.readsNodes, s.nodeLost = c.reads, c.reads })
			got, process := s.classifyPod()
			if got.reason() != c.want || process != c.process || !got.recheck.Equal(c.recheck) {
				t.Errorf("%+v, %d; want %s, %d, recheck at %s", got, process, c.want, c.process, c.recheck)
			}
		})
	}
}

func TestNodeSilent(t *testing.T) {
	for want, conditions := range map[bool][]corev1.NodeCondition{
		true:  {{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionUnknown}, {Type: corev1.NodeReady, Status: corev1.ConditionUnknown}},
		false: {{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionUnknown}, {Type: corev1.NodeReady, Status: corev1.ConditionFalse}},
	} {
		if got := nodeSilent(&corev1.Node{Status: corev1.NodeStatus{Conditions: conditions}}); got != want {
			t.Errorf("nodeSilent(%v) = %t", conditions, got)
		}
	}
	if nodeSilent(&corev1.Node{}) {
		t.Error("a node without conditions counts as silent")
	}
}

// passOf returns a pass at noon with a bound claim and the session's running pod. After the edits it plans like load.
func passOf(edits ...func(*pass)) *pass {
	session := newSession("kasir")
	s := &pass{input: input{now: noon, session: session, pod: podOf(session)}, result: result{storage: found(kindClaimBound, "bound")}}
	s.claim = &corev1.PersistentVolumeClaim{Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound}}
	s.claim.Labels = naming.Labels(session)
	s.desired = podOf(session)
	s.keys = &keys{}
	for _, edit := range edits {
		edit(s)
	}
	s.plan = decidePlan(&s.input, s.storage)
	s.bot = s.plan.bot
	return s
}

func noPod(s *pass)     { s.pod = nil }
func noKeys(s *pass)    { s.keys = nil }
func suspended(s *pass) { yes := true; s.session.Spec.Suspended = &yes }
func held(s *pass) {
	s.holder = newSession("older")
	s.storage = classifyClaim(&s.input)
}
func changed(s *pass) { s.desired.Annotations[resources.AnnotationSpecHash] = "another" }
func broken(s *pass) {
	s.desired, s.templateErr = nil, errors.New("spec.template.spec.hostNetwork: must be false")
}
func deleting(s *pass) { at := metav1.NewTime(noon); s.session.DeletionTimestamp = &at }

func storage(k kind) func(*pass) {
	return func(s *pass) { s.storage = found(k, "storage says so") }
}

func pods(edits ...func(*corev1.Pod)) func(*pass) {
	return func(s *pass) { s.pod = podOf(s.session, edits...) }
}

func says(hearing observer.Hearing, snapshot *bot.Snapshot) func(*pass) {
	return func(s *pass) {
		s.observation = &observer.Observation{Instance: "pod-1", Hearing: hearing, Snapshot: snapshot}
		if hearing != observer.Heard {
			s.observation.Err = errors.New("dial the bot: connection refused")
		}
	}
}

func connected() *bot.Snapshot {
	snapshot := bottest.Paired("kasir", "pod-1", "62811:1@s.whatsapp.net")
	return &snapshot
}

func scanning() *bot.Snapshot {
	snapshot := bottest.Unlinked("kasir", "pod-1")
	snapshot.QRExpiresAt = bot.At(noon.Add(time.Minute))
	return &snapshot
}

func signing() *bot.Snapshot {
	snapshot := scanning()
	snapshot.Reason, snapshot.QRExpiresAt, snapshot.QRRequired = bot.ReasonPasskeyRequired, bot.Time{}, false
	snapshot.UserAction = bot.ActionSignPasskey
	return snapshot
}

func comparing() *bot.Snapshot {
	snapshot := signing()
	snapshot.Reason = bot.ReasonPasskeyConfirmation
	return snapshot
}

func paired() *bot.Snapshot {
	snapshot := signing()
	snapshot.State, snapshot.Reason = bot.StateConnecting, bot.ReasonPaired
	return snapshot
}

func asleep() *bot.Snapshot {
	snapshot := scanning()
	snapshot.Reason, snapshot.QRExpiresAt = bot.ReasonQRIdle, bot.Time{}
	return snapshot
}

func TestDecidePlan(t *testing.T) {
	waited := func(since time.Duration) func(*pass) {
		return func(s *pass) {
			began := metav1.NewTime(noon.Add(-since))
			until := metav1.NewTime(began.Add(pairingPatience))
			s.session.Status.Replacement = &v1alpha1.ReplacementStatus{WaitsFor: v1alpha1.ReplacementWaitsForPairing, Since: began, Until: &until}
		}
	}
	ours := func(s *pass) { s.pod.OwnerReferences[0].UID = "an-earlier-session" }
	orphan := func(s *pass) { s.pod.OwnerReferences = nil }
	foreign := func(s *pass) { s.pod.OwnerReferences, s.pod.Labels = nil, nil }
	rememberedPairing := func(s *pass) {
		expires := metav1.NewTime(noon.Add(time.Minute))
		s.session.Status = v1alpha1.WhatsAppSessionStatus{State: bot.StatePairing, Instance: "pod-1", QR: &v1alpha1.QRStatus{Needed: true, ExpiresAt: &expires}}
	}
	cases := map[string]struct {
		edits  []func(*pass)
		action action
		reason string
	}{
		"no pod":                       {[]func(*pass){noPod}, makePod, v1alpha1.ReasonPodStarting},
		"no pod, suspended":            {[]func(*pass){noPod, suspended}, keepPod, v1alpha1.ReasonSuspended},
		"no pod, claim shared":         {[]func(*pass){noPod, held}, keepPod, v1alpha1.ReasonAwaitingStorage},
		"no pod, claim pending":        {[]func(*pass){noPod, storage(kindClaimPending)}, makePod, v1alpha1.ReasonPodStarting},
		"no pod, claim missing":        {[]func(*pass){noPod, storage(kindClaimNotFound)}, keepPod, v1alpha1.ReasonAwaitingStorage},
		"no pod, claim lost":           {[]func(*pass){noPod, storage(kindClaimLost)}, keepPod, v1alpha1.ReasonAwaitingStorage},
		"no pod, claim going":          {[]func(*pass){noPod, storage(kindClaimTerminating)}, keepPod, v1alpha1.ReasonAwaitingStorage},
		"no pod, claim rejected":       {[]func(*pass){noPod, storage(kindClaimRejected)}, keepPod, v1alpha1.ReasonAwaitingStorage},
		"no pod, template broken":      {[]func(*pass){noPod, broken}, keepPod, v1alpha1.ReasonInvalidTemplate},
		"no pod, deleting":             {[]func(*pass){noPod, deleting}, keepPod, v1alpha1.ReasonTerminating},
		"an earlier session's":         {[]func(*pass){ours}, keepPod, v1alpha1.ReasonAwaitingTermination},
		"foreign":                      {[]func(*pass){foreign}, keepPod, v1alpha1.ReasonPodNameTaken},
		"orphaned":                     {[]func(*pass){orphan}, keepPod, v1alpha1.ReasonPodOrphaned},
		"foreign, ending":              {[]func(*pass){pods(deleted(0)), foreign}, keepPod, v1alpha1.ReasonAwaitingTermination},
		"foreign, suspended":           {[]func(*pass){suspended, foreign}, keepPod, v1alpha1.ReasonPodNameTaken},
		"runs":                         {nil, keepPod, v1alpha1.ReasonPodStarting},
		"runs, reports":                {[]func(*pass){says(observer.Heard, connected())}, keepPod, v1alpha1.ReasonPodRunning},
		"runs, reported before":        {[]func(*pass){says(observer.Listening, connected())}, keepPod, v1alpha1.ReasonPodRunning},
		"runs, not reported yet":       {[]func(*pass){says(observer.Listening, nil)}, keepPod, v1alpha1.ReasonPodStarting},
		"runs, lost":                   {[]func(*pass){says(observer.Lost, connected())}, keepPod, v1alpha1.ReasonBotUnreachable},
		"runs, without a Secret":       {[]func(*pass){noKeys}, keepPod, v1alpha1.ReasonBotUnreachable},
		"reports, without a Secret":    {[]func(*pass){noKeys, says(observer.Heard, connected())}, keepPod, v1alpha1.ReasonPodRunning},
		"runs, suspended":              {[]func(*pass){suspended}, removePod, v1alpha1.ReasonPodStarting},
		"runs, claim shared":           {[]func(*pass){held}, removePod, v1alpha1.ReasonPodStarting},
		"runs, changed":                {[]func(*pass){changed, says(observer.Heard, connected())}, removePod, v1alpha1.ReasonPodRunning},
		"runs, changed, lost":          {[]func(*pass){changed, says(observer.Lost, connected())}, removePod, v1alpha1.ReasonBotUnreachable},
		"runs, template broken":        {[]func(*pass){broken, says(observer.Heard, connected())}, keepPod, v1alpha1.ReasonPodRunning},
		"runs, changed, claim going":   {[]func(*pass){changed, storage(kindClaimTerminating), says(observer.Heard, connected())}, keepPod, v1alpha1.ReasonPodRunning},
		"pairing, changed":             {[]func(*pass){changed, says(observer.Heard, scanning())}, keepPod, v1alpha1.ReasonAwaitingPairing},
		"pairing, changed, waited":     {[]func(*pass){changed, says(observer.Heard, scanning()), waited(pairingPatience - time.Second)}, keepPod, v1alpha1.ReasonAwaitingPairing},
		"pairing, changed, long":       {[]func(*pass){changed, says(observer.Heard, scanning()), waited(pairingPatience)}, removePod, v1alpha1.ReasonPodRunning},
		"passkey, changed":             {[]func(*pass){changed, says(observer.Heard, signing())}, keepPod, v1alpha1.ReasonAwaitingPairing},
		"just paired, changed":         {[]func(*pass){changed, says(observer.Heard, paired())}, keepPod, v1alpha1.ReasonAwaitingPairing},
		"another pod's pairing":        {[]func(*pass){changed, rememberedPairing, func(s *pass) { s.session.Status.Instance = "pod-0" }}, removePod, v1alpha1.ReasonPodStarting},
		"pairing, suspended":           {[]func(*pass){suspended, says(observer.Heard, scanning())}, removePod, v1alpha1.ReasonPodStarting},
		"asleep, changed":              {[]func(*pass){changed, says(observer.Heard, asleep())}, removePod, v1alpha1.ReasonPodRunning},
		"pairing remembered, changed":  {[]func(*pass){changed, rememberedPairing}, keepPod, v1alpha1.ReasonAwaitingPairing},
		"pairing remembered, bot lost": {[]func(*pass){changed, rememberedPairing, says(observer.Lost, nil)}, removePod, v1alpha1.ReasonBotUnreachable},
		"crashing, changed":            {[]func(*pass){changed, pods(bothContainers(waits("CrashLoopBackOff"), exited(1, ""), false))}, removePod, v1alpha1.ReasonCrashLooping},
		"node lost":                    {[]func(*pass){pods(podCondition(corev1.PodReady, corev1.ConditionFalse, "", "", noon))}, keepPod, v1alpha1.ReasonNodeUnreachable},
		"node lost, changed":           {[]func(*pass){changed, pods(podCondition(corev1.PodReady, corev1.ConditionFalse, "", "", noon))}, keepPod, v1alpha1.ReasonNodeUnreachable},
		"ending":                       {[]func(*pass){pods(deleted(-time.Second))}, keepPod, v1alpha1.ReasonAwaitingTermination},
		"ending, suspended":            {[]func(*pass){suspended, pods(deleted(-time.Second))}, keepPod, v1alpha1.ReasonAwaitingTermination},
		"ending late":                  {[]func(*pass){pods(deleted(time.Hour))}, keepPod, v1alpha1.ReasonNodeUnreachable},
		"failed":                       {[]func(*pass){pods(func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodFailed })}, removePod, v1alpha1.ReasonPodFailed},
		"failed at once": {[]func(*pass){pods(func(pod *corev1.Pod) {
			pod.Status.Phase, pod.CreationTimestamp = corev1.PodFailed, metav1.NewTime(noon.Add(-time.Second))
		})}, keepPod, v1alpha1.ReasonPodFailed},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := passOf(c.edits...).plan
			if got.action != c.action || got.bot.reason() != c.reason || got.bot.message == "" {
				t.Errorf("decidePlan = %+v; want %d, %s", got, c.action, c.reason)
			}
		})
	}
}

// A pairing has its own time, whatever the session waited for before.
func TestAPairingHasItsOwnTime(t *testing.T) {
	until := metav1.NewTime(noon.Add(time.Hour))
	got := passOf(changed, says(observer.Heard, scanning()), func(s *pass) {
		s.session.Status.Replacement = &v1alpha1.ReplacementStatus{WaitsFor: v1alpha1.ReplacementWaitsForBot, Since: metav1.NewTime(noon), Until: &until}
	}).plan.replacement
	if got == nil || got.WaitsFor != v1alpha1.ReplacementWaitsForPairing || !got.Until.Time.Equal(noon.Add(pairingPatience)) {
		t.Errorf("the replacement waits for %+v", got)
	}
}

// A pod may be created only if no other pod uses the claim for this clientId, whatever its owner and its state.
func TestDecideCreateAsksForEveryPodOfTheStore(t *testing.T) {
	other := newSession("other")
	cases := map[string]struct {
		users  []corev1.Pod
		may    bool
		reason string
	}{
		"none":              {nil, true, v1alpha1.ReasonPodStarting},
		"its own":           {[]corev1.Pod{*podOf(newSession("kasir"))}, false, v1alpha1.ReasonPodStarting},
		"its own, ending":   {[]corev1.Pod{*podOf(newSession("kasir"), deleted(0))}, false, v1alpha1.ReasonAwaitingTermination},
		"another session's": {[]corev1.Pod{*podOf(other)}, false, v1alpha1.ReasonAwaitingTermination},
		"another's, failed": {[]corev1.Pod{*podOf(other, func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodFailed })}, false, v1alpha1.ReasonAwaitingTermination},
		"without an owner":  {[]corev1.Pod{*podOf(other, func(pod *corev1.Pod) { pod.OwnerReferences = nil })}, false, v1alpha1.ReasonAwaitingTermination},
		"an earlier one's":  {[]corev1.Pod{*podOf(newSession("kasir"), func(pod *corev1.Pod) { pod.OwnerReferences[0].UID = "earlier" })}, false, v1alpha1.ReasonAwaitingTermination},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := passOf(noPod)
			v, may := decideCreate(&s.input, s.storage, c.users)
			if may != c.may || v.reason() != c.reason {
				t.Errorf("decideCreate = %+v, %t; want %s, %t", v, may, c.reason, c.may)
			}
		})
	}
}

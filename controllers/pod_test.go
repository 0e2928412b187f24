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

// podOf is a session's running pod; edits make it something else.
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

var runs = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}

func TestClassifyPod(t *testing.T) {
	bare := func(pod *corev1.Pod) { pod.Status = corev1.PodStatus{Phase: corev1.PodPending}; pod.Spec.NodeName = "" }
	bound := func(ago time.Duration) func(*corev1.Pod) {
		return func(pod *corev1.Pod) {
			pod.Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
				Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(noon.Add(-ago))}}}
		}
	}
	cases := map[string]struct {
		edits   []func(*corev1.Pod)
		want    string
		process botProcess
		says    string
		look    time.Time
	}{
		"runs": {nil, v1alpha1.ReasonPodStarting, processRuns, "has not spoken", never},
		"runs, not ready yet": {[]func(*corev1.Pod){bothContainers(runs, corev1.ContainerState{}, false),
			podCondition(corev1.PodReady, corev1.ConditionFalse, "ContainersNotReady", "", noon), podCondition(corev1.ContainersReady, corev1.ConditionFalse, "ContainersNotReady", "", noon)},
			v1alpha1.ReasonPodStarting, processRuns, "has not spoken", never},
		"no address yet":           {[]func(*corev1.Pod){func(pod *corev1.Pod) { pod.Status.PodIP = "" }}, v1alpha1.ReasonPodStarting, processNone, "is starting", never},
		"just made":                {[]func(*corev1.Pod){bare}, v1alpha1.ReasonPodStarting, processNone, "is starting", never},
		"not seen by its node yet": {[]func(*corev1.Pod){bound(time.Minute)}, v1alpha1.ReasonPodStarting, processNone, "is starting", noon.Add(acknowledging - time.Minute)},
		"never seen by its node":   {[]func(*corev1.Pod){bound(acknowledging)}, v1alpha1.ReasonNodeUnreachable, processUnknown, "node-1 does not answer", never},
		"never seen by a node that its template names": {[]func(*corev1.Pod){bound(0), func(pod *corev1.Pod) { pod.Status.Conditions = nil }},
			v1alpha1.ReasonNodeUnreachable, processUnknown, "node-1 does not answer", never},
		"seen by its node": {[]func(*corev1.Pod){bound(acknowledging), func(pod *corev1.Pod) { pod.Status.StartTime = &metav1.Time{Time: noon} }},
			v1alpha1.ReasonPodStarting, processNone, "is starting", never},
		"unschedulable": {[]func(*corev1.Pod){podCondition(corev1.PodScheduled, corev1.ConditionFalse, corev1.PodReasonUnschedulable, "0/3 nodes are available.", noon)},
			v1alpha1.ReasonUnschedulable, processNone, "0/3 nodes are available. Give it room", never},
		"held by a scheduling gate": {[]func(*corev1.Pod){bare, func(pod *corev1.Pod) {
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "SchedulingGated"}}
		}}, v1alpha1.ReasonPodStarting, processNone, "is starting", never},
		"image refused":       {[]func(*corev1.Pod){bothContainers(waits("ErrImagePull"), corev1.ContainerState{}, false)}, v1alpha1.ReasonImagePullFailed, processNone, "The image bot:1", never},
		"image backs off":     {[]func(*corev1.Pod){bothContainers(waits("ImagePullBackOff"), corev1.ContainerState{}, false)}, v1alpha1.ReasonImagePullFailed, processNone, "The image bot:1", never},
		"image has no name":   {[]func(*corev1.Pod){bothContainers(waits("InvalidImageName"), corev1.ContainerState{}, false)}, v1alpha1.ReasonImagePullFailed, processNone, "mend spec.image", never},
		"lacks a Secret":      {[]func(*corev1.Pod){bothContainers(waits("CreateContainerConfigError"), corev1.ContainerState{}, false)}, v1alpha1.ReasonCrashLooping, processNone, "kubectl describe pod", never},
		"crashed":             {[]func(*corev1.Pod){bothContainers(exited(2, "Error"), corev1.ContainerState{}, false)}, v1alpha1.ReasonCrashLooping, processNone, "code 2", never},
		"backs off":           {[]func(*corev1.Pod){bothContainers(waits("CrashLoopBackOff"), exited(1, "Error"), false)}, v1alpha1.ReasonCrashLooping, processNone, "--previous", never},
		"between two crashes": {[]func(*corev1.Pod){bothContainers(runs, exited(1, "Error"), false)}, v1alpha1.ReasonCrashLooping, processNone, "code 1", never},
		"well after a crash":  {[]func(*corev1.Pod){bothContainers(runs, exited(1, "Error"), true)}, v1alpha1.ReasonPodStarting, processRuns, "has not spoken", never},
		"out of memory":       {[]func(*corev1.Pod){bothContainers(waits("CrashLoopBackOff"), exited(137, "OOMKilled"), false)}, v1alpha1.ReasonOOMKilled, processNone, "limits.memory", never},
		"init container fails": {[]func(*corev1.Pod){bothContainers(waits("PodInitializing"), corev1.ContainerState{}, false), func(pod *corev1.Pod) {
			pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "fetch", State: exited(1, "Error")}}
		}}, v1alpha1.ReasonCrashLooping, processNone, "container fetch", never},
		"init container is done": {[]func(*corev1.Pod){func(pod *corev1.Pod) {
			pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "fetch", State: exited(0, "Completed")}}
		}}, v1alpha1.ReasonPodStarting, processRuns, "has not spoken", never},
		"sidecar crashes": {[]func(*corev1.Pod){func(pod *corev1.Pod) {
			pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{Name: "logic", State: waits("CrashLoopBackOff"), LastTerminationState: exited(1, "Error")})
		}, podCondition(corev1.PodReady, corev1.ConditionFalse, "ContainersNotReady", "", noon), podCondition(corev1.ContainersReady, corev1.ConditionFalse, "ContainersNotReady", "", noon)},
			v1alpha1.ReasonPodStarting, processRuns, "has not spoken", never},
		"native sidecar crashes": {[]func(*corev1.Pod){func(pod *corev1.Pod) {
			pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "proxy", State: waits("CrashLoopBackOff"), LastTerminationState: exited(1, "Error")}}
		}}, v1alpha1.ReasonPodStarting, processRuns, "has not spoken", never},
		"native sidecar's image is gone": {[]func(*corev1.Pod){bothContainers(runs, exited(1, "Error"), true), func(pod *corev1.Pod) {
			pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "proxy", State: waits("ImagePullBackOff")}}
		}}, v1alpha1.ReasonPodStarting, processRuns, "has not spoken", never},
		"bot and native sidecar crash": {[]func(*corev1.Pod){bothContainers(waits("CrashLoopBackOff"), exited(1, "Error"), false), func(pod *corev1.Pod) {
			pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "proxy", State: waits("CrashLoopBackOff"), LastTerminationState: exited(1, "Error")}}
		}}, v1alpha1.ReasonCrashLooping, processNone, "container", never},
		"mounting": {[]func(*corev1.Pod){bothContainers(waits("ContainerCreating"), corev1.ContainerState{}, false),
			podCondition(corev1.PodScheduled, corev1.ConditionTrue, "", "", noon.Add(-10*time.Second)), podCondition(corev1.PodReadyToStartContainers, corev1.ConditionFalse, "", "", noon)},
			v1alpha1.ReasonPodStarting, processNone, "is starting", noon.Add(mounting - 10*time.Second)},
		"cannot mount": {[]func(*corev1.Pod){bothContainers(waits("ContainerCreating"), corev1.ContainerState{}, false),
			podCondition(corev1.PodScheduled, corev1.ConditionTrue, "", "", noon.Add(-mounting)), podCondition(corev1.PodReadyToStartContainers, corev1.ConditionFalse, "", "", noon)},
			v1alpha1.ReasonVolumeMountFailed, processNone, "has not mounted", never},
		"evicted":   {[]func(*corev1.Pod){func(pod *corev1.Pod) { pod.Status.Phase, pod.Status.Reason = corev1.PodFailed, "Evicted" }}, v1alpha1.ReasonPodFailed, processNone, "(Evicted)", never},
		"succeeded": {[]func(*corev1.Pod){func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodSucceeded }}, v1alpha1.ReasonPodFailed, processNone, "(Succeeded)", never},
		"node lost": {[]func(*corev1.Pod){podCondition(corev1.PodReady, corev1.ConditionFalse, "", "", noon)}, v1alpha1.ReasonNodeUnreachable, processUnknown, "node-1 does not answer", never},
		"readiness gate": {[]func(*corev1.Pod){podCondition(corev1.PodReady, corev1.ConditionFalse, "ReadinessGatesNotReady", "", noon)},
			v1alpha1.ReasonPodStarting, processRuns, "has not spoken", never},
		"ending":                   {[]func(*corev1.Pod){deleted(-30 * time.Second)}, v1alpha1.ReasonAwaitingTermination, processNone, "is ending", noon.Add(30*time.Second + overdue)},
		"ending late":              {[]func(*corev1.Pod){deleted(overdue)}, v1alpha1.ReasonNodeUnreachable, processUnknown, "does not confirm", never},
		"never bound, ending late": {[]func(*corev1.Pod){bare, deleted(overdue)}, v1alpha1.ReasonAwaitingTermination, processNone, "is ending", noon},
		"ending on a lost node": {[]func(*corev1.Pod){deleted(-30 * time.Second), podCondition(corev1.PodReady, corev1.ConditionFalse, "", "", noon)},
			v1alpha1.ReasonAwaitingTermination, processNone, "is ending", noon.Add(30*time.Second + overdue)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, process := classifyPod(podOf(newSession("kasir"), c.edits...), noon)
			if got.reason != c.want || process != c.process || !strings.Contains(got.message, c.says) || !got.look.Equal(c.look) {
				t.Errorf("classifyPod = %+v, %d; want %s with %q, %d, look at %s", got, process, c.want, c.says, c.process, c.look)
			}
			if got.good() {
				t.Error("a pod is not ready before its bot is heard")
			}
		})
	}
}

// What a node that is lost told of a pod that never was ready is old; what it told of one whose bot runs is checked by
// listening to that.
func TestALostNodeShowsInAPodThatNeverWasReady(t *testing.T) {
	waiting := bothContainers(waits("ContainerCreating"), corev1.ContainerState{}, false)
	fresh := podCondition(corev1.PodScheduled, corev1.ConditionTrue, "", "", noon)
	cases := map[string]struct {
		edits   []func(*corev1.Pod)
		reads   bool
		want    string
		process botProcess
		look    time.Time
	}{
		"starting":           {[]func(*corev1.Pod){waiting}, true, v1alpha1.ReasonNodeUnreachable, processUnknown, noon.Add(nodePause)},
		"starting, just now": {[]func(*corev1.Pod){waiting, fresh}, true, v1alpha1.ReasonPodStarting, processNone, never},
		"nodes are not read": {[]func(*corev1.Pod){waiting}, false, v1alpha1.ReasonPodStarting, processNone, never},
		"crashes":            {[]func(*corev1.Pod){bothContainers(waits("CrashLoopBackOff"), exited(1, "Error"), false)}, true, v1alpha1.ReasonNodeUnreachable, processUnknown, noon.Add(nodePause)},
		"runs":               {nil, true, v1alpha1.ReasonPodStarting, processRuns, never},
		"ended":              {[]func(*corev1.Pod){func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodFailed }}, true, v1alpha1.ReasonPodFailed, processNone, never},
		"ending":             {[]func(*corev1.Pod){deleted(-time.Second)}, true, v1alpha1.ReasonAwaitingTermination, processNone, noon.Add(overdue + time.Second)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := visit(pods(c.edits...), func(s *scope) { s.readsNodes, s.nodeLost = c.reads, c.reads })
			got, process := s.classifyPod()
			if got.reason != c.want || process != c.process || !got.look.Equal(c.look) {
				t.Errorf("%+v, %d; want %s, %d, look at %s", got, process, c.want, c.process, c.look)
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
		t.Error("a node that says nothing of itself yet counts as silent")
	}
}

// visit is a scope at noon with a bound claim and the session's running pod.
func visit(edits ...func(*scope)) *scope {
	session := newSession("kasir")
	s := &scope{now: noon, session: session, pod: podOf(session), storage: verdict{metav1.ConditionTrue, v1alpha1.ReasonClaimBound, "bound", settled, never}}
	s.claim = &corev1.PersistentVolumeClaim{Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound}}
	s.claim.Labels = naming.Labels(session)
	s.desired = podOf(session)
	s.keys = &keys{}
	for _, edit := range edits {
		edit(s)
	}
	return s
}

func noPod(s *scope)     { s.pod = nil }
func noKeys(s *scope)    { s.keys = nil }
func suspended(s *scope) { yes := true; s.session.Spec.Suspended = &yes }
func held(s *scope) {
	s.holder = newSession("older")
	s.storage = classifyClaim(s)
}
func changed(s *scope) { s.desired.Annotations[resources.AnnotationSpecHash] = "another" }
func stays(s *scope)   { s.stays = true }
func broken(s *scope) {
	s.desired, s.templateErr = nil, errors.New("spec.template.spec.hostNetwork: must be false")
}
func deleting(s *scope) { at := metav1.NewTime(noon); s.session.DeletionTimestamp = &at }

func storage(reason string, outlook outlook) func(*scope) {
	return func(s *scope) { s.storage = verdict{metav1.ConditionFalse, reason, "storage says so", outlook, never} }
}

func pods(edits ...func(*corev1.Pod)) func(*scope) {
	return func(s *scope) { s.pod = podOf(s.session, edits...) }
}

func says(hearing observer.Hearing, snapshot *bot.Snapshot) func(*scope) {
	return func(s *scope) {
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

func asleep() *bot.Snapshot {
	snapshot := scanning()
	snapshot.Reason, snapshot.QRExpiresAt = bot.ReasonQRIdle, bot.Time{}
	return snapshot
}

func TestDecidePod(t *testing.T) {
	waited := func(since time.Duration) func(*scope) {
		return func(s *scope) {
			s.session.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReconciling, Status: metav1.ConditionTrue,
				Reason: v1alpha1.ReasonAwaitingPairing, LastTransitionTime: metav1.NewTime(noon.Add(-since))}}
		}
	}
	ours := func(s *scope) { s.pod.OwnerReferences[0].UID = "an-earlier-session" }
	foreign := func(s *scope) { s.pod.OwnerReferences = nil }
	rememberedPairing := func(s *scope) {
		expires := metav1.NewTime(noon.Add(time.Minute))
		s.session.Status = v1alpha1.WhatsAppSessionStatus{State: bot.StatePairing, Instance: "pod-1", QR: &v1alpha1.QRStatus{Needed: true, ExpiresAt: &expires}}
	}
	cases := map[string]struct {
		edits  []func(*scope)
		step   step
		reason string
	}{
		"no pod":                        {[]func(*scope){noPod}, makePod, v1alpha1.ReasonPodStarting},
		"no pod, suspended":             {[]func(*scope){noPod, suspended}, keepPod, v1alpha1.ReasonSuspended},
		"no pod, claim shared":          {[]func(*scope){noPod, held}, keepPod, v1alpha1.ReasonAwaitingStorage},
		"no pod, claim pending":         {[]func(*scope){noPod, storage(v1alpha1.ReasonClaimPending, moving)}, makePod, v1alpha1.ReasonPodStarting},
		"no pod, claim missing":         {[]func(*scope){noPod, storage(v1alpha1.ReasonClaimNotFound, stalled)}, keepPod, v1alpha1.ReasonAwaitingStorage},
		"no pod, claim lost":            {[]func(*scope){noPod, storage(v1alpha1.ReasonClaimLost, stalled)}, keepPod, v1alpha1.ReasonAwaitingStorage},
		"no pod, claim going":           {[]func(*scope){noPod, storage(v1alpha1.ReasonClaimTerminating, moving)}, keepPod, v1alpha1.ReasonAwaitingStorage},
		"no pod, claim rejected":        {[]func(*scope){noPod, storage(v1alpha1.ReasonClaimRejected, moving)}, keepPod, v1alpha1.ReasonAwaitingStorage},
		"no pod, template broken":       {[]func(*scope){noPod, broken}, keepPod, v1alpha1.ReasonInvalidTemplate},
		"no pod, deleting":              {[]func(*scope){noPod, deleting}, keepPod, v1alpha1.ReasonTerminating},
		"an earlier session's":          {[]func(*scope){ours}, keepPod, v1alpha1.ReasonAwaitingTermination},
		"someone else's":                {[]func(*scope){foreign}, keepPod, v1alpha1.ReasonPodNameTaken},
		"someone else's, ending":        {[]func(*scope){pods(deleted(0)), foreign}, keepPod, v1alpha1.ReasonAwaitingTermination},
		"someone else's, suspended":     {[]func(*scope){suspended, foreign}, keepPod, v1alpha1.ReasonPodNameTaken},
		"runs":                          {nil, keepPod, v1alpha1.ReasonPodStarting},
		"runs, heard":                   {[]func(*scope){says(observer.Heard, connected())}, keepPod, v1alpha1.ReasonPodRunning},
		"runs, heard before":            {[]func(*scope){says(observer.Listening, connected())}, keepPod, v1alpha1.ReasonPodRunning},
		"runs, not heard yet":           {[]func(*scope){says(observer.Listening, nil)}, keepPod, v1alpha1.ReasonPodStarting},
		"runs, lost":                    {[]func(*scope){says(observer.Lost, connected())}, keepPod, v1alpha1.ReasonBotUnreachable},
		"runs, without a Secret":        {[]func(*scope){noKeys}, keepPod, v1alpha1.ReasonBotUnreachable},
		"heard, without a Secret":       {[]func(*scope){noKeys, says(observer.Heard, connected())}, keepPod, v1alpha1.ReasonPodRunning},
		"runs, suspended":               {[]func(*scope){suspended}, removePod, v1alpha1.ReasonPodStarting},
		"runs, claim shared":            {[]func(*scope){held}, removePod, v1alpha1.ReasonPodStarting},
		"runs, changed":                 {[]func(*scope){changed, says(observer.Heard, connected())}, removePod, v1alpha1.ReasonPodRunning},
		"runs, changed, waits its turn": {[]func(*scope){changed, stays, says(observer.Heard, connected())}, keepPod, v1alpha1.ReasonPodRunning},
		"runs, changed, lost":           {[]func(*scope){changed, says(observer.Lost, connected())}, removePod, v1alpha1.ReasonBotUnreachable},
		"runs, template broken":         {[]func(*scope){broken, says(observer.Heard, connected())}, keepPod, v1alpha1.ReasonPodRunning},
		"runs, changed, claim going":    {[]func(*scope){changed, storage(v1alpha1.ReasonClaimTerminating, moving), says(observer.Heard, connected())}, keepPod, v1alpha1.ReasonPodRunning},
		"pairing, changed":              {[]func(*scope){changed, says(observer.Heard, scanning())}, keepPod, v1alpha1.ReasonAwaitingPairing},
		"pairing, changed, waited":      {[]func(*scope){changed, says(observer.Heard, scanning()), waited(pairingPatience - time.Second)}, keepPod, v1alpha1.ReasonAwaitingPairing},
		"pairing, changed, long":        {[]func(*scope){changed, says(observer.Heard, scanning()), waited(pairingPatience)}, removePod, v1alpha1.ReasonPodRunning},
		"pairing, suspended":            {[]func(*scope){suspended, says(observer.Heard, scanning())}, removePod, v1alpha1.ReasonPodStarting},
		"asleep, changed":               {[]func(*scope){changed, says(observer.Heard, asleep())}, removePod, v1alpha1.ReasonPodRunning},
		"pairing remembered, changed":   {[]func(*scope){changed, rememberedPairing}, keepPod, v1alpha1.ReasonAwaitingPairing},
		"pairing remembered, bot lost":  {[]func(*scope){changed, rememberedPairing, says(observer.Lost, nil)}, removePod, v1alpha1.ReasonBotUnreachable},
		"crashing, changed":             {[]func(*scope){changed, pods(bothContainers(waits("CrashLoopBackOff"), exited(1, ""), false))}, removePod, v1alpha1.ReasonCrashLooping},
		"node lost":                     {[]func(*scope){pods(podCondition(corev1.PodReady, corev1.ConditionFalse, "", "", noon))}, keepPod, v1alpha1.ReasonNodeUnreachable},
		"node lost, changed":            {[]func(*scope){changed, pods(podCondition(corev1.PodReady, corev1.ConditionFalse, "", "", noon))}, keepPod, v1alpha1.ReasonNodeUnreachable},
		"ending":                        {[]func(*scope){pods(deleted(-time.Second))}, keepPod, v1alpha1.ReasonAwaitingTermination},
		"ending, suspended":             {[]func(*scope){suspended, pods(deleted(-time.Second))}, keepPod, v1alpha1.ReasonAwaitingTermination},
		"ending late":                   {[]func(*scope){pods(deleted(time.Hour))}, keepPod, v1alpha1.ReasonNodeUnreachable},
		"failed":                        {[]func(*scope){pods(func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodFailed })}, removePod, v1alpha1.ReasonPodFailed},
		"failed at once": {[]func(*scope){pods(func(pod *corev1.Pod) {
			pod.Status.Phase, pod.CreationTimestamp = corev1.PodFailed, metav1.NewTime(noon.Add(-time.Second))
		})}, keepPod, v1alpha1.ReasonPodFailed},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, v := decidePod(visit(c.edits...))
			if got != c.step || v.reason != c.reason || v.message == "" {
				t.Errorf("decidePod = %d, %+v; want %d, %s", got, v, c.step, c.reason)
			}
		})
	}
}

// A pod may be made only if no pod of the store is there, whosever it is and however it stands.
func TestDecideCreateAsksForEveryPodOfTheStore(t *testing.T) {
	other := newSession("other")
	cases := map[string]struct {
		holders []corev1.Pod
		may     bool
		reason  string
	}{
		"none":              {nil, true, v1alpha1.ReasonPodStarting},
		"its own":           {[]corev1.Pod{*podOf(newSession("kasir"))}, false, v1alpha1.ReasonPodStarting},
		"its own, ending":   {[]corev1.Pod{*podOf(newSession("kasir"), deleted(0))}, false, v1alpha1.ReasonAwaitingTermination},
		"another session's": {[]corev1.Pod{*podOf(other)}, false, v1alpha1.ReasonAwaitingTermination},
		"another's, failed": {[]corev1.Pod{*podOf(other, func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodFailed })}, false, v1alpha1.ReasonAwaitingTermination},
		"nobody's":          {[]corev1.Pod{*podOf(other, func(pod *corev1.Pod) { pod.OwnerReferences = nil })}, false, v1alpha1.ReasonAwaitingTermination},
		"an earlier one's":  {[]corev1.Pod{*podOf(newSession("kasir"), func(pod *corev1.Pod) { pod.OwnerReferences[0].UID = "earlier" })}, false, v1alpha1.ReasonAwaitingTermination},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			v, may := decideCreate(visit(noPod), c.holders)
			if may != c.may || v.reason != c.reason {
				t.Errorf("decideCreate = %+v, %t; want %s, %t", v, may, c.reason, c.may)
			}
		})
	}
}

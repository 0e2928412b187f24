package controllers

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

const (
	// overdue is how long after its grace a deleted pod may still be there before its node counts as lost. A node
	// that answers needs a second or two.
	overdue = time.Minute
	// mounting is how long a node may take for a pod's volumes and network.
	mounting = time.Minute
	// acknowledging is how long a node may take to say that it has seen a pod. One that answers needs a second; many
	// pods at once on a slow one, a minute or two.
	acknowledging = 5 * time.Minute
)

// botProcess says how far a pod has got with the bot's process.
type botProcess int

const (
	// processNone: the process does not run, so the bot is not connected.
	processNone botProcess = iota
	// processRuns: the bot may be listened to.
	processRuns
	// processUnknown: the node says nothing any more, so the process may run or not.
	processUnknown
)

// classifyPod says how the session's own pod stands and whether its bot may run, from the pod alone.
func classifyPod(pod *corev1.Pod, now time.Time) (verdict, botProcess) {
	name := pod.Name
	switch {
	case pod.DeletionTimestamp != nil:
		return classifyTerminating(pod, now)
	case ended(pod):
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonPodFailed, fmt.Sprintf(
			"The pod %s has ended (%s) and is being replaced.", name, endedWhy(pod)), moving, never}, processNone
	case nodeLost(pod):
		return classifyLost(pod), processUnknown
	}
	if since := scheduledAt(pod); !since.IsZero() && pod.Status.StartTime == nil && len(pod.Status.ContainerStatuses) == 0 {
		late := since.Add(acknowledging)
		if !now.Before(late) {
			return classifyLost(pod), processUnknown
		}
		starting := classifyMounting(pod, now)
		starting.look = late
		return starting, processNone
	}
	if v, found := classifyScheduling(pod); found {
		return v, processNone
	}
	i := slices.IndexFunc(pod.Status.ContainerStatuses, isBot)
	runs := i >= 0 && pod.Status.ContainerStatuses[i].State.Running != nil
	for _, status := range pod.Status.InitContainerStatuses {
		// What comes before the bot counts until that runs: a sidecar among it may crash later, and the bot goes on.
		if v, found := classifyContainer(pod, status); found && !runs {
			return v, processNone
		}
	}
	if i >= 0 {
		status := pod.Status.ContainerStatuses[i]
		if v, found := classifyContainer(pod, status); found {
			return v, processNone
		}
		if status.State.Running != nil && pod.Status.PodIP != "" {
			return verdict{metav1.ConditionFalse, v1alpha1.ReasonPodStarting, fmt.Sprintf(
				"The bot in the pod %s runs and has not spoken yet.", name), moving, never}, processRuns
		}
	}
	return classifyMounting(pod, now), processNone
}

// classifyPod is classifyPod of the visit's own pod, with what its node shows where the pod shows nothing of it.
func (s *scope) classifyPod() (verdict, botProcess) {
	v, process := classifyPod(s.pod, s.now)
	if process != processNone || !s.asksNode() {
		return v, process
	}
	if s.nodeLost {
		v, process = classifyLost(s.pod), processUnknown
	}
	if v.look.IsZero() {
		v.look = s.now.Add(nodePause)
	}
	return v, process
}

// asksNode tells whether a pod has not got on for so long that its node is looked at: the pod's word may be the node's
// last. A node that is asked never is not.
func (s *scope) asksNode() bool {
	if !s.readsNodes || !s.owned() || s.pod.DeletionTimestamp != nil || ended(s.pod) {
		return false
	}
	since := scheduledAt(s.pod)
	return !since.IsZero() && !s.now.Before(since.Add(mounting))
}

// scheduledAt is when a node was chosen for the pod; zero when none is. Of one that its template gives to a node, the
// scheduler says nothing, and the node itself only once it has seen it.
func scheduledAt(pod *corev1.Pod) time.Time {
	scheduled := condition(pod, corev1.PodScheduled)
	switch {
	case pod.Spec.NodeName == "":
		return time.Time{}
	case scheduled == nil:
		return pod.CreationTimestamp.Time
	case scheduled.Status != corev1.ConditionTrue:
		return time.Time{}
	}
	return scheduled.LastTransitionTime.Time
}

// classifyLost is the verdict on a pod whose node says nothing any more.
func classifyLost(pod *corev1.Pod) verdict {
	return verdict{metav1.ConditionUnknown, v1alpha1.ReasonNodeUnreachable, fmt.Sprintf(
		"The node %s does not answer, and its bot may still run, so no other is started: bring the node back, delete it from the cluster, or taint it out-of-service if it is off.",
		pod.Spec.NodeName), settled, never}
}

func isBot(status corev1.ContainerStatus) bool { return status.Name == naming.Container }

// ended tells whether every container of a pod has ended for good.
func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
}

func endedWhy(pod *corev1.Pod) string {
	if pod.Status.Reason != "" {
		return pod.Status.Reason
	}
	return string(pod.Status.Phase)
}

func classifyTerminating(pod *corev1.Pod, now time.Time) (verdict, botProcess) {
	late := pod.DeletionTimestamp.Add(overdue)
	if pod.Spec.NodeName != "" && !now.Before(late) {
		return verdict{metav1.ConditionUnknown, v1alpha1.ReasonNodeUnreachable, fmt.Sprintf(
			"The node %s does not confirm that the deleted pod %s has ended, so no other bot is started: bring the node back, delete it from the cluster, or taint it out-of-service if it is off.",
			pod.Spec.NodeName, pod.Name), settled, never}, processUnknown
	}
	return verdict{metav1.ConditionFalse, v1alpha1.ReasonAwaitingTermination, fmt.Sprintf(
		"The pod %s is ending; no other bot is started before it is gone.", pod.Name), moving, late}, processNone
}

// nodeLost tells whether the node's controller gave the pod up: it takes Ready from pods of a node that does not
// answer, and leaves ContainersReady, which only the node itself writes. A readiness gate does so too, and says so.
func nodeLost(pod *corev1.Pod) bool {
	ready, containers := condition(pod, corev1.PodReady), condition(pod, corev1.ContainersReady)
	return ready != nil && containers != nil && ready.Status == corev1.ConditionFalse &&
		ready.Reason != "ReadinessGatesNotReady" && containers.Status == corev1.ConditionTrue
}

func condition(pod *corev1.Pod, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == kind {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

func classifyScheduling(pod *corev1.Pod) (verdict, bool) {
	scheduled := condition(pod, corev1.PodScheduled)
	if scheduled == nil || scheduled.Status != corev1.ConditionFalse || scheduled.Reason != corev1.PodReasonUnschedulable {
		return verdict{}, false
	}
	return verdict{metav1.ConditionFalse, v1alpha1.ReasonUnschedulable, fmt.Sprintf(
		"No node takes the pod %s: %s Give it room, or mend the node selection in spec.template.",
		pod.Name, sentence(scheduled.Message)), moving, never}, true
}

// classifyContainer says why a container does not run; false when it runs, is about to, or has done its work.
func classifyContainer(pod *corev1.Pod, status corev1.ContainerStatus) (verdict, bool) {
	waiting, last := status.State.Waiting, status.LastTerminationState.Terminated
	if status.State.Terminated != nil {
		last = status.State.Terminated
		if last.ExitCode == 0 && !isBot(status) {
			return verdict{}, false
		}
	}
	if waiting != nil {
		if v, found := classifyWaiting(pod, status); found {
			return v, true
		}
	}
	// A process that ran and ended counts as crashed until it is well again: between two crashes it runs for a moment.
	running := status.State.Running != nil && (status.Ready || status.Started != nil && *status.Started)
	if last == nil || running {
		return verdict{}, false
	}
	if last.Reason == "OOMKilled" {
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonOOMKilled, fmt.Sprintf(
			"The container %s of the pod %s ran out of memory and is started again: raise its limits.memory in spec.template.",
			status.Name, pod.Name), moving, never}, true
	}
	return verdict{metav1.ConditionFalse, v1alpha1.ReasonCrashLooping, fmt.Sprintf(
		"The container %s of the pod %s ended with code %d and is started again: kubectl logs %s -c %s --previous says why.",
		status.Name, pod.Name, last.ExitCode, pod.Name, status.Name), moving, never}, true
}

// classifyWaiting names what a container waits for. The kubelet's own words change from try to try, so they stay out.
func classifyWaiting(pod *corev1.Pod, status corev1.ContainerStatus) (verdict, bool) {
	switch reason := status.State.Waiting.Reason; reason {
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable",
		"SignatureValidationFailed":
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonImagePullFailed, fmt.Sprintf(
			"The image %s of the container %s cannot be had: mend spec.image or the pull secrets; kubectl describe pod %s shows the registry's answer.",
			status.Image, status.Name, pod.Name), moving, never}, true
	case "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreStartHookError", "PostStartHookError":
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonCrashLooping, fmt.Sprintf(
			"The container %s of the pod %s cannot be started (%s): kubectl describe pod %s says what it lacks, often a Secret named in the spec.",
			status.Name, pod.Name, reason, pod.Name), moving, never}, true
	}
	return verdict{}, false
}

// classifyMounting tells a pod that starts from one that its node cannot prepare.
func classifyMounting(pod *corev1.Pod, now time.Time) verdict {
	starting := verdict{metav1.ConditionFalse, v1alpha1.ReasonPodStarting, fmt.Sprintf("The pod %s is starting.", pod.Name), moving, never}
	since, sandbox := scheduledAt(pod), condition(pod, corev1.PodReadyToStartContainers)
	if since.IsZero() || sandbox == nil || sandbox.Status != corev1.ConditionFalse {
		return starting
	}
	late := since.Add(mounting)
	if now.Before(late) {
		starting.look = late
		return starting
	}
	return verdict{metav1.ConditionFalse, v1alpha1.ReasonVolumeMountFailed, fmt.Sprintf(
		"The node %s has not mounted the volumes of the pod %s or given it a network: kubectl describe pod %s says why.",
		pod.Spec.NodeName, pod.Name, pod.Name), moving, never}
}

// sentence ends a message of someone else with a full stop.
func sentence(text string) string {
	if text == "" || text[len(text)-1] == '.' {
		return text
	}
	return text + "."
}

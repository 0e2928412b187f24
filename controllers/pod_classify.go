package controllers

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"sesi.dev/sesi/api/naming"
)

const (
	// overdue is how long after its grace period a deleted pod may exist before its node counts as lost. A working
	// node needs a second or two.
	overdue = time.Minute
	// mounting is how long a node may take to set up a pod's volumes and network.
	mounting = time.Minute
	// scheduling is how long a pod may wait until a scheduler takes it up. One that finds no node for it says so.
	scheduling = time.Minute
	// acknowledging is how long a node may take to acknowledge a pod. A working node needs a second; a slow one with
	// many pods, a minute or two.
	acknowledging = 5 * time.Minute
)

// botProcess is whether the pod's bot process runs.
type botProcess int

const (
	// processNone: the process does not run, so the bot is not connected.
	processNone botProcess = iota
	// processRuns: the operator may listen to the bot.
	processRuns
	// processUnknown: the node no longer reports; the process may run or not.
	processUnknown
)

// classifyPod says what state the session's own pod is in and whether its bot may run, from the pod alone.
func classifyPod(pod *corev1.Pod, now time.Time) (verdict, botProcess) {
	name := pod.Name
	switch {
	case pod.DeletionTimestamp != nil:
		return classifyTerminating(pod, now)
	case ended(pod):
		return found(kindPodFailed, "Pod %s has ended (%s) and is being replaced.", name, endedWhy(pod)), processNone
	case nodeLost(pod):
		return classifyLost(pod), processUnknown
	}
	if since := scheduledAt(pod); !since.IsZero() && pod.Status.StartTime == nil && len(pod.Status.ContainerStatuses) == 0 {
		late := since.Add(acknowledging)
		if !now.Before(late) {
			return classifyLost(pod), processUnknown
		}
		return classifyMounting(pod, now).recheckAt(late), processNone
	}
	if v, is := classifyScheduling(pod, now); is {
		return v, processNone
	}
	i := slices.IndexFunc(pod.Status.ContainerStatuses, isBot)
	runs := i >= 0 && pod.Status.ContainerStatuses[i].State.Running != nil
	for _, status := range pod.Status.InitContainerStatuses {
		// Init containers count until the bot runs. A native sidecar among them may crash later while the bot runs on.
		if v, is := classifyContainer(pod, status); is && !runs {
			return v, processNone
		}
	}
	if i >= 0 {
		status := pod.Status.ContainerStatuses[i]
		if v, is := classifyContainer(pod, status); is {
			return v, processNone
		}
		if status.State.Running != nil && pod.Status.PodIP != "" {
			return found(kindPodStarting, "Pod %s is running; waiting for the first report from its bot.", name), processRuns
		}
	}
	return classifyMounting(pod, now), processNone
}

// classifyPod classifies the input's own pod, and adds what its node shows where the pod itself shows nothing.
func (in *input) classifyPod() (verdict, botProcess) {
	v, process := classifyPod(in.pod, in.now)
	if process != processNone || !in.needsNode() {
		return v, process
	}
	if in.nodeLost {
		v, process = classifyLost(in.pod), processUnknown
	}
	if v.recheck.IsZero() {
		v = v.recheckAt(in.now.Add(nodePause))
	}
	return v, process
}

// needsNode reports whether the pod has not started for so long that its node must be read: the pod's status may be the
// last thing the node wrote.
func (in *input) needsNode() bool {
	if !in.readsNodes || !in.owned() || in.pod.DeletionTimestamp != nil || ended(in.pod) {
		return false
	}
	since := scheduledAt(in.pod)
	return !since.IsZero() && !in.now.Before(since.Add(mounting))
}

// scheduledAt is when the pod got its node; zero while it has none. A pod whose template names a node has no word from
// the scheduler, so its creation counts.
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

// classifyLost is the verdict on a pod whose node no longer reports.
func classifyLost(pod *corev1.Pod) verdict {
	return found(kindNodeUnreachable,
		"Node %s is unreachable. Its bot may still be running, so no second one is started. Recover the node; if it is powered off, delete it or add the out-of-service taint.",
		pod.Spec.NodeName)
}

func isBot(status corev1.ContainerStatus) bool { return status.Name == naming.Container }

// ended reports whether every container of a pod has ended for good.
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
	if len(pod.Finalizers) > 0 && (pod.Spec.NodeName == "" || ended(pod)) {
		return found(kindAwaitingTermination,
			"Pod %s has ended, but its finalizers (%s) keep it. No other bot starts until they are gone. What set them removes them, or you do: kubectl edit pod %s.",
			pod.Name, strings.Join(pod.Finalizers, ", "), pod.Name), processNone
	}
	if pod.Spec.NodeName == "" {
		return awaitTermination(pod), processNone
	}
	late := pod.DeletionTimestamp.Add(overdue)
	if !now.Before(late) {
		return found(kindNodeUnreachable,
			"Node %s does not confirm that the deleted pod %s has terminated, so no second bot is started. Recover the node; if it is powered off, delete it or add the out-of-service taint.",
			pod.Spec.NodeName, pod.Name), processUnknown
	}
	return awaitTermination(pod).recheckAt(late), processNone
}

// awaitTermination is the verdict on a pod that is being deleted. Whether another follows it is not up to the pod: a
// suspended session gets none.
func awaitTermination(pod *corev1.Pod) verdict {
	return found(kindAwaitingTermination, "Waiting for pod %s to terminate. No other bot starts before that.", pod.Name)
}

// nodeLost reports whether the node controller gave the pod up. It sets Ready to false on the pods of a lost node and
// leaves ContainersReady, which only the node writes. A readiness gate looks the same but has a reason of its own.
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

// classifyScheduling says why a pod has no node; false when it has one.
func classifyScheduling(pod *corev1.Pod, now time.Time) (verdict, bool) {
	scheduled, late := condition(pod, corev1.PodScheduled), pod.CreationTimestamp.Add(scheduling)
	switch {
	case scheduled != nil && scheduled.Status == corev1.ConditionFalse && scheduled.Reason == corev1.PodReasonUnschedulable:
		return found(kindUnschedulable, "Pod %s cannot be scheduled: %s Free resources, or correct the node selection in spec.template.",
			pod.Name, sentence(scheduled.Message)), true
	case pod.Spec.NodeName != "":
		return verdict{}, false
	case now.Before(late):
		return found(kindPodStarting, "Pod %s is starting.", pod.Name).recheckAt(late), true
	case scheduled != nil && scheduled.Reason == corev1.PodReasonSchedulingGated:
		return found(kindUnschedulable, "Pod %s has no node, because its scheduling gates are still there. What set them has to remove them: kubectl get pod %s -o jsonpath={.spec.schedulingGates}.",
			pod.Name, pod.Name), true
	}
	return found(kindUnschedulable, "Pod %s has no node, and no scheduler has said why. Check schedulerName in spec.template, and whether the scheduler runs.", pod.Name), true
}

// classifyContainer says why a container does not run; false when it runs, is about to, or has finished its work.
func classifyContainer(pod *corev1.Pod, status corev1.ContainerStatus) (verdict, bool) {
	waiting, last := status.State.Waiting, status.LastTerminationState.Terminated
	if status.State.Terminated != nil {
		last = status.State.Terminated
		if last.ExitCode == 0 && !isBot(status) {
			return verdict{}, false
		}
	}
	if waiting != nil {
		if v, is := classifyWaiting(pod, status); is {
			return v, true
		}
	}
	// A container that crashed counts as crashed until it has started well: between two crashes it runs for a moment.
	running := status.State.Running != nil && (status.Ready || status.Started != nil && *status.Started)
	if last == nil || running {
		return verdict{}, false
	}
	if last.Reason == "OOMKilled" {
		return found(kindOOMKilled, "Container %s of pod %s ran out of memory and is restarting. Raise its limits.memory in spec.template.",
			status.Name, pod.Name), true
	}
	return found(kindCrashLooping, "Container %s of pod %s exited with code %d and is restarting. See kubectl logs %s -c %s --previous.",
		status.Name, pod.Name, last.ExitCode, pod.Name, status.Name), true
}

// classifyWaiting says what a container waits for. The kubelet's own text changes with every retry, so it is left out.
func classifyWaiting(pod *corev1.Pod, status corev1.ContainerStatus) (verdict, bool) {
	switch reason := status.State.Waiting.Reason; reason {
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable",
		"SignatureValidationFailed":
		return found(kindImagePullFailed,
			"Cannot pull image %s for container %s. Check spec.image and imagePullSecrets; see kubectl describe pod %s.",
			status.Image, status.Name, pod.Name), true
	case "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreStartHookError":
		return found(kindContainerConfigFailed,
			"Container %s of pod %s cannot be started (%s); often a Secret named in the spec is missing. See kubectl describe pod %s.",
			status.Name, pod.Name, reason, pod.Name), true
	}
	return verdict{}, false
}

// waitsForClaim reports whether the scheduler holds a pod back because of its claim. Then the claim is the cause, and not
// the nodes.
func waitsForClaim(pod *corev1.Pod) bool {
	scheduled := condition(pod, corev1.PodScheduled)
	if scheduled == nil {
		return false
	}
	message := strings.ToLower(scheduled.Message)
	return strings.Contains(message, "persistentvolumeclaim") || strings.Contains(message, "persistent volume")
}

// classifyMounting distinguishes a pod that is starting from one that its node cannot set up.
func classifyMounting(pod *corev1.Pod, now time.Time) verdict {
	starting := found(kindPodStarting, "Pod %s is starting.", pod.Name)
	since, sandbox := scheduledAt(pod), condition(pod, corev1.PodReadyToStartContainers)
	if since.IsZero() || sandbox == nil || sandbox.Status != corev1.ConditionFalse {
		return starting
	}
	late := since.Add(mounting)
	if now.Before(late) {
		return starting.recheckAt(late)
	}
	return found(kindVolumeMountFailed, "Node %s has not set up the volumes or the network of pod %s. See kubectl describe pod %s.",
		pod.Spec.NodeName, pod.Name, pod.Name)
}

// sentence ends a text of another program with a full stop.
func sentence(text string) string {
	if text == "" || text[len(text)-1] == '.' {
		return text
	}
	return text + "."
}

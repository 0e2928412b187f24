package controllers

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
	"sesi.dev/sesi/controllers/resources"
)

// pass is one run of Reconcile for one session.
type pass struct {
	input
	plan plan
	result
}

// input is what a pass reads, all at once and before it writes. The objects belong to the cache; nobody changes them.
type input struct {
	now     time.Time
	session *v1alpha1.WhatsAppSession

	claim  *corev1.PersistentVolumeClaim
	secret *corev1.Secret
	// keys are read from the secret; nil when it is missing or damaged.
	keys    *keys
	service *corev1.Service
	policy  *networkingv1.NetworkPolicy
	// pod has the bot's name and the operator's label. It may belong to someone else.
	pod *corev1.Pod
	// readsNodes: the operator may read nodes. nodeLost: it read the pod's node, and its kubelet no longer reports.
	readsNodes, nodeLost bool

	// desired is the pod that the spec asks for; nil when templateErr says why there is none.
	desired     *corev1.Pod
	templateErr error
	// deliveries are the bot's files about messages.
	deliveries resources.Deliveries
	// holder is the older session that has the same claim and clientId; nil when this session may use them.
	holder *v1alpha1.WhatsAppSession
	// sameAccount is another session that is linked to the same account.
	sameAccount *v1alpha1.WhatsAppSession
	// masked: the status shows personal data in part. accountUnsure: another session may be linked to the same account,
	// and the status shows too little to know it.
	masked, accountUnsure bool

	// observation is what the observer knows of the present pod's bot; nil when it is not listening to that bot.
	observation *observer.Observation
}

// result is what the phases of a pass found.
type result struct {
	// storage and bot are shown as StorageReady and PodReady. trouble is anything else that keeps the operator from
	// what the spec asks for.
	storage, bot, trouble verdict
	// claimFailed: the claim could not be created, for a reason that may pass.
	claimFailed bool
	// progressAt is when the steps of the pod's start are written to the status; zero when no step waits.
	progressAt time.Time
}

func (in *input) deleting() bool { return in.session.DeletionTimestamp != nil }

func (in *input) suspended() bool {
	return in.session.Spec.Suspended != nil && *in.session.Spec.Suspended
}

// orphaned reports whether the pod of the bot's name runs this session's bot and has lost its owner reference.
func (in *input) orphaned() bool {
	return in.pod != nil && metav1.GetControllerOf(in.pod) == nil && !disappears(in.pod) &&
		in.pod.Labels[naming.LabelSession] == in.session.Name && in.pod.Labels[naming.LabelDirectory] == naming.Directory(in.session)
}

// createsAll reports whether the session lacks more than its pod. A session that was just applied lacks everything; one
// that has a pod, or whose pod is to be replaced, does not wait for those.
func (in *input) createsAll() bool {
	return !in.deleting() && in.pod == nil && (in.secret == nil || in.policy == nil || in.service == nil ||
		in.claim == nil && in.session.Spec.Storage.ClaimName == "")
}

// claimReplaced reports whether the claim that the pod's bot reported from is gone. The bot goes on with it until the pod
// ends, and the next claim of that name is empty.
func (in *input) claimReplaced() bool {
	status := &in.session.Status
	return in.owned() && in.pod.DeletionTimestamp == nil && !ended(in.pod) && status.Instance == string(in.pod.UID) &&
		status.Session != nil && status.Session.ClaimUID != "" && (in.claim == nil || string(in.claim.UID) != status.Session.ClaimUID)
}

// owned reports whether the pod of the bot's name belongs to this session.
func (in *input) owned() bool { return in.pod != nil && metav1.IsControlledBy(in.pod, in.session) }

// snapshot is the last report of the present pod's bot; nil before the first.
func (in *input) snapshot() *bot.Snapshot {
	if in.observation == nil {
		return nil
	}
	return in.observation.Snapshot
}

// unasked reports whether the operator does not listen to the bot and cannot, for lack of its keys.
func (in *input) unasked() bool { return in.keys == nil && in.observation == nil }

// outdated reports whether the spec asks for another pod than the present one.
func (in *input) outdated() bool {
	return in.owned() && in.desired != nil && resources.SpecHash(in.pod) != resources.SpecHash(in.desired)
}

// rolled reports whether the pod is outdated because the operator or its default image changed, and not the session.
// A spec that was not edited since the pod was created asks for nothing new, whatever this operator makes of it.
// Only a running bot waits for its turn; one that does not run loses nothing.
func (in *input) rolled() bool {
	if !in.outdated() {
		return false
	}
	own := resources.OwnHash(in.pod)
	edited := resources.Generation(in.pod) != in.session.Generation && own != "" && own != resources.OwnHash(in.desired)
	_, process := in.classifyPod()
	return process == processRuns && !edited
}

// recheckAfter is how long it takes until a verdict may change although no watched object does; zero for never.
func (p *pass) recheckAfter() time.Duration {
	var wait time.Duration
	for _, at := range []time.Time{p.storage.recheck, p.bot.recheck, p.trouble.recheck, p.plan.recheck, p.progressAt} {
		if at.IsZero() {
			continue
		}
		if left := max(at.Sub(p.now), time.Second); wait == 0 || left < wait {
			wait = left
		}
	}
	return wait
}

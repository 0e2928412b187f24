package controllers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
)

const (
	// pairingPatience is how long a changed spec waits for a pairing to end.
	pairingPatience = 5 * time.Minute
	// replacePause is the minimum age of a failed pod before it is replaced. A node that refuses every pod at once
	// would otherwise get one after the other without a pause.
	replacePause = 10 * time.Second
)

// action is what a pass does about a session's pod.
type action int

const (
	keepPod action = iota
	makePod
	removePod
)

// plan is what a pass will do about the pod, and what it shows until that is done. It is computed once from the input.
type plan struct {
	action action
	bot    verdict
	// replaces: the pod is removed for another one, and not for good.
	replaces bool
	// heldUp: the bot did not come back within its turn in the rollout.
	heldUp bool
	// recheck is when the plan may change although no watched object does; zero for never.
	recheck time.Time
	// replacement is what a replacement of the pod waits for; nil when none waits.
	replacement *v1alpha1.ReplacementStatus
}

// decidePlan plans what to do about the session's pod.
func decidePlan(in *input, storage verdict) plan {
	if in.pod == nil {
		v, may := decideCreate(in, storage, nil)
		if may {
			return plan{action: makePod, bot: v}
		}
		return plan{bot: v}
	}
	if !in.owned() {
		return plan{bot: classifyForeign(in)}
	}
	v, process := in.classifyPod()
	switch {
	case in.pod.DeletionTimestamp != nil:
		return plan{bot: v}
	case in.suspended() || in.holder != nil:
		return plan{action: removePod, bot: v}
	case ended(in.pod):
		if rest := in.pod.CreationTimestamp.Add(replacePause); in.now.Before(rest) {
			return plan{bot: v.recheckAt(rest)}
		}
		return plan{action: removePod, bot: v}
	}
	running := v
	if process == processRuns {
		running = classifyReports(in, v)
	}
	if !in.outdated() || process == processUnknown || !usable(storage) {
		return plan{bot: running}
	}
	if wait := decidePairingWait(in); wait != nil && in.now.Before(wait.Until.Time) {
		return plan{replacement: wait, bot: found(kindAwaitingPairing,
			"A phone is being linked. The new spec takes effect when that ends, at %s at the latest.",
			wait.Until.UTC().Format(time.RFC3339)).recheckAt(wait.Until.Time)}
	}
	return plan{action: removePod, bot: running, replaces: true}
}

// decideCreate decides whether a pod may be created for the session now, and if not, why. users are the pods of the
// namespace that mount the same claim for the same clientId, whatever their owners. Every pod is created through this
// function, so that at most one ever holds a session's keys.
func decideCreate(in *input, storage verdict, users []corev1.Pod) (verdict, bool) {
	switch {
	case in.deleting():
		return found(kindTerminating, "The session is being deleted."), false
	case in.suspended():
		return classifySuspended(), false
	case in.templateErr != nil:
		return classifyTemplate(in.templateErr), false
	case in.holder != nil, !usable(storage):
		return found(kindAwaitingStorage, "Waiting for storage. %s", storage.message).passedOn(storage.outlook), false
	case in.desired == nil:
		return found(kindPodStarting, "The pod is not known yet."), false
	}
	if len(users) > 0 {
		user := &users[0]
		if user.Name == in.desired.Name && metav1.IsControlledBy(user, in.session) {
			v, _ := classifyPod(user, in.now)
			return v, false
		}
		return found(kindAwaitingTermination,
			"Pod %s may still hold this session's keys. No bot is started before it is gone; delete it if nothing else will.", user.Name), false
	}
	return found(kindPodStarting, "Creating pod %s.", in.desired.Name), true
}

func classifySuspended() verdict { return found(kindSuspended, "Suspended: spec.suspended is true.") }

func classifyTemplate(err error) verdict {
	return found(kindInvalidTemplate, "Correct spec.template: %s", sentence(err.Error()))
}

// classifyForeign explains a pod of the bot's name that does not belong to this session.
func classifyForeign(in *input) verdict {
	again := in.now.Add(takenPause)
	switch {
	case disappears(in.pod):
		return found(kindAwaitingTermination,
			"Waiting for pod %s %s to terminate before starting a new one.", in.pod.Name, leftBy(in.pod)).recheckAt(again)
	case in.orphaned():
		return found(kindPodOrphaned,
			"Pod %s runs this session's bot and has lost its owner reference, so the operator does not touch it. Delete it to get a new one: kubectl delete pod %s.",
			in.pod.Name, in.pod.Name).recheckAt(again)
	}
	return found(kindPodNameTaken,
		"Pod %s already exists and belongs to something else. Remove it, or give the session another name.", in.pod.Name).recheckAt(again)
}

// decidePairingWait is how long a changed spec waits for the pairing in progress; nil when there is none.
func decidePairingWait(in *input) *v1alpha1.ReplacementStatus {
	if !pairing(in) {
		return nil
	}
	if before := in.session.Status.Replacement; before != nil && before.WaitsFor == v1alpha1.ReplacementWaitsForPairing && before.Until != nil {
		return before.DeepCopy()
	}
	since := metav1.NewTime(in.now.Truncate(time.Second))
	until := metav1.NewTime(since.Add(pairingPatience))
	return &v1alpha1.ReplacementStatus{WaitsFor: v1alpha1.ReplacementWaitsForPairing, Since: since, Until: &until}
}

// pairing reports whether a person may be scanning at this moment. Until the bot reports to this operator, the status
// that the previous operator wrote counts.
func pairing(in *input) bool {
	snapshot, status := in.snapshot(), &in.session.Status
	switch {
	case snapshot != nil:
		return snapshot.State == bot.StatePairing && (snapshot.QRExpiresAt.After(in.now) || passkey(snapshot.Reason)) ||
			snapshot.State == bot.StateConnecting && snapshot.Reason == bot.ReasonPaired
	case in.observation != nil && in.observation.Hearing == observer.Lost:
		return false
	}
	return status.State == bot.StatePairing && status.Instance == string(in.pod.UID) && (passkey(bot.Reason(status.Reason)) ||
		status.QR != nil && status.QR.ExpiresAt != nil && status.QR.ExpiresAt.After(in.now))
}

// passkey reports whether a phone has taken a code, and WhatsApp asks for the account's passkey.
func passkey(reason bot.Reason) bool {
	return reason == bot.ReasonPasskeyRequired || reason == bot.ReasonPasskeyConfirmation
}

// classifyReports says whether the bot of a running pod reports. starting is the verdict before its first report.
func classifyReports(in *input, starting verdict) verdict {
	switch {
	case in.observation != nil && in.observation.Hearing == observer.Lost:
		return found(kindBotUnreachable,
			"Cannot reach the bot in pod %s: %v. Check NetworkPolicies between the operator and the pod, and kubectl logs %s.",
			in.pod.Name, in.observation.Err, in.pod.Name)
	case in.unasked():
		return found(kindBotUnreachable,
			"Cannot reach the bot in pod %s: Secret %s, which has its token and certificate, is missing or damaged.", in.pod.Name, in.pod.Name)
	case in.snapshot() != nil:
		if words := unknownWords(in.snapshot()); words != "" {
			return found(kindOperatorOutdated,
				"The bot in pod %s reports a value this operator does not know (%s). Upgrade the operator, or use the bot image of the same release.",
				in.pod.Name, words)
		}
		return found(kindPodRunning, "The bot in pod %s is running and reporting its status.", in.pod.Name)
	}
	return starting
}

// unknownWords lists the values in a report that this operator does not know. A reason and a notice are shown as they
// are; nothing is decided by a new one.
func unknownWords(snapshot *bot.Snapshot) string {
	var words []string
	if !knownState(snapshot) {
		words = append(words, "state "+string(snapshot.State))
	}
	if !slices.Contains(bot.UserActions, snapshot.UserAction) {
		words = append(words, fmt.Sprintf("user action %s", snapshot.UserAction))
	}
	return strings.Join(words, ", ")
}

// knownState reports whether a bot may have the state that it reports. The operator's own states are not among them.
func knownState(snapshot *bot.Snapshot) bool { return slices.Contains(bot.States, snapshot.State) }

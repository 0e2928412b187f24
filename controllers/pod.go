package controllers

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
)

const (
	// pairingPatience is how long a changed spec waits for a pairing in progress to end.
	pairingPatience = 5 * time.Minute
	// replacePause is the least age of a pod that ended by itself before it is replaced, so that a node that refuses
	// every pod at once is not asked without end.
	replacePause = 10 * time.Second
	// takenPause is how often a name that is someone else's is looked at again: the cache does not see theirs.
	takenPause = 30 * time.Second
)

// step is what is done about a session's pod on one visit.
type step int

const (
	keepPod step = iota
	makePod
	removePod
)

// ensurePod brings the session's one pod about: it makes it, deletes it, or lets it be.
func (r *Reconciler) ensurePod(ctx context.Context, s *scope) error {
	next, v := r.rollout.decide(s)
	s.bot = v
	switch next {
	case makePod:
		return r.createPod(ctx, s)
	case removePod:
		return r.deletePod(ctx, s)
	}
	return nil
}

// ensureStopped ends a bot that may not run, after a phase has failed: to stop one relies on nothing else.
func (r *Reconciler) ensureStopped(ctx context.Context, s *scope) error {
	if next, _ := decidePod(s); next == removePod && (s.suspended() || s.holder != nil) {
		return r.deletePod(ctx, s)
	}
	return nil
}

// decidePod says what is to be done about the session's pod, and how the bot stands meanwhile.
func decidePod(s *scope) (step, verdict) {
	if s.pod == nil {
		v, may := decideCreate(s, nil)
		if may {
			return makePod, v
		}
		return keepPod, v
	}
	if !s.owned() {
		return keepPod, classifyForeign(s.pod, s.now)
	}
	v, process := s.classifyPod()
	switch {
	case s.pod.DeletionTimestamp != nil:
		return keepPod, v
	case s.suspended() || s.holder != nil:
		return removePod, v
	case ended(s.pod):
		if rest := s.pod.CreationTimestamp.Add(replacePause); s.now.Before(rest) {
			v.look = rest
			return keepPod, v
		}
		return removePod, v
	case s.outdated() && !s.stays && process != processUnknown && usable(s.storage):
		if until := pairingUntil(s); s.now.Before(until) {
			return keepPod, verdict{metav1.ConditionTrue, v1alpha1.ReasonAwaitingPairing, fmt.Sprintf(
				"The bot is being linked and is replaced by one of the changed spec when that ends, or at %s.",
				until.UTC().Format(time.RFC3339)), moving, until}
		}
		if process == processRuns {
			v = classifyHearing(s, v)
		}
		return removePod, v
	case process == processRuns:
		return keepPod, classifyHearing(s, v)
	}
	return keepPod, v
}

// decideCreate says whether a pod may be made for the session now, and if not, why. holders are the pods of the
// namespace that were made for the same claim and clientId, whosever they are. There is no other way to a pod: at
// most one may ever hold a session's keys.
func decideCreate(s *scope, holders []corev1.Pod) (verdict, bool) {
	switch {
	case s.deleting():
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonTerminating, "The session is being deleted.", moving, never}, false
	case s.suspended():
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonSuspended, "spec.suspended asks for no bot.", settled, never}, false
	case s.templateErr != nil:
		return invalidTemplate(s.templateErr), false
	case s.holder != nil, !usable(s.storage):
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonAwaitingStorage,
			"No bot is started before the storage is this session's. " + s.storage.message, s.storage.outlook, never}, false
	case s.desired == nil:
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonPodStarting, "The pod is not known yet.", moving, never}, false
	}
	if len(holders) > 0 {
		holder := &holders[0]
		if holder.Name == s.desired.Name && metav1.IsControlledBy(holder, s.session) {
			v, _ := classifyPod(holder, s.now)
			return v, false
		}
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonAwaitingTermination, fmt.Sprintf(
			"The pod %s may still hold this session's keys; no other bot is started before it is gone: delete it if nothing else will.",
			holder.Name), moving, never}, false
	}
	return verdict{metav1.ConditionFalse, v1alpha1.ReasonPodStarting, fmt.Sprintf("The pod %s is being made.", s.desired.Name), moving, never}, true
}

func invalidTemplate(err error) verdict {
	return verdict{metav1.ConditionFalse, v1alpha1.ReasonInvalidTemplate, fmt.Sprintf("Mend spec.template: %s", sentence(err.Error())), stalled, never}
}

// classifyForeign says whose a pod of the bot's name is, when it is not this session's.
func classifyForeign(pod *corev1.Pod, now time.Time) verdict {
	if passing(pod) {
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonAwaitingTermination, fmt.Sprintf(
			"The pod %s of an earlier session of this name is ending; no other bot is started before it is gone.", pod.Name), moving, now.Add(takenPause)}
	}
	return verdict{metav1.ConditionFalse, v1alpha1.ReasonPodNameTaken, fmt.Sprintf(
		"A pod %s exists that is not this session's: remove it, or give the session another name.", pod.Name), stalled, now.Add(takenPause)}
}

// pairingUntil is the moment up to which a changed spec waits for a pairing; zero when none is in progress.
func pairingUntil(s *scope) time.Time {
	if !pairing(s) {
		return time.Time{}
	}
	if before := meta.FindStatusCondition(s.session.Status.Conditions, v1alpha1.ConditionReconciling); before != nil &&
		before.Reason == v1alpha1.ReasonAwaitingPairing {
		return before.LastTransitionTime.Add(pairingPatience)
	}
	return s.now.Add(pairingPatience).Truncate(time.Second)
}

// pairing tells whether a phone may be scanning at this moment. Until a bot is heard for the first time by this
// operator, what the one before it wrote of the bot counts.
func pairing(s *scope) bool {
	snapshot, status := s.snapshot(), &s.session.Status
	switch {
	case snapshot != nil:
		return snapshot.State == bot.StatePairing && snapshot.QRExpiresAt.After(s.now) ||
			snapshot.State == bot.StateConnecting && snapshot.Reason == bot.ReasonPaired
	case s.observation != nil && s.observation.Hearing == observer.Lost:
		return false
	}
	return status.State == bot.StatePairing && status.Instance == string(s.pod.UID) &&
		status.QR != nil && status.QR.ExpiresAt != nil && status.QR.ExpiresAt.After(s.now)
}

// classifyHearing says how the bot of a running pod is heard. starting is the verdict while it was not yet.
func classifyHearing(s *scope, starting verdict) verdict {
	switch {
	case s.observation != nil && s.observation.Hearing == observer.Lost:
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonBotUnreachable, fmt.Sprintf(
			"The bot in the pod %s cannot be heard: %v. Look for a NetworkPolicy between the operator and the pod, and at kubectl logs %s.",
			s.pod.Name, s.observation.Err, s.pod.Name), settled, never}
	case s.unheard():
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonBotUnreachable, fmt.Sprintf(
			"The bot in the pod %s cannot be asked: the Secret %s of its token and certificate is missing or damaged.",
			s.pod.Name, s.pod.Name), settled, never}
	case s.snapshot() != nil:
		if foreign := foreignWords(s.snapshot()); foreign != "" {
			return verdict{metav1.ConditionTrue, v1alpha1.ReasonOperatorOutdated, fmt.Sprintf(
				"The pod %s runs and its bot is heard, and says what this operator does not know (%s): upgrade the operator, or use the bot image of its release.",
				s.pod.Name, foreign), settled, never}
		}
		return verdict{metav1.ConditionTrue, v1alpha1.ReasonPodRunning, fmt.Sprintf("The pod %s runs and its bot is heard.", s.pod.Name), settled, never}
	}
	return starting
}

// foreignWords lists what a bot says that this operator does not know; empty where it knows all of it. A reason and a
// notice are shown as they are, and nothing is decided by one that is new.
func foreignWords(snapshot *bot.Snapshot) string {
	var words []string
	if !knownState(snapshot) {
		words = append(words, "state "+string(snapshot.State))
	}
	if !slices.Contains(bot.UserActions, snapshot.UserAction) {
		words = append(words, "user action "+string(snapshot.UserAction))
	}
	return strings.Join(words, ", ")
}

// knownState tells whether a bot's state is one that a bot has, as far as this operator knows. The operator's own
// states are none.
func knownState(snapshot *bot.Snapshot) bool { return slices.Contains(bot.States, snapshot.State) }

// createPod makes the session's pod if, as the API server itself has it, none may hold the session's keys. Visits
// that would make a pod for the same store go one after the other.
func (r *Reconciler) createPod(ctx context.Context, s *scope) error {
	unlock := r.stores.lock(naming.DirectoryKey(s.session))
	defer unlock()
	var holders corev1.PodList
	if err := r.live.List(ctx, &holders, client.InNamespace(s.session.Namespace),
		client.MatchingLabels{naming.LabelDirectory: naming.Directory(s.session)}); err != nil {
		return fmt.Errorf("ask for other pods of the session's store: %w", err)
	}
	var may bool
	if s.bot, may = decideCreate(s, holders.Items); !may {
		if len(holders.Items) > 0 {
			r.takeUp(s, &holders.Items[0])
		}
		return nil
	}
	err := r.create(ctx, s.desired)
	switch {
	case err == nil:
		s.pod = s.desired
		s.bot, _ = classifyPod(s.pod, s.now)
		return nil
	case apierrors.IsAlreadyExists(err):
		return r.adoptPod(ctx, s)
	case refused(err):
		s.bot = verdict{metav1.ConditionFalse, v1alpha1.ReasonPodRejected, fmt.Sprintf(
			"The API server refuses the pod %s: %s.", s.desired.Name, cause(err)), moving, never}
	}
	return fmt.Errorf("make the pod %s: %w", s.desired.Name, err)
}

// adoptPod reads the pod whose name was taken, and takes it for the session's only if its owner is this session and
// no earlier one of its name.
func (r *Reconciler) adoptPod(ctx context.Context, s *scope) error {
	var there corev1.Pod
	if err := r.live.Get(ctx, client.ObjectKeyFromObject(s.desired), &there); err != nil {
		if apierrors.IsNotFound(err) {
			s.bot.look = s.now.Add(time.Second)
			return nil
		}
		return fmt.Errorf("read the pod %s: %w", s.desired.Name, err)
	}
	s.bot = classifyForeign(&there, s.now)
	r.takeUp(s, &there)
	return nil
}

// takeUp goes on with a pod that the cache does not show, if it is the session's own: the cache is behind, or the pod
// lost the label that the cache sees it by. No event of such a pod, nor of another session's, may ever come, so it is
// looked at again.
func (r *Reconciler) takeUp(s *scope, pod *corev1.Pod) {
	if pod.Name == s.desired.Name && metav1.IsControlledBy(pod, s.session) {
		s.pod = pod
		r.observe(s)
		_, s.bot = decidePod(s)
	}
	s.bot.look = s.now.Add(takenPause)
}

// deletePod deletes the very pod that the decision was about; its name stays taken until it has ended.
func (r *Reconciler) deletePod(ctx context.Context, s *scope) error {
	log.FromContext(ctx).Info("deleting", "kind", "Pod", "name", s.pod.Name, "uid", s.pod.UID, "why", s.bot.reason)
	err := r.Delete(ctx, s.pod, client.Preconditions{UID: &s.pod.UID})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("delete the pod %s: %w", s.pod.Name, err)
	}
	s.bot = verdict{metav1.ConditionFalse, v1alpha1.ReasonAwaitingTermination, fmt.Sprintf(
		"The pod %s is ending; no other bot is started before it is gone.", s.pod.Name), moving, never}
	return nil
}

// target is where the bot of the session's pod is heard.
func target(s *scope) observer.Target {
	return observer.Target{
		Address:  net.JoinHostPort(s.pod.Status.PodIP, strconv.Itoa(int(naming.PortTLS))),
		Instance: string(s.pod.UID), Pins: s.keys.pins, Token: s.keys.token,
	}
}

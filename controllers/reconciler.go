package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
	"sesi.dev/sesi/controllers/resources"
)

// listener is what the reconciler needs of the observer; none of it blocks.
type listener interface {
	Ensure(observer.Key, observer.Target)
	Forget(observer.Key)
	Observed(observer.Key) (observer.Observation, bool)
	Shown(key observer.Key, revision uint64)
}

// asker is what the reconciler needs of the unlinker; none of it blocks.
type asker interface {
	ask(key types.NamespacedName, to observer.Target)
	// result says how far the asking has got; its first call for a session begins the patience.
	result(key types.NamespacedName, now time.Time) unlinkResult
	forget(key types.NamespacedName)
}

// Reconciler brings one WhatsAppSession at a time to what its spec asks for.
type Reconciler struct {
	client.Client

	// options are the same for every session.
	options resources.Options
	// live reads past the cache. It is asked before a pod is made, and when a name turns out to be taken.
	live   client.Reader
	bots   listener
	events events.EventRecorder
	// ordinary bounds the events of changes that warn of nothing.
	ordinary *rate.Limiter
	now      func() time.Time
	unlinker asker
	keyring  keyring
	stores   locks
	paces    paces
	rollout  rollout
	nodes    nodes
}

// Reconcile visits one session: it reads everything once, runs the phases, derives the status, writes it if it
// differs, and tells what changed once that is written.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	s, err := r.load(ctx, request.NamespacedName)
	if err != nil {
		return ctrl.Result{}, err
	}
	if s == nil {
		r.forget(request.NamespacedName)
		return ctrl.Result{}, nil
	}
	if s.deleting() {
		err = r.finalize(ctx, s)
	} else {
		// What was asked of the bot of an earlier session of this name is not this one's.
		r.unlinker.forget(request.NamespacedName)
		err = r.ensureAll(ctx, s)
	}
	r.listen(s)
	err = errors.Join(unlessBehind(err), unlessBehind(r.writeStatus(ctx, s)))
	if err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: s.sooner()}, nil
}

// ensureAll runs the phases in their order; each relies on the ones before, so the first error ends them. The
// verdicts are complete in any case.
func (r *Reconciler) ensureAll(ctx context.Context, s *scope) error {
	s.storage = classifyClaim(s)
	_, s.bot = decidePod(s)
	for _, phase := range []func(context.Context, *scope) error{
		r.ensureFinalizer, r.ensureStorage, r.ensureCredentials, r.ensureNetwork, r.ensurePod,
	} {
		if err := phase(ctx, s); err != nil {
			return errors.Join(r.explain(s, err), r.ensureStopped(ctx, s))
		}
	}
	return nil
}

// explain turns an error that only a person can mend into a verdict, and gives any other back.
func (r *Reconciler) explain(s *scope, err error) error {
	var taken *takenError
	switch {
	case errors.As(err, &taken) && taken.passing:
		s.trouble = verdict{metav1.ConditionFalse, v1alpha1.ReasonAwaitingTermination, fmt.Sprintf(
			"The %s %s of an earlier session of this name is being collected; this one goes on when it is gone.", taken.kind, taken.name),
			moving, s.now.Add(takenPause)}
		err = nil
	case errors.As(err, &taken):
		s.trouble = verdict{metav1.ConditionFalse, v1alpha1.ReasonNameTaken,
			fmt.Sprintf("The %s: remove it, or give the session another name.", taken), stalled, s.now.Add(takenPause)}
		err = nil
	case refused(err) && s.storage.reason != v1alpha1.ReasonClaimRejected && s.bot.reason != v1alpha1.ReasonPodRejected:
		s.trouble = verdict{metav1.ConditionFalse, v1alpha1.ReasonPodRejected,
			fmt.Sprintf("The API server refuses what the pod needs: %s.", cause(err)), moving, never}
	}
	if s.pod == nil && s.trouble.reason != "" {
		s.bot = s.trouble
	}
	return err
}

// errBehind says that the cache is behind what the API server answers.
var errBehind = errors.New("the cache is behind")

// unlessBehind drops what means that the cache is behind: the event that brings it up to date brings the next visit.
func unlessBehind(err error) error {
	if errors.Is(err, errBehind) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// load reads everything that a visit needs, all from the cache; nil when the session is gone.
func (r *Reconciler) load(ctx context.Context, key types.NamespacedName) (*scope, error) {
	s := &scope{now: r.now(), session: &v1alpha1.WhatsAppSession{}}
	if err := r.Get(ctx, key, s.session); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("read the session: %w", err)
	}
	name := types.NamespacedName{Namespace: key.Namespace, Name: naming.Name(s.session)}
	claim := types.NamespacedName{Namespace: key.Namespace, Name: naming.ClaimName(s.session)}
	var err error
	s.claim = find(ctx, r, claim, &corev1.PersistentVolumeClaim{}, &err)
	s.secret = find(ctx, r, name, &corev1.Secret{}, &err)
	s.service = find(ctx, r, name, &corev1.Service{}, &err)
	s.policy = find(ctx, r, name, &networkingv1.NetworkPolicy{}, &err)
	s.pod = find(ctx, r, name, &corev1.Pod{}, &err)
	if err != nil {
		return nil, err
	}
	if s.readsNodes = r.nodes.live != nil; s.asksNode() {
		s.nodeLost = r.nodes.lost(ctx, s.pod.Spec.NodeName, s.now)
	}
	if err := r.loadOthers(ctx, s); err != nil {
		return nil, err
	}
	s.keys = r.keyring.read(s.session, s.secret)
	s.desired, s.templateErr = resources.BuildPod(s.session, r.options)
	if s.templateErr != nil {
		s.trouble = invalidTemplate(s.templateErr)
	}
	r.observe(s)
	return s, nil
}

// observe adds what the present pod's bot said.
func (r *Reconciler) observe(s *scope) {
	observed, listening := r.bots.Observed(client.ObjectKeyFromObject(s.session))
	if listening && s.owned() && observed.Instance == string(s.pod.UID) {
		s.observation = &observed
	}
}

// find reads one object; nil when there is none. It does nothing after an error.
func find[T client.Object](ctx context.Context, r client.Reader, key types.NamespacedName, into T, failed *error) T {
	var none T
	if *failed != nil {
		return none
	}
	switch err := r.Get(ctx, key, into); {
	case err == nil:
		return into
	case !apierrors.IsNotFound(err):
		*failed = fmt.Errorf("read %T %s: %w", into, key.Name, err)
	}
	return none
}

// loadOthers finds the sessions that want the same claim and clientId, or the same account.
func (r *Reconciler) loadOthers(ctx context.Context, s *scope) error {
	siblings, err := sessionsBy(ctx, r, indexDirectory, naming.DirectoryKey(s.session))
	if err != nil {
		return err
	}
	s.holder = resources.DecideHolder(s.session, siblings)
	account := accountKey(s.session)
	if account == "" {
		return nil
	}
	twins, err := sessionsBy(ctx, r, indexAccount, account)
	if err != nil {
		return err
	}
	s.twin = resources.SameAccount(s.session, twins)
	return nil
}

// listen has the observer listen to the session's bot while that may run.
func (r *Reconciler) listen(s *scope) {
	key := client.ObjectKeyFromObject(s.session)
	if s.owned() && s.keys != nil && s.pod.DeletionTimestamp == nil {
		if _, process := s.classifyPod(); process == processRuns {
			r.bots.Ensure(key, target(s))
			return
		}
	}
	if known := classifyKnowledge(s); known == absent || !s.owned() {
		r.bots.Forget(key)
	}
}

func (r *Reconciler) forget(key types.NamespacedName) {
	r.bots.Forget(key)
	r.unlinker.forget(key)
	r.keyring.forget(key)
	r.paces.forget(key)
	r.rollout.forget(key)
}

// writeStatus writes the status if it differs from what is known to be written, and then tells what changed.
func (r *Reconciler) writeStatus(ctx context.Context, s *scope) error {
	status, key := deriveStatus(s), client.ObjectKeyFromObject(s.session)
	if equality.Semantic.DeepEqual(status, &s.session.Status) {
		r.paces.forget(key)
		return nil
	}
	if decideStep(&s.session.Status, status) {
		if left := r.paces.left(key, s.now); left > 0 {
			s.step = s.now.Add(left)
			return nil
		}
	}
	r.paces.forget(key)
	changed := s.session.DeepCopy()
	changed.Status = *status
	patch := client.MergeFromWithOptions(s.session, client.MergeFromWithOptimisticLock{})
	if err := r.Status().Patch(ctx, changed, patch); err != nil {
		return client.IgnoreNotFound(wrap(err, "write the status"))
	}
	log.FromContext(ctx).Info("status", "state", status.State, "reason", status.Reason)
	if snapshot := s.snapshot(); snapshot != nil {
		r.bots.Shown(key, snapshot.Revision)
	}
	r.tellTransitions(s.session, status)
	return nil
}

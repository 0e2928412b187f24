package controllers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/controllers/observer"
	"sesi.dev/sesi/controllers/resources"
)

// listener is the part of the observer that the reconciler uses; no method blocks.
type listener interface {
	Ensure(observer.Key, observer.Target)
	Forget(observer.Key)
	Observed(observer.Key) (observer.Observation, bool)
	Shown(key observer.Key, revision uint64)
	Notify(observer.Key)
}

// logoutClient is the part of the unlinker that the reconciler uses; no method blocks.
type logoutClient interface {
	ask(key types.NamespacedName, session types.UID, to observer.Target)
	// result is how far the request has come. Its first call for a session starts the patience.
	result(key types.NamespacedName, session types.UID, now time.Time) unlinkResult
	forget(key types.NamespacedName)
}

// Reconciler brings one WhatsAppSession at a time to what its spec asks for.
type Reconciler struct {
	client.Client

	// options are the same for every session.
	options resources.Options
	// live reads from the API server and not from the cache: before a pod is created, and when a name is taken.
	live client.Reader
	// webhookSecrets reads the Secrets that webhooks may use.
	webhookSecrets client.Reader
	bots           listener
	events         events.EventRecorder
	// ordinary limits the rate of events that are not warnings.
	ordinary  *rate.Limiter
	now       func() time.Time
	unlinker  logoutClient
	keyring   keyring
	stores    locks
	paces     paces
	builds    builds
	failures  failures
	brakes    brakes
	rollout   rollout
	creations creations
	echoes    echoes
	nodes     nodes
	// territory are the namespaces that this operator serves; nil for all that it watches.
	territory *territory
	// oversized lets one session with an oversized template be served at a time.
	oversized sync.Mutex
}

// oversizedPause is how long a session with an oversized template waits when another one is served. The API server works
// for seconds on each write of such a session, and many at once would keep every other session waiting.
const oversizedPause = 2 * time.Second

// Reconcile runs one pass over one session: it reads everything once, runs the phases, derives the status, writes it
// if it differs, and then emits events for the changes.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	waits := false // for others to create their objects; every other pass gives its place free
	defer func() {
		if !waits {
			r.endCreation(request.NamespacedName)
		}
	}()
	switch wait, err := r.territory.serves(ctx, request.Namespace); {
	case err != nil:
		return ctrl.Result{}, err
	case wait > 0:
		r.forget(request.NamespacedName)
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	p, err := r.load(ctx, request.NamespacedName)
	if err != nil {
		return ctrl.Result{}, err
	}
	if p == nil {
		r.forget(request.NamespacedName)
		return ctrl.Result{}, nil
	}
	if left := r.echoes.left(request.NamespacedName, p.session.ResourceVersion, p.now); left > 0 {
		return ctrl.Result{RequeueAfter: left}, nil
	}
	if waits = p.createsAll() && !r.creations.begin(request.NamespacedName); waits {
		return ctrl.Result{}, nil
	}
	if resources.Oversized(p.session) {
		if !r.oversized.TryLock() {
			return ctrl.Result{RequeueAfter: oversizedPause}, nil
		}
		defer r.oversized.Unlock()
	}
	if p.deleting() {
		err = r.finalize(ctx, p)
	} else {
		err = r.ensureAll(ctx, p)
	}
	r.listen(&p.input)
	err = unlessBehind(err)
	r.showFailure(p, err)
	written := unlessBehind(r.writeStatus(ctx, p))
	if err == nil {
		r.showUnwritten(p, written)
	}
	if err = errors.Join(err, written); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: p.recheckAfter()}, nil
}

// ensureAll runs the phases in order. Each depends on those before it, so the first error ends them; the verdicts are
// complete in any case.
func (r *Reconciler) ensureAll(ctx context.Context, p *pass) error {
	p.plan = r.rollout.decide(&p.input, p.plan)
	p.bot = p.plan.bot
	for _, phase := range []func(context.Context, *pass) error{
		r.ensureFinalizer, r.ensureStorage, r.ensureCredentials, r.ensureNetwork, r.ensurePod,
	} {
		if err := phase(ctx, p); err != nil {
			return errors.Join(r.explain(p, err), r.ensureStopped(ctx, p))
		}
	}
	return nil
}

// explain turns an error that only a person can resolve into a verdict, and returns any other error.
func (r *Reconciler) explain(p *pass, err error) error {
	var taken *takenError
	var undone *undoneError
	switch {
	case errors.As(err, &undone):
		p.trouble = found(kindUndone, "The operator has slowed down: %s. Stop one of the two.", undone).recheckAt(p.now.Add(correctionPause))
		err = nil
	case errors.As(err, &taken) && taken.left != "":
		p.trouble = found(kindAwaitingTermination, "Waiting for %s %s %s to be removed.",
			taken.kind, taken.name, taken.left).recheckAt(p.now.Add(takenPause))
		err = nil
	case errors.As(err, &taken):
		p.trouble = found(kindNameTaken, "The %s. Remove it, or give the session another name.", taken).recheckAt(p.now.Add(takenPause))
		err = nil
	case refused(err) && p.storage.kind != kindClaimRejected && p.bot.kind != kindPodRejected && p.trouble.empty():
		p.trouble = classifyRejection(kindPodRejected, "what the pod needs", err)
	}
	if p.pod == nil && !p.trouble.empty() {
		p.bot = p.trouble
	}
	return err
}

// errBehind says that the cache is older than the API server's answer.
var errBehind = errors.New("the cache is behind")

// unlessBehind drops errors that mean that the cache is behind: the event that updates it starts the next pass.
func unlessBehind(err error) error {
	if errors.Is(err, errBehind) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// listen makes the observer listen to the session's bot while that may run.
func (r *Reconciler) listen(in *input) {
	key := client.ObjectKeyFromObject(in.session)
	if in.owned() && in.keys != nil {
		if _, process := in.classifyPod(); process == processRuns {
			r.bots.Ensure(key, target(in))
			return
		}
	}
	if classifyKnowledge(in) == absent || !in.owned() {
		r.bots.Forget(key)
	}
}

func (r *Reconciler) forget(key types.NamespacedName) {
	r.bots.Forget(key)
	r.unlinker.forget(key)
	r.keyring.forget(key)
	r.paces.forget(key)
	r.builds.forget(key)
	r.failures.forget(key)
	r.brakes.forget(key)
	r.rollout.forget(key)
	r.echoes.forget(key)
}

// endCreation ends a session's creation, and asks for the pass of the session whose turn it is.
func (r *Reconciler) endCreation(key types.NamespacedName) {
	if next, found := r.creations.end(key); found {
		r.bots.Notify(next)
	}
}

// writeStatus writes the status if it differs from the stored one, and then emits events for the changes.
func (r *Reconciler) writeStatus(ctx context.Context, p *pass) error {
	status, key := deriveStatus(p), client.ObjectKeyFromObject(p.session)
	if equality.Semantic.DeepEqual(status, &p.session.Status) {
		r.paces.forget(key)
		return nil
	}
	if decideProgress(&p.session.Status, status) {
		if left := r.paces.left(key, p.now); left > 0 {
			p.progressAt = p.now.Add(left)
			return nil
		}
	}
	r.paces.forget(key)
	changed := p.session.DeepCopy()
	changed.Status = *status
	patch := client.MergeFromWithOptions(p.session, client.MergeFromWithOptimisticLock{})
	if err := r.Status().Patch(ctx, changed, patch); err != nil {
		return client.IgnoreNotFound(wrap(err, "write the status"))
	}
	r.echoes.wrote(key, p.session.ResourceVersion, changed.ResourceVersion, p.now)
	log.FromContext(ctx).Info("status", "state", status.State, "reason", status.Reason)
	if snapshot := p.snapshot(); snapshot != nil {
		r.bots.Shown(key, snapshot.Revision)
	}
	r.emitTransitions(p.session, status)
	if p.plan.heldUp {
		message := fmt.Sprintf("The bot did not come back within %s after the operator replaced its pod. The rollout continues without it. See kubectl describe pod %s.",
			rolloutPatience, naming.Name(p.session))
		if p.outdated() {
			message = fmt.Sprintf("The operator could not replace pod %s within %s; the session's conditions say why. The rollout continues without it.",
				naming.Name(p.session), rolloutPatience)
		}
		r.emit(p.session, transition{corev1.EventTypeWarning, eventHeldUp, message}, "Replace")
	}
	return nil
}

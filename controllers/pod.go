package controllers

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/controllers/observer"
)

// takenPause is how often the operator looks again at a name that someone else has. Its cache does not show their
// objects, so no event comes.
const takenPause = 30 * time.Second

// ensurePod carries the plan out.
func (r *Reconciler) ensurePod(ctx context.Context, p *pass) error {
	switch p.plan.action {
	case makePod:
		return r.createPod(ctx, p)
	case removePod:
		return r.deletePod(ctx, p)
	}
	return nil
}

// ensureStopped stops a bot that must not run, after an earlier phase has failed. It depends on no other phase.
func (r *Reconciler) ensureStopped(ctx context.Context, p *pass) error {
	if p.plan.action == removePod && (p.suspended() || p.holder != nil) {
		return r.deletePod(ctx, p)
	}
	return nil
}

// createPod creates the session's pod if, by the API server's own answer, no other pod may hold the session's keys.
// Passes that would create a pod for the same claim and clientId run one after the other.
func (r *Reconciler) createPod(ctx context.Context, p *pass) error {
	unlock := r.stores.lock(naming.DirectoryKey(p.session))
	defer unlock()
	var users corev1.PodList
	if err := r.live.List(ctx, &users, client.InNamespace(p.session.Namespace),
		client.MatchingLabels{naming.LabelDirectory: naming.Directory(p.session)}); err != nil {
		return fmt.Errorf("list the pods that use the session's claim: %w", err)
	}
	var may bool
	if p.bot, may = decideCreate(&p.input, p.storage, users.Items); !may {
		if len(users.Items) > 0 {
			r.adopt(p, &users.Items[0])
		}
		return nil
	}
	err := r.create(ctx, p.desired)
	switch {
	case err == nil:
		p.pod = p.desired
		p.bot, _ = classifyPod(p.pod, p.now)
		return nil
	case apierrors.IsAlreadyExists(err):
		return r.readTakenPod(ctx, p)
	case refused(err):
		p.bot = found(kindPodRejected, "The API server rejects pod %s: %s.", p.desired.Name, cause(err))
	}
	return fmt.Errorf("create pod %s: %w", p.desired.Name, err)
}

// readTakenPod reads the pod whose name was taken. It counts as the session's only if this session owns it; an earlier
// session of the same name does not.
func (r *Reconciler) readTakenPod(ctx context.Context, p *pass) error {
	var there corev1.Pod
	if err := r.live.Get(ctx, client.ObjectKeyFromObject(p.desired), &there); err != nil {
		if apierrors.IsNotFound(err) {
			p.bot = p.bot.recheckAt(p.now.Add(time.Second))
			return nil
		}
		return fmt.Errorf("read pod %s: %w", p.desired.Name, err)
	}
	p.bot = classifyForeign(&there, p.now)
	r.adopt(p, &there)
	return nil
}

// adopt continues the pass with a pod that the cache does not show, if the session owns it: the cache is behind, or the
// pod lost the label by which the cache sees it. No event of such a pod may ever come, so it is checked again.
func (r *Reconciler) adopt(p *pass, pod *corev1.Pod) {
	if pod.Name == p.desired.Name && metav1.IsControlledBy(pod, p.session) {
		p.pod = pod
		r.observe(&p.input)
		p.bot = decidePlan(&p.input, p.storage).bot
	}
	p.bot = p.bot.recheckAt(p.now.Add(takenPause))
}

// deletePod deletes exactly the pod that the plan is about. Its name stays taken until it has terminated.
func (r *Reconciler) deletePod(ctx context.Context, p *pass) error {
	log.FromContext(ctx).Info("deleting", "kind", "Pod", "name", p.pod.Name, "uid", p.pod.UID, "why", p.bot.reason())
	err := r.Delete(ctx, p.pod, client.Preconditions{UID: &p.pod.UID})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("delete pod %s: %w", p.pod.Name, err)
	}
	p.bot = found(kindAwaitingTermination, "Waiting for pod %s to terminate before starting a new one.", p.pod.Name)
	return nil
}

// target is how the observer reaches the bot of the session's pod.
func target(in *input) observer.Target {
	return observer.Target{
		Address:  net.JoinHostPort(in.pod.Status.PodIP, strconv.Itoa(int(naming.PortTLS))),
		Instance: string(in.pod.UID), Pins: in.keys.pins, Token: in.keys.token,
	}
}

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
	"sesi.dev/sesi/controllers/resources"
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
		if p.plan.replaces {
			return r.replacePod(ctx, p)
		}
		return r.deletePod(ctx, p)
	}
	return nil
}

// replacePod deletes a pod for another one, unless the API server would reject that, or something keeps changing the pods.
func (r *Reconciler) replacePod(ctx context.Context, p *pass) error {
	if err := r.checkReplacement(ctx, p); err != nil {
		return err
	}
	brake := r.brakes.of(client.ObjectKeyFromObject(p.session), fmt.Sprint("Pod of generation ", p.session.Generation))
	if brake.TokensAt(p.now) < 1 {
		return r.undone(ctx, "Pod", p.pod)
	}
	if err := r.deletePod(ctx, p); err != nil {
		return err
	}
	brake.AllowN(p.now, 1)
	return nil
}

// checkReplacement asks the API server whether it accepts the pod that is to replace the present one. The bot runs on
// when it does not: it would be down until someone corrected the spec. A dry run of a pod whose name is taken is answered
// with AlreadyExists once everything else is in order.
func (r *Reconciler) checkReplacement(ctx context.Context, p *pass) error {
	pod, err := resources.BuildPod(p.session, r.options)
	if err != nil {
		return fmt.Errorf("build pod %s: %w", p.desired.Name, err)
	}
	err = r.Create(ctx, pod, client.DryRunAll)
	switch {
	case err == nil, apierrors.IsAlreadyExists(err):
		return nil
	case quotaExceeded(err):
		// The quota counts the present pod, which the new one replaces. One whose bot does not run has nothing to lose.
		if _, process := p.classifyPod(); process != processRuns {
			return nil
		}
		var present corev1.Pod
		failed := r.live.Get(ctx, client.ObjectKeyFromObject(p.pod), &present)
		switch {
		case apierrors.IsNotFound(failed):
			return nil
		case failed != nil:
			return fmt.Errorf("read pod %s: %w", p.pod.Name, failed)
		case makesRoom(err, &present):
			return nil
		}
		p.trouble = classifyRejection(kindPodRejected, "pod "+pod.Name, err)
	case refused(err):
		p.trouble = classifyRejection(kindPodRejected, "pod "+pod.Name, err)
	}
	return wrap(asFailure(err), "check pod %s", pod.Name)
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
	pod, err := resources.BuildPod(p.session, r.options)
	if err != nil {
		return fmt.Errorf("build pod %s: %w", p.desired.Name, err)
	}
	err = r.create(ctx, pod)
	switch {
	case err == nil:
		p.pod = pod
		p.bot, _ = classifyPod(p.pod, p.now)
		return nil
	case apierrors.IsAlreadyExists(err):
		return r.readTakenPod(ctx, p)
	case refused(err):
		p.bot = classifyRejection(kindPodRejected, "pod "+p.desired.Name, err)
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
	foreign := p.input
	foreign.pod = &there
	p.bot = classifyForeign(&foreign)
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
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete pod %s: %w", p.pod.Name, err)
	}
	if ended(p.pod) {
		r.emit(p.session, transition{corev1.EventTypeWarning, p.bot.reason(), p.bot.message}, "Replace")
	}
	p.bot = awaitTermination(p.pod)
	return nil
}

// target is how the observer reaches the bot of the session's pod.
func target(in *input) observer.Target {
	return observer.Target{
		Address:  net.JoinHostPort(in.pod.Status.PodIP, strconv.Itoa(int(naming.PortTLS))),
		Instance: string(in.pod.UID), Pins: in.keys.pins, Token: in.keys.token,
	}
}

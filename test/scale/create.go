package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/resources"
	"sesi.dev/sesi/test/scale/internal/command"
)

// patience bounds each wait for the wanted state.
const patience = 30 * time.Minute

// measureSessions creates the sessions and goes through the phases.
func measureSessions(ctx context.Context, s settings) (_ *result, err error) {
	c, err := connect(ctx, s.size)
	if err != nil {
		return nil, err
	}
	defer c.stop()
	playing, cancel := context.WithCancel(ctx)
	defer cancel()
	run := &trial{settings: s, cluster: c, stage: play(playing, c), result: newResult("sessions", s)}
	if run.watcher, err = watchSessions(ctx, c); err != nil {
		return nil, err
	}
	if err := c.prepareOperator(ctx, s.dir); err != nil {
		return nil, err
	}
	if run.operator, err = c.startOperator(ctx, s, "a"); err != nil {
		return nil, err
	}
	defer func() { run.operator.stop(syscall.SIGTERM) }()
	c.pids["operator"] = run.operator.pid()
	if err := run.create(ctx, func(i int) []client.Object {
		return []client.Object{&v1alpha1.WhatsAppSession{
			ObjectMeta: metav1.ObjectMeta{Name: name(i), Namespace: namespace},
			Spec:       v1alpha1.WhatsAppSessionSpec{Webhooks: []v1alpha1.Webhook{{Name: webhookName, URL: "https://example.com/hook"}}},
		}}
	}, func() int { return run.watcher.count(isReady) }); err != nil {
		return nil, err
	}
	run.result.Create.Mirrored = seconds(run.watcher.lastSeen().Sub(run.began))
	run.remember("created")
	return run.result, run.phases(ctx)
}

// measureStatefulSets creates for each bot what a chart for one bot would create: a Secret, a Service and a
// StatefulSet of one replica, with the same pod and claim as a session.
func measureStatefulSets(ctx context.Context, s settings) (*result, error) {
	c, err := connect(ctx, s.size)
	if err != nil {
		return nil, err
	}
	defer c.stop()
	run := &trial{settings: s, cluster: c, result: newResult("statefulsets", s)}
	built := make([][]client.Object, s.size) // a chart's rendering is not the cluster's work
	for i := range built {
		if built[i], err = chart(name(i)); err != nil {
			return nil, err
		}
	}
	return run.result, run.create(ctx, func(i int) []client.Object { return built[i] }, nil)
}

func newResult(kind string, s settings) *result {
	return &result{Kind: kind, Size: s.size, Machine: machine(), When: time.Now().UTC().Format(time.RFC3339)}
}

// chart returns the objects of one bot without the operator.
func chart(name string) ([]client.Object, error) {
	session := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}}
	pod, err := resources.BuildPod(session, resourcesOptions())
	if err != nil {
		return nil, err
	}
	secret, err := credentials.Build(session, nil, time.Now())
	if err != nil {
		return nil, err
	}
	service, claim := resources.BuildService(session), resources.BuildClaim(session)
	one := int32(1)
	set := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: namespace, Labels: pod.Labels},
		Spec: appsv1.StatefulSetSpec{
			Replicas: &one, ServiceName: service.Name, Selector: &metav1.LabelSelector{MatchLabels: naming.Selector(session)},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: pod.Labels, Annotations: pod.Annotations}, Spec: pod.Spec},
		},
	}
	for i, volume := range pod.Spec.Volumes {
		if volume.PersistentVolumeClaim != nil {
			// A StatefulSet names its pod's claim after the volume of its template.
			template := corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: volume.Name, Labels: claim.Labels}, Spec: claim.Spec}
			set.Spec.VolumeClaimTemplates = append(set.Spec.VolumeClaimTemplates, template)
			set.Spec.Template.Spec.Volumes = append(append([]corev1.Volume{}, pod.Spec.Volumes[:i]...), pod.Spec.Volumes[i+1:]...)
		}
	}
	for _, object := range []client.Object{secret, service} {
		object.SetOwnerReferences(nil)
	}
	return []client.Object{secret, service, set}, nil
}

// trial is one run of one kind.
type trial struct {
	settings
	cluster  *cluster
	stage    *stage
	watcher  *watcher
	operator *operator
	result   *result
	began    time.Time
	// number is the number of the last change of a bot.
	number int
}

// create creates everything, and waits until all pods are ready and shown, if given, returns as many.
func (t *trial) create(ctx context.Context, objects func(i int) []client.Object, shown func() int) error {
	c := t.cluster
	before, err := c.measureLoad(ctx)
	if err != nil {
		return err
	}
	note("%d %s: making them", t.size, t.result.Kind)
	t.began = time.Now()
	var applied atomic.Int64
	var group sync.WaitGroup
	errs := make([]error, workers)
	for worker := range errs {
		group.Go(func() {
			for i := worker; i < t.size; i += workers {
				for _, object := range objects(i) {
					if errs[worker] = c.client.Create(ctx, object); errs[worker] != nil {
						return
					}
				}
				applied.Add(1)
			}
		})
	}
	done := make(chan struct{})
	go func() { group.Wait(); t.result.Create.Applied = seconds(time.Since(t.began)); close(done) }()
	stop := func() (*changing, error) { return nil, nil }
	if t.wants(making) && t.watcher != nil {
		stop = t.changeWhileMaking(ctx)
	}
	next, every := time.Duration(0), max(100*time.Millisecond, time.Duration(t.size)*time.Millisecond/2)
	var now progress
	look := func() bool {
		now.At = seconds(time.Since(t.began))
		now.Applied = int(applied.Load())
		now.Pods, now.Ready = c.pods.counts()
		if shown != nil {
			now.Shown = shown()
		}
		complete := now.Ready == t.size && (shown == nil || now.Shown == t.size)
		if elapsed := time.Since(t.began); elapsed >= next || complete {
			t.result.Create.Progress = append(t.result.Create.Progress, now)
			next = elapsed + every
		}
		return complete || errors.Join(errs...) != nil
	}
	err = poll(ctx, patience, look)
	<-done
	meanwhile, unseen := stop()
	t.result.Create.Meanwhile, err = meanwhile, errors.Join(err, unseen)
	if err = errors.Join(errors.Join(errs...), err); err != nil {
		return fmt.Errorf("%d of %d applied, %d pods made, %d ready, %d shown: %w", now.Applied, t.size, now.Pods, now.Ready, now.Shown, err)
	}
	r := &t.result.Create
	r.Pods, r.Ready = seconds(c.pods.lastMade.Sub(t.began)), seconds(c.pods.lastReady.Sub(t.began))
	// Late writes belong to the cost too: events, and the last status of a StatefulSet.
	after, err := c.quiet(ctx)
	if err != nil {
		return err
	}
	r.Writes, r.Conflicts = since(before.writes, after.writes, 1), after.conflicts-before.conflicts
	r.Etcd, r.Puts = after.etcdBytes-before.etcdBytes, after.etcdPuts-before.etcdPuts
	r.Foreign = foreign(before, after)
	r.CPU, r.Resident = since(before.cpu, after.cpu, 1), residentAll(c.pids)
	note("pods %.1f s, ready %.1f s, %.1f writes each", r.Pods, r.Ready, (after.total()-before.total())/float64(t.size))
	return nil
}

// quiet measures the load once nothing was written for three seconds.
func (c *cluster) quiet(ctx context.Context) (load, error) {
	last, err := c.measureLoad(ctx)
	still := 0
	for end := time.Now().Add(2 * time.Minute); err == nil && still < 3 && time.Now().Before(end); {
		if err := command.Pause(ctx, time.Second); err != nil {
			return last, err
		}
		now, failed := c.measureLoad(ctx)
		if still++; now.total() != last.total() {
			still = 0
		}
		last, err = now, failed
	}
	return last, err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	kubescheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/v1alpha1"
)

const (
	// namespace holds everything that is measured.
	namespace = "bench"
	// nodes is the number of nodes; each runs one twentieth of the bots.
	nodes = 20
	// workers is how many requests a user sends at the same time.
	workers = 16

	className   = "scale"
	provisioner = "scale.sesi.dev"
	// selectedNode is set by the scheduler on a claim whose volume must be created now.
	selectedNode = "volume.kubernetes.io/selected-node"
)

// cluster is the control plane, what this program reads of it, and what it simulates in it: storage and the bots.
type cluster struct {
	config             *rest.Config
	client             client.WithWatch
	rest               rest.Interface
	informers          cache.Cache
	pids               map[string]int
	token              string
	operatorKubeconfig string

	pods        *pods
	provisioned sync.Map // by the claim's UID
	stopping    func()
	work        sync.WaitGroup
}

// connect starts to read and to simulate.
func connect(ctx context.Context, size int) (*cluster, error) {
	if err := v1alpha1.AddToScheme(kubescheme.Scheme); err != nil {
		return nil, fmt.Errorf("know the sessions: %w", err)
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("find the cluster: %w", err)
	}
	config.QPS = -1
	c := &cluster{config: config, pods: newPods()}
	if c.pids, err = processes(); err != nil {
		return nil, err
	}
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	c.rest = clientset.RESTClient()
	if c.client, err = client.NewWithWatch(config, client.Options{}); err != nil {
		return nil, err
	}
	c.informers, err = cache.New(config, cache.Options{DefaultTransform: cache.TransformStripManagedFields()})
	if err != nil {
		return nil, err
	}
	if err := c.furnish(ctx, size); err != nil {
		return nil, fmt.Errorf("furnish the cluster: %w", err)
	}
	running, cancel := context.WithCancel(ctx)
	c.stopping = cancel
	claims := newQueue(running, &c.work, c.provision)
	err = errors.Join(
		c.watch(ctx, &corev1.Pod{}, func(object any) { c.pods.take(object.(*corev1.Pod)) }),
		c.watch(ctx, &corev1.PersistentVolumeClaim{}, func(object any) {
			claim := object.(*corev1.PersistentVolumeClaim)
			if claim.Status.Phase != corev1.ClaimPending || claim.Annotations[selectedNode] == "" {
				return
			}
			if _, known := c.provisioned.LoadOrStore(claim.UID, true); !known {
				claims <- claim
			}
		}),
	)
	c.work.Go(func() { _ = c.informers.Start(running) })
	if err != nil || !c.informers.WaitForCacheSync(ctx) {
		c.stop()
		return nil, errors.Join(errors.New("the caches do not fill"), err)
	}
	return c, nil
}

func (c *cluster) stop() {
	c.stopping()
	c.work.Wait()
}

// watch calls take with each version of each object.
func (c *cluster) watch(ctx context.Context, kind client.Object, take func(object any)) error {
	informer, err := c.informers.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
	if err != nil {
		return err
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: take, UpdateFunc: func(_, object any) { take(object) },
	})
	return err
}

// newQueue calls do with each item, several at a time, so that an informer's handler never waits.
func newQueue[T any](ctx context.Context, work *sync.WaitGroup, do func(context.Context, T)) chan<- T {
	queue := make(chan T, 1<<20)
	for range workers {
		work.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case one := <-queue:
					do(ctx, one)
				}
			}
		})
	}
	return queue
}

// furnish creates nodes that kwok simulates, with their own addresses and room for their share of the pods, and a
// StorageClass like a cloud's.
func (c *cluster) furnish(ctx context.Context, size int) error {
	wait := storagev1.VolumeBindingWaitForFirstConsumer
	objects := []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}},
		&storagev1.StorageClass{
			ObjectMeta:  metav1.ObjectMeta{Name: className, Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}},
			Provisioner: provisioner, VolumeBindingMode: &wait,
		},
	}
	share := int64((size+nodes-1)/nodes + 1)
	room := corev1.ResourceList{
		corev1.ResourcePods: *resource.NewQuantity(share, resource.DecimalSI),
		corev1.ResourceCPU:  *resource.NewQuantity(64, resource.DecimalSI), corev1.ResourceMemory: *resource.NewQuantity(1<<40, resource.BinarySI),
	}
	for i := range nodes {
		prefix := podPrefix(i)
		objects = append(objects, &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: nodeName(i), Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"}},
			Spec:       corev1.NodeSpec{PodCIDR: prefix, PodCIDRs: []string{prefix}},
			Status:     corev1.NodeStatus{Capacity: room, Allocatable: room},
		})
	}
	for _, object := range objects {
		if err := c.client.Create(ctx, object); err != nil {
			return err
		}
	}
	return poll(ctx, time.Minute, func() bool {
		var list corev1.NodeList
		if c.client.List(ctx, &list) != nil {
			return false
		}
		ready := 0
		for i := range list.Items {
			for _, condition := range list.Items[i].Status.Conditions {
				if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue && len(list.Items[i].Spec.Taints) == 0 {
					ready++
				}
			}
		}
		return ready == nodes
	})
}

func nodeName(i int) string { return fmt.Sprintf("fake-%02d", i) }

// podPrefix returns the address range of a node's pods; run.sh assigns all of them to this machine.
func podPrefix(i int) string {
	return (&net.IPNet{IP: net.IPv4(10, byte(128+i), 0, 0), Mask: net.CIDRMask(16, 32)}).String()
}

// provision creates a volume, as a CSI driver would.
func (c *cluster) provision(ctx context.Context, claim *corev1.PersistentVolumeClaim) {
	class := className
	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pvc-" + string(claim.UID), Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": provisioner}},
		Spec: corev1.PersistentVolumeSpec{
			AccessModes: claim.Spec.AccessModes, Capacity: claim.Spec.Resources.Requests, StorageClassName: class,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID, ResourceVersion: claim.ResourceVersion,
			},
			PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: provisioner, VolumeHandle: string(claim.UID)}},
		},
	}
	if err := c.client.Create(ctx, volume); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "scale: make a volume:", err)
	}
}

// pods counts the pods at one moment.
type pods struct {
	mu          sync.Mutex
	made, ready map[string]bool
	lastMade    time.Time
	lastReady   time.Time
	started     func(*corev1.Pod)
}

func newPods() *pods { return &pods{made: map[string]bool{}, ready: map[string]bool{}} }

func (p *pods) take(pod *corev1.Pod) {
	if pod.Namespace != namespace {
		return
	}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.made[pod.Name] {
		p.made[pod.Name], p.lastMade = true, now
	}
	if p.ready[pod.Name] || pod.Status.PodIP == "" {
		return
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
			p.ready[pod.Name], p.lastReady = true, now
			if p.started != nil {
				p.started(pod)
			}
		}
	}
}

func (p *pods) counts() (made, ready int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.made), len(p.ready)
}

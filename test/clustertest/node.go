package clustertest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"sesi.dev/sesi/api/naming"
)

// NodeName is the name of the only node.
const NodeName = "node-1"

// Bots start the process of a pod's bot.
type Bots interface {
	// Start starts the pod's bot at its address. files has a folder for each of the pod's volumes. The returned
	// function stops the bot and returns when it has ended.
	Start(pod *corev1.Pod, address string, files Files) (stop func(), err error)
}

// Files are the folders of a pod's volumes.
type Files struct {
	// Session is the claim's folder, Credentials the Secret's.
	Session, Credentials string
	// Secret is the content of Credentials.
	Secret map[string][]byte
}

// Node is a node that schedules every pod to itself, gives it an address and runs its bot.
type Node struct {
	client.Client
	bots Bots
	dir  string
	next addresses
	// released are pods that the node is to look at again.
	released chan event.GenericEvent

	mu      sync.Mutex
	running map[types.NamespacedName]*process
	// held are the pods that the node ignores: it is cut off, or a test acts for it.
	held map[types.NamespacedName]bool
	// stores are the running bots of each session directory; more than one breaks the most important promise.
	stores  map[string]int
	broken  []string
	started map[types.NamespacedName]int
}

// process is a running bot.
type process struct {
	uid     types.UID
	store   string
	address string
	stop    func()
}

func newNode(c client.Client, options Options) *Node {
	return &Node{
		Client: c, bots: options.Bots, dir: options.Dir,
		running: map[types.NamespacedName]*process{}, held: map[types.NamespacedName]bool{}, stores: map[string]int{},
		started: map[types.NamespacedName]int{}, next: newAddresses(), released: make(chan event.GenericEvent),
	}
}

func (n *Node) setup(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).Named("node").For(&corev1.Pod{}).
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(func(_ context.Context, secret client.Object) []reconcile.Request {
			return []reconcile.Request{{NamespacedName: client.ObjectKeyFromObject(secret)}}
		})).
		WatchesRawSource(source.Channel(n.released, &handler.EnqueueRequestForObject{})).
		WithOptions(eager(16)).Complete(n)
}

// Hold makes the node ignore a pod: its bot continues, and nobody reports its state to the cluster.
func (n *Node) Hold(key types.NamespacedName) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held[key] = true
}

// Release makes the node handle a pod again. Its controller does that: two that handled one pod would start two bots.
func (n *Node) Release(ctx context.Context, key types.NamespacedName) error {
	n.mu.Lock()
	delete(n.held, key)
	n.mu.Unlock()
	select {
	case n.released <- event.GenericEvent{Object: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Broken lists every moment at which two bots ran on one session directory.
func (n *Node) Broken() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.broken
}

// Started returns how many bots were started for a pod of that name.
func (n *Node) Started(key types.NamespacedName) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.started[key]
}

// Running returns the number of bots in a namespace.
func (n *Node) Running(namespace string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := 0
	for key := range n.running {
		if key.Namespace == namespace {
			count++
		}
	}
	return count
}

// Reconcile does for one pod what a kubelet and a scheduler do.
func (n *Node) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	key := request.NamespacedName
	n.mu.Lock()
	held, ran := n.held[key], n.running[key]
	n.mu.Unlock()
	var pod corev1.Pod
	err := n.Get(ctx, key, &pod)
	gone := apierrors.IsNotFound(err)
	if err != nil && !gone {
		return reconcile.Result{}, err
	}
	if ran != nil && (gone || ran.uid != pod.UID) {
		n.end(key, ran)
		ran = nil
	}
	switch {
	case gone || held:
		return reconcile.Result{}, nil
	case pod.Spec.NodeName == "":
		return reconcile.Result{}, n.bind(ctx, &pod)
	case pod.DeletionTimestamp != nil:
		if ran != nil {
			n.end(key, ran)
		}
		return reconcile.Result{}, client.IgnoreNotFound(n.Delete(ctx, &pod,
			client.GracePeriodSeconds(0), client.Preconditions{UID: &pod.UID}))
	case pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded:
		if ran != nil {
			n.end(key, ran)
		}
		return reconcile.Result{}, nil
	case ran == nil:
		return n.start(ctx, key, &pod)
	}
	_, err = n.files(ctx, &pod)
	return reconcile.Result{}, err
}

func (n *Node) bind(ctx context.Context, pod *corev1.Pod) error {
	if pod.DeletionTimestamp != nil {
		return nil
	}
	binding := &corev1.Binding{Target: corev1.ObjectReference{Kind: "Node", Name: NodeName}}
	binding.Name, binding.Namespace, binding.UID = pod.Name, pod.Namespace, pod.UID
	return n.SubResource("binding").Create(ctx, pod, binding)
}

// start starts the pod's bot as soon as its volumes exist, and reports that it runs.
func (n *Node) start(ctx context.Context, key types.NamespacedName, pod *corev1.Pod) (reconcile.Result, error) {
	files, err := n.files(ctx, pod)
	if apierrors.IsNotFound(err) {
		return reconcile.Result{RequeueAfter: 20 * time.Millisecond}, nil
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	p := &process{uid: pod.UID, store: pod.Namespace + "/" + pod.Labels[naming.LabelDirectory], address: n.next.next()}
	n.mu.Lock()
	if n.stores[p.store]++; n.stores[p.store] > 1 {
		n.broken = append(n.broken, fmt.Sprintf("a second bot starts for the store of pod %s", key))
	}
	n.running[key] = p
	n.mu.Unlock()
	if p.stop, err = n.bots.Start(pod, p.address, files); err != nil {
		p.stop = func() {}
		n.end(key, p)
		return reconcile.Result{}, fmt.Errorf("start the bot of %s: %w", key, err)
	}
	n.mu.Lock()
	n.started[key]++
	n.mu.Unlock()
	return reconcile.Result{}, n.sayRunning(ctx, pod, p.address)
}

func (n *Node) sayRunning(ctx context.Context, pod *corev1.Pod, address string) error {
	patch := client.MergeFrom(pod.DeepCopy())
	now := metav1.Now()
	pod.Status.Phase = corev1.PodRunning
	pod.Status.PodIP = address
	pod.Status.PodIPs = []corev1.PodIP{{IP: address}}
	pod.Status.StartTime = &now
	pod.Status.Conditions = nil
	for _, kind := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	started := true
	pod.Status.ContainerStatuses = nil
	for _, container := range pod.Spec.Containers {
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, Ready: true, Started: &started,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		})
	}
	return client.IgnoreNotFound(n.Status().Patch(ctx, pod, patch))
}

// files updates the pod's volumes: the Secret's with its present content, the claim's unchanged.
func (n *Node) files(ctx context.Context, pod *corev1.Pod) (Files, error) {
	files := Files{}
	for _, volume := range pod.Spec.Volumes {
		switch {
		case volume.Name == "session" && volume.PersistentVolumeClaim != nil:
			files.Session = filepath.Join(n.dir, pod.Namespace, "claims", volume.PersistentVolumeClaim.ClaimName)
		case volume.Name == "credentials" && volume.Secret != nil:
			var secret corev1.Secret
			if err := n.Get(ctx, types.NamespacedName{Namespace: pod.Namespace, Name: volume.Secret.SecretName}, &secret); err != nil {
				return files, err
			}
			files.Secret = secret.Data
			files.Credentials = filepath.Join(n.dir, pod.Namespace, "secrets", string(pod.UID))
		}
	}
	for _, dir := range []string{files.Session, files.Credentials} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return files, err
		}
	}
	for name, data := range files.Secret {
		if err := replace(filepath.Join(files.Credentials, name), data); err != nil {
			return files, err
		}
	}
	return files, nil
}

// replace writes a file in one step, so that nobody reads half of it.
func replace(path string, data []byte) error {
	if old, err := os.ReadFile(path); err == nil && string(old) == string(data) {
		return nil
	}
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// end stops a bot and waits until it has ended.
func (n *Node) end(key types.NamespacedName, p *process) {
	p.stop()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stores[p.store]--
	if n.running[key] == p {
		delete(n.running, key)
	}
}

func (n *Node) stopAll() {
	n.mu.Lock()
	left := n.running
	n.running = map[types.NamespacedName]*process{}
	n.mu.Unlock()
	for _, p := range left {
		p.stop()
	}
}

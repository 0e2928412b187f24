package controllers

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
	"sesi.dev/sesi/controllers/resources"
)

const (
	// passesAtOnce is how many passes run at once. A pass that changes something waits for a few requests to the API
	// server; this many keep it busy and leave room for others.
	passesAtOnce = 16
	// retryCap is the longest wait after failed passes, so that a raised quota is noticed within a minute.
	retryCap = time.Minute
)

// queue is the controller's work queue.
type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// Settings are the operator's settings.
type Settings struct {
	// Resources are the same for every session's objects.
	Resources resources.Options
	// Observer limits the streams; the zero value is for production.
	Observer observer.Options
	// ReadNodes: the operator may read nodes, because it serves the whole cluster.
	ReadNodes bool
	// Namespaces limit the operator; none means the whole cluster.
	Namespaces []string
	// Lease names the lease by which operators agree on who serves a namespace; without it, this one serves all of its own.
	Lease string
	// Metrics registers the operator's metrics.
	Metrics prometheus.Registerer
}

// Setup adds the operator to a manager whose cache has CacheOptions: the observer, the controller and the metrics.
func Setup(mgr ctrl.Manager, settings Settings) error {
	settings.Observer.Log = mgr.GetLogger().WithName("observer")
	bots, unlinker := observer.New(settings.Observer), newUnlinker()
	r := &Reconciler{
		Client:  client.WithFieldOwner(mgr.GetClient(), fieldOwner),
		options: settings.Resources, live: mgr.GetAPIReader(), bots: bots,
		events: mgr.GetEventRecorder(fieldOwner), now: time.Now, unlinker: unlinker,
		ordinary: rate.NewLimiter(eventsPerSecond, eventsAtOnce),
	}
	secrets, err := newWebhookSecrets(mgr, settings.Namespaces)
	if err != nil {
		return err
	}
	r.webhookSecrets = secrets
	if settings.Lease != "" {
		if r.territory, err = newTerritory(mgr, settings); err != nil {
			return err
		}
	}
	if settings.ReadNodes {
		r.nodes.live = mgr.GetAPIReader()
	}
	if err := mgr.Add(bots); err != nil {
		return fmt.Errorf("add the observer: %w", err)
	}
	for name, keyOf := range indexes {
		index := func(object client.Object) []string {
			if key := keyOf(object.(*v1alpha1.WhatsAppSession)); key != "" {
				return []string{key}
			}
			return nil
		}
		if err := mgr.GetFieldIndexer().IndexField(context.Background(), &v1alpha1.WhatsAppSession{}, name, index); err != nil {
			return fmt.Errorf("index sessions by their %s: %w", name, err)
		}
	}
	if err := mgr.GetFieldIndexer().IndexField(context.Background(), &v1alpha1.WhatsAppSession{}, indexWebhookSecret, webhookSecretKeys); err != nil {
		return fmt.Errorf("index sessions by their %s: %w", indexWebhookSecret, err)
	}
	for _, collector := range []prometheus.Collector{bots, &states{mgr.GetCache(), r.territory.foreign}} {
		if err := settings.Metrics.Register(collector); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	labelled := handler.EnqueueRequestsFromMapFunc(requestOfLabel)
	reported := handler.TypedFuncs[types.NamespacedName, reconcile.Request]{GenericFunc: func(_ context.Context, e observer.Event, q queue) {
		addReported(q, reconcile.Request{NamespacedName: e.Object})
	}}
	return ctrl.NewControllerManagedBy(mgr).
		Named("whatsappsession").
		For(&v1alpha1.WhatsAppSession{}).
		Watches(&v1alpha1.WhatsAppSession{}, r.relatives()).
		Watches(&corev1.Secret{}, labelled).
		Watches(&corev1.Service{}, labelled).
		Watches(&networkingv1.NetworkPolicy{}, labelled).
		Watches(&corev1.Pod{}, podReports()).
		Watches(&corev1.Pod{}, handler.Funcs{DeleteFunc: r.podGone}).
		Watches(&corev1.PersistentVolumeClaim{}, handler.EnqueueRequestsFromMapFunc(r.requestsOfClaim)).
		WatchesRawSource(source.Kind(secrets, &corev1.Secret{}, handler.TypedEnqueueRequestsFromMapFunc(r.requestsOfSecret))).
		WatchesRawSource(source.Channel(bots.Events(), reported)).
		WatchesRawSource(source.Channel(unlinker.answered, reported)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: passesAtOnce, ReconciliationTimeout: passPatience,
			RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](5*time.Millisecond, retryCap),
		}).
		Complete(r)
}

// passPatience bounds a pass. A request to an API server that accepts it and never answers would block its worker forever.
const passPatience = 2 * time.Minute

// priorityReported goes before a session that was just applied. A change of a connected bot must not wait until thousands
// of new sessions are created.
const priorityReported = 100

// addReported adds a session whose pod or bot reports something.
func addReported(q queue, request reconcile.Request) {
	if ordered, is := q.(priorityqueue.PriorityQueue[reconcile.Request]); is {
		ordered.AddWithOpts(priorityqueue.AddOpts{Priority: new(priorityReported)}, request)
		return
	}
	q.Add(request)
}

// podReports reconciles the session of a pod that changed, before those that were just applied.
func podReports() handler.EventHandler {
	add := func(ctx context.Context, object client.Object, q queue) {
		addReported(q, requestOfLabel(ctx, object)[0])
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) {
			if e.IsInInitialList {
				q.Add(requestOfLabel(ctx, e.Object)[0])
				return
			}
			add(ctx, e.Object, q)
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			add(ctx, e.ObjectNew, q)
			if requestOfLabel(ctx, e.ObjectOld)[0] != requestOfLabel(ctx, e.ObjectNew)[0] {
				add(ctx, e.ObjectOld, q)
			}
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { add(ctx, e.Object, q) },
	}
}

// requestOfLabel maps an object that the operator created to its session.
func requestOfLabel(_ context.Context, object client.Object) []reconcile.Request {
	name := object.GetLabels()[naming.LabelSession]
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace(), Name: name}}}
}

// requestsOfClaim maps a claim to every session that names it.
func (r *Reconciler) requestsOfClaim(ctx context.Context, object client.Object) []reconcile.Request {
	return r.requestsBy(ctx, indexClaim, object.GetNamespace()+"/"+object.GetName())
}

func (r *Reconciler) requestsBy(ctx context.Context, index, key string) []reconcile.Request {
	sessions, err := sessionsBy(ctx, r, index, key)
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "sessions were not reconciled")
		return nil
	}
	requests := make([]reconcile.Request, len(sessions))
	for i := range sessions {
		requests[i].NamespacedName = client.ObjectKeyFromObject(&sessions[i])
	}
	return requests
}

// podGone reconciles the sessions that waited for another session's pod to release their claim.
func (r *Reconciler) podGone(ctx context.Context, e event.DeleteEvent, q queue) {
	if store := e.Object.GetLabels()[naming.LabelDirectory]; store != "" {
		r.enqueue(ctx, q, indexDirectory, e.Object.GetNamespace()+"/"+store)
	}
}

func (r *Reconciler) enqueue(ctx context.Context, q queue, index, key string) {
	if key == "" {
		return
	}
	for _, request := range r.requestsBy(ctx, index, key) {
		q.Add(request)
	}
}

// relatives reconciles the sessions whose status names another session when that is created, deleted or linked to another
// account.
func (r *Reconciler) relatives() handler.EventHandler {
	all := func(ctx context.Context, object client.Object, q queue) {
		session := object.(*v1alpha1.WhatsAppSession)
		r.enqueue(ctx, q, indexDirectory, naming.DirectoryKey(session))
		r.enqueue(ctx, q, indexAccount, accountKey(session))
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) {
			// Every session that exists at the start is reconciled anyway.
			if !e.IsInInitialList {
				all(ctx, e.Object, q)
			}
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { all(ctx, e.Object, q) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			before, after := accountKey(e.ObjectOld.(*v1alpha1.WhatsAppSession)), accountKey(e.ObjectNew.(*v1alpha1.WhatsAppSession))
			if before != after {
				r.enqueue(ctx, q, indexAccount, before)
				r.enqueue(ctx, q, indexAccount, after)
			}
		},
	}
}

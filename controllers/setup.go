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
	// visits is how many sessions are visited at once. A visit that changes something waits for a few requests to the
	// API server, so this many keep one busy without crowding out others.
	visits = 16
	// retryCap bounds the wait after failed visits: a quota that is raised should be noticed in a minute.
	retryCap = time.Minute
)

// queue is what a controller takes its work from.
type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// Settings are what an operator is started with.
type Settings struct {
	// Resources are the same for every session's objects.
	Resources resources.Options
	// Observer bounds the streams; its zero value is for production.
	Observer observer.Options
	// ReadNodes says that the operator may read nodes, as one of the whole cluster may.
	ReadNodes bool
	// Metrics takes the operator's own.
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
	for _, collector := range []prometheus.Collector{bots, &states{mgr.GetCache()}} {
		if err := settings.Metrics.Register(collector); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	labelled := handler.EnqueueRequestsFromMapFunc(requestOfLabel)
	told := handler.TypedFuncs[types.NamespacedName, reconcile.Request]{GenericFunc: func(_ context.Context, e observer.Event, q queue) {
		q.Add(reconcile.Request{NamespacedName: e.Object})
	}}
	return ctrl.NewControllerManagedBy(mgr).
		Named("whatsappsession").
		For(&v1alpha1.WhatsAppSession{}).
		Watches(&v1alpha1.WhatsAppSession{}, r.relatives()).
		Watches(&corev1.Secret{}, labelled).
		Watches(&corev1.Service{}, labelled).
		Watches(&networkingv1.NetworkPolicy{}, labelled).
		Watches(&corev1.Pod{}, labelled).
		Watches(&corev1.Pod{}, handler.Funcs{DeleteFunc: r.podGone}).
		Watches(&corev1.PersistentVolumeClaim{}, handler.EnqueueRequestsFromMapFunc(r.requestsOfClaim)).
		WatchesRawSource(source.Channel(bots.Events(), told)).
		WatchesRawSource(source.Channel(unlinker.told, told)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: visits,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](5*time.Millisecond, retryCap),
		}).
		Complete(r)
}

// requestOfLabel maps what the operator made to its session.
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
		ctrl.LoggerFrom(ctx).Error(err, "sessions were not visited")
		return nil
	}
	requests := make([]reconcile.Request, len(sessions))
	for i := range sessions {
		requests[i].NamespacedName = client.ObjectKeyFromObject(&sessions[i])
	}
	return requests
}

// podGone visits the sessions that waited for another session's pod to let go of their store.
func (r *Reconciler) podGone(ctx context.Context, e event.DeleteEvent, q queue) {
	if store := e.Object.GetLabels()[naming.LabelDirectory]; store != "" {
		r.visit(ctx, q, indexDirectory, e.Object.GetNamespace()+"/"+store)
	}
}

func (r *Reconciler) visit(ctx context.Context, q queue, index, key string) {
	if key == "" {
		return
	}
	for _, request := range r.requestsBy(ctx, index, key) {
		q.Add(request)
	}
}

// relatives visits the sessions whose status names another one, when that comes, goes, or changes its account.
func (r *Reconciler) relatives() handler.EventHandler {
	all := func(ctx context.Context, object client.Object, q queue) {
		session := object.(*v1alpha1.WhatsAppSession)
		r.visit(ctx, q, indexDirectory, naming.DirectoryKey(session))
		r.visit(ctx, q, indexAccount, accountKey(session))
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) {
			// What is there at the start is visited anyway.
			if !e.IsInInitialList {
				all(ctx, e.Object, q)
			}
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { all(ctx, e.Object, q) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			before, after := accountKey(e.ObjectOld.(*v1alpha1.WhatsAppSession)), accountKey(e.ObjectNew.(*v1alpha1.WhatsAppSession))
			if before != after {
				r.visit(ctx, q, indexAccount, before)
				r.visit(ctx, q, indexAccount, after)
			}
		},
	}
}

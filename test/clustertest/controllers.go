package clustertest

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"sesi.dev/sesi/api/v1alpha1"
)

// SlowClass is the StorageClass whose claims stay pending until a test binds them.
const SlowClass = "slow"

// binder binds claims, and removes deleted claims that no pod uses.
type binder struct {
	client.Client
	// live lists the pods; a cache may not have a claim's newest yet.
	live client.Reader
}

func (b *binder) setup(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).Named("binder").For(&corev1.PersistentVolumeClaim{}).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(claimsOf)).
		WithOptions(eager(8)).Complete(b)
}

func claimsOf(_ context.Context, object client.Object) []reconcile.Request {
	var requests []reconcile.Request
	for _, volume := range object.(*corev1.Pod).Spec.Volumes {
		if claim := volume.PersistentVolumeClaim; claim != nil {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKey{Namespace: object.GetNamespace(), Name: claim.ClaimName}})
		}
	}
	return requests
}

func (b *binder) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	var claim corev1.PersistentVolumeClaim
	if err := b.Get(ctx, request.NamespacedName, &claim); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if claim.DeletionTimestamp != nil {
		return reconcile.Result{}, b.letGo(ctx, &claim)
	}
	if class := claim.Spec.StorageClassName; claim.Status.Phase != corev1.ClaimPending || class != nil && *class == SlowClass {
		return reconcile.Result{}, nil
	}
	patch := client.MergeFrom(claim.DeepCopy())
	claim.Status.Phase = corev1.ClaimBound
	return reconcile.Result{}, client.IgnoreNotFound(b.Status().Patch(ctx, &claim, patch))
}

func (b *binder) letGo(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	var pods corev1.PodList
	if err := b.live.List(ctx, &pods, client.InNamespace(claim.Namespace)); err != nil {
		return err
	}
	for i := range pods.Items {
		for _, used := range claimsOf(ctx, &pods.Items[i]) {
			if used.Name == claim.Name {
				return nil
			}
		}
	}
	patch := client.MergeFrom(claim.DeepCopy())
	controllerutil.RemoveFinalizer(claim, "kubernetes.io/pvc-protection")
	return client.IgnoreNotFound(b.Patch(ctx, claim, patch))
}

// collector deletes the objects of a deleted session, as the garbage collector does by the owner's UID.
type collector struct {
	client.Client
	// live reports whether an owner still exists; a cache may be behind.
	live client.Reader
}

func (g *collector) setup(mgr ctrl.Manager) error {
	labelled := handler.EnqueueRequestsFromMapFunc(func(_ context.Context, object client.Object) []reconcile.Request {
		owner := metav1.GetControllerOf(object)
		if owner == nil || owner.Kind != "WhatsAppSession" {
			return nil
		}
		return []reconcile.Request{{NamespacedName: client.ObjectKey{Namespace: object.GetNamespace(), Name: owner.Name}}}
	})
	build := ctrl.NewControllerManagedBy(mgr).Named("collector").For(&v1alpha1.WhatsAppSession{})
	for _, kind := range dependants() {
		build = build.Watches(kind, labelled)
	}
	return build.WithOptions(eager(8)).Complete(g)
}

func dependants() []client.Object {
	return []client.Object{&corev1.Pod{}, &corev1.Secret{}, &corev1.Service{}, &corev1.PersistentVolumeClaim{}, &networkingv1.NetworkPolicy{}}
}

func (g *collector) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	var session v1alpha1.WhatsAppSession
	err := g.live.Get(ctx, request.NamespacedName, &session)
	if client.IgnoreNotFound(err) != nil {
		return reconcile.Result{}, err
	}
	alive := !apierrors.IsNotFound(err)
	name := "wa-" + request.Name
	for _, object := range dependants() {
		if err := g.Get(ctx, client.ObjectKey{Namespace: request.Namespace, Name: name}, object); err != nil {
			if apierrors.IsNotFound(err) {
				continue
			}
			return reconcile.Result{}, err
		}
		owner := metav1.GetControllerOf(object)
		if owner == nil || owner.Kind != "WhatsAppSession" || alive && owner.UID == session.UID || object.GetDeletionTimestamp() != nil {
			continue
		}
		uid := object.GetUID()
		if err := client.IgnoreNotFound(g.Delete(ctx, object, client.Preconditions{UID: &uid})); err != nil {
			return reconcile.Result{}, err
		}
	}
	return reconcile.Result{}, nil
}

package controllers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"sesi.dev/sesi/api/v1alpha1"
)

// How the operator writes: it creates, and never applies, so that a name is taken once; it updates with the resource
// version that it read, so that it never undoes what it has not seen; and every write carries fieldOwner.
const fieldOwner = "sesi-operator"

// takenError says that an object's name is someone else's. Only a person can mend it, unless the object goes by itself.
type takenError struct {
	kind, name string
	passing    bool
}

// passing tells whether an object that is not the session's goes by itself: it is being deleted, or an earlier session
// left it to the garbage collector.
func passing(object client.Object) bool {
	owner := metav1.GetControllerOf(object)
	return object.GetDeletionTimestamp() != nil || owner != nil && owner.Kind == "WhatsAppSession"
}

func (e *takenError) Error() string {
	return fmt.Sprintf("%s %s exists and was not made for this session", e.kind, e.name)
}

// create makes an object and logs it. An answer of Conflict comes from admission, when many creates meet one quota: it
// says nothing of the cache, and no event follows it, so it is an error like any other.
func (r *Reconciler) create(ctx context.Context, object client.Object) error {
	log.FromContext(ctx).Info("creating", "kind", r.kind(object), "name", object.GetName())
	err := r.Create(ctx, object)
	if apierrors.IsConflict(err) {
		return errors.New(cause(err))
	}
	return err
}

// ensure makes desired exist for the session. existing is what the cache holds of its name, nil for none; good tells
// whether an object is as desired, and change brings a copy of one that is not to that.
func ensure[T client.Object](ctx context.Context, r *Reconciler, session *v1alpha1.WhatsAppSession, existing, desired T, found bool, good func(T) bool, change func(T)) error {
	kind := r.kind(desired)
	if !found {
		err := r.create(ctx, desired)
		if !apierrors.IsAlreadyExists(err) {
			return wrap(err, "make the %s %s", kind, desired.GetName())
		}
		// The cache is behind, or the object lacks the label that the cache sees it by.
		existing = desired.DeepCopyObject().(T)
		if err := r.live.Get(ctx, client.ObjectKeyFromObject(desired), existing); err != nil {
			return wrap(client.IgnoreNotFound(err), "read the %s %s", kind, desired.GetName())
		}
	}
	if !metav1.IsControlledBy(existing, session) {
		return &takenError{kind, desired.GetName(), passing(existing)}
	}
	labels := overlaid(existing.GetLabels(), desired.GetLabels())
	if good(existing) && maps.Equal(labels, existing.GetLabels()) {
		return nil
	}
	update := existing.DeepCopyObject().(T)
	change(update)
	update.SetLabels(labels)
	log.FromContext(ctx).Info("updating", "kind", kind, "name", desired.GetName())
	return wrap(r.Update(ctx, update), "update the %s %s", kind, desired.GetName())
}

// overlaid puts labels over others.
func overlaid(under, over map[string]string) map[string]string {
	labels := make(map[string]string, len(under)+len(over))
	maps.Copy(labels, under)
	maps.Copy(labels, over)
	return labels
}

func (r *Reconciler) kind(object client.Object) string {
	gvk, err := apiutil.GVKForObject(object, r.Scheme())
	if err != nil {
		return fmt.Sprintf("%T", object)
	}
	return gvk.Kind
}

// wrap says what was being done; nil stays nil.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}

// cause is what the API server said, without what changes from one try to the next.
func cause(err error) string {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return strings.TrimSuffix(status.Status().Message, ".")
	}
	return err.Error()
}

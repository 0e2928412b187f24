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

// fieldOwner is on every write. The operator creates and never applies, so that a name is taken only once. It updates
// with the resource version that it read, so that it never overwrites a change that it has not seen.
const fieldOwner = "sesi-operator"

// takenError says that an object of the name belongs to something else. Only a person can resolve it, unless the object
// disappears without help.
type takenError struct {
	kind, name string
	// left says whose it was, if the object disappears without help.
	left string
}

// disappears reports whether an object that does not belong to the session will be removed without help: it is being
// deleted, or its owner is a deleted session and the garbage collector removes it.
func disappears(object client.Object) bool {
	owner := metav1.GetControllerOf(object)
	return object.GetDeletionTimestamp() != nil || owner != nil && owner.Kind == "WhatsAppSession"
}

// leftBy says whose an object was that disappears; empty for one that does not.
func leftBy(object client.Object) string {
	switch {
	case !disappears(object):
		return ""
	case metav1.GetControllerOf(object) != nil && metav1.GetControllerOf(object).Kind == "WhatsAppSession":
		return "of a deleted session with this name"
	}
	return "of something else, which is being deleted,"
}

func (e *takenError) Error() string {
	return fmt.Sprintf("%s %s already exists and belongs to something else", e.kind, e.name)
}

// create creates an object and logs it. The API server answers Conflict when many creates meet one quota. That says
// nothing about the cache and no event follows it, so it is returned as an ordinary error.
func (r *Reconciler) create(ctx context.Context, object client.Object) error {
	log.FromContext(ctx).Info("creating", "kind", r.kind(object), "name", object.GetName())
	return asFailure(r.Create(ctx, object))
}

// asFailure turns an answer of Conflict to a create into an ordinary error.
func asFailure(err error) error {
	if apierrors.IsConflict(err) {
		return errors.New(cause(err))
	}
	return err
}

// classifyRejection is the verdict on an object that the API server rejects. A quota may free up without an edit; every
// other rejection stays.
func classifyRejection(k kind, what string, err error) verdict {
	v := found(k, "The API server rejects %s: %s.", what, cause(err))
	if quotaExceeded(err) {
		return v.passedOn(moving)
	}
	return v
}

// ensure makes desired exist for the session. existing is the cached object of its name. good reports whether an object
// is as desired, and change makes a copy of one as desired.
func ensure[T client.Object](ctx context.Context, r *Reconciler, session *v1alpha1.WhatsAppSession, existing, desired T, found bool, good func(T) bool, change func(T)) error {
	kind := r.kind(desired)
	if !found {
		err := r.create(ctx, desired)
		if !apierrors.IsAlreadyExists(err) {
			return wrap(err, "create %s %s", kind, desired.GetName())
		}
		// The cache is behind, or the object lacks the label by which the cache sees it.
		existing = desired.DeepCopyObject().(T)
		if err := r.live.Get(ctx, client.ObjectKeyFromObject(desired), existing); err != nil {
			return wrap(client.IgnoreNotFound(err), "read %s %s", kind, desired.GetName())
		}
	}
	if !metav1.IsControlledBy(existing, session) {
		return &takenError{kind, desired.GetName(), leftBy(existing)}
	}
	labels := overlaid(existing.GetLabels(), desired.GetLabels())
	if good(existing) && maps.Equal(labels, existing.GetLabels()) {
		return nil
	}
	// An edit of the spec may ask for another object each time.
	brake := r.brakes.of(client.ObjectKeyFromObject(session), fmt.Sprint(kind, " of generation ", session.Generation))
	if brake.TokensAt(r.now()) < 1 {
		return r.undone(ctx, kind, existing)
	}
	update := existing.DeepCopyObject().(T)
	change(update)
	update.SetLabels(labels)
	log.FromContext(ctx).Info("updating", "kind", kind, "name", desired.GetName())
	if err := r.Update(ctx, update); err != nil {
		return wrap(err, "update %s %s", kind, desired.GetName())
	}
	brake.AllowN(r.now(), 1)
	return nil
}

// overlaid adds labels to others and replaces those of the same name.
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

// wrap adds what was being done to an error; nil stays nil.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}

// cause is the API server's message, without the parts that change with every try.
func cause(err error) string {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return strings.TrimSuffix(status.Status().Message, ".")
	}
	return err.Error()
}

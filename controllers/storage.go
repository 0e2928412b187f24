package controllers

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/resources"
)

// ensureStorage makes the claim that the session's template asks for, and keeps its owner in step with
// retentionPolicy. It never deletes a claim: one that is to go with its session is collected as the session's own.
func (r *Reconciler) ensureStorage(ctx context.Context, s *scope) error {
	desired := resources.BuildClaim(s.session)
	if desired != nil && s.claim == nil {
		if err := r.create(ctx, desired); err != nil {
			s.storage = classifyClaim(s)
			if apierrors.IsAlreadyExists(err) {
				return errBehind
			}
			if refused(err) {
				s.storage.reason, s.storage.message = v1alpha1.ReasonClaimRejected, fmt.Sprintf(
					"The API server refuses the claim %s: %s.", desired.Name, cause(err))
			}
			return fmt.Errorf("make the claim %s: %w", desired.Name, err)
		}
	}
	s.storage = classifyClaim(s)
	if desired == nil || s.claim == nil || !resources.OwnsClaim(s.session, s.claim) {
		return nil
	}
	owners := decideClaimOwners(s.session, s.claim)
	if equality.Semantic.DeepEqual(owners, s.claim.OwnerReferences) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": s.claim.ResourceVersion, "ownerReferences": owners,
	}})
	if err != nil {
		return fmt.Errorf("encode the owners of the claim %s: %w", s.claim.Name, err)
	}
	log.FromContext(ctx).Info("giving the claim its owners", "claim", s.claim.Name, "owners", len(owners))
	if err := r.Patch(ctx, s.claim.DeepCopy(), client.RawPatch(types.MergePatchType, patch)); err != nil {
		return fmt.Errorf("give the claim %s its owners: %w", s.claim.Name, err)
	}
	return nil
}

// decideClaimOwners puts the session among a claim's owners or takes it out, as retentionPolicy has it, and leaves
// every other owner alone.
func decideClaimOwners(session *v1alpha1.WhatsAppSession, claim *corev1.PersistentVolumeClaim) []metav1.OwnerReference {
	var owners []metav1.OwnerReference
	for _, owner := range claim.OwnerReferences {
		if owner.UID != session.UID {
			owners = append(owners, owner)
		}
	}
	return append(owners, resources.ClaimOwners(session)...)
}

// classifyClaim says how the session's claim stands.
func classifyClaim(s *scope) verdict {
	name := naming.ClaimName(s.session)
	template := s.session.Spec.Storage.ClaimName == ""
	switch {
	case s.holder != nil:
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonClaimShared, fmt.Sprintf(
			"The older WhatsAppSession %s keeps the claim %s with the clientId %s: delete one of the two, or make this one anew with another clientId or claim.",
			s.holder.Name, name, naming.ClientID(s.session)), stalled, never}
	case s.claim == nil && template:
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonClaimPending, fmt.Sprintf("The claim %s is being made.", name), moving, never}
	case s.claim == nil:
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonClaimNotFound, fmt.Sprintf(
			"There is no claim %s in this namespace: make it, or make the session anew with one that exists as spec.storage.claimName.", name), stalled, never}
	case template && !resources.OwnsClaim(s.session, s.claim) && passing(s.claim):
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonClaimTerminating, fmt.Sprintf(
			"The claim %s of an earlier session of this name is being deleted; another is made when it is gone.", name), moving, never}
	case template && !resources.OwnsClaim(s.session, s.claim):
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonClaimTaken, fmt.Sprintf(
			"The claim %s exists and was not made for this session: remove it, or make the session anew with it as spec.storage.claimName if it is meant.", name), stalled, never}
	case s.claim.DeletionTimestamp != nil:
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonClaimTerminating, fmt.Sprintf(
			"The claim %s is being deleted and goes when no pod uses it, and the session with it: take a backup from the bot first if it is to be kept.", name), moving, never}
	case s.claim.Status.Phase == corev1.ClaimLost:
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonClaimLost, fmt.Sprintf(
			"The claim %s has lost its volume %s: restore the volume, or delete the claim and link the session anew.", name, s.claim.Spec.VolumeName), stalled, never}
	case s.claim.Status.Phase == corev1.ClaimBound:
		return verdict{metav1.ConditionTrue, v1alpha1.ReasonClaimBound, fmt.Sprintf("The claim %s is bound.", name), settled, never}
	default:
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonClaimPending, fmt.Sprintf(
			"The claim %s waits for a volume: kubectl describe pvc %s says why; often its StorageClass is missing.", name, name), moving, never}
	}
}

// usable tells whether a pod may be made on the claim. A pending one is: some classes bind a claim only once a pod
// wants it.
func usable(storage verdict) bool {
	return storage.reason == v1alpha1.ReasonClaimBound || storage.reason == v1alpha1.ReasonClaimPending
}

// refused tells whether the API server understood a request and will not have it, as opposed to a failure on the way.
func refused(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err)
}

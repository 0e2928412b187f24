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

// ensureStorage creates the claim that the session's template asks for, and makes its owner follow retentionPolicy. It
// never deletes a claim: with retentionPolicy Delete the garbage collector does, through the owner.
func (r *Reconciler) ensureStorage(ctx context.Context, p *pass) error {
	desired := resources.BuildClaim(p.session)
	if desired != nil && p.claim == nil {
		if err := r.create(ctx, desired); err != nil {
			if apierrors.IsAlreadyExists(err) {
				return errBehind
			}
			if p.claimFailed = !refused(err); !p.claimFailed {
				p.storage = classifyRejection(kindClaimRejected, "PVC "+desired.Name, err)
				if apierrors.IsInvalid(err) {
					p.storage.message += " spec.storage.claimTemplate cannot be edited, so recreate the session with another one."
				}
				if p.pod == nil {
					p.bot, _ = decideCreate(&p.input, p.storage, nil)
				}
			}
			return fmt.Errorf("create PVC %s: %w", desired.Name, err)
		}
	}
	if desired == nil || p.claim == nil || !resources.OwnsClaim(p.session, p.claim) {
		return nil
	}
	owners := decideClaimOwners(p.session, p.claim)
	if equality.Semantic.DeepEqual(owners, p.claim.OwnerReferences) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": p.claim.ResourceVersion, "ownerReferences": owners,
	}})
	if err != nil {
		return fmt.Errorf("encode the owners of PVC %s: %w", p.claim.Name, err)
	}
	log.FromContext(ctx).Info("setting the claim's owners", "claim", p.claim.Name, "owners", len(owners))
	if err := r.Patch(ctx, p.claim.DeepCopy(), client.RawPatch(types.MergePatchType, patch)); err != nil {
		return fmt.Errorf("set the owners of PVC %s: %w", p.claim.Name, err)
	}
	return nil
}

// decideClaimOwners adds the session to a claim's owners or removes it, as retentionPolicy asks, and keeps every other
// owner.
func decideClaimOwners(session *v1alpha1.WhatsAppSession, claim *corev1.PersistentVolumeClaim) []metav1.OwnerReference {
	var owners []metav1.OwnerReference
	for _, owner := range claim.OwnerReferences {
		if owner.UID != session.UID {
			owners = append(owners, owner)
		}
	}
	return append(owners, resources.ClaimOwners(session)...)
}

// classifyClaim says what state the session's claim is in.
func classifyClaim(in *input) verdict {
	name := naming.ClaimName(in.session)
	template := in.session.Spec.Storage.ClaimName == ""
	switch {
	case in.holder != nil:
		return found(kindClaimShared,
			"The older WhatsAppSession %s uses PVC %s with clientId %s. Delete one of the two, or recreate this one with another clientId or PVC.",
			in.holder.Name, name, naming.ClientID(in.session))
	case in.claimReplaced():
		return found(kindClaimLost,
			"PVC %s was deleted while the bot in pod %s uses it, and the session ends with the pod. To keep the session: kubectl sesi backup %s, then kubectl sesi restore %s. Else delete the pod.",
			name, in.pod.Name, in.session.Name, in.session.Name)
	case in.claim == nil && template:
		return found(kindClaimPending, "Creating PVC %s.", name)
	case in.claim == nil:
		return found(kindClaimNotFound, "PVC %s not found. Create it, or recreate the session with an existing PVC as spec.storage.claimName.", name)
	case template && !resources.OwnsClaim(in.session, in.claim) && disappears(in.claim):
		return found(kindClaimTerminating, "Waiting for PVC %s %s to be removed before creating a new one.", name, leftBy(in.claim))
	case template && !resources.OwnsClaim(in.session, in.claim) && in.owned() && in.claim.Labels[naming.LabelSession] == "":
		return found(kindClaimTaken,
			"PVC %s has lost its label %s while the bot in pod %s uses it. Put it back: kubectl label pvc %s %s=%s.",
			name, naming.LabelSession, in.pod.Name, name, naming.LabelSession, in.session.Name)
	case template && !resources.OwnsClaim(in.session, in.claim):
		return found(kindClaimTaken,
			"PVC %s already exists and belongs to something else. Recreate the session with spec.storage.claimName: %s to use it, or give the session another name.", name, name)
	case in.claim.DeletionTimestamp != nil:
		return found(kindClaimTerminating,
			"PVC %s will be deleted as soon as no pod uses it, and the session with it. To keep the session, back it up now: kubectl sesi backup %s.", name, in.session.Name)
	case in.claim.Status.Phase == corev1.ClaimLost:
		return found(kindClaimLost, "PVC %s has lost its volume %s. Restore the volume, or delete the PVC and link the session again.", name, in.claim.Spec.VolumeName)
	case in.claim.Status.Phase == corev1.ClaimBound:
		return found(kindClaimBound, "PVC %s is bound.", name)
	case in.suspended():
		return found(kindClaimPending, "PVC %s is waiting for a volume. Its StorageClass may wait for the first pod, which suspended keeps away.", name).passedOn(settled)
	default:
		return found(kindClaimPending, "%s See kubectl describe pvc %s.", waitsFor(in.claim), name)
	}
}

// waitsFor says what a pending claim waits for, as far as the claim itself shows it. The API server enters the cluster's
// default StorageClass in a claim that names none.
func waitsFor(claim *corev1.PersistentVolumeClaim) string {
	class := naming.StorageClass(claim)
	switch {
	case claim.Spec.VolumeName != "":
		return fmt.Sprintf("PVC %s is waiting for the PersistentVolume %s.", claim.Name, claim.Spec.VolumeName)
	case class != "":
		return fmt.Sprintf("PVC %s is waiting for a volume of StorageClass %s.", claim.Name, class)
	case claim.Spec.StorageClassName == nil:
		return fmt.Sprintf("PVC %s is waiting for a volume. It names no StorageClass, and the cluster has no default.", claim.Name)
	default:
		return fmt.Sprintf("PVC %s is waiting for a PersistentVolume that fits. It asks for none to be made.", claim.Name)
	}
}

// usable reports whether a pod may be created on the claim. A pending claim is usable: some StorageClasses bind a claim
// only when a pod needs it.
func usable(storage verdict) bool {
	return storage.kind == kindClaimBound || storage.kind == kindClaimPending
}

// refused reports whether the API server understood a request and rejected it, as opposed to a failure on the way.
func refused(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err)
}

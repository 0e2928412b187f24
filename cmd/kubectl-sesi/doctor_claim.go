package main

import (
	"cmp"
	"context"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

const (
	// annotationNode is on a claim from the moment when the scheduler has a node for the claim's first pod.
	annotationNode = "volume.kubernetes.io/selected-node"
	// noProvisioner is the provisioner of a StorageClass whose volumes a person makes.
	noProvisioner = "kubernetes.io/no-provisioner"
)

func checkClaim(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) finding {
	name := naming.ClaimName(s)
	what := "the PVC " + name
	claim := &corev1.PersistentVolumeClaim{}
	if err := c.client.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: name}, claim); err != nil {
		return absent(s, what, err, v1alpha1.ConditionStorageReady, "create it, or let the operator create one: spec.storage.claimTemplate")
	}
	owner := metav1.GetControllerOf(claim)
	switch {
	case claim.DeletionTimestamp != nil && s.Spec.Storage.ClaimName == "" && owner != nil && owner.UID != s.UID:
		return finding{what: what, problem: "it is not this session's, and is being deleted", remedy: "wait; the operator then creates a new one"}
	case claim.DeletionTimestamp != nil:
		return finding{what: what, problem: "it is being deleted, and the session with it, once no pod uses it",
			remedy: "to keep the session, back it up now: kubectl sesi backup " + s.Name + " -o " + s.Name + ".db.zst"}
	case claim.Status.Phase == corev1.ClaimBound:
		return well(what)
	case claim.Status.Phase == corev1.ClaimLost:
		return finding{what: what, problem: "it has lost its volume " + claim.Spec.VolumeName, remedy: "restore the volume, or delete the PVC and link the session again"}
	}
	class := &storagev1.StorageClass{}
	err := c.client.Get(ctx, client.ObjectKey{Name: naming.StorageClass(claim)}, class)
	return classifyPending(s, claim, class, err)
}

// classifyPending says what a pending claim waits for. class is its StorageClass, unless err says why that is not known:
// it belongs to the cluster, so many users may not read it.
func classifyPending(s *v1alpha1.WhatsAppSession, claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass, err error) finding {
	what, name := "the PVC "+claim.Name, naming.StorageClass(claim)
	describe := "see its events: kubectl describe pvc " + claim.Name
	bad := func(problem, remedy string) finding {
		return finding{what: what, problem: "it is Pending: " + problem, remedy: remedy}
	}
	waits := func(problem, remedy string) finding {
		return finding{what: what, problem: "it is Pending: " + problem, remedy: remedy, waits: true}
	}
	// With a node, no pod keeps the claim waiting any more.
	placed := claim.Annotations[annotationNode] != ""
	ready := unmet(s, v1alpha1.ConditionReady)
	switch {
	case claim.Spec.VolumeName != "":
		return bad("it waits for the PersistentVolume "+claim.Spec.VolumeName, "create that volume, or free it: kubectl describe pv "+claim.Spec.VolumeName)
	case name == "" && claim.Spec.StorageClassName == nil:
		return bad("it names no StorageClass, and the cluster has no default", "mark a StorageClass as the default: kubectl get storageclass")
	case name == "":
		return bad("no PersistentVolume fits, and without a StorageClass none is made", "create one: "+describe)
	case apierrors.IsNotFound(err):
		return bad("no PersistentVolume fits, and its StorageClass "+name+" does not exist", "create that StorageClass: kubectl get storageclass")
	case err == nil && !placed && class.VolumeBindingMode != nil && *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer:
		return well(what + " (Pending until its first pod has a node)")
	case err == nil && class.Provisioner == noProvisioner:
		return bad("no PersistentVolume of its StorageClass "+name+" fits", "create one: "+describe)
	case err == nil:
		return bad("the provisioner "+class.Provisioner+" of its StorageClass "+name+" has made no volume yet", describe)
	case suspended(s) && !placed:
		return waits("its StorageClass "+name+" may wait for the first pod, which suspended keeps away", "kubectl sesi resume "+s.Name)
	case ready != nil && ready.Reason != v1alpha1.ReasonClaimPending && !placed:
		return waits("its StorageClass "+name+" may wait for the bot's pod", cmp.Or(ready.Message, ready.Reason))
	default:
		return bad("it waits for a volume of its StorageClass "+name, describe)
	}
}

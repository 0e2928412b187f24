package resources

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

var defaultClaimSize = resource.MustParse("256Mi")

const (
	// labelInstance is the label by which Argo CD tracks what belongs to an application, unless it is told to use another.
	labelInstance = "app.kubernetes.io/instance"
	// annotationSync says what Argo CD may do to an object that it tracks.
	annotationSync = "argocd.argoproj.io/sync-options"
)

// BuildClaim builds the claim of the session's claimTemplate, or nil when the session names an existing claim. Only with
// retentionPolicy Delete does the session own the claim, because the garbage collector deletes what is owned.
func BuildClaim(session *v1alpha1.WhatsAppSession) *corev1.PersistentVolumeClaim {
	if session.Spec.Storage.ClaimName != "" {
		return nil
	}
	template := v1alpha1.ClaimTemplate{}
	if session.Spec.Storage.ClaimTemplate != nil {
		template = *session.Spec.Storage.ClaimTemplate
	}
	size := template.Size
	if size.IsZero() {
		size = defaultClaimSize
	}
	mode := template.AccessMode
	if mode == "" {
		mode = v1alpha1.AccessReadWriteOncePod
	}
	labels := naming.Labels(session)
	// A retained claim has no owner: an Argo CD application with the session's name would prune it, and the session.
	delete(labels, labelInstance)
	annotations := maps.Clone(template.Annotations)
	if len(template.Labels) > 0 {
		// Labels that a chart gives to everything may be those by which Argo CD tracks an application.
		annotations = under(map[string]string{annotationSync: "Prune=false"}, annotations)
	}
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Name:            naming.Name(session),
			Namespace:       session.Namespace,
			Labels:          under(template.Labels, labels),
			Annotations:     annotations,
			OwnerReferences: ClaimOwners(session),
		},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.PersistentVolumeAccessMode(mode)},
			StorageClassName: copyOf(template.StorageClassName),
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: size},
			},
		},
	}
}

// ClaimOwners are the owner references of a claim that the operator created: the session with retentionPolicy Delete,
// none with Retain. They follow an edit of the policy.
func ClaimOwners(session *v1alpha1.WhatsAppSession) []metav1.OwnerReference {
	if session.Spec.Storage.RetentionPolicy != v1alpha1.RetentionDelete {
		return nil
	}
	return []metav1.OwnerReference{naming.OwnerReference(session)}
}

// OwnsClaim reports whether a claim with the session's name was created for a session of this name: this one, or a
// deleted one that left it.
func OwnsClaim(session *v1alpha1.WhatsAppSession, claim *corev1.PersistentVolumeClaim) bool {
	if claim.Labels[naming.LabelSession] != session.Name {
		return false
	}
	owner := metav1.GetControllerOf(claim)
	return owner == nil || owner.UID == session.UID
}

// copyOf copies a string of the session, which may be shared: a client writes the API server's answer into the object
// that it sent.
func copyOf(text *string) *string {
	if text == nil {
		return nil
	}
	return new(*text)
}

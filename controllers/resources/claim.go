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

// BuildClaim builds the claim that the session's template asks for, or nil when it names an existing one. Only
// a claim that is to be deleted with the session is owned by it: an owned one would be collected.
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
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Name:            naming.Name(session),
			Namespace:       session.Namespace,
			Labels:          under(template.Labels, naming.Labels(session)),
			Annotations:     maps.Clone(template.Annotations),
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

// ClaimOwners are the owner references of a claim that the operator made: the session's with retentionPolicy
// Delete, none with Retain. They follow the policy when it is edited.
func ClaimOwners(session *v1alpha1.WhatsAppSession) []metav1.OwnerReference {
	if session.Spec.Storage.RetentionPolicy != v1alpha1.RetentionDelete {
		return nil
	}
	return []metav1.OwnerReference{naming.OwnerReference(session)}
}

// OwnsClaim tells whether an existing claim of the session's name was made for a session of this name, by this
// one or by one that was deleted and left it.
func OwnsClaim(session *v1alpha1.WhatsAppSession, claim *corev1.PersistentVolumeClaim) bool {
	if claim.Labels[naming.LabelSession] != session.Name {
		return false
	}
	owner := metav1.GetControllerOf(claim)
	return owner == nil || owner.UID == session.UID
}

// copyOf keeps what is built apart from the session, which may be shared: a client writes the API server's answer into
// what it sent.
func copyOf(text *string) *string {
	if text == nil {
		return nil
	}
	return new(*text)
}

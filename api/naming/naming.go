// Package naming names what belongs to a WhatsAppSession: its objects, its labels, and the container and ports of its
// pod. It only computes; it never reads or writes the cluster.
package naming

import (
	"crypto/sha256"
	"encoding/hex"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/v1alpha1"
)

// LabelSession is on every object that the operator creates and holds the session's name. The operator's cache
// selects Secrets and pods by it.
const LabelSession = "sesi.dev/session"

// LabelDirectory is on every bot's pod and identifies the session directory that the pod opens (see Directory). Before
// the operator creates a pod, it lists the pods with this label to see which may still use the session's keys. The
// value "store" stays: a running pod of an earlier release carries it.
const LabelDirectory = "sesi.dev/store"

// LabelWebhooks, with the value "true", lets the webhooks of a namespace's sessions use a Secret. The operator reads no
// other Secret for them: else anyone who may edit a session could have any Secret of the namespace sent to an address of
// their choice.
const LabelWebhooks = "sesi.dev/webhooks"

// accessLabelPrefix begins the label that lets a pod of the session's namespace call its bot.
const accessLabelPrefix = "access.sesi.dev/"

// Container is the name of the bot's container; every other container of the pod is a sidecar.
const Container = "bot"

// Ports of the bot in its pod.
const (
	// PortTLS serves the API over HTTPS and asks for the token.
	PortTLS int32 = 8443
	// PortPlain serves the API on the pod's loopback only, without a token.
	PortPlain int32 = 8080
	// PortMetrics serves /livez, /readyz and /metrics.
	PortMetrics int32 = 9090
)

// Name is the name of the session's pod, Secret, Service and NetworkPolicy, and of the claim that the operator creates.
// The CRD limits session names to DNS labels of 60 characters, so the prefix fits. The prefix makes a phone number a
// valid Service name.
func Name(session *v1alpha1.WhatsAppSession) string { return "wa-" + session.Name }

// ClientID is the clientId in use: the spec's, or the session's name.
func ClientID(session *v1alpha1.WhatsAppSession) string {
	if session.Spec.ClientID != "" {
		return session.Spec.ClientID
	}
	return session.Name
}

// ClaimName is the name of the session's claim, whether the operator created it or not.
func ClaimName(session *v1alpha1.WhatsAppSession) string {
	if session.Spec.Storage.ClaimName != "" {
		return session.Spec.Storage.ClaimName
	}
	return Name(session)
}

// StorageClass returns the name of the claim's StorageClass; "" for none.
func StorageClass(claim *corev1.PersistentVolumeClaim) string {
	if claim.Spec.StorageClassName != nil {
		return *claim.Spec.StorageClassName
	}
	return claim.Annotations[corev1.BetaStorageClassAnnotation]
}

// ClaimKey identifies the session's claim in the whole cluster.
func ClaimKey(session *v1alpha1.WhatsAppSession) string {
	return session.Namespace + "/" + ClaimName(session)
}

// Directory identifies the session directory inside the namespace: two sessions have the same one exactly if they name
// the same claim and clientId. It is the value of LabelDirectory.
func Directory(session *v1alpha1.WhatsAppSession) string {
	sum := sha256.Sum256([]byte(ClaimName(session) + "/" + ClientID(session)))
	return hex.EncodeToString(sum[:16])
}

// DirectoryKey identifies the session directory in the whole cluster.
func DirectoryKey(session *v1alpha1.WhatsAppSession) string {
	return session.Namespace + "/" + Directory(session)
}

// ServerName is the name in the bot's serving certificate that callers verify.
func ServerName(session *v1alpha1.WhatsAppSession) string {
	return Name(session) + "." + session.Namespace + ".svc"
}

// AccessLabel is the label that, with the value "true", lets a pod of the session's namespace call its bot.
func AccessLabel(session *v1alpha1.WhatsAppSession) string { return accessLabelPrefix + session.Name }

// Selector selects the session's objects.
func Selector(session *v1alpha1.WhatsAppSession) map[string]string {
	return map[string]string{LabelSession: session.Name}
}

// Labels are the labels of every object of the session.
func Labels(session *v1alpha1.WhatsAppSession) map[string]string {
	return map[string]string{
		LabelSession:                   session.Name,
		"app.kubernetes.io/name":       "sesi-bot",
		"app.kubernetes.io/instance":   session.Name,
		"app.kubernetes.io/component":  "bot",
		"app.kubernetes.io/part-of":    "sesi",
		"app.kubernetes.io/managed-by": "sesi",
	}
}

// ObjectMeta is the metadata of an object that is deleted together with the session.
func ObjectMeta(session *v1alpha1.WhatsAppSession) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name:            Name(session),
		Namespace:       session.Namespace,
		Labels:          Labels(session),
		OwnerReferences: []metav1.OwnerReference{OwnerReference(session)},
	}
}

// OwnerReference makes the session the controller of an object. It does not block the session's deletion: that needs a
// right on the session's finalizers, and no object has to go before the session does.
func OwnerReference(session *v1alpha1.WhatsAppSession) metav1.OwnerReference {
	controller := true
	return metav1.OwnerReference{
		APIVersion: v1alpha1.GroupVersion.String(),
		Kind:       "WhatsAppSession",
		Name:       session.Name,
		UID:        session.UID,
		Controller: &controller,
	}
}

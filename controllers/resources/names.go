package resources

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/v1alpha1"
)

// LabelSession is on everything the operator makes and holds the session's name. The operator's cache sees
// Secrets and pods by it alone.
const LabelSession = "sesi.dev/session"

// LabelStore is on every bot's pod and is the same for two pods of a namespace if they would open the same
// session directory: the name in it is that of the claim and the clientId. By it the operator asks the API server,
// before it makes a pod, whether another one may still hold the session's keys.
const LabelStore = "sesi.dev/store"

// accessLabelPrefix begins the label by which a pod of the session's namespace may call its bot.
const accessLabelPrefix = "access.sesi.dev/"

// Name is the name of the session's pod, Secret, Service and NetworkPolicy, and of the claim made for it. The
// CRD keeps session names to DNS labels of 60 characters, so that the prefix fits, makes a Service name of a
// phone number, and maps no two sessions to one name.
func Name(session *v1alpha1.WhatsAppSession) string { return "wa-" + session.Name }

// ClientID is the clientId in effect.
func ClientID(session *v1alpha1.WhatsAppSession) string {
	if session.Spec.ClientID != "" {
		return session.Spec.ClientID
	}
	return session.Name
}

// ClaimName is the name of the claim that keeps the session, whoever made it.
func ClaimName(session *v1alpha1.WhatsAppSession) string {
	if session.Spec.Storage.ClaimName != "" {
		return session.Spec.Storage.ClaimName
	}
	return Name(session)
}

// ServerName is the name that the bot's serving certificate is checked against.
func ServerName(session *v1alpha1.WhatsAppSession) string {
	return Name(session) + "." + session.Namespace + ".svc"
}

// AccessLabel is the label, with the value "true", by which a pod of the session's namespace may call its bot.
func AccessLabel(session *v1alpha1.WhatsAppSession) string { return accessLabelPrefix + session.Name }

// Selector selects what was made for the session.
func Selector(session *v1alpha1.WhatsAppSession) map[string]string {
	return map[string]string{LabelSession: session.Name}
}

// Store is the value of LabelStore.
func Store(session *v1alpha1.WhatsAppSession) string {
	sum := sha256.Sum256([]byte(ClaimName(session) + "/" + ClientID(session)))
	return hex.EncodeToString(sum[:16])
}

// Labels are those of everything that was made for the session.
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

// objectMeta is that of everything which ends with the session.
func objectMeta(session *v1alpha1.WhatsAppSession) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name:            Name(session),
		Namespace:       session.Namespace,
		Labels:          Labels(session),
		OwnerReferences: []metav1.OwnerReference{ownerReference(session)},
	}
}

// ownerReference makes the session the controller of an object. It does not block the session's deletion:
// that would need a right on the session's finalizers, and nothing here has to go before the session does.
func ownerReference(session *v1alpha1.WhatsAppSession) metav1.OwnerReference {
	controller := true
	return metav1.OwnerReference{
		APIVersion: v1alpha1.GroupVersion.String(),
		Kind:       "WhatsAppSession",
		Name:       session.Name,
		UID:        session.UID,
		Controller: &controller,
	}
}

// under returns lower overlaid by upper; upper wins.
func under(lower, upper map[string]string) map[string]string {
	merged := make(map[string]string, len(lower)+len(upper))
	maps.Copy(merged, lower)
	maps.Copy(merged, upper)
	return merged
}

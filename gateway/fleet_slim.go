package gateway

import (
	"encoding/pem"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	botclient "sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// Fields of a session's Secret as the gateway keeps it. It never holds the bot's private key.
const (
	keptToken = "token"
	keptPins  = "pins"
)

func slimMeta(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
		if annotations := accessor.GetAnnotations(); annotations[corev1.LastAppliedConfigAnnotation] != "" {
			delete(annotations, corev1.LastAppliedConfigAnnotation)
		}
	}
	return object, nil
}

// slimSession drops the pod's template, which only the operator reads.
func slimSession(object any) (any, error) {
	if session, ok := object.(*v1alpha1.WhatsAppSession); ok {
		session.Spec.Template = nil
	}
	return slimMeta(object)
}

func slimPod(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion,
			DeletionTimestamp: pod.DeletionTimestamp, OwnerReferences: pod.OwnerReferences,
			Labels: map[string]string{naming.LabelSession: pod.Labels[naming.LabelSession]},
		},
		Status: corev1.PodStatus{Phase: pod.Status.Phase, PodIP: pod.Status.PodIP},
	}, nil
}

// slimSecret keeps the token and the pins of the certificates that the bot may serve: the present one and at most one
// other, as the operator does.
func slimSecret(object any) (any, error) {
	secret, ok := object.(*corev1.Secret)
	if !ok {
		return object, nil
	}
	if _, done := secret.Data[keptPins]; done {
		return object, nil // an informer may ask twice
	}
	var pins []byte
	known := map[botclient.Pin]bool{}
	for _, field := range []string{credentials.KeyCertificate, credentials.KeyRoots} {
		for block, rest := pem.Decode(secret.Data[field]); block != nil && len(known) < len(botclient.Pins{}); block, rest = pem.Decode(rest) {
			pin, err := botclient.PinOf(pem.EncodeToMemory(block))
			if err == nil && !known[pin] {
				known[pin] = true
				pins = append(pins, pin[:]...)
			}
		}
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: secret.Namespace, Name: secret.Name, UID: secret.UID, ResourceVersion: secret.ResourceVersion,
			OwnerReferences: secret.OwnerReferences,
			Labels:          map[string]string{naming.LabelSession: secret.Labels[naming.LabelSession]},
		},
		Data: map[string][]byte{keptToken: []byte(strings.TrimSpace(string(secret.Data[credentials.KeyToken]))), keptPins: pins},
	}, nil
}

package controllers_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	admission "k8s.io/api/admission/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/v1alpha1"
)

const policySays = "the policy of this company forbids it"

// forbid puts a real admission webhook before some requests of the operator in the namespace. It answers, and refuses.
func (w *world) forbid(operation admissionv1.OperationType, group, kind string) {
	w.t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		var review admission.AdmissionReview
		if err := json.NewDecoder(in.Body).Decode(&review); err != nil || review.Request == nil {
			http.Error(out, "no review", http.StatusBadRequest)
			return
		}
		mine := strings.HasPrefix(review.Request.UserInfo.Username, "operator-")
		review.Response = &admission.AdmissionResponse{UID: review.Request.UID, Allowed: !mine, Result: &metav1.Status{Message: policySays}}
		out.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(out).Encode(review)
	}))
	w.t.Cleanup(server.Close)
	hook := webhook(w.namespace, server.URL, operation, group, kind)
	hook.Webhooks[0].ClientConfig.CABundle = pemOf(server.Certificate())
	// The API server may know the webhook for a moment after the test has removed it and its server.
	ignore := admissionv1.Ignore
	hook.Webhooks[0].FailurePolicy = &ignore
	if err := w.cluster.Client.Create(w.t.Context(), hook); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = w.cluster.Client.Delete(w.t.Context(), hook) })
}

func pemOf(certificate *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
}

// untilShown waits until a condition holds the webhook's words, and an event has that condition's reason.
func (w *world) untilShown(name string) {
	w.t.Helper()
	reason := ""
	w.until(name, "the refusal", func(s *v1alpha1.WhatsAppSession) bool {
		for _, condition := range s.Status.Conditions {
			if strings.Contains(condition.Message, policySays) {
				reason = condition.Reason
				return has(s, v1alpha1.ConditionReady, metav1.ConditionFalse, reason)
			}
		}
		return false
	})
	w.untilEvent(name, reason)
}

// Whatever a policy refuses the operator, a user reads the policy's words in a condition and in an event.
func TestEveryRefusedWriteIsShown(t *testing.T) {
	t.Parallel()
	at := func(w *world) metav1.ObjectMeta { return metav1.ObjectMeta{Name: "wa-kasir", Namespace: w.namespace} }
	cases := map[string]struct {
		operation   admissionv1.OperationType
		group, kind string
		spec        func(*v1alpha1.WhatsAppSession)
		// then makes the operator write, after the session came up; nil for a write of the start.
		then func(w *world, session *v1alpha1.WhatsAppSession)
	}{
		"create a claim":         {operation: admissionv1.Create, kind: "persistentvolumeclaims"},
		"create a Secret":        {operation: admissionv1.Create, kind: "secrets"},
		"create a Service":       {operation: admissionv1.Create, kind: "services"},
		"create a NetworkPolicy": {operation: admissionv1.Create, group: "networking.k8s.io", kind: "networkpolicies"},
		"create a pod":           {operation: admissionv1.Create, kind: "pods"},
		"add the finalizer": {operation: admissionv1.Update, group: "sesi.dev", kind: "whatsappsessions",
			spec: func(s *v1alpha1.WhatsAppSession) { s.Spec.DeletionPolicy = v1alpha1.DeletionUnlink }},
		"update a Service": {operation: admissionv1.Update, kind: "services", then: func(w *world, _ *v1alpha1.WhatsAppSession) {
			edit(w, &corev1.Service{ObjectMeta: at(w)}, func(s *corev1.Service) { s.Spec.Selector = map[string]string{"app": "thief"} })
		}},
		"update a NetworkPolicy": {operation: admissionv1.Update, group: "networking.k8s.io", kind: "networkpolicies", then: func(w *world, _ *v1alpha1.WhatsAppSession) {
			edit(w, &networkingv1.NetworkPolicy{ObjectMeta: at(w)}, func(p *networkingv1.NetworkPolicy) {
				p.Spec.Ingress = append(p.Spec.Ingress, networkingv1.NetworkPolicyIngressRule{})
			})
		}},
		"update a Secret": {operation: admissionv1.Update, kind: "secrets", then: func(w *world, _ *v1alpha1.WhatsAppSession) {
			edit(w, &corev1.Secret{ObjectMeta: at(w)}, func(s *corev1.Secret) { s.Data = map[string][]byte{"token": []byte("short")} })
		}},
		"own the claim": {operation: admissionv1.Update, kind: "persistentvolumeclaims", then: func(w *world, session *v1alpha1.WhatsAppSession) {
			edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Storage.RetentionPolicy = v1alpha1.RetentionDelete })
		}},
		"delete the pod": {operation: admissionv1.Delete, kind: "pods", then: func(w *world, session *v1alpha1.WhatsAppSession) {
			edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Locale = v1alpha1.LocaleEnglish })
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.then == nil {
				w.forbid(c.operation, c.group, c.kind)
			}
			w.operate(staging{})
			if c.then == nil {
				w.create("kasir", c.spec)
			} else {
				session := w.comeUp("kasir", "62811:1@s.whatsapp.net", c.spec)
				w.forbid(c.operation, c.group, c.kind)
				c.then(w, session)
			}
			w.untilShown("kasir")
		})
	}
}

package controllers_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	admission "k8s.io/api/admission/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sesi.dev/sesi/api/bot"
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
		mine := strings.HasPrefix(review.Request.UserInfo.Username, "operator-") || review.Request.Kind.Kind == "ConfigMap"
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
	w.install(hook)
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
		// storage: StorageReady says it.
		storage bool
	}{
		"create a claim":         {operation: admissionv1.Create, kind: "persistentvolumeclaims", storage: true},
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
	// Whatever the operator may write is among the cases. A refused status has a test of its own; nothing shows a refused event.
	var role rbacv1.ClusterRole
	readYAML(t, filepath.Join("..", "config", "rbac", "role.yaml"), &role)
	writes := map[string]admissionv1.OperationType{"create": admissionv1.Create, "update": admissionv1.Update, "patch": admissionv1.Update, "delete": admissionv1.Delete}
	for _, rule := range role.Rules {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				found := writes[verb] == "" || resource == "events" || strings.HasSuffix(resource, "/status")
				for _, c := range cases {
					found = found || c.operation == writes[verb] && c.kind == resource
				}
				if !found {
					t.Errorf("no case refuses to %s %s", verb, resource)
				}
			}
		}
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
			if c.then == nil && w.pod("kasir") != nil {
				t.Error("the pod was created before what it needs")
			}
			if now := w.get("kasir"); c.storage && !has(now, v1alpha1.ConditionStorageReady, metav1.ConditionFalse, v1alpha1.ReasonClaimRejected) {
				t.Errorf("StorageReady does not say so:\n%s", show(now))
			}
			if now := w.get("kasir"); c.storage && !has(now, v1alpha1.ConditionPodReady, metav1.ConditionFalse, v1alpha1.ReasonAwaitingStorage) {
				t.Errorf("PodReady does not say that the pod waits for its claim:\n%s", show(now))
			}
		})
	}
}

// mutate puts a real admission webhook before each create and update of some objects in the namespace, which changes them as a
// policy of a company does. patch is a JSON patch.
func (w *world) mutate(group, kind, patch string) {
	w.t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		var review admission.AdmissionReview
		if err := json.NewDecoder(in.Body).Decode(&review); err != nil || review.Request == nil {
			http.Error(out, "no review", http.StatusBadRequest)
			return
		}
		form := admission.PatchTypeJSONPatch
		review.Response = &admission.AdmissionResponse{UID: review.Request.UID, Allowed: true, PatchType: &form, Patch: []byte(patch)}
		if review.Request.Kind.Kind == "ConfigMap" {
			review.Response = &admission.AdmissionResponse{UID: review.Request.UID}
		}
		out.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(out).Encode(review)
	}))
	w.t.Cleanup(server.Close)
	from := webhook(w.namespace, server.URL, admissionv1.Create, group, kind).Webhooks[0]
	ignore := admissionv1.Ignore
	rules := from.Rules
	rules[0].Operations = append(rules[0].Operations, admissionv1.Update)
	hook := &admissionv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}, Webhooks: []admissionv1.MutatingWebhook{{
		Name: from.Name, ClientConfig: from.ClientConfig, SideEffects: from.SideEffects, AdmissionReviewVersions: from.AdmissionReviewVersions,
		NamespaceSelector: from.NamespaceSelector, Rules: rules, FailurePolicy: &ignore,
	}}}
	hook.Webhooks[0].ClientConfig.CABundle = pemOf(server.Certificate())
	w.install(hook)
}

// A policy that changes an object costs no write where the operator does not care, and a bounded number where it does; then
// the session says so.
func TestAPolicyThatChangesObjectsCostsFewWrites(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		group, kind, patch string
		// undone: the operator wants it otherwise.
		undone bool
	}{
		"a label on a Service":            {"", "services", `[{"op":"add","path":"/metadata/labels/team","value":"sales"}]`, false},
		"an affinity of a Service":        {"", "services", `[{"op":"add","path":"/spec/sessionAffinity","value":"ClientIP"}]`, false},
		"the selector of a Service":       {"", "services", `[{"op":"add","path":"/spec/selector/team","value":"sales"}]`, true},
		"an annotation of a policy":       {"networking.k8s.io", "networkpolicies", `[{"op":"add","path":"/metadata/annotations","value":{"team":"sales"}}]`, false},
		"another rule in a NetworkPolicy": {"networking.k8s.io", "networkpolicies", `[{"op":"add","path":"/spec/egress/-","value":{"ports":[{"port":5432}]}}]`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var updates, passes atomic.Int32
			op := w.operate(staging{calls: &interceptor.Funcs{
				Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
					updates.Add(1)
					return c.Update(ctx, o, opts...)
				},
				SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
					passes.Add(1)
					return c.SubResource(sub).Patch(ctx, o, patch, opts...)
				},
			}})
			session := w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
			w.mutate(c.group, c.kind, c.patch)
			var object client.Object = &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "wa-kasir", Namespace: w.namespace}}
			if c.group != "" {
				object = &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "wa-kasir", Namespace: w.namespace}}
			}
			edit(w, object, func(o client.Object) { o.SetLabels(merged(o.GetLabels(), "touched", "yes")) })
			// Each change of the status is a pass that looks at all objects again.
			b := w.bots.Bot(w.key("kasir"))
			for n := range 20 {
				name := fmt.Sprint("Toko ", n)
				b.Change(func(s *bot.Snapshot) { s.PushName = name })
				w.until("kasir", "the name "+name, func(s *v1alpha1.WhatsAppSession) bool {
					return s.Status.Session != nil && s.Status.Session.PushName == name
				})
			}
			if passes.Load() < 20 {
				t.Fatalf("only %d passes", passes.Load())
			}
			if !c.undone {
				if n := updates.Load(); n > 0 {
					t.Errorf("%d updates for a change that does no harm\n%s", n, op.log)
				}
				return
			}
			if n := updates.Load(); n > correctionsShown {
				t.Errorf("%d updates in %d passes", n, passes.Load())
			}
			w.untilCondition("kasir", v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonUndone)
			if now := w.get(session.Name); !has(now, v1alpha1.ConditionConnected, metav1.ConditionTrue, "") {
				t.Errorf("the bot is not connected:\n%s", show(now))
			}
		})
	}
}

// A policy that changes what the operator marks a pod with makes it replace a few pods; then the bot runs on, and the session
// says so.
func TestAPolicyThatChangesPodsReplacesFew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linked()
	w.operate(staging{})
	w.mutate("", "pods", `[{"op":"add","path":"/metadata/annotations/sesi.dev~1spec-hash","value":"stripped"}]`)
	w.create("kasir", nil)
	w.untilCondition("kasir", v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonUndone)
	started := w.cluster.Node.Started(w.key("kasir"))
	if started > correctionsShown {
		t.Errorf("%d pods were started", started)
	}
	w.untilCondition("kasir", v1alpha1.ConditionConnected, metav1.ConditionTrue, "")
	w.bots.Bot(w.key("kasir")).Change(func(s *bot.Snapshot) { s.PushName = "the last one" })
	w.until("kasir", "a later report", func(s *v1alpha1.WhatsAppSession) bool {
		return s.Status.Session.PushName == "the last one" && has(s, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonUndone)
	})
	if now := w.cluster.Node.Started(w.key("kasir")); now != started {
		t.Errorf("another %d pods were started", now-started)
	}
}

func merged(labels map[string]string, name, value string) map[string]string {
	labels = maps.Clone(labels)
	labels[name] = value
	return labels
}

// correctionsShown is more than the corrections of one object that the operator tries at once.
const correctionsShown = 8

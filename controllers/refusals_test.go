package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/resources"
	"sesi.dev/sesi/test/apiserver"
)

// A running bot is not stopped for a pod that the API server rejects.
func TestARunningBotIsKeptWhenItsReplacementIsRejected(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		template map[string]any
		says     string
	}{
		"a limit below the request": {map[string]any{"containers": []any{map[string]any{"name": "bot",
			"resources": map[string]any{"limits": map[string]any{"memory": "32Mi"}}}}}, "memory"},
		"a sidecar that Pod Security forbids": {map[string]any{"containers": []any{map[string]any{"name": "logic", "image": "logic:1"}}}, "PodSecurity"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var namespace corev1.Namespace
			namespace.Name = w.namespace
			edit(w, &namespace, func(n *corev1.Namespace) { n.Labels["pod-security.kubernetes.io/enforce"] = "restricted" })
			apiserver.UntilRefused(t, w.cluster.Client, w.largePod())
			w.operate(staging{})
			session := w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
			before := w.pod("kasir")
			edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Template = template(c.template) })
			kept := w.untilCondition("kasir", v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonPodRejected)
			if now := w.pod("kasir"); now == nil || now.UID != before.UID || now.DeletionTimestamp != nil {
				t.Error("the bot was stopped")
			}
			if !has(kept, v1alpha1.ConditionConnected, metav1.ConditionTrue, "") || !has(kept, v1alpha1.ConditionPodReady, metav1.ConditionTrue, "") ||
				!has(kept, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPodRejected) ||
				!strings.Contains(meta.FindStatusCondition(kept.Status.Conditions, v1alpha1.ConditionStalled).Message, c.says) {
				t.Errorf("the status is\n%s", show(kept))
			}
			w.untilEvent("kasir", v1alpha1.ReasonPodRejected)
			edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Template, s.Spec.Locale = nil, v1alpha1.LocaleEnglish })
			w.untilReplaced("kasir", before)
		})
	}
}

// A quota that the present pod uses up does not keep that pod from being replaced.
func TestAQuotaOfOnePodLetsItBeReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "one", Namespace: w.namespace},
		Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("1")}}}
	if err := w.cluster.Client.Create(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	// No quota controller runs here, so the test writes its status.
	used := func(pods string) {
		editStatus(w, quota, func(q *corev1.ResourceQuota) {
			q.Status.Hard, q.Status.Used = q.Spec.Hard, corev1.ResourceList{corev1.ResourcePods: resource.MustParse(pods)}
		})
	}
	used("0")
	w.operate(staging{})
	session := w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	before := w.pod("kasir")
	used("1")
	edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Locale = v1alpha1.LocaleEnglish })
	within(t, "the old pod to go", func() bool { now := w.pod("kasir"); return now == nil || now.UID != before.UID })
	used("0")
	w.untilReplaced("kasir", before)
}

// A running bot is not stopped for a pod that a quota has no room for, even without the present pod. It is replaced when
// the quota is raised.
func TestAQuotaWithoutRoomKeepsTheBot(t *testing.T) {
	t.Parallel()
	larger := template(map[string]any{"containers": []any{map[string]any{"name": "bot", "resources": map[string]any{
		"requests": map[string]any{"memory": "128Mi"}, "limits": map[string]any{"memory": "256Mi"}}}}})
	for name, c := range map[string]struct {
		resource                                corev1.ResourceName
		used, limited, raised, usedOnceReplaced string
		edit                                    func(*v1alpha1.WhatsAppSession)
	}{
		"no pod":           {corev1.ResourcePods, "1", "0", "1", "0", func(s *v1alpha1.WhatsAppSession) { s.Spec.Locale = v1alpha1.LocaleEnglish }},
		"less memory":      {corev1.ResourceRequestsMemory, "48Mi", "100Mi", "128Mi", "0", func(s *v1alpha1.WhatsAppSession) { s.Spec.Template = larger }},
		"memory of others": {corev1.ResourceMemory, "148Mi", "200Mi", "228Mi", "100Mi", func(s *v1alpha1.WhatsAppSession) { s.Spec.Template = larger }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.operate(staging{})
			session := w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
			before := w.pod("kasir")
			quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "small", Namespace: w.namespace}}
			if err := w.cluster.Client.Create(t.Context(), quota); err != nil {
				t.Fatal(err)
			}
			allow := func(hard, used string) {
				edit(w, quota, func(q *corev1.ResourceQuota) { q.Spec.Hard = corev1.ResourceList{c.resource: resource.MustParse(hard)} })
				editStatus(w, quota, func(q *corev1.ResourceQuota) {
					q.Status.Hard, q.Status.Used = q.Spec.Hard, corev1.ResourceList{c.resource: resource.MustParse(used)}
				})
			}
			allow(c.limited, c.used)
			apiserver.UntilRefused(t, w.cluster.Client, w.largePod())
			edit(w, session, c.edit)
			kept := w.untilCondition("kasir", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPodRejected)
			if now := w.pod("kasir"); now == nil || now.UID != before.UID || now.DeletionTimestamp != nil {
				t.Fatalf("the bot was stopped:\n%s", show(kept))
			}
			if !has(kept, v1alpha1.ConditionConnected, metav1.ConditionTrue, "") || !has(kept, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonPodRejected) ||
				!strings.Contains(meta.FindStatusCondition(kept.Status.Conditions, v1alpha1.ConditionReady).Message, "exceeded quota: small") {
				t.Errorf("the status is\n%s", show(kept))
			}
			allow(c.raised, c.used)
			within(t, "the old pod to go", func() bool { now := w.pod("kasir"); return now == nil || now.UID != before.UID })
			allow(c.raised, c.usedOnceReplaced)
			w.untilReplaced("kasir", before)
		})
	}
}

// largePod is a pod that no quota of these tests has room for, and that the Pod Security profile "restricted" forbids.
func (w *world) largePod() *corev1.Pod {
	large := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Gi")}
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "large"}, Spec: corev1.PodSpec{Containers: []corev1.Container{
		{Name: "x", Image: "x", Resources: corev1.ResourceRequirements{Requests: large, Limits: large}}}}}
}

// refuse puts an admission webhook that never answers before some requests in the namespace.
func (w *world) refuse(operation admissionv1.OperationType, group, kind string) {
	w.t.Helper()
	w.install(webhook(w.namespace, "https://127.0.0.1:1/", operation, group, kind))
}

// install makes the API server ask a webhook, until the test ends. Each webhook here refuses every ConfigMap, which shows
// that the API server knows it.
func (w *world) install(hook client.Object) {
	w.t.Helper()
	if err := w.cluster.Client.Create(w.t.Context(), hook); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = w.cluster.Client.Delete(context.Background(), hook) })
	apiserver.UntilRefused(w.t, w.cluster.Client, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "refused"}})
}

// webhook is one before some requests in a namespace, whose name it has, and before the creation of ConfigMaps.
func webhook(namespace, url string, operation admissionv1.OperationType, group, kind string) *admissionv1.ValidatingWebhookConfiguration {
	sideEffects := admissionv1.SideEffectClassNone
	return &admissionv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: namespace},
		Webhooks: []admissionv1.ValidatingWebhook{{
			Name: "down.example.com", ClientConfig: admissionv1.WebhookClientConfig{URL: &url},
			SideEffects: &sideEffects, AdmissionReviewVersions: []string{"v1"},
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}},
			Rules: []admissionv1.RuleWithOperations{{Operations: []admissionv1.OperationType{operation},
				Rule: admissionv1.Rule{APIGroups: []string{group}, APIVersions: []string{"*"}, Resources: []string{kind}}},
				{Operations: []admissionv1.OperationType{admissionv1.Create},
					Rule: admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"*"}, Resources: []string{"configmaps"}}}},
		}}}
}

// Every create that keeps failing shows in a condition, with its cause and an event.
func TestAWriteThatKeepsFailingIsShown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ group, kind, condition string }{
		"claim":         {"", "persistentvolumeclaims", v1alpha1.ConditionStorageReady},
		"secret":        {"", "secrets", v1alpha1.ConditionPodReady},
		"service":       {"", "services", v1alpha1.ConditionPodReady},
		"networkpolicy": {"networking.k8s.io", "networkpolicies", v1alpha1.ConditionPodReady},
		"pod":           {"", "pods", v1alpha1.ConditionPodReady},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.refuse(admissionv1.Create, c.group, c.kind)
			w.operate(staging{})
			w.create("kasir", nil)
			shown := w.until("kasir", "the failure", func(s *v1alpha1.WhatsAppSession) bool {
				return has(s, c.condition, metav1.ConditionFalse, v1alpha1.ReasonWriteFailed) && has(s, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonWriteFailed)
			})
			ready := meta.FindStatusCondition(shown.Status.Conditions, v1alpha1.ConditionReady)
			if ready.Reason != v1alpha1.ReasonWriteFailed || !strings.Contains(ready.Message, "down.example.com") {
				t.Errorf("the status is\n%s", show(shown))
			}
			w.untilEvent("kasir", v1alpha1.ReasonWriteFailed)
		})
	}
}

// Nobody undid a correction that failed: its cause is shown, and nobody is accused.
func TestACorrectionThatKeepsFailingIsShown(t *testing.T) {
	t.Parallel()
	const down = "the webhook down.example.com does not answer"
	for name, c := range map[string]struct {
		change func(w *world)
		calls  *interceptor.Funcs
	}{
		"an update": {func(w *world) {
			edit(w, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "wa-kasir", Namespace: w.namespace}},
				func(s *corev1.Service) { s.Spec.Selector = map[string]string{"app": "thief"} })
			w.refuse(admissionv1.Update, "", "services")
		}, nil},
		"a replacement": {func(w *world) {
			edit(w, w.get("kasir"), func(s *v1alpha1.WhatsAppSession) { s.Spec.Locale = v1alpha1.LocaleEnglish })
		}, &interceptor.Funcs{Delete: func(context.Context, client.WithWatch, client.Object, ...client.DeleteOption) error {
			return apierrors.NewInternalError(errors.New(down))
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			first := w.operate(staging{})
			w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
			first.stop()
			c.change(w)
			w.operate(staging{calls: c.calls})
			shown := w.untilCondition("kasir", v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonWriteFailed)
			if message := meta.FindStatusCondition(shown.Status.Conditions, v1alpha1.ConditionStalled).Message; !strings.Contains(message, "down.example.com") {
				t.Errorf("it says %q", message)
			}
		})
	}
}

// A status that cannot be written shows in an event: nothing else can.
func TestAStatusThatCannotBeWrittenIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.refuse(admissionv1.Update, "sesi.dev", "whatsappsessions/status")
	w.operate(staging{})
	w.create("kasir", nil)
	w.untilEvent("kasir", v1alpha1.ReasonWriteFailed)
}

// repeated is a list of some 700 kB; item is one element, with the element's number in place of %d.
func repeated(item string) string {
	var list strings.Builder
	for n := 0; list.Len() < 700_000; n++ {
		if n > 0 {
			list.WriteByte(',')
		}
		list.WriteString(strings.ReplaceAll(item, "%d", fmt.Sprint(n)))
	}
	return "[" + list.String() + "]"
}

// hostileTemplates are pod specs that would take a merge many seconds, or much memory.
func hostileTemplates() map[string]string {
	bot := func(field, item string) string {
		return `{"containers":[{"name":"bot","` + field + `":` + repeated(item) + `}]}`
	}
	return map[string]string{
		"variables":             bot("env", `{"name":"V%d","value":"x"}`),
		"the same variable":     bot("env", `{"name":"V","value":"%d"}`),
		"deleted variables":     bot("env", `{"name":"V%d","$patch":"delete"}`),
		"an order of variables": bot("$setElementOrder/env", `{"name":"V%d"}`),
		"mounts":                bot("volumeMounts", `{"name":"v%d","mountPath":"/v%d"}`),
		"ports":                 bot("ports", `{"containerPort":%d,"protocol":"TCP"}`),
		"arguments":             bot("args", `"%d"`),
		"sources of variables":  bot("envFrom", `{"configMapRef":{"name":"c%d"}}`),
		"capabilities":          `{"containers":[{"name":"bot","securityContext":{"capabilities":{"add":` + repeated(`"C%d"`) + `}}}]}`,
		"containers":            `{"containers":` + repeated(`{"name":"c%d","image":"i"}`) + `}`,
		"deleted containers":    `{"containers":` + repeated(`{"name":"c%d","$patch":"delete"}`) + `}`,
		"init containers":       `{"initContainers":` + repeated(`{"name":"c%d","image":"i"}`) + `}`,
		"volumes":               `{"volumes":` + repeated(`{"name":"v%d","emptyDir":{}}`) + `}`,
		"tolerations":           `{"tolerations":` + repeated(`{"key":"k%d","operator":"Exists"}`) + `}`,
		"secrets":               `{"imagePullSecrets":` + repeated(`{"name":"s%d"}`) + `}`,
		"host aliases":          `{"hostAliases":` + repeated(`{"ip":"10.0.0.1","hostnames":["h%d"]}`) + `}`,
		"spread constraints":    `{"topologySpreadConstraints":` + repeated(`{"topologyKey":"k%d","maxSkew":1,"whenUnsatisfiable":"DoNotSchedule"}`) + `}`,
		"deleted from a list":   `{"$deleteFromPrimitiveList/finalizers":` + repeated(`"f%d"`) + `}`,
		"one long string":       `{"containers":[{"name":"bot","args":["` + strings.Repeat("x", 700_000) + `"]}]}`,
		"a deep hole":           `{"affinity":` + strings.Repeat(`{"a":`, 2_000) + `1` + strings.Repeat(`}`, 2_000) + `}`,
	}
}

// Templates that take many seconds to merge stop their own sessions and no others. The operator serves the whole cluster, so
// this test runs alone.
func TestHostileTemplatesDelayNobody(t *testing.T) {
	hostile, honest := newWorld(t), newWorld(t)
	names := map[string]string{}
	for what, spec := range hostileTemplates() {
		name := fmt.Sprintf("s%d", len(names))
		names[name] = what
		hostile.create(name, func(s *v1alpha1.WhatsAppSession) {
			s.Spec.Template = &v1alpha1.PodTemplate{Spec: &runtime.RawExtension{Raw: []byte(spec)}}
		})
	}
	var mu sync.Mutex
	served, most := 0, 0
	serves := func(by int) {
		mu.Lock()
		defer mu.Unlock()
		served += by
		most = max(most, served)
	}
	hostile.operate(staging{everywhere: true, calls: &interceptor.Funcs{
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			if session, is := o.(*v1alpha1.WhatsAppSession); is && resources.Oversized(session) {
				serves(1)
				defer serves(-1)
			}
			return c.SubResource(sub).Patch(ctx, o, patch, opts...)
		},
	}})
	for _, name := range []string{"kasir", "gudang", "toko"} {
		began := time.Now()
		honest.create(name, nil)
		honest.untilState(name, bot.StatePairing)
		t.Logf("an honest session beside %d hostile ones is up after %v", len(names), time.Since(began))
	}
	// Each write of such a session takes the API server seconds, so the operator gets to them one after the other.
	refused := 0
	within(t, "a refusal", func() bool {
		refused = 0
		for name := range names {
			if has(hostile.get(name), v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonInvalidTemplate) {
				refused++
			}
		}
		return refused > 0
	})
	mu.Lock()
	defer mu.Unlock()
	if most > 1 {
		t.Errorf("the API server had to write %d of the hostile sessions at once", most)
	}
	for name, what := range names {
		stalled := meta.FindStatusCondition(hostile.get(name).Status.Conditions, v1alpha1.ConditionStalled)
		if stalled != nil && (stalled.Reason != v1alpha1.ReasonInvalidTemplate || !strings.Contains(stalled.Message, "spec.template.spec")) {
			t.Errorf("%s: %s", what, stalled.Message)
		}
	}
}

// A deleted claim takes the session with it; the status then no longer shows that session's facts.
func TestTheFactsOfADeletedClaimAreRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate(staging{})
	session := w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	yes := true
	edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Suspended = &yes })
	w.untilCondition("kasir", v1alpha1.ConditionPodReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	if err := w.cluster.Client.Delete(t.Context(), &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "wa-kasir", Namespace: w.namespace}}); err != nil {
		t.Fatal(err)
	}
	w.until("kasir", "facts of a new claim", func(s *v1alpha1.WhatsAppSession) bool {
		return s.Status.Session == nil && has(s, v1alpha1.ConditionSessionExists, metav1.ConditionUnknown, v1alpha1.ReasonNotObserved)
	})
}

// A pod that ended leaves an event that says why it was replaced.
func TestAnEvictedPodLeavesAnEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate(staging{})
	w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	before := w.pod("kasir")
	editStatus(w, before.DeepCopy(), func(pod *corev1.Pod) { pod.Status.Phase, pod.Status.Reason = corev1.PodFailed, "Evicted" })
	w.untilReplaced("kasir", before)
	w.untilEvent("kasir", v1alpha1.ReasonPodFailed)
}

// Something that changes an object back repeatedly is named, and the operator slows down.
func TestARepeatedCorrectionIsSlowedDownAndNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var updates atomic.Int32
	w.operate(staging{calls: &interceptor.Funcs{
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			updates.Add(1)
			return c.Update(ctx, o, opts...)
		},
	}})
	w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "wa-kasir", Namespace: w.namespace}}
	rival := client.WithFieldOwner(w.cluster.Client, "another-operator")
	shown := w.until("kasir", "a word about the other one", func(s *v1alpha1.WhatsAppSession) bool {
		if err := w.cluster.Client.Get(t.Context(), w.key("kasir"), policy); err == nil && len(policy.Spec.Egress[0].Ports) > 0 {
			policy.Spec.Egress = []networkingv1.NetworkPolicyEgressRule{{}}
			_ = rival.Update(t.Context(), policy)
		}
		return has(s, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonUndone)
	})
	if message := meta.FindStatusCondition(shown.Status.Conditions, v1alpha1.ConditionStalled).Message; !strings.Contains(message, "another-operator keeps changing NetworkPolicy wa-kasir back") {
		t.Errorf("it says %q", message)
	}
	if count := updates.Load(); count > 10 {
		t.Errorf("%d updates before the operator slowed down", count)
	}
	w.untilEvent("kasir", v1alpha1.ReasonUndone)
}

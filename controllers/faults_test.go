package controllers_test

import (
	"crypto/tls"
	"encoding/json"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/apiserver"
	"sesi.dev/sesi/test/bottest"
	"sesi.dev/sesi/test/clustertest"
)

func (w *world) claim(name string, edit func(*corev1.PersistentVolumeClaim)) *corev1.PersistentVolumeClaim {
	w.t.Helper()
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}}
	claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	if edit != nil {
		edit(claim)
	}
	if err := w.cluster.Client.Create(w.t.Context(), claim); err != nil {
		w.t.Fatal(err)
	}
	return claim
}

func named(claim string) func(*v1alpha1.WhatsAppSession) {
	return func(s *v1alpha1.WhatsAppSession) { s.Spec.Storage = v1alpha1.Storage{ClaimName: claim} }
}

func TestStorageThatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate(staging{})
	w.create("kasir", named("later"))
	missing := w.untilCondition("kasir", v1alpha1.ConditionStorageReady, metav1.ConditionFalse, v1alpha1.ReasonClaimNotFound)
	if missing.Status.State != v1alpha1.StatePending || missing.Status.Reason != v1alpha1.ReasonClaimNotFound || w.pod("kasir") != nil ||
		!has(missing, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonClaimNotFound) {
		t.Errorf("without its claim the status is\n%s", show(missing))
	}
	claim := w.claim("later", nil)
	w.untilState("kasir", bot.StatePairing)
	w.link("kasir", "62811:1@s.whatsapp.net")
	w.untilCondition("kasir", v1alpha1.ConditionReady, metav1.ConditionTrue, "")

	editStatus(w, claim, func(c *corev1.PersistentVolumeClaim) { c.Status.Phase = corev1.ClaimLost })
	w.untilCondition("kasir", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonClaimLost)
	editStatus(w, claim, func(c *corev1.PersistentVolumeClaim) { c.Status.Phase = corev1.ClaimBound })
	w.untilCondition("kasir", v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if err := w.cluster.Client.Delete(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	w.untilCondition("kasir", v1alpha1.ConditionStorageReady, metav1.ConditionFalse, v1alpha1.ReasonClaimTerminating)
	if w.pod("kasir").DeletionTimestamp != nil {
		t.Error("the pod that holds a claim that is being deleted was ended")
	}
	w.untilEvent("kasir", v1alpha1.ReasonClaimTerminating)
}

func TestAClaimThatWaitsForItsFirstPod(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate(staging{})
	slow := clustertest.SlowClass
	w.create("kasir", func(s *v1alpha1.WhatsAppSession) {
		s.Spec.Storage = v1alpha1.Storage{ClaimTemplate: &v1alpha1.ClaimTemplate{StorageClassName: &slow}, RetentionPolicy: v1alpha1.RetentionRetain}
	})
	w.untilCondition("kasir", v1alpha1.ConditionStorageReady, metav1.ConditionFalse, v1alpha1.ReasonClaimPending)
	w.untilState("kasir", bot.StatePairing)
}

func TestAClaimOfSomeoneElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate(staging{})
	claim := w.claim("wa-kasir", nil)
	w.create("kasir", func(s *v1alpha1.WhatsAppSession) {
		s.Spec.Storage = v1alpha1.Storage{ClaimTemplate: &v1alpha1.ClaimTemplate{}, RetentionPolicy: v1alpha1.RetentionDelete}
	})
	w.untilCondition("kasir", v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonClaimTaken)
	if w.pod("kasir") != nil {
		t.Error("a pod was made on someone else's claim")
	}
	if err := w.cluster.Client.Get(t.Context(), client.ObjectKeyFromObject(claim), claim); err != nil {
		t.Fatal(err)
	}
	if len(claim.OwnerReferences) > 0 {
		t.Errorf("with the session the claim would be deleted: %+v", claim.OwnerReferences)
	}
}

func TestNamesThatAreTaken(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		object client.Object
		kind   string
		reason string
	}{
		"pod":           {&corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "x", Image: "x"}}}}, v1alpha1.ConditionPodReady, v1alpha1.ReasonPodNameTaken},
		"secret":        {&corev1.Secret{}, v1alpha1.ConditionStalled, v1alpha1.ReasonNameTaken},
		"service":       {&corev1.Service{Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}, v1alpha1.ConditionStalled, v1alpha1.ReasonNameTaken},
		"networkpolicy": {&networkingv1.NetworkPolicy{}, v1alpha1.ConditionStalled, v1alpha1.ReasonNameTaken},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if name == "pod" {
				w.cluster.Node.Hold(w.key("kasir"))
			}
			w.operate(staging{})
			c.object.SetName("wa-kasir")
			c.object.SetNamespace(w.namespace)
			if err := w.cluster.Client.Create(t.Context(), c.object); err != nil {
				t.Fatal(err)
			}
			before := c.object.GetResourceVersion()
			w.create("kasir", nil)
			w.until("kasir", "the name taken", func(s *v1alpha1.WhatsAppSession) bool {
				return has(s, c.kind, metav1.ConditionFalse, c.reason) || has(s, c.kind, metav1.ConditionTrue, c.reason)
			})
			if err := w.cluster.Client.Get(t.Context(), client.ObjectKeyFromObject(c.object), c.object); err != nil {
				t.Fatal(err)
			}
			if c.object.GetResourceVersion() != before {
				t.Error("someone else's object was changed")
			}
			if name != "pod" && w.pod("kasir") != nil {
				t.Errorf("the pod was created without its %s", name)
			}
		})
	}
}

func template(spec map[string]any) *v1alpha1.PodTemplate {
	raw, err := json.Marshal(spec)
	if err != nil {
		panic(err)
	}
	return &v1alpha1.PodTemplate{Spec: &runtime.RawExtension{Raw: raw}}
}

func TestATemplateThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate(staging{})
	session := w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	before := w.pod("kasir")
	edit(w, session, func(s *v1alpha1.WhatsAppSession) {
		s.Spec.Template = template(map[string]any{"restartPolicy": "Never"})
	})
	stalled := w.untilCondition("kasir", v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonInvalidTemplate)
	if !strings.Contains(show(stalled), "spec.template.spec.restartPolicy") ||
		!has(stalled, v1alpha1.ConditionConnected, metav1.ConditionTrue, "") || !has(stalled, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonInvalidTemplate) {
		t.Errorf("the status is\n%s", show(stalled))
	}
	if now := w.pod("kasir"); now.UID != before.UID || now.DeletionTimestamp != nil {
		t.Error("the bot was stopped for a template that cannot be used")
	}
	edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Template = nil })
	w.untilCondition("kasir", v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestAPodThatTheAPIServerRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate(staging{})
	var namespace corev1.Namespace
	namespace.Name = w.namespace
	edit(w, &namespace, func(n *corev1.Namespace) { n.Labels["pod-security.kubernetes.io/enforce"] = "restricted" })
	apiserver.UntilRefused(t, w.cluster.Client, w.largePod())
	privileged := template(map[string]any{"containers": []any{map[string]any{"name": "bot",
		"securityContext": map[string]any{"privileged": true, "allowPrivilegeEscalation": nil}}}})
	session := w.create("kasir", func(s *v1alpha1.WhatsAppSession) { s.Spec.Template = privileged })
	refused := w.untilCondition("kasir", v1alpha1.ConditionPodReady, metav1.ConditionFalse, v1alpha1.ReasonPodRejected)
	if !strings.Contains(show(refused), "PodSecurity") {
		t.Errorf("the status is\n%s", show(refused))
	}
	edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Template = nil })
	w.untilState("kasir", bot.StatePairing)
}

func TestEditedObjectsAreRestored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.operate(staging{})
	w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	pod := w.pod("kasir")
	at := metav1.ObjectMeta{Name: "wa-kasir", Namespace: w.namespace}
	policy, service, secret := &networkingv1.NetworkPolicy{ObjectMeta: at}, &corev1.Service{ObjectMeta: at}, &corev1.Secret{ObjectMeta: at}
	edit(w, policy, func(p *networkingv1.NetworkPolicy) {
		p.Spec.Ingress = append(p.Spec.Ingress, networkingv1.NetworkPolicyIngressRule{})
	})
	edit(w, service, func(s *corev1.Service) { s.Spec.Selector = map[string]string{"app": "thief"} })
	edit(w, secret, func(s *corev1.Secret) {
		delete(s.Labels, naming.LabelSession)
		s.Data[credentials.KeyPrivateKey] = []byte("broken")
	})
	within(t, "the policy, the Service and the Secret to be mended", func() bool {
		for _, object := range []client.Object{policy, service, secret} {
			if err := w.cluster.Client.Get(t.Context(), w.key("kasir"), object); err != nil {
				t.Fatal(err)
			}
		}
		return len(policy.Spec.Ingress) == 2 && service.Spec.Selector["app"] == "" && secret.Labels[naming.LabelSession] == "kasir" &&
			string(secret.Data[credentials.KeyPrivateKey]) != "broken"
	})
	if now := w.pod("kasir"); now.UID != pod.UID {
		t.Error("the bot was replaced for it")
	}
}

// A certificate is renewed in time: an open stream continues, and a stream that is opened before the bot got the new
// certificate is accepted too.
func TestACertificateIsRenewedWithoutARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.operate(staging{})
	session := w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	pod := w.pod("kasir")
	first.stop()

	// A year passes for the certificate while no operator runs.
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "wa-kasir", Namespace: w.namespace}}
	if err := w.cluster.Client.Get(t.Context(), client.ObjectKeyFromObject(secret), secret); err != nil {
		t.Fatal(err)
	}
	old, err := credentials.Build(session, secret, time.Now().Add(-350*24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	edit(w, secret, func(s *corev1.Secret) { s.Data = old.Data })
	pair, err := tls.X509KeyPair(old.Data[credentials.KeyCertificate], old.Data[credentials.KeyPrivateKey])
	if err != nil {
		t.Fatal(err)
	}
	before := w.bots.Bot(w.key("kasir"))
	last := before.Change(func(*bot.Snapshot) {})
	before.Stop()
	b, err := bottest.Start(before.Address(), pair, before.Token, last)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Stop()

	w.operate(staging{})
	within(t, "the renewal", func() bool {
		if err := w.cluster.Client.Get(t.Context(), client.ObjectKeyFromObject(secret), secret); err != nil {
			t.Fatal(err)
		}
		return string(secret.Data[credentials.KeyCertificate]) != string(old.Data[credentials.KeyCertificate])
	})
	if string(secret.Data[credentials.KeyToken]) != before.Token {
		t.Error("the renewal changed the token")
	}
	b.Change(func(s *bot.Snapshot) { s.PushName = "reported with the old certificate" })
	w.until("kasir", "a change after the renewal", func(s *v1alpha1.WhatsAppSession) bool {
		return s.Status.Session.PushName == "reported with the old certificate" && has(s, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	})
	if w.pod("kasir").UID != pod.UID {
		t.Error("the bot was replaced")
	}
}

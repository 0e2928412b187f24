package resources

import (
	"bytes"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/golden"
)

var january = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

var options = Options{
	BotImage:          "registry.example/sesi/bot:1.0.0",
	OperatorNamespace: "sesi-system",
	OperatorLabels:    map[string]string{"app.kubernetes.io/name": "sesi"},
	ClosedPrefixes:    []netip.Prefix{netip.MustParsePrefix("10.96.0.1/32"), netip.MustParsePrefix("fd00::1/128")},
}

// sessions are the specs that every builder is tested with; the golden files show the results.
func sessions() map[string]*v1alpha1.WhatsAppSession {
	return map[string]*v1alpha1.WhatsAppSession{
		"plain": newSession("shop", v1alpha1.WhatsAppSessionSpec{}),
		"everything": newSession("628123456789", v1alpha1.WhatsAppSessionSpec{
			ClientID: "wa-finance-render",
			AuthPath: "/srv/session",
			Storage: v1alpha1.Storage{
				RetentionPolicy: v1alpha1.RetentionDelete,
				ClaimTemplate: &v1alpha1.ClaimTemplate{
					Size:             resource.MustParse("1Gi"),
					AccessMode:       v1alpha1.AccessReadWriteOnce,
					StorageClassName: new("fast"),
					Labels:           map[string]string{"team": "finance", naming.LabelSession: "stolen"},
					Annotations:      map[string]string{"backup.example/schedule": "daily"},
				},
			},
			Pairing: v1alpha1.Pairing{
				Method: v1alpha1.PairingPhoneCode, PhoneNumber: "+628123456789", QRMaxRetries: new(int32(3)),
			},
			Conflict:       v1alpha1.Conflict{Takeover: new(false), Timeout: &metav1.Duration{Duration: 90 * time.Second}},
			Backup:         v1alpha1.Backup{Interval: &metav1.Duration{}, Keep: new(int32(1))},
			ProxySecretRef: &v1alpha1.ProxySecretRef{Name: "proxy", Key: "address", Port: 1080},
			Locale:         v1alpha1.LocaleEnglish,
			Image:          "registry.example/mine/bot@sha256:0000",
		}),
		"sidecar": newSession("orders", v1alpha1.WhatsAppSessionSpec{
			Storage: v1alpha1.Storage{ClaimName: "orders"},
			Template: &v1alpha1.PodTemplate{
				Metadata: v1alpha1.PodTemplateMetadata{
					Labels:      map[string]string{"app": "orders", "app.kubernetes.io/name": "orders"},
					Annotations: map[string]string{"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"},
				},
				Spec: raw(`
nodeSelector: {disk: ssd}
tolerations: [{key: dedicated, operator: Exists}]
volumes: [{name: rules, configMap: {name: rules}}]
containers:
- name: logic
  image: registry.example/mine/logic:1
  securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
  volumeMounts: [{name: rules, mountPath: /rules}]
- name: bot
  resources: {limits: {memory: 512Mi, cpu: "1"}}
  env: [{name: LOG_LEVEL, value: debug}]
`),
			},
		}),
		"webhooks":     newSession("hotel", v1alpha1.WhatsAppSessionSpec{Webhooks: hooks()}),
		"messages-off": newSession("reserve", v1alpha1.WhatsAppSessionSpec{Messages: v1alpha1.Messages{Enabled: new(false)}}),
	}
}

// hooks are webhooks of every kind: inside the cluster and outside, with secrets and without.
func hooks() []v1alpha1.Webhook {
	return []v1alpha1.Webhook{
		{Name: "reception", URL: "http://reception.hotel.svc:8080/events", To: &v1alpha1.WebhookPods{
			PodSelector: v1alpha1.WebhookPodSelector{MatchLabels: map[string]v1alpha1.LabelValue{"app": "reception"}},
		}},
		{Name: "n8n", URL: "http://n8n.automation.svc/webhook/1", To: &v1alpha1.WebhookPods{
			Namespace: "automation", PodSelector: v1alpha1.WebhookPodSelector{MatchLabels: map[string]v1alpha1.LabelValue{"app": "n8n"}},
		}},
		{
			Name: "books", URL: "https://books.example.com:8443/in?x=<y>", Events: []v1alpha1.WebhookEvent{"message", "message.state"},
			Filters:   v1alpha1.WebhookFilters{Chats: []string{"+628123456789"}, Groups: new(false), FromMe: new(false)},
			SecretRef: &v1alpha1.WebhookSecretRef{Name: "books"}, HeadersSecretRef: &v1alpha1.WebhookHeadersRef{Name: "books-headers"},
			Order: v1alpha1.WebhookOrderSession, Patience: &metav1.Duration{Duration: time.Hour},
		},
		{Name: "plain", URL: "http://example.com/hook"},
	}
}

// built is every object of a session except the Secret, which is random.
func built(t *testing.T, session *v1alpha1.WhatsAppSession) []client.Object {
	t.Helper()
	pod, err := BuildPod(session, options)
	if err != nil {
		t.Fatalf("BuildPod: %v", err)
	}
	objects := []client.Object{pod, BuildService(session), BuildNetworkPolicy(session, options)}
	if claim := BuildClaim(session); claim != nil {
		objects = append(objects, claim)
	}
	return objects
}

// TestGolden compares every object with its golden file. A pod that changes here restarts every bot when the operator is
// upgraded: change it only for a reason that is worth it.
func TestGolden(t *testing.T) {
	for name, session := range sessions() {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			for _, object := range built(t, session) {
				got.WriteString("---\n")
				got.Write(asYAML(t, object))
			}
			golden.Check(t, filepath.Join("testdata", name+".yaml"), got.Bytes())
		})
	}
}

func asYAML(t *testing.T, object client.Object) []byte {
	t.Helper()
	kind, err := apiutil.GVKForObject(object, clientgoscheme.Scheme)
	if err != nil {
		t.Fatal(err)
	}
	object.GetObjectKind().SetGroupVersionKind(kind)
	data, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func newSession(name string, spec v1alpha1.WhatsAppSessionSpec) *v1alpha1.WhatsAppSession {
	return &v1alpha1.WhatsAppSession{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", UID: types.UID("uid-of-" + name)},
		Spec:       spec,
	}
}

func raw(spec string) *runtime.RawExtension {
	data, err := yaml.YAMLToJSON([]byte(spec))
	if err != nil {
		panic(err)
	}
	return &runtime.RawExtension{Raw: data}
}

func botOf(pod *corev1.Pod) *corev1.Container {
	for i := range pod.Spec.Containers {
		if pod.Spec.Containers[i].Name == naming.Container {
			return &pod.Spec.Containers[i]
		}
	}
	return nil
}

package resources

import (
	"maps"
	"net/netip"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/v1alpha1"
)

func build(t *testing.T, session *v1alpha1.WhatsAppSession, options Options) *corev1.Pod {
	t.Helper()
	pod, err := BuildPod(session, options)
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

func hashOf(t *testing.T, session *v1alpha1.WhatsAppSession, options Options) string {
	t.Helper()
	return SpecHash(build(t, session, options))
}

// TestHash: a change of what the pod is made of restarts the bot, and no other change does. The golden files hold the
// hashes.
func TestHash(t *testing.T) {
	type change func(*v1alpha1.WhatsAppSession, *Options)
	restarts := map[string]change{
		"image":            func(s *v1alpha1.WhatsAppSession, _ *Options) { s.Spec.Image = "other" },
		"operator's image": func(_ *v1alpha1.WhatsAppSession, o *Options) { o.BotImage = "other" },
		"authPath":         func(s *v1alpha1.WhatsAppSession, _ *Options) { s.Spec.AuthPath = "/srv" },
		"locale":           func(s *v1alpha1.WhatsAppSession, _ *Options) { s.Spec.Locale = v1alpha1.LocaleEnglish },
		"conflict": func(s *v1alpha1.WhatsAppSession, _ *Options) {
			s.Spec.Conflict.Timeout = &metav1.Duration{Duration: time.Minute}
		},
		"proxy": func(s *v1alpha1.WhatsAppSession, _ *Options) {
			s.Spec.ProxySecretRef = &v1alpha1.ProxySecretRef{Name: "proxy", Port: 1080}
		},
		"template's spec": func(s *v1alpha1.WhatsAppSession, _ *Options) {
			s.Spec.Template = &v1alpha1.PodTemplate{Spec: raw(`{priorityClassName: high}`)}
		},
		"template's annotation": func(s *v1alpha1.WhatsAppSession, _ *Options) {
			s.Spec.Template = &v1alpha1.PodTemplate{Metadata: v1alpha1.PodTemplateMetadata{
				Annotations: map[string]string{"kubectl.kubernetes.io/restartedAt": "now"},
			}}
		},
		"messages off": func(s *v1alpha1.WhatsAppSession, _ *Options) { s.Spec.Messages.Enabled = new(false) },
		"template's label": func(s *v1alpha1.WhatsAppSession, _ *Options) {
			s.Spec.Template = &v1alpha1.PodTemplate{Metadata: v1alpha1.PodTemplateMetadata{
				Labels: map[string]string{"app": "shop"},
			}}
		},
	}
	stays := map[string]change{
		"nothing":              func(*v1alpha1.WhatsAppSession, *Options) {},
		"operator's namespace": func(_ *v1alpha1.WhatsAppSession, o *Options) { o.OperatorNamespace = "elsewhere" },
		"cluster's address":    func(_ *v1alpha1.WhatsAppSession, o *Options) { o.ClosedPrefixes = []netip.Prefix{} },
		"webhooks":             func(s *v1alpha1.WhatsAppSession, _ *Options) { s.Spec.Webhooks = hooks() },
		"messages": func(s *v1alpha1.WhatsAppSession, _ *Options) {
			s.Spec.Messages = v1alpha1.Messages{
				Enabled: new(true), Retention: &metav1.Duration{Duration: time.Hour}, MaxSize: new(resource.MustParse("1Gi")),
				Receipts: v1alpha1.MessageReceiptsNone, Pace: v1alpha1.Pace{PerMinute: new(int32(5)), QuietHours: "21:00-07:00", TimeZone: "Asia/Jakarta"},
			}
		},
		"generation and status": func(s *v1alpha1.WhatsAppSession, _ *Options) { s.Generation, s.Status.State = 7, "Connected" },
		"session's labels":      func(s *v1alpha1.WhatsAppSession, _ *Options) { s.Labels = map[string]string{"a": "b"} },
		"deletionPolicy": func(s *v1alpha1.WhatsAppSession, _ *Options) {
			s.Spec.DeletionPolicy = v1alpha1.DeletionUnlink
		},
		"retentionPolicy": func(s *v1alpha1.WhatsAppSession, _ *Options) {
			s.Spec.Storage.RetentionPolicy = v1alpha1.RetentionDelete
		},
		"clientId spelled out": func(s *v1alpha1.WhatsAppSession, _ *Options) { s.Spec.ClientID = s.Name },
		"defaults spelled out": func(s *v1alpha1.WhatsAppSession, _ *Options) { *s = *defaulted(t, s) },
		"template of nothing":  func(s *v1alpha1.WhatsAppSession, _ *Options) { s.Spec.Template = &v1alpha1.PodTemplate{} },
		"template of no fields": func(s *v1alpha1.WhatsAppSession, _ *Options) {
			s.Spec.Template = &v1alpha1.PodTemplate{Spec: raw(`{}`)}
		},
		"template of the same": func(s *v1alpha1.WhatsAppSession, _ *Options) {
			s.Spec.Template = &v1alpha1.PodTemplate{Spec: raw(`{containers: [{name: bot, resources: {limits: {memory: 256Mi}}}]}`)}
		},
	}
	all := maps.Clone(restarts)
	maps.Copy(all, stays)
	for name, change := range all {
		t.Run(name, func(t *testing.T) {
			before := build(t, newSession("shop", v1alpha1.WhatsAppSessionSpec{}), options)
			session, changed := newSession("shop", v1alpha1.WhatsAppSessionSpec{}), options
			change(session, &changed)
			after := build(t, session, changed)
			_, want := restarts[name]
			if (SpecHash(before) != SpecHash(after)) != want {
				t.Errorf("hash %s became %s, want a restart: %t", SpecHash(before), SpecHash(after), want)
			}
			// OwnHash changes exactly if the session itself asked for the restart.
			if want && (OwnHash(before) != OwnHash(after)) != (name != "operator's image") {
				t.Errorf("the session's own hash %s became %s", OwnHash(before), OwnHash(after))
			}
		})
	}
}

// TestHashIsRepeatable: the order of maps does not change a hash.
func TestHashIsRepeatable(t *testing.T) {
	want := hashOf(t, sessions()["sidecar"], options)
	for range 50 {
		if got := hashOf(t, sessions()["sidecar"], options); got != want {
			t.Fatalf("hash %s, then %s", want, got)
		}
	}
}

package resources_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/botruntime/reach"
	"sesi.dev/sesi/botruntime/webhook"
	"sesi.dev/sesi/controllers/resources"
)

// TestBotTakesItsEnvironment: the bot reads every variable that the operator sets, with the value that was meant. No other
// code knows both sides.
func TestBotTakesItsEnvironment(t *testing.T) {
	session := &v1alpha1.WhatsAppSession{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "default"},
		Spec: v1alpha1.WhatsAppSessionSpec{
			Pairing:        v1alpha1.Pairing{Method: v1alpha1.PairingPhoneCode, PhoneNumber: "+628123456789"},
			ProxySecretRef: &v1alpha1.ProxySecretRef{Name: "proxy", Port: 1080},
		},
	}
	pod, err := resources.BuildPod(session, resources.Options{BotImage: "bot"})
	if err != nil {
		t.Fatal(err)
	}
	settings, err := config.Load(environ(t, pod.Spec.Containers[0].Env), "")
	if err != nil {
		t.Fatal(err)
	}
	for what, holds := range map[string]bool{
		"the plain listener is the pod's own":        settings.Host == "127.0.0.1" && settings.Port == int(naming.PortPlain),
		"HTTPS is served to others":                  settings.TLS() && settings.TLSHost == "" && settings.TLSPort == int(naming.PortTLS),
		"health and metrics are served to others":    settings.MetricsHost == "0.0.0.0" && settings.MetricsPort == int(naming.PortMetrics),
		"the token is read from its file":            settings.HasToken() && settings.APIToken == "",
		"the instance is the pod":                    settings.Instance == "the-pods-uid",
		"the session is the spec's":                  settings.ClientID == "shop" && settings.AuthPath == "/data",
		"the phone is the spec's":                    settings.PairingPhoneNumber == "+628123456789",
		"the proxy is the Secret's":                  settings.ProxyURL != nil && settings.ProxyURL.Port() == "1080",
		"the Web version is remembered on the claim": settings.WebVersionCachePath == "/data/.wwebjs_cache",
		"webhooks are read from their file":          settings.Messages && settings.WebhooksFile == "/etc/sesi/webhooks.json",
		"settings of messages are read from theirs":  settings.MessagesFile == "/etc/sesi/messages.env",
		"the log format is the default":              settings.LogFormat == config.LogAuto,
	} {
		if !holds {
			t.Errorf("not true: %s; the bot reads %+v", what, settings)
		}
	}
}

// environ resolves a container's variables as the kubelet does.
func environ(t *testing.T, variables []corev1.EnvVar) []string {
	t.Helper()
	var lines []string
	for _, variable := range variables {
		value := variable.Value
		switch source := variable.ValueFrom; {
		case source == nil:
		case source.FieldRef != nil && source.FieldRef.FieldPath == "metadata.uid":
			value = "the-pods-uid"
		case source.SecretKeyRef != nil:
			value = "socks5://user:password@proxy.example:1080"
		default:
			t.Fatalf("variable %s comes from a source that this test does not know", variable.Name)
		}
		lines = append(lines, variable.Name+"="+value)
	}
	return lines
}

// TestBotTakesItsFiles: the bot reads the files that the operator makes of webhooks and of the settings of messages, with
// the values that were meant.
func TestBotTakesItsFiles(t *testing.T) {
	session := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "default"}, Spec: v1alpha1.WhatsAppSessionSpec{
		Webhooks: []v1alpha1.Webhook{
			{Name: "inside", URL: "http://hooks.shop.svc/x", To: &v1alpha1.WebhookPods{}},
			{
				Name: "books", URL: "https://books.example.com:8443/in?x=%3Cy%3E", Events: []v1alpha1.WebhookEvent{"message", "account.limits"},
				Filters:   v1alpha1.WebhookFilters{Chats: []string{"+628123456789", "1-2@g.us"}, Groups: new(false), FromMe: new(false)},
				SecretRef: &v1alpha1.WebhookSecretRef{Name: "a"}, HeadersSecretRef: &v1alpha1.WebhookHeadersRef{Name: "b"},
				Order: v1alpha1.WebhookOrderSession, Patience: &metav1.Duration{Duration: 90 * time.Minute},
			},
			{Name: "n8n", URL: "https://n8n.example/webhook/1", Format: v1alpha1.WebhookFormatWAHA, Events: []v1alpha1.WebhookEvent{"message.any"}},
		},
		Messages: v1alpha1.Messages{
			Retention: &metav1.Duration{}, MaxSize: new(resource.MustParse("1Gi")), Receipts: v1alpha1.MessageReceiptsNone,
			Media: v1alpha1.Media{
				MaxFile: new(resource.MustParse("8Mi")), MaxSize: new(resource.MustParse("1Gi")), Retention: &metav1.Duration{Duration: 90 * time.Minute},
				Allow: []v1alpha1.MediaSource{"files.example.com", ".example.org", "10.0.0.0/8", "192.0.2.7", "fd00::1"},
			},
			Pace: v1alpha1.Pace{PerMinute: new(int32(20)), Burst: new(int32(2)), NewChatsPerDay: new(int32(50)), QuietHours: "21:30-07:00", TimeZone: "Asia/Jakarta"},
		},
	}}
	deliveries := resources.BuildDeliveries(session, nil, map[string]*corev1.Secret{
		"a": {Data: map[string][]byte{"secret": []byte("the-new-secret-1\nthe-old-secret-2\n")}},
		"b": {Data: map[string][]byte{"Authorization": []byte("Bearer \"x\"&<y>\n")}},
	})
	if deliveries.Err != nil || len(deliveries.Problems) > 0 {
		t.Fatal(deliveries.Err, deliveries.Problems)
	}
	targets, err := webhook.Parse(deliveries.Webhooks)
	if err != nil {
		t.Fatal(err)
	}
	want := []webhook.Target{
		{Name: "inside", URL: "http://hooks.shop.svc/x", Groups: true, FromMe: true, Order: webhook.OrderChat, Patience: 72 * time.Hour, Private: true},
		{
			Name: "books", URL: "https://books.example.com:8443/in?x=%3Cy%3E", Events: []bot.EventType{bot.EventMessage, bot.EventAccountLimits},
			Chats: []string{"+628123456789", "1-2@g.us"}, Secrets: []string{"the-new-secret-1", "the-old-secret-2"},
			Headers: map[string]string{"Authorization": "Bearer \"x\"&<y>"}, Order: webhook.OrderSession, Patience: 90 * time.Minute,
		},
		{
			Name: "n8n", URL: "https://n8n.example/webhook/1", Groups: true, FromMe: true, Order: webhook.OrderChat, Patience: 72 * time.Hour,
			WAHA: []string{"message.any"}, Events: []bot.EventType{bot.EventMessage, bot.EventMessageSent},
		},
	}
	if !reflect.DeepEqual(targets, want) {
		t.Errorf("the bot reads\n%+v\nwant\n%+v", targets, want)
	}
	file := filepath.Join(t.TempDir(), "messages.env")
	if err := os.WriteFile(file, deliveries.Messages, 0o600); err != nil {
		t.Fatal(err)
	}
	settings, err := config.Config{MessagesFile: file}.Reread()
	if err != nil {
		t.Fatal(err)
	}
	if settings.MessagesRetention != 0 || settings.MessagesMaxSize != 1<<30 || settings.MessagesPace != 20 || settings.MessagesBurst != 2 ||
		settings.MessagesNewChats != 50 || settings.MessagesQuiet != [2]int{21*60 + 30, 7 * 60} || settings.MessagesZone.String() != "Asia/Jakarta" {
		t.Errorf("the bot reads %+v", settings)
	}
	if settings.MediaMaxFile != 8<<20 || settings.MediaMaxSize != 1<<30 || settings.MediaRetention != 90*time.Minute {
		t.Errorf("the bot reads of files %+v", settings)
	}
	if _, err := reach.New("MEDIA_ALLOW", settings.MediaAllow, false); err != nil || strings.Count(settings.MediaAllow, ",") != 4 {
		t.Errorf("the bot may fetch from %q: %v", settings.MediaAllow, err)
	}
}

// TestBotWithoutMessages: a bot whose messages are off has no webhooks, or it would refuse to start.
func TestBotWithoutMessages(t *testing.T) {
	session := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "default"}}
	session.Spec.Messages.Enabled = new(false)
	pod, err := resources.BuildPod(session, resources.Options{BotImage: "bot"})
	if err != nil {
		t.Fatal(err)
	}
	settings, err := config.Load(environ(t, pod.Spec.Containers[0].Env), "")
	if err != nil || settings.Messages || settings.WebhooksFile != "" {
		t.Errorf("messages %t, webhooks %q, %v; want neither", settings.Messages, settings.WebhooksFile, err)
	}
}

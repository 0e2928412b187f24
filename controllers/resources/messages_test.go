package resources

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/v1alpha1"
)

func webhookSecret(name string, data map[string]string) *corev1.Secret {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string][]byte{}}
	for key, value := range data {
		secret.Data[key] = []byte(value)
	}
	return secret
}

const goodSecret = "0123456789abcdef"

// TestSecretOfAWebhook: what is wrong with a Secret is said with its remedy and without its value, and the webhook stays
// as it was.
func TestSecretOfAWebhook(t *testing.T) {
	hook := v1alpha1.Webhook{
		Name: "books", URL: "https://new.example/in", SecretRef: &v1alpha1.WebhookSecretRef{Name: "key", Key: "hmac"},
		HeadersSecretRef: &v1alpha1.WebhookHeadersRef{Name: "headers"},
	}
	session := newSession("shop", v1alpha1.WhatsAppSessionSpec{Webhooks: []v1alpha1.Webhook{hook, {Name: "other", URL: "https://other.example"}}})
	before := webhookSecret("wa-shop", map[string]string{credentials.KeyWebhooks: `{"webhooks":[{"name":"books","url":"https://old.example/in","secret":"the-secret-before"}]}`})
	key, headers := webhookSecret("key", map[string]string{"hmac": goodSecret}), webhookSecret("headers", map[string]string{"Authorization": "Bearer x"})
	cases := map[string]struct {
		key, headers *corev1.Secret
		reason, want string
	}{
		"good":               {key, headers, "", ""},
		"rotated":            {webhookSecret("key", map[string]string{"hmac": goodSecret + "\n" + goodSecret + "2\n"}), headers, "", ""},
		"missing":            {nil, headers, v1alpha1.ReasonSecretNotFound, "kubectl label secret key sesi.dev/webhooks=true"},
		"headers missing":    {key, nil, v1alpha1.ReasonSecretNotFound, "there is no Secret headers with the label sesi.dev/webhooks=true"},
		"another key":        {webhookSecret("key", map[string]string{"secret": goodSecret}), headers, v1alpha1.ReasonSecretInvalid, "Secret key needs the key hmac"},
		"too short":          {webhookSecret("key", map[string]string{"hmac": "short-secret"}), headers, v1alpha1.ReasonSecretInvalid, "at least 16 printable"},
		"no base64":          {webhookSecret("key", map[string]string{"hmac": "whsec_0123456789abcdef0123456789abcdef!"}), headers, v1alpha1.ReasonSecretInvalid, "whsec_ and 24 to 64 bytes"},
		"three":              {webhookSecret("key", map[string]string{"hmac": goodSecret + " " + goodSecret + " " + goodSecret}), headers, v1alpha1.ReasonSecretInvalid, "a space, and the old one"},
		"a forbidden header": {key, webhookSecret("headers", map[string]string{"Content-Length": "1"}), v1alpha1.ReasonSecretInvalid, "Content-Length, which cannot be a header"},
		"a line break":       {key, webhookSecret("headers", map[string]string{"X-A": "a\nX-B: b"}), v1alpha1.ReasonSecretInvalid, "X-A that is not printable ASCII"},
		"too long":           {key, webhookSecret("headers", map[string]string{"X-A": strings.Repeat("secret-value ", 700)}), v1alpha1.ReasonSecretInvalid, "more than 8192 bytes"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			secrets := map[string]*corev1.Secret{}
			if c.key != nil {
				secrets["key"] = c.key
			}
			if c.headers != nil {
				secrets["headers"] = c.headers
			}
			d := BuildDeliveries(session, before, secrets)
			if !strings.Contains(string(d.Webhooks), "https://other.example") {
				t.Errorf("the other webhook is missing: %s", d.Webhooks)
			}
			if c.reason == "" {
				if len(d.Problems) > 0 || !strings.Contains(string(d.Webhooks), `"https://new.example/in"`) || !strings.Contains(string(d.Webhooks), goodSecret) {
					t.Errorf("the webhook is not as the spec says: %v, %s", d.Problems, d.Webhooks)
				}
				return
			}
			if len(d.Problems) != 1 || d.Problems[0].Reason != c.reason || !strings.Contains(d.Problems[0].Message, c.want) {
				t.Fatalf("problems %+v, want one %s with %q", d.Problems, c.reason, c.want)
			}
			for _, secret := range []string{goodSecret, "short-secret", "secret-value", "Bearer x"} {
				if strings.Contains(d.Problems[0].Message, secret) {
					t.Errorf("the message shows a secret: %s", d.Problems[0].Message)
				}
			}
			if !strings.Contains(string(d.Webhooks), "the-secret-before") || strings.Contains(string(d.Webhooks), "new.example") {
				t.Errorf("the webhook did not stay as it was: %s", d.Webhooks)
			}
			if fresh := BuildDeliveries(session, nil, secrets); strings.Contains(string(fresh.Webhooks), "books") {
				t.Errorf("a new webhook without its secret is delivered to: %s", fresh.Webhooks)
			}
		})
	}
}

// A bot of an earlier release refuses settings that it does not know: one that came later is there only if it is needed.
func TestReceipts(t *testing.T) {
	for given, want := range map[v1alpha1.MessageReceipts]bool{"": false, v1alpha1.MessageReceiptsDelivered: false, v1alpha1.MessageReceiptsNone: true} {
		session := newSession("shop", v1alpha1.WhatsAppSessionSpec{Messages: v1alpha1.Messages{Receipts: given}})
		if got := BuildDeliveries(session, nil, nil).Messages; strings.Contains(string(got), "MESSAGES_RECEIPTS=none\n") != want || strings.Contains(string(got), "RECEIPTS") != want {
			t.Errorf("receipts %q: settings\n%s", given, got)
		}
	}
}

// What is not the default of files is in the bot's file, and the bot reads it as it is meant.
func TestMediaSettings(t *testing.T) {
	plain := BuildDeliveries(newSession("shop", v1alpha1.WhatsAppSessionSpec{}), nil, nil).Messages
	same := v1alpha1.Media{MaxFile: new(resource.MustParse("65536Ki")), MaxSize: new(resource.MustParse("160Mi")), Retention: &metav1.Duration{Duration: 24 * time.Hour}}
	for name, spec := range map[string]v1alpha1.Media{"nothing": {}, "the defaults": same} {
		session := newSession("shop", v1alpha1.WhatsAppSessionSpec{Messages: v1alpha1.Messages{Media: spec}})
		if got := BuildDeliveries(session, nil, nil).Messages; string(got) != string(plain) || strings.Contains(string(got), "MEDIA") {
			t.Errorf("%s: settings\n%s", name, got)
		}
	}
	session := newSession("shop", v1alpha1.WhatsAppSessionSpec{Messages: v1alpha1.Messages{Media: v1alpha1.Media{
		MaxFile: new(resource.MustParse("8Mi")), MaxSize: new(resource.MustParse("1Gi")), Retention: &metav1.Duration{Duration: 90 * time.Minute},
		Allow: []v1alpha1.MediaSource{"files.example.com", "10.0.0.0/8"},
	}}})
	want := string(plain) + "MEDIA_MAX_FILE=8\nMEDIA_MAX_SIZE=1024\nMEDIA_RETENTION=1h30m0s\nMEDIA_ALLOW=files.example.com,10.0.0.0/8\n"
	if got := BuildDeliveries(session, nil, nil).Messages; string(got) != want {
		t.Errorf("settings\n%s\nwant\n%s", got, want)
	}
}

func TestUnknownTimeZone(t *testing.T) {
	session := newSession("shop", v1alpha1.WhatsAppSessionSpec{Messages: v1alpha1.Messages{Pace: v1alpha1.Pace{TimeZone: "Asia/Jakart", PerMinute: new(int32(7))}}})
	d := BuildDeliveries(session, nil, nil)
	if d.Err == nil || !strings.Contains(d.Err.Error(), "spec.messages.pace.timeZone") || !strings.Contains(string(d.Messages), "MESSAGES_TIME_ZONE=UTC\n") {
		t.Errorf("error %v, settings %s; want an error that names the field, and UTC", d.Err, d.Messages)
	}
	before := webhookSecret("wa-shop", map[string]string{credentials.KeyMessages: "MESSAGES_PACE=3\n"})
	if d := BuildDeliveries(session, before, nil); string(d.Messages) != "MESSAGES_PACE=3\n" {
		t.Errorf("the settings did not stay as they were: %s", d.Messages)
	}
}

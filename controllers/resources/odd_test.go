package resources_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/botruntime/webhook"
	"sesi.dev/sesi/controllers/resources"
	"sesi.dev/sesi/test/odd"
)

// oddHook is a session with two webhooks, of which the first takes its secret and its headers from Secrets.
func oddHook() *v1alpha1.WhatsAppSession {
	return &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "default"}, Spec: v1alpha1.WhatsAppSessionSpec{Webhooks: []v1alpha1.Webhook{
		{Name: "odd", URL: "https://a.example", SecretRef: &v1alpha1.WebhookSecretRef{Name: "a"}, HeadersSecretRef: &v1alpha1.WebhookHeadersRef{Name: "b"}},
		{Name: "other", URL: "https://b.example"},
	}}}
}

// TestWhateverASecretHoldsTheBotReadsTheFile: the operator refuses of a webhook's Secrets what the bot would refuse, and only
// that. A bot refuses the whole file for one wrong value, and no webhook would change any more.
func TestWhateverASecretHoldsTheBotReadsTheFile(t *testing.T) {
	type content struct {
		secret  string
		headers map[string]string
	}
	const good = "0123456789abcdef"
	cases := []content{{good, map[string]string{"X-A": "1", "x-a": "2"}}, {good, map[string]string{"X-A": "1", "X-B": "2"}}, {good, nil}, {good + "\r\n" + good + "2\n", nil}}
	for _, secret := range append(odd.Secrets(), "", "\n", "\ufeff"+good, good+"\ufeff", good+"\u00a0"+good, "whsec_", "whsec_"+good, "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3") {
		cases = append(cases, content{secret: secret})
	}
	for _, value := range odd.Headers() {
		cases = append(cases, content{good, map[string]string{"X-A": value}})
	}
	for _, name := range []string{"Host", "content-length", "CONNECTION", "te", "webhook-id", "X-Webhook-Hmac", "X_A", "x.a", "-", ".", "_", "Authorization", "0"} {
		cases = append(cases, content{good, map[string]string{name: "v"}})
	}
	taken, refused := 0, 0
	for _, c := range cases {
		secrets := map[string]*corev1.Secret{
			"a": {ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string][]byte{"secret": []byte(c.secret)}},
			"b": {ObjectMeta: metav1.ObjectMeta{Name: "b"}, Data: map[string][]byte{}},
		}
		entry := map[string]any{"name": "odd", "url": "https://a.example"}
		headers := map[string]string{}
		for name, value := range c.headers {
			secrets["b"].Data[name], headers[name] = []byte(value), strings.TrimSpace(value)
		}
		entry["headers"] = headers
		keys := strings.Fields(c.secret)
		if len(keys) > 0 {
			entry["secret"] = keys[0]
		}
		if len(keys) > 1 {
			entry["previousSecret"] = keys[1]
		}
		direct, err := json.Marshal(map[string]any{"webhooks": []any{entry}})
		if err != nil {
			t.Fatal(err)
		}
		_, botRefuses := webhook.Parse(direct)
		d := resources.BuildDeliveries(oddHook(), nil, secrets)
		targets, err := webhook.Parse(d.Webhooks)
		if err != nil || len(targets)+len(d.Problems) != 2 {
			t.Errorf("%+q: the bot reads %d webhooks, %d problems, %v", c, len(targets), len(d.Problems), err)
		}
		if wrong := len(keys) == 0 || len(keys) > 2 || botRefuses != nil; wrong != (len(d.Problems) > 0) {
			t.Errorf("%+q: the operator finds %+v, and the bot %v", c, d.Problems, botRefuses)
		}
		if len(d.Problems) > 0 {
			refused++
		} else {
			taken++
		}
	}
	if taken < 10 || refused < 100 {
		t.Errorf("%d were taken and %d refused: the table tries too little", taken, refused)
	}
}

// TestWebhooksFitWhatABotReads: what is too much for a bot's file is left out by name, so that the bot gets the rest.
func TestWebhooksFitWhatABotReads(t *testing.T) {
	session, secrets := oddHook(), map[string]*corev1.Secret{}
	session.Spec.Webhooks = nil
	for i := range 16 {
		name := fmt.Sprintf("hook-%d", i)
		hook := v1alpha1.Webhook{
			Name: name, URL: "https://a.example/" + strings.Repeat("a", 1000),
			SecretRef: &v1alpha1.WebhookSecretRef{Name: name}, HeadersSecretRef: &v1alpha1.WebhookHeadersRef{Name: name + "-headers"},
		}
		for j := range 64 {
			hook.Filters.Chats = append(hook.Filters.Chats, fmt.Sprintf("%060d@g.us", j))
		}
		session.Spec.Webhooks = append(session.Spec.Webhooks, hook)
		key := strings.Repeat(`a"`, 2048)
		secrets[name] = &corev1.Secret{Data: map[string][]byte{"secret": []byte("x" + key[:4095] + " y" + key[:4095])}}
		secrets[name+"-headers"] = &corev1.Secret{Data: map[string][]byte{"X-A": []byte(strings.Repeat(`a"`, 4000) + "a")}}
	}
	for i := range secrets {
		secrets[i].Name = i
	}
	d := resources.BuildDeliveries(session, nil, secrets)
	targets, err := webhook.Parse(d.Webhooks)
	if err != nil || len(targets) < 5 || len(targets)+len(d.Problems) != 16 {
		t.Fatalf("the bot reads %d webhooks of %d bytes, %v; %d problems", len(targets), len(d.Webhooks), err, len(d.Problems))
	}
	for _, problem := range d.Problems {
		if !strings.Contains(problem.Message, "is left out") {
			t.Errorf("problem %+v", problem)
		}
	}
}

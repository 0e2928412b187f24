package controllers

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/resources"
)

// TestLargeSecretsCostLittle: Secrets that anybody gives the webhooks' label do not fill the operator's memory, and what a
// webhook can use of a Secret stays as it is.
func TestLargeSecretsCostLittle(t *testing.T) {
	many := map[string][]byte{}
	for i := range 100 {
		many[fmt.Sprint("key-", i)] = bytes.Repeat([]byte("a"), 9000)
	}
	for name, data := range map[string]map[string][]byte{
		"one value":   {"secret": bytes.Repeat([]byte("a"), 900_000)},
		"many values": many,
		"long names":  {strings.Repeat("k", 250): bytes.Repeat([]byte("a"), 900_000), "b": []byte("c")},
	} {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Data: data}
		if _, err := slimHookSecret(secret); err != nil {
			t.Fatal(err)
		}
		size := 0
		for key, value := range secret.Data {
			size += len(key) + cap(value)
		}
		if size > maxHookSecret {
			t.Errorf("%s: %d bytes stay", name, size)
		}
	}
	for name, data := range map[string]map[string][]byte{
		"a secret": {"secret": []byte("0123456789abcdef\n" + strings.Repeat("b", 4096))},
		"headers":  {"Authorization": []byte("Bearer " + strings.Repeat("a", 8000)), "X-B": []byte("c")},
	} {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Data: data}
		before := secret.DeepCopy()
		if _, err := slimHookSecret(secret); err != nil || fmt.Sprint(secret.Data) != fmt.Sprint(before.Data) {
			t.Errorf("%s changed: %v", name, err)
		}
	}
	// A value that is too long takes no other along.
	mixed := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Data: map[string][]byte{"secret": []byte("0123456789abcdef"), "other": bytes.Repeat([]byte("a"), 900_000)}}
	if _, err := slimHookSecret(mixed); err != nil || string(mixed.Data["secret"]) != "0123456789abcdef" {
		t.Errorf("beside a long value the secret is %q: %v", mixed.Data["secret"], err)
	}
	// A header that was cut is refused, and not delivered in part.
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Data: map[string][]byte{"X-A": bytes.Repeat([]byte("a"), 20_000)}}
	if _, err := slimHookSecret(secret); err != nil {
		t.Fatal(err)
	}
	session := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	session.Spec.Webhooks = []v1alpha1.Webhook{{Name: "a", URL: "https://a.example", HeadersSecretRef: &v1alpha1.WebhookHeadersRef{Name: "s"}}}
	if d := resources.BuildDeliveries(session, nil, map[string]*corev1.Secret{"s": secret}); len(d.Problems) != 1 || !strings.Contains(d.Problems[0].Message, "more than") {
		t.Errorf("problems %+v", d.Problems)
	}
}

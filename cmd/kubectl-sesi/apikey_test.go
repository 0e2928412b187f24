package main

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/apikey"
)

// A key is shown once; the cluster holds only its sum, and a revoked one is gone.
func TestAPIKeys(t *testing.T) {
	namespace := space(t, "apikeys")
	out, err := sesi(t, "", "-n", namespace, "apikey", "create", "crm", "--verbs", "read,send", "--session", "shop", "--session", "bank", "-l", "team=sales", "--expires", "720h")
	must(t, err)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	plain := lines[len(lines)-1]
	if !apikey.Looks(plain) || strings.Count(out, apikey.Prefix) != 1 || !strings.Contains(out, "shop, bank where team=sales") {
		t.Fatalf("said %s", out)
	}
	secret := &corev1.Secret{}
	must(t, api.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "crm"}, secret))
	key, err := apikey.Read(secret)
	if err != nil || key.Sum != apikey.SumOf(plain) || !key.Covers(namespace, "shop", map[string]string{"team": "sales"}) || key.Covers(namespace, "other", nil) {
		t.Errorf("made %+v, %v", key, err)
	}
	must(t, api.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "broken"}, Type: apikey.Type}))
	must(t, api.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "other"}}))

	out, err = sesi(t, "", "-n", namespace, "apikey", "list")
	must(t, err)
	for _, want := range []string{"NAME", "crm", "read,send", "in 29d", "broken", "nothing: sha256"} {
		if !strings.Contains(out, want) {
			t.Errorf("the list lacks %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, plain) || strings.Contains(out, "other") {
		t.Errorf("the list shows\n%s", out)
	}
	for want, args := range map[string][]string{
		"exists":              {"create", "crm"},
		"--verbs":             {"create", "x", "--verbs", "all"},
		"--selector":          {"create", "x", "-l", "((("},
		"not the name":        {"create", "x", "--session", "a.b"},
		"there is no API key": {"revoke", "other", "--yes"},
	} {
		if _, err := sesi(t, "", append([]string{"-n", namespace, "apikey"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
	if _, err := sesi(t, "n\n", "-n", namespace, "apikey", "revoke", "crm"); err == nil {
		t.Error("it was revoked without a yes")
	}
	_, err = sesi(t, "y\n", "-n", namespace, "apikey", "revoke", "crm")
	must(t, err)
	if err := api.Get(t.Context(), client.ObjectKeyFromObject(secret), secret); err == nil {
		t.Error("the key's Secret is still there")
	}
}

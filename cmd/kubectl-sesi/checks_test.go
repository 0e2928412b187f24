package main

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/api/v1alpha1"
)

// The list of keys shows which one opens too much, and which one opens nothing any more.
func TestWhatTheListOfKeysShows(t *testing.T) {
	sales, err := labels.Parse("team=sales")
	must(t, err)
	now := time.Now()
	for name, c := range map[string]struct {
		key  apikey.Key
		want []string
	}{
		"all, without an end": {apikey.Key{}, []string{"all sessions", "never"}},
		"named":               {apikey.Key{Sessions: []string{"shop", "bank"}}, []string{"shop, bank", "never"}},
		"selected":            {apikey.Key{Selector: sales}, []string{"the sessions with team=sales", "never"}},
		"both":                {apikey.Key{Sessions: []string{"shop"}, Selector: sales}, []string{"shop where team=sales", "never"}},
		"for a while":         {apikey.Key{Expires: now.Add(90*time.Minute + 30*time.Second)}, []string{"all sessions", "in 90m"}},
		"expired":             {apikey.Key{Expires: now.Add(-time.Minute)}, []string{"all sessions", "expired"}},
	} {
		c.key.Namespace, c.key.Name, c.key.Sum, c.key.Verbs = "shops", "crm", apikey.SumOf(apikey.New()), []apikey.Verb{apikey.VerbRead}
		secret, err := apikey.Build(c.key)
		must(t, err)
		cells := strings.Split(keyRow(secret, now), "\t")
		if len(cells) != 5 || cells[2] != c.want[0] || cells[3] != c.want[1] {
			t.Errorf("%s: %q, want %q", name, cells, c.want)
		}
	}
}

// A key that ends before it begins is a mistake of the sign, and would be made without a word.
func TestAKeyIsNotMadeExpired(t *testing.T) {
	namespace := space(t, "expired-keys")
	if _, err := sesi(t, "", "-n", namespace, "apikey", "create", "crm", "--expires", "-720h"); err == nil || !strings.Contains(err.Error(), "--expires") {
		t.Errorf("create: %v", err)
	}
	var all corev1.SecretList
	must(t, api.List(t.Context(), &all, client.InNamespace(namespace)))
	if len(all.Items) > 0 {
		t.Errorf("%d Secrets were made", len(all.Items))
	}
}

// What is no token, or may be cut off, is not sent to a bot: it would answer that the token is wrong, and where it was
// slowed down for that, the right one would wait too.
func TestOnlyAWholeTokenIsSent(t *testing.T) {
	namespace := space(t, "half-tokens")
	for name, token := range map[string]string{"empty": "", "blank": " \n", "short": "short", "two-lines": "a-token-of-my-own\nchoice-that-is-long", "not-ascii": "a-token-of-my-own-choicé"} {
		s := someSession(name)
		s.Namespace = namespace
		must(t, api.Create(t.Context(), &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "wa-" + name}, Data: map[string][]byte{"token": []byte(token)},
		}))
		if got, err := (&cluster{client: api}).token(t.Context(), &s); err == nil || got != "" || !strings.Contains(err.Error(), "has no valid token") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// A session that is being deleted is not changed any more, whatever a person answers.
func TestNothingChangesWhatIsBeingDeleted(t *testing.T) {
	namespace := space(t, "leaving")
	s := create(t, v1alpha1.WhatsAppSession{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shop", Finalizers: []string{"sesi.dev/test"}}, Spec: v1alpha1.WhatsAppSessionSpec{ClientID: "shop"},
	})
	must(t, api.Delete(t.Context(), s))
	t.Cleanup(func() {
		before := s.DeepCopy()
		s.Finalizers = nil
		_ = api.Patch(t.Context(), s, client.MergeFrom(before))
	})
	for _, args := range [][]string{{"suspend", "shop", "--yes"}, {"resume", "shop"}, {"restore", "shop", "--yes", "-f", "/dev/null", "--image", "x"}} {
		if _, err := sesi(t, "", append([]string{"-n", namespace}, args...)...); err == nil || !strings.Contains(err.Error(), "is being deleted, so nothing was changed") {
			t.Errorf("%v: %v", args, err)
		}
	}
	now := &v1alpha1.WhatsAppSession{}
	must(t, api.Get(t.Context(), client.ObjectKeyFromObject(s), now))
	if suspended(now) {
		t.Error("it is suspended")
	}
}

package apikey_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"sesi.dev/sesi/api/apikey"
)

func TestWhatIsBuiltIsRead(t *testing.T) {
	key := apikey.New()
	selector, err := labels.Parse("team=sales,tier!=test")
	if err != nil {
		t.Fatal(err)
	}
	want := apikey.Key{
		Namespace: "sales", Name: "crm", Sum: apikey.SumOf(key), Verbs: []apikey.Verb{apikey.VerbRead, apikey.VerbSend},
		Sessions: []string{"shop", "bank"}, Selector: selector, Expires: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC),
	}
	secret, err := apikey.Build(want)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range secret.Data {
		if strings.Contains(string(value), key) || strings.Contains(key, string(value)) {
			t.Errorf("field %s holds the key or a part of it", name)
		}
	}
	got, err := apikey.Read(secret)
	if err != nil {
		t.Fatal(err)
	}
	if got.Sum != want.Sum || !got.Expires.Equal(want.Expires) || got.Selector.String() != selector.String() || len(got.Sessions) != 2 ||
		!got.Allows(apikey.VerbSend) || got.Allows(apikey.VerbManage) {
		t.Errorf("read %+v", got)
	}
	for _, c := range []struct {
		namespace, name string
		labels          map[string]string
		want            bool
	}{
		{"sales", "shop", map[string]string{"team": "sales"}, true},
		{"sales", "shop", map[string]string{"team": "sales", "tier": "test"}, false},
		{"sales", "shop", nil, false},
		{"sales", "other", map[string]string{"team": "sales"}, false},
		{"other", "shop", map[string]string{"team": "sales"}, false},
	} {
		if got.Covers(c.namespace, c.name, c.labels) != c.want {
			t.Errorf("covers %s/%s with %v: %v", c.namespace, c.name, c.labels, !c.want)
		}
	}
	if got.Expired(want.Expires.Add(-time.Second)) || !got.Expired(want.Expires) {
		t.Error("it does not end when it says")
	}
}

func TestKeysDiffer(t *testing.T) {
	if a, b := apikey.New(), apikey.New(); a == b || !apikey.Looks(a) || len(a) < 40 {
		t.Errorf("got %d and %d characters", len(a), len(b))
	}
}

// A Secret with anything wrong in it opens nothing, and the error names the field.
func TestAWrongSecretOpensNothing(t *testing.T) {
	cases := map[string]struct {
		edit func(*corev1.Secret)
		want string
	}{
		"another type":       {func(s *corev1.Secret) { s.Type = corev1.SecretTypeOpaque }, "type"},
		"no sum":             {func(s *corev1.Secret) { delete(s.Data, "sha256") }, "sha256"},
		"a short sum":        {func(s *corev1.Secret) { s.Data["sha256"] = []byte("abcd") }, "sha256"},
		"the key itself":     {func(s *corev1.Secret) { s.Data["sha256"] = []byte(apikey.New()) }, "sha256"},
		"no verbs":           {func(s *corev1.Secret) { delete(s.Data, "verbs") }, "verbs"},
		"an unknown verb":    {func(s *corev1.Secret) { s.Data["verbs"] = []byte("read,all") }, "verbs"},
		"empty sessions":     {func(s *corev1.Secret) { s.Data["sessions"] = nil }, "sessions"},
		"a wildcard":         {func(s *corev1.Secret) { s.Data["sessions"] = []byte("*") }, "sessions"},
		"a foreign session":  {func(s *corev1.Secret) { s.Data["sessions"] = []byte("other.shop") }, "sessions"},
		"an empty selector":  {func(s *corev1.Secret) { s.Data["selector"] = []byte(" ") }, "selector"},
		"a bad selector":     {func(s *corev1.Secret) { s.Data["selector"] = []byte("a in b") }, "selector"},
		"an expiry of words": {func(s *corev1.Secret) { s.Data["expires"] = []byte("tomorrow") }, "expires"},
		"an empty expiry":    {func(s *corev1.Secret) { s.Data["expires"] = []byte{} }, "expires"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			secret, err := apikey.Build(apikey.Key{Namespace: "sales", Name: "crm", Sum: apikey.SumOf("x"), Verbs: apikey.Verbs})
			if err != nil {
				t.Fatal(err)
			}
			c.edit(secret)
			key, err := apikey.Read(secret)
			if err == nil || !strings.Contains(err.Error(), c.want) || len(key.Verbs) > 0 {
				t.Errorf("read %+v, %v; want an error that names %s", key, err, c.want)
			}
		})
	}
}

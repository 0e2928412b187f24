package gateway

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"sesi.dev/sesi/api/apikey"
)

// In whatever order a watch brings them, the oldest Secret with a key counts, and the next one when it is gone.
func TestTheOldestSecretOfAKeyCounts(t *testing.T) {
	sum, began := apikey.SumOf(apikey.New()), time.Now()
	secret := func(namespace string, age time.Duration) *corev1.Secret {
		t.Helper()
		made, err := apikey.Build(apikey.Key{Namespace: namespace, Name: "key", Sum: sum, Verbs: []apikey.Verb{apikey.VerbRead}})
		if err != nil {
			t.Fatal(err)
		}
		made.CreationTimestamp = metav1.NewTime(began.Add(-age))
		return made
	}
	all := []*corev1.Secret{secret("owner", 3*time.Hour), secret("b", 2*time.Hour), secret("a", time.Hour)}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
		f := &fleet{log: slog.New(slog.DiscardHandler), keys: map[apikey.Sum][]heldKey{}, holders: map[types.NamespacedName]apikey.Sum{}}
		for _, i := range order {
			f.seeKey(all[i], false)
			f.seeKey(all[i], false) // a watch repeats itself
		}
		var counted []string
		for _, gone := range all {
			key, found := f.key(sum)
			if !found {
				t.Fatalf("order %v: no key before %s is gone", order, gone.Namespace)
			}
			counted = append(counted, key.Namespace)
			f.seeKey(gone, true)
		}
		if _, found := f.key(sum); found || len(f.keys)+len(f.holders) > 0 {
			t.Errorf("order %v: a key is left of Secrets that are gone", order)
		}
		if !slices.Equal(counted, []string{"owner", "b", "a"}) {
			t.Errorf("order %v: %v counted", order, counted)
		}
	}
}

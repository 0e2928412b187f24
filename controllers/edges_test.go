package controllers_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sesi.dev/sesi/api/bot"
)

// The API server answers a create with Conflict when many of them meet one quota. No event follows, so the operator
// has to try again by itself.
func TestACreateThatMeetsAQuotaIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	refused := map[string]int{}
	w.operate(staging{calls: &interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			kind := fmt.Sprintf("%T", o)
			mu.Lock()
			refused[kind]++
			_, pod := o.(*corev1.Pod)
			again := refused[kind] == 1 || pod && refused[kind] <= 6
			mu.Unlock()
			if again {
				return apierrors.NewConflict(schema.GroupResource{Resource: "resourcequotas"}, "quota", fmt.Errorf("the object has been modified"))
			}
			return c.Create(ctx, o, opts...)
		},
	}})
	w.create("kasir", nil)
	w.untilState("kasir", bot.StatePairing)
	mu.Lock()
	defer mu.Unlock()
	if len(refused) < 5 {
		t.Errorf("only %v were refused", refused)
	}
}

package gateway_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/gateway"
)

// slowLog is a log whose lines take long.
type slowLog struct{ written atomic.Bool }

func (l *slowLog) Write(line []byte) (int, error) {
	<-time.After(time.Second) // longer than the caches take to fill
	l.written.Store(true)
	return len(line), nil
}

// A gateway that has started has seen everything that was there, or it would tell a caller at once that a right key is wrong.
func TestAGatewayStartsWithAllThatIsThere(t *testing.T) {
	namespace := newNamespace(t)
	must(t, admin.Create(t.Context(), &corev1.Secret{ // its sight is a line of the log
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "broken"}, Type: apikey.Type, Data: map[string][]byte{apikey.FieldVerbs: []byte("read")}}))
	log := &slowLog{}
	g, err := gateway.New(gateway.Options{Config: environment.Config, Namespaces: []string{namespace}, Log: slog.New(slog.NewTextHandler(log, nil))})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer g.Close()
	defer cancel()
	must(t, g.Start(ctx))
	if !log.written.Load() {
		t.Error("it started before it had seen an API key")
	}
}

package gateway

import (
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/v1alpha1"
)

// newWriter returns a client that writes sessions, and reads them from the API server and not from the watches.
func newWriter(config *rest.Config, httpClient *http.Client) (client.Client, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("register the API's kinds: %w", err)
	}
	writer, err := client.New(config, client.Options{HTTPClient: httpClient, Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("write sessions: %w", err)
	}
	return writer, nil
}

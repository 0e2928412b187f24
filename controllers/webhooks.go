package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/resources"
)

// indexWebhookSecret finds the sessions whose webhooks name a Secret.
const indexWebhookSecret = "webhookSecret"

func webhookSecretKeys(object client.Object) []string {
	names := resources.WebhookSecrets(object.(*v1alpha1.WhatsAppSession))
	for i := range names {
		names[i] = object.GetNamespace() + "/" + names[i]
	}
	return names
}

// newWebhookSecrets returns the cache of the Secrets whose label lets webhooks use them. It is one of its own, because a
// cache has one selector for a kind, and the other's is for the operator's own Secrets.
func newWebhookSecrets(mgr ctrl.Manager, namespaces []string) (cache.Cache, error) {
	options := cache.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(),
		DefaultLabelSelector:         labels.SelectorFromSet(labels.Set{naming.LabelWebhooks: "true"}),
		DefaultTransform:             slim,
		DefaultUnsafeDisableDeepCopy: new(true),
		ReaderFailOnMissingInformer:  true,
		DefaultNamespaces:            namespacesOf(namespaces),
	}
	secrets, err := cache.New(mgr.GetConfig(), options)
	if err != nil {
		return nil, fmt.Errorf("create the cache of webhooks' Secrets: %w", err)
	}
	if err := mgr.Add(secrets); err != nil {
		return nil, fmt.Errorf("add the cache of webhooks' Secrets: %w", err)
	}
	return secrets, nil
}

// requestsOfSecret maps a Secret to every session whose webhooks name it.
func (r *Reconciler) requestsOfSecret(ctx context.Context, secret *corev1.Secret) []reconcile.Request {
	return r.requestsBy(ctx, indexWebhookSecret, secret.Namespace+"/"+secret.Name)
}

package controllers

import (
	"bytes"
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
		DefaultTransform:             slimHookSecret,
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

const (
	// maxHookValue is more than a webhook's secret, or all of its headers, may have.
	maxHookValue = 16 << 10
	// maxHookSecret bounds what is kept of one Secret.
	maxHookSecret = 128 << 10
)

// slimHookSecret cuts what no webhook can use. Anyone who may create Secrets can give them the label. Each may have a
// megabyte, and the operator would keep all of them in memory. A value that was cut is still too long for a webhook.
func slimHookSecret(object any) (any, error) {
	if secret, ok := object.(*corev1.Secret); ok {
		size := 0
		for name, value := range secret.Data {
			if len(value) > maxHookValue {
				value = bytes.Clone(value[:maxHookValue])
				secret.Data[name] = value
			}
			size += len(name) + len(value)
		}
		if size > maxHookSecret {
			secret.Data = nil
		}
	}
	return slim(object)
}

// requestsOfSecret maps a Secret to every session whose webhooks name it.
func (r *Reconciler) requestsOfSecret(ctx context.Context, secret *corev1.Secret) []reconcile.Request {
	return r.requestsBy(ctx, indexWebhookSecret, secret.Namespace+"/"+secret.Name)
}

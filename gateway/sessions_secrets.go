package gateway

import (
	"context"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// secretType is the type of the Secrets that the gateway writes. A policy of the chart refuses it any other.
const secretType corev1.SecretType = "sesi.dev/session-settings"

// secrets are what Secrets hold, by the Secret's name and by key.
type secrets map[string]map[string]string

// secretName names a Secret of a session's settings. No object of the operator has a dot in its name.
func secretName(session *v1alpha1.WhatsAppSession, what string) string {
	return session.Name + "." + what
}

// headers adds a Secret with a webhook's headers.
func (s secrets) headers(name string, given []bot.GatewayWAHAHeader, field string) error {
	all, size := map[string]string{}, 0
	for _, h := range given {
		value := strings.TrimSpace(h.Value)
		size += len(h.Name) + len(value)
		if !bot.AllowedWebhookHeader(h.Name) || !bot.AllowedWebhookValue(h.Name, value) {
			return unprocessable(text{field + " berisi header yang tidak boleh diatur webhook: \"" + h.Name + "\".",
				field + " has a header that a webhook cannot set: \"" + h.Name + "\"."})
		}
		all[h.Name] = value
	}
	if len(given) > bot.MaxWebhookHeaders || size > maxHookHeaders {
		return unprocessable(text{field + " terlalu banyak.", field + " has too many headers."})
	}
	s[name] = all
	return nil
}

// writeSecrets writes the Secrets that a session's settings need. They go when the session does.
func (g *Gateway) writeSecrets(ctx context.Context, session *v1alpha1.WhatsAppSession, needed secrets) error {
	for _, name := range slices.Sorted(maps.Keys(needed)) {
		secret := applycorev1.Secret(name, session.Namespace).WithType(secretType).WithStringData(needed[name]).
			WithLabels(map[string]string{naming.LabelWebhooks: "true", "app.kubernetes.io/part-of": "sesi"}).
			WithOwnerReferences(applymetav1.OwnerReference().WithAPIVersion(v1alpha1.GroupVersion.String()).WithKind("WhatsAppSession").
				WithName(session.Name).WithUID(session.UID))
		if err := g.writer.Apply(ctx, secret, client.FieldOwner("sesi-gateway"), client.ForceOwnership); err != nil {
			return err
		}
	}
	return nil
}

// dropSecrets deletes the Secrets of a session's settings that it no longer uses. One that stays goes with the session.
func (g *Gateway) dropSecrets(ctx context.Context, before, after *v1alpha1.WhatsAppSession) {
	used := secretsOf(after)
	for _, name := range secretsOf(before) {
		if slices.Contains(used, name) {
			continue
		}
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: before.Namespace, Name: name}}
		if err := client.IgnoreNotFound(g.writer.Delete(ctx, secret)); err != nil {
			g.log.Warn("a Secret that a session no longer uses was not deleted", "namespace", before.Namespace, "session", before.Name, "error", err.Error())
		}
	}
}

// secretsOf are the names of the Secrets that the gateway wrote for a session.
func secretsOf(session *v1alpha1.WhatsAppSession) []string {
	var names []string
	add := func(name string) {
		if strings.HasPrefix(name, session.Name+".") {
			names = append(names, name)
		}
	}
	for i := range session.Spec.Webhooks {
		hook := &session.Spec.Webhooks[i]
		if !strings.HasPrefix(hook.Name, prefixWAHA) && !strings.HasPrefix(hook.Name, prefixDesk) {
			continue
		}
		if hook.SecretRef != nil {
			add(hook.SecretRef.Name)
		}
		if hook.HeadersSecretRef != nil {
			add(hook.HeadersSecretRef.Name)
		}
	}
	if proxy := session.Spec.ProxySecretRef; proxy != nil && proxy.Name == secretName(session, "proxy") {
		add(proxy.Name)
	}
	return names
}

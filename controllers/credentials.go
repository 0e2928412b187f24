package controllers

import (
	"bytes"
	"context"
	"maps"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
	"sesi.dev/sesi/controllers/resources"
)

// ensureCredentials creates the session's Secret, and renews it when it is damaged or its certificate is about to expire.
// The Secret also has the bot's files about messages. A running bot reads the new content from its volume; its event
// stream and its connection to WhatsApp stay open.
func (r *Reconciler) ensureCredentials(ctx context.Context, p *pass) error {
	mine := p.secret != nil && metav1.IsControlledBy(p.secret, p.session)
	good := mine && p.keys != nil && p.now.Before(p.keys.renewAt)
	if good && hasDeliveries(p.secret, p.deliveries) {
		return nil
	}
	desired := p.secret.DeepCopy()
	if !good {
		var err error
		if desired, err = credentials.Build(p.session, p.secret, p.now); err != nil {
			return err
		}
		if p.secret != nil {
			log.FromContext(ctx).Info("renewing credentials", "secret", desired.Name,
				"why", credentials.DecideRenewal(p.session, p.secret, p.now))
		}
	}
	desired.Data = maps.Clone(desired.Data)
	desired.Data[credentials.KeyWebhooks], desired.Data[credentials.KeyMessages] = p.deliveries.Webhooks, p.deliveries.Messages
	// A Secret that the cache does not show yet may be good. The pass that its event starts decides.
	unseen := p.secret == nil
	return ensure(ctx, r, p.session, p.secret, desired, !unseen,
		func(*corev1.Secret) bool { return unseen },
		func(update *corev1.Secret) {
			if !unseen {
				update.Data = desired.Data
			}
		})
}

func hasDeliveries(secret *corev1.Secret, d resources.Deliveries) bool {
	return bytes.Equal(secret.Data[credentials.KeyWebhooks], d.Webhooks) && bytes.Equal(secret.Data[credentials.KeyMessages], d.Messages)
}

// keys are the parts of a Secret that are needed to connect to a bot.
type keys struct {
	version string
	token   string
	pins    observer.Pins
	renewAt time.Time
}

// keyring caches what was read from the sessions' Secrets. Reading one verifies a private key, which takes longer than the
// rest of a pass that changes nothing.
type keyring struct {
	mu   sync.Mutex
	held map[types.NamespacedName]*keys
}

// read returns the Secret's keys, or nil when they are damaged.
func (k *keyring) read(session *v1alpha1.WhatsAppSession, secret *corev1.Secret) *keys {
	if secret == nil {
		return nil
	}
	key := client.ObjectKeyFromObject(session)
	k.mu.Lock()
	held := k.held[key]
	k.mu.Unlock()
	version := string(secret.UID) + "/" + secret.ResourceVersion
	if held != nil && held.version == version {
		return held
	}
	held = readKeys(session, secret, version)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held == nil {
		k.held = map[types.NamespacedName]*keys{}
	}
	k.held[key] = held
	return held
}

func (k *keyring) forget(key types.NamespacedName) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.held, key)
}

func readKeys(session *v1alpha1.WhatsAppSession, secret *corev1.Secret, version string) *keys {
	read, err := credentials.Read(session, secret)
	if err != nil {
		return nil
	}
	found := &keys{version: version, token: read.Token, renewAt: read.RenewAt}
	for i := range min(len(found.pins), len(read.Certificates)) {
		if found.pins[i], err = observer.PinOf(read.Certificates[i]); err != nil {
			return nil
		}
	}
	return found
}

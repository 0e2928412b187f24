package controllers

import (
	"context"
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
)

// ensureCredentials makes the session's Secret, and makes it anew when it is damaged or its certificate is due. A
// running bot takes the new one from its volume, and its stream stands meanwhile.
func (r *Reconciler) ensureCredentials(ctx context.Context, s *scope) error {
	mine := s.secret != nil && metav1.IsControlledBy(s.secret, s.session)
	if mine && s.keys != nil && s.now.Before(s.keys.renewAt) {
		return nil
	}
	desired, err := credentials.Build(s.session, s.secret, s.now)
	if err != nil {
		return err
	}
	if s.secret != nil {
		log.FromContext(ctx).Info("renewing credentials", "secret", desired.Name,
			"why", credentials.DecideRenewal(s.session, s.secret, s.now))
	}
	// One that the cache has not seen may be good; the visit that its event brings judges it.
	unseen := s.secret == nil
	return ensure(ctx, r, s.session, s.secret, desired, !unseen,
		func(*corev1.Secret) bool { return unseen },
		func(update *corev1.Secret) {
			if !unseen {
				update.Data = desired.Data
			}
		})
}

// keys are what is needed of a Secret to speak with a bot.
type keys struct {
	version string
	token   string
	pins    observer.Pins
	renewAt time.Time
}

// keyring remembers what was read from the sessions' Secrets: to read one is to check a private key, which costs more
// than the rest of a visit that changes nothing.
type keyring struct {
	mu   sync.Mutex
	held map[types.NamespacedName]*keys
}

// read returns what the Secret holds, or nil when that is damaged.
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

package gateway

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

func (f *fleet) seeSession(object any, gone bool) {
	session, ok := object.(*v1alpha1.WhatsAppSession)
	if !ok {
		return
	}
	key := sessionKey{session.Namespace, session.Name}
	f.change(key, func(m *member) {
		m.session = session
		if gone {
			m.session = nil
		}
	})
	f.tell(key)
}

func (f *fleet) seePod(object any, gone bool) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return
	}
	f.change(sessionKey{pod.Namespace, pod.Labels[naming.LabelSession]}, func(m *member) {
		switch {
		case !gone && pod.Name == "wa-"+pod.Labels[naming.LabelSession]:
			m.pod = pod
		case gone && m.pod != nil && m.pod.UID == pod.UID:
			m.pod = nil
		}
	})
}

func (f *fleet) seeSecret(object any, gone bool) {
	secret, ok := object.(*corev1.Secret)
	if !ok {
		return
	}
	f.change(sessionKey{secret.Namespace, secret.Labels[naming.LabelSession]}, func(m *member) {
		switch {
		case !gone && secret.Name == "wa-"+secret.Labels[naming.LabelSession]:
			m.secret = secret
		case gone && m.secret != nil && m.secret.UID == secret.UID:
			m.secret = nil
		}
	})
}

func (f *fleet) seeKey(object any, gone bool) {
	secret, ok := object.(*corev1.Secret)
	if !ok {
		return
	}
	holder := types.NamespacedName{Namespace: secret.Namespace, Name: secret.Name}
	f.mu.Lock()
	defer f.mu.Unlock()
	if sum, found := f.holders[holder]; found {
		delete(f.holders, holder)
		f.keys[sum] = slices.DeleteFunc(f.keys[sum], func(k heldKey) bool { return k.Namespace == holder.Namespace && k.Name == holder.Name })
		if len(f.keys[sum]) == 0 {
			delete(f.keys, sum)
		}
	}
	if gone {
		return
	}
	key, err := apikey.Read(secret)
	if err != nil {
		f.log.Warn("an API key's Secret is invalid; the key does not work", "namespace", secret.Namespace, "error", err.Error())
		return
	}
	held := append(f.keys[key.Sum], heldKey{key, secret.CreationTimestamp.Time})
	slices.SortFunc(held, func(a, b heldKey) int {
		return cmp.Or(a.made.Compare(b.made), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	f.keys[key.Sum], f.holders[holder] = held, key.Sum
	if len(held) > 1 {
		f.log.Warn("several Secrets hold the same API key; only the oldest one works", "namespace", held[0].Namespace, "secret", held[0].Name,
			"otherNamespace", held[1].Namespace, "otherSecret", held[1].Name)
	}
}

// change edits a member and derives its target again.
func (f *fleet) change(key sessionKey, edit func(*member)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.members[key]
	if m == nil {
		m = &member{}
		f.members[key] = m
	}
	edit(m)
	before := m.target
	m.target = f.deriveTarget(m)
	if m.changed != nil && m.target != before {
		close(m.changed)
		m.changed = nil
	}
	if m.session == nil && m.pod == nil && m.secret == nil {
		delete(f.members, key)
		if m.changed != nil {
			close(m.changed)
		}
	}
}

// deriveTarget returns where the member's bot can be called; nil for nowhere. The pod and the Secret must be this
// session's: one of an earlier session of the same name, or of someone else, gets no request.
func (f *fleet) deriveTarget(m *member) *target {
	if m.session == nil || m.pod == nil || m.secret == nil || m.pod.Status.PodIP == "" ||
		m.pod.DeletionTimestamp != nil || m.pod.Status.Phase != corev1.PodRunning ||
		!ownedBy(m.pod, m.session) || !ownedBy(m.secret, m.session) {
		return nil
	}
	token, kept := string(m.secret.Data[keptToken]), m.secret.Data[keptPins]
	if token == "" || len(kept) == 0 {
		return nil
	}
	next := target{address: botAddress(m.pod.Status.PodIP), authorization: "Bearer " + token}
	for i := range next.pins {
		copy(next.pins[i][:], kept[min(i*len(next.pins[i]), len(kept)):])
	}
	if old := m.target; old != nil && old.address == next.address && old.pins == next.pins {
		if old.authorization == next.authorization {
			return old
		}
		next.host = old.host
		return &next
	}
	next.host = fmt.Sprintf("bot-%d", f.hosts.Add(1))
	return &next
}

func ownedBy(object, session client.Object) bool {
	owner := metav1.GetControllerOf(object)
	return owner != nil && owner.UID == session.GetUID()
}

// Package apikey builds and reads the Secret of a gateway's API key. The Secret holds only the SHA-256 of the key, so
// reading the Secret does not give the key. The package never reads or writes the cluster.
package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Type is the type of the Secrets. The gateway watches Secrets of this type in every namespace that it serves.
const Type corev1.SecretType = "sesi.dev/api-key"

// Prefix begins every key, so that secret scanners find one that leaked, and a gateway tells it from a Kubernetes
// token.
const Prefix = "sesi_"

// Fields of the Secret.
const (
	// FieldSHA256 is the SHA-256 of the whole key, in hex.
	FieldSHA256 = "sha256"
	// FieldVerbs is a comma-separated list of Verbs.
	FieldVerbs = "verbs"
	// FieldSessions is a comma-separated list of names of sessions; without it, every session of the namespace.
	FieldSessions = "sessions"
	// FieldSelector is a label selector of sessions.
	FieldSelector = "selector"
	// FieldExpires is when the key ends, as RFC 3339.
	FieldExpires = "expires"
)

// Verb is what a key lets its bearer do.
type Verb string

// The verbs.
const (
	// VerbRead sees sessions and reads their messages.
	VerbRead Verb = "read"
	// VerbSend sends messages and does what else a linked account can do.
	VerbSend Verb = "send"
	// VerbLink sees codes and links phones.
	VerbLink Verb = "link"
	// VerbControl restarts, stops, starts, logs out and clears sessions, and erases messages.
	VerbControl Verb = "control"
	// VerbManage creates, changes and deletes sessions, and takes backups, which hold their keys.
	VerbManage Verb = "manage"
)

// Verbs lists every verb.
var Verbs = []Verb{VerbRead, VerbSend, VerbLink, VerbControl, VerbManage}

// randomBytes is how many random bytes a key has.
const randomBytes = 32

// maxSessions bounds the names in one key; a selector covers more.
const maxSessions = 1000

var sessionName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,58}[a-z0-9])?$`)

// Sum is the SHA-256 of a key.
type Sum [sha256.Size]byte

// SumOf returns the sum of a key.
func SumOf(key string) Sum { return sha256.Sum256([]byte(key)) }

// Key is what a Secret says of a key.
type Key struct {
	// Namespace and Name are the Secret's. The key opens sessions of this namespace only.
	Namespace, Name string
	// Sum is the key's.
	Sum Sum
	// Verbs are what it lets its bearer do.
	Verbs []Verb
	// Sessions are the names of the sessions that it opens; empty means every one that Selector selects.
	Sessions []string
	// Selector selects sessions by their labels; nil selects all.
	Selector labels.Selector
	// Expires is when the key ends; zero means never.
	Expires time.Time
}

// New returns a new random key.
func New() string {
	random := make([]byte, randomBytes)
	rand.Read(random) // never fails: the program ends instead
	return Prefix + base64.RawURLEncoding.EncodeToString(random)
}

// Looks reports whether a credential is a key and not a Kubernetes token.
func Looks(credential string) bool { return strings.HasPrefix(credential, Prefix) }

// Build builds the Secret of a key. The key's Namespace, Name, Sum and Verbs must be set.
func Build(key Key) (*corev1.Secret, error) {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: key.Namespace, Name: key.Name,
			Labels: map[string]string{"app.kubernetes.io/name": "sesi-api-key", "app.kubernetes.io/part-of": "sesi"},
		},
		Type: Type,
		Data: map[string][]byte{FieldSHA256: []byte(hex.EncodeToString(key.Sum[:])), FieldVerbs: []byte(join(key.Verbs))},
	}
	if len(key.Sessions) > 0 {
		secret.Data[FieldSessions] = []byte(strings.Join(key.Sessions, ","))
	}
	if key.Selector != nil && !key.Selector.Empty() {
		secret.Data[FieldSelector] = []byte(key.Selector.String())
	}
	if !key.Expires.IsZero() {
		secret.Data[FieldExpires] = []byte(key.Expires.UTC().Format(time.RFC3339))
	}
	_, err := Read(secret)
	return secret, err
}

// Read reads a key's Secret. A Secret with anything wrong in it opens nothing; the error names the field.
func Read(secret *corev1.Secret) (Key, error) {
	key := Key{Namespace: secret.Namespace, Name: secret.Name}
	if secret.Type != Type {
		return Key{}, fmt.Errorf("secret %s: its type is %q, not %q", secret.Name, secret.Type, Type)
	}
	sum, err := hex.DecodeString(field(secret, FieldSHA256))
	if err != nil || len(sum) != len(key.Sum) {
		return Key{}, fmt.Errorf("secret %s: %s must be the SHA-256 of the key, as %d hex digits", secret.Name, FieldSHA256, 2*len(key.Sum))
	}
	copy(key.Sum[:], sum)
	if key.Verbs, err = ParseVerbs(field(secret, FieldVerbs)); err != nil {
		return Key{}, fmt.Errorf("secret %s: %s: %w", secret.Name, FieldVerbs, err)
	}
	if key.Sessions, err = parseSessions(field(secret, FieldSessions)); err != nil {
		return Key{}, fmt.Errorf("secret %s: %s: %w", secret.Name, FieldSessions, err)
	}
	if text := field(secret, FieldSelector); text != "" {
		if key.Selector, err = labels.Parse(text); err != nil {
			return Key{}, fmt.Errorf("secret %s: %s: %w", secret.Name, FieldSelector, err)
		}
	}
	if text := field(secret, FieldExpires); text != "" {
		if key.Expires, err = time.Parse(time.RFC3339, text); err != nil {
			return Key{}, fmt.Errorf("secret %s: %s must be a time such as 2027-01-31T00:00:00Z", secret.Name, FieldExpires)
		}
	}
	// A field that is there and empty would otherwise open more than its author meant.
	for _, name := range []string{FieldSessions, FieldSelector, FieldExpires} {
		if value, there := secret.Data[name]; there && strings.TrimSpace(string(value)) == "" {
			return Key{}, fmt.Errorf("secret %s: %s is empty: fill it, or leave it out", secret.Name, name)
		}
	}
	return key, nil
}

func field(secret *corev1.Secret, name string) string {
	return strings.TrimSpace(string(secret.Data[name]))
}

// ParseVerbs reads a comma-separated list of verbs.
func ParseVerbs(list string) ([]Verb, error) {
	var verbs []Verb
	for part := range strings.SplitSeq(list, ",") {
		verb := Verb(strings.TrimSpace(part))
		if !slices.Contains(Verbs, verb) {
			return nil, fmt.Errorf("%q is not one of %s", verb, join(Verbs))
		}
		if !slices.Contains(verbs, verb) {
			verbs = append(verbs, verb)
		}
	}
	return verbs, nil
}

func parseSessions(list string) ([]string, error) {
	if list == "" {
		return nil, nil
	}
	var names []string
	for part := range strings.SplitSeq(list, ",") {
		name := strings.TrimSpace(part)
		if !sessionName.MatchString(name) {
			return nil, fmt.Errorf("%q is not the name of a session", name)
		}
		names = append(names, name)
	}
	if len(names) > maxSessions {
		return nil, fmt.Errorf("%d names are more than %d: use %s", len(names), maxSessions, FieldSelector)
	}
	return names, nil
}

func join(verbs []Verb) string {
	words := make([]string, len(verbs))
	for i, verb := range verbs {
		words[i] = string(verb)
	}
	return strings.Join(words, ",")
}

// Expired reports whether the key has ended.
func (k Key) Expired(now time.Time) bool { return !k.Expires.IsZero() && !now.Before(k.Expires) }

// Allows reports whether the key has a verb.
func (k Key) Allows(verb Verb) bool { return slices.Contains(k.Verbs, verb) }

// Covers reports whether the key opens a session. A key with both names and a selector asks for both.
func (k Key) Covers(namespace, name string, sessionLabels map[string]string) bool {
	if namespace != k.Namespace || len(k.Sessions) > 0 && !slices.Contains(k.Sessions, name) {
		return false
	}
	return k.Selector == nil || k.Selector.Matches(labels.Set(sessionLabels))
}

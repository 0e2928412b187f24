package gateway

import (
	"bytes"
	"maps"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	botclient "sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// Of a session's Secret the gateway keeps the token as the bot reads it and the pins of at most two certificates, and never
// the private key.
func TestWhatIsKeptOfASecret(t *testing.T) {
	t.Parallel()
	session := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "shop"}}
	build := func() *corev1.Secret {
		secret, err := credentials.Build(session, nil, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	secret := build()
	token := bytes.Clone(secret.Data[credentials.KeyToken])
	secret.Data[credentials.KeyToken] = append([]byte("\n"), append(token, " \n"...)...)
	own := secret.Data[credentials.KeyCertificate]
	earlier, earliest := build().Data[credentials.KeyCertificate], build().Data[credentials.KeyCertificate]
	secret.Data[credentials.KeyRoots] = slices.Concat(own, earlier, earliest)
	object, err := slimSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]string{}
	var pins []byte
	for _, certificate := range [][]byte{own, earlier} {
		pin, err := botclient.PinOf(certificate)
		if err != nil {
			t.Fatal(err)
		}
		pins = append(pins, pin[:]...)
	}
	for name, value := range object.(*corev1.Secret).Data {
		kept[name] = string(value)
	}
	if want := map[string]string{keptToken: string(token), keptPins: string(pins)}; !maps.Equal(kept, want) {
		t.Errorf("it keeps %q, want %q", kept, want)
	}
	again, err := slimSecret(object)
	if err != nil || again != object {
		t.Errorf("asked again: %v, %v", again, err)
	}
}

// Of a session nothing stays when all of it is gone, in whatever order that is told.
func TestNothingStaysOfASession(t *testing.T) {
	t.Parallel()
	session := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "shop"}}
	meta := metav1.ObjectMeta{Namespace: "a", Name: naming.Name(session), Labels: map[string]string{naming.LabelSession: "shop"}}
	pod, secret := &corev1.Pod{ObjectMeta: meta}, &corev1.Secret{ObjectMeta: meta}
	f := &fleet{members: map[sessionKey]*member{}, readers: map[*changes]struct{}{}}
	see := []func(gone bool){func(gone bool) { f.seeSession(session, gone) }, func(gone bool) { f.seePod(pod, gone) }, func(gone bool) { f.seeSecret(secret, gone) }}
	for first := range see {
		for i := range see {
			see[i](false)
		}
		for i := range see {
			see[(first+i)%len(see)](true)
		}
		if len(f.members) > 0 {
			t.Errorf("%d members stay", len(f.members))
		}
	}
}

// A reader gets each session that changed once, however often it changed.
func TestChangesAreTakenOnce(t *testing.T) {
	t.Parallel()
	f := &fleet{readers: map[*changes]struct{}{}}
	shop, bank := sessionKey{"a", "shop"}, sessionKey{"a", "bank"}
	c, stop := f.follow()
	f.tell(shop)
	f.tell(shop)
	f.tell(bank)
	<-c.wake
	if got := c.take(); len(got) != 2 {
		t.Errorf("took %v", got)
	}
	if got := c.take(); len(got) != 0 {
		t.Errorf("took %v again", got)
	}
	f.tell(bank)
	<-c.wake
	if got := slices.Collect(maps.Keys(c.take())); !slices.Equal(got, []sessionKey{bank}) {
		t.Errorf("then took %v", got)
	}
	stop()
	f.tell(shop)
	if len(f.readers) > 0 || len(c.take()) > 0 {
		t.Error("a reader that has ended is told")
	}
}

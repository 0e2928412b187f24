package v1alpha1_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/odd"
)

// What a bot would refuse, or understand otherwise, the API server refuses with the field's name: else a bot would not
// start, or would not take a change.
func TestOddValuesAreRejected(t *testing.T) {
	hook := func(s *v1alpha1.WhatsAppSession) *v1alpha1.Webhook {
		s.Spec.Webhooks = []v1alpha1.Webhook{{Name: "a", URL: "https://a.example/x"}}
		return &s.Spec.Webhooks[0]
	}
	chats := odd.Chats()
	// Only the bot's API takes numbers as people write them.
	chats = append(chats, "+62 812-3456-7890", "0062 812 3456 7890", "status")
	for name, c := range map[string]struct {
		field string
		odd   []string
		good  []string
		set   func(*v1alpha1.WhatsAppSession, string)
	}{
		"the address of a webhook": {"spec.webhooks[0].url", odd.Web(), []string{
			"https://example.com", "https://example.com/hook", "http://hooks.shop.svc:8080/events?x=1&y[]=a%20b", "http://10.0.0.1/", "http://[fd00::1]:80/x", "https://my_bot:3000/", "https://example.com./a;b/c'd/e", "https://8.8.8.8.example/",
		}, func(s *v1alpha1.WhatsAppSession, v string) { hook(s).URL = v }},
		"a chat of a filter": {"spec.webhooks[0].filters.chats", chats, []string{
			"6281234567890", "+6281234567890", "6281234567890@c.us", "0@s.whatsapp.net", "6201234567890123@lid", "120363012345678901@g.us", "6281234567890-1234567890@g.us", "status@broadcast", "12036301@newsletter",
		}, func(s *v1alpha1.WhatsAppSession, v string) { hook(s).Filters.Chats = []string{v} }},
		"the number to link": {"spec.pairing.phoneNumber", odd.Phones()[1:], []string{"+6281234567890", "+14155550123", "+390612345678", "+2250123456789"},
			func(s *v1alpha1.WhatsAppSession, v string) {
				s.Spec.Pairing.Method, s.Spec.Pairing.PhoneNumber = v1alpha1.PairingPhoneCode, v
			}},
	} {
		t.Run(name, func(t *testing.T) {
			if len(c.odd) < 100 {
				t.Fatalf("only %d odd values", len(c.odd))
			}
			try := func(value string) error {
				s := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "default"}}
				c.set(s, value)
				return api.Create(t.Context(), s, client.DryRunAll)
			}
			for _, value := range c.odd {
				if err := try(value); err == nil {
					t.Errorf("%q is accepted", value)
				} else {
					wantMessage(t, err, []string{c.field})
				}
			}
			for _, value := range c.good {
				if err := try(value); err != nil {
					t.Errorf("%q: %v", value, err)
				}
			}
		})
	}
}

package passkey

import (
	"encoding/base64"
	"encoding/json"
	"testing"
)

func FuzzAssertion(f *testing.F) {
	client := base64.RawURLEncoding.EncodeToString([]byte(`{"type":"webauthn.get","challenge":"AAAA","origin":"https://web.whatsapp.com"}`))
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"` + client + `","authenticatorData":"AA","signature":"AA"}}`))
	f.Add([]byte(`{"type":"public-key"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := parseAssertion(raw, "AAAA")
		if err != nil {
			return
		}
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = parseAssertion(text, "AAAA"); err != nil {
			t.Errorf("what was taken is not taken again: %v", err)
		}
	})
}

func FuzzOptions(f *testing.F) {
	f.Add([]byte(`{"challenge":"AAAA","timeout":600000}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, life, err := parseOptions(raw); err == nil && (life < shortLife || life > longLife) {
			t.Errorf("a challenge lives %v", life)
		}
	})
}

func FuzzPhoneKey(f *testing.F) {
	f.Add([]byte("\x0a\x01a"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := newCompanion("ref")
		if err != nil {
			t.Fatal(err)
		}
		if c.meet(raw) == nil && len(c.code) != 9 {
			t.Errorf("code %q", c.code)
		}
	})
}

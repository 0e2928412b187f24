package passkey

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"
)

// Tools between a browser and the bot change how Base64 is written. WhatsApp gets it as a browser writes it.
func TestAnAssertionIsReadInEveryForm(t *testing.T) {
	const challenge = "-_8A"
	client := `{"type":"webauthn.get","challenge":"%s","origin":"https://web.whatsapp.com"}`
	whole := func(encoding *base64.Encoding, client string) string {
		text := func(s string) string { return encoding.EncodeToString([]byte(s)) }
		return fmt.Sprintf(`{"id":%[1]q,"rawId":%[1]q,"type":"public-key","response":{"clientDataJSON":%[2]q,"authenticatorData":%[3]q,"signature":%[3]q,"userHandle":""}}`,
			text("\xfb\xff\x00\x01"), text(client), text("\xfb\xff"))
	}
	for name, given := range map[string]string{
		"a browser's":     whole(base64.RawURLEncoding, fmt.Sprintf(client, challenge)),
		"padded":          whole(base64.URLEncoding, fmt.Sprintf(client, challenge)),
		"usual alphabet":  whole(base64.StdEncoding, fmt.Sprintf(client, challenge)),
		"usual challenge": whole(base64.RawStdEncoding, fmt.Sprintf(client, "+/8A")),
	} {
		a, err := parseAssertion([]byte(given), challenge)
		if err != nil || a.ID != "-_8AAQ" || a.RawID != a.ID || string(a.rawID) != "\xfb\xff\x00\x01" || a.Response.Signature != "-_8" || a.Response.AuthenticatorData != "-_8" {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	var bare map[string]any
	if err := json.Unmarshal([]byte(whole(base64.RawURLEncoding, fmt.Sprintf(client, challenge))), &bare); err != nil {
		t.Fatal(err)
	}
	delete(bare, "rawId")
	given, err := json.Marshal(bare)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := parseAssertion(given, challenge); err != nil || a.RawID != "-_8AAQ" {
		t.Errorf("without rawId: %+v, %v", a, err)
	}
	created := whole(base64.RawURLEncoding, `{"type":"webauthn.create","challenge":"-_8A","origin":"https://web.whatsapp.com"}`)
	if _, err := parseAssertion([]byte(created), challenge); !errors.Is(err, ErrAssertion) {
		t.Errorf("a passkey that was created: %v", err)
	}
}

func TestTheLifeOfAChallengeHasBounds(t *testing.T) {
	for given, want := range map[string]time.Duration{
		`{"challenge":"AAAA"}`: defaultLife, `{"challenge":"AAAA","timeout":600000}`: 10 * time.Minute, `{"challenge":"AAAA","timeout":1}`: shortLife,
		`{"challenge":"AAAA","timeout":86400000}`: longLife, `{"challenge":"AAAA","timeout":-1}`: defaultLife,
	} {
		if _, life, err := parseOptions([]byte(given)); err != nil || life != want {
			t.Errorf("%s: %v, %v, want %v", given, life, err, want)
		}
	}
	for _, given := range []string{``, `[]`, `{}`, `{"challenge":""}`, `{"challenge":"="}`, `{"challenge":"***"}`} {
		if o, _, err := parseOptions([]byte(given)); err == nil {
			t.Errorf("%q is taken as %+v", given, o)
		}
	}
}

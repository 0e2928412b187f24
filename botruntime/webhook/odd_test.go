package webhook

import (
	"encoding/json"
	"strings"
	"testing"

	"sesi.dev/sesi/test/odd"
)

// What cannot be meant is refused with the field's name, in a file and in the settings, and no secret is repeated.
func TestOddTargetsAreRefused(t *testing.T) {
	entry := func(field string, value any) []byte {
		e := map[string]any{"name": "a", "url": "http://a.example", field: value}
		if field == "previousSecret" {
			e["secret"] = "sixteen-characters"
		}
		file, err := json.Marshal(map[string]any{"webhooks": []any{e}})
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	chats := make([]any, 0, 150)
	for _, chat := range odd.Chats() {
		chats = append(chats, []string{chat})
	}
	texts := func(list []string) (values []any) {
		for _, text := range list {
			values = append(values, text)
		}
		return values
	}
	var headers []any
	for _, value := range odd.Headers() {
		headers = append(headers, map[string]string{"X-A": value})
	}
	for _, name := range []string{"", "X A", "X:A", "Xä", "X\n", "(X)", "X/A", "host", "HOST", "content-type", "connection", "te", "webhook-id", "X-WEBHOOK-Hmac"} {
		headers = append(headers, map[string]string{name: "v"})
	}
	headers = append(headers, map[string]string{"X-A": "1", "x-a": "2"})
	secrets := texts(append(odd.Secrets(), "whsec_", "whsec_short", "whsec_***not-base64***"))
	for field, values := range map[string][]any{
		"url": texts(odd.Web()), "secret": secrets, "previousSecret": secrets, "chats": chats, "headers": headers,
	} {
		if len(values) < 100 && field != "headers" {
			t.Errorf("%s: only %d odd values", field, len(values))
		}
		for _, value := range values {
			got, err := Parse(entry(field, value))
			if err == nil {
				t.Errorf("%s %q is accepted as %+v", field, value, got)
			} else if text, secret := value.(string); !strings.Contains(err.Error(), "webhooks[0]."+field) || secret && len(text) > 12 && strings.Contains(strings.ReplaceAll(err.Error(), "https://example.com/hook", ""), text) {
				t.Errorf("%s %q: %v", field, value, err)
			}
		}
	}
	for _, secret := range odd.Secrets() {
		if got, err := One("https://a.example", secret, ""); err == nil {
			t.Errorf("WEBHOOK_SECRET=%q is accepted as %q", secret, got.Secrets)
		}
	}
}

package config

import (
	"strings"
	"testing"

	"sesi.dev/sesi/test/odd"
)

// example is the address in the errors.
const example = "https://example.com/hook"

// What is no address of the web is no webhook's, and a secret in it is not repeated.
func TestOddWebAddressesAreRefused(t *testing.T) {
	odd := odd.Web()
	enough(t, odd)
	for _, name := range []string{"WEBHOOK_URL", "WHATSAPP_HOOK_URL", "WAHA_BASE_URL"} {
		for _, value := range odd {
			c, err := Load([]string{name + "=" + value}, "")
			if err == nil {
				t.Errorf("%s=%q is accepted as %q, %q, %q", name, value, string(c.WebhookURL), string(c.Hook.URL), c.WAHABaseURL)
			} else if name != "WAHA_BASE_URL" && len(value) > 12 && strings.Contains(strings.ReplaceAll(err.Error(), example, ""), value) {
				t.Errorf("the error repeats %q: %v", value, err)
			}
		}
		for _, value := range []string{
			"https://example.com", "https://example.com/hook", "http://localhost:8080/a/b", "http://127.0.0.1:5678/webhook/1-2-3", "http://[::1]:80/", "http://my_bot:3000/x", "https://xn--caf-dma.example/", "https://example.com./",
			"HTTPS://Example.COM/Hook", "https://user:p%40ss@example.com/hook", "https://example.com/a%20b", "https://example.com/~x/(1)/a:b@c/it's+*!",
		} {
			if _, err := Load([]string{name + "=" + value}, ""); err != nil {
				t.Errorf("%s=%q: %v", name, value, err)
			}
		}
	}
	if _, err := Load([]string{"WEBHOOK_URL=https://example.com/hook?a[]=1&b=c%20d&to=x@y.z"}, ""); err != nil {
		t.Error(err)
	}
}

func TestOddPhoneNumbersAreRefused(t *testing.T) {
	const number = odd.Number
	odd := odd.Phones()
	enough(t, odd)
	for _, value := range odd {
		if trimmed := strings.TrimSpace(value); trimmed == "" || trimmed == number {
			continue // none, and one with spaces around it
		}
		if c, err := Load([]string{"PAIRING_PHONE_NUMBER=" + value}, ""); err == nil {
			t.Errorf("PAIRING_PHONE_NUMBER=%q is accepted as %q", value, c.PairingPhoneNumber)
		}
	}
}

// A header that cannot be sent as it is written is refused, and its value is not repeated.
func TestOddHeadersAreRefused(t *testing.T) {
	odd := []string{"X", ":v", "X-A", "X-A=v", "X A:v", "X-A:v;X-A:w", "X-A:v;x", "Host:x", "Content-Length:1", "Transfer-Encoding:chunked", "Connection:close", "X-Webhook-Hmac:x", "webhook-signature:x", "X-Ä:v", "X-A:ä", "X-A:a\x00b",
		"X-A:a\r\nX-B:c", "{\"X-A\":\"v\"}", "[]", "\"X-A\":v", "X-A:${TOKEN}", "X-A:Bearer ${TOKEN}", "X-A:$TOKEN", "X-A:%TOKEN%", "X-A:{{token}}", "X-A:<token>", "X-A:undefined", "X-A:Bearer null", "X-A:a\u200bb", "X(A):v", "X/A:v", "X,A:v", "X@A:v"}
	for _, value := range odd {
		c, err := Load([]string{"WHATSAPP_HOOK_CUSTOM_HEADERS=" + value}, "")
		if err == nil {
			t.Errorf("WHATSAPP_HOOK_CUSTOM_HEADERS=%q is accepted as %q", value, c.Hook.HeaderMap())
		} else if strings.Contains(err.Error(), "TOKEN}") {
			t.Errorf("the error repeats the value: %v", err)
		}
	}
	c, err := Load([]string{"WHATSAPP_HOOK_CUSTOM_HEADERS=Authorization: Bearer a:b=c$1; X-Shop:\"toko\"; Cookie: SESSION_ID=a; X-Test: true"}, "")
	if got := c.Hook.HeaderMap(); err != nil || got["Authorization"] != "Bearer a:b=c$1" || got["X-Shop"] != "\"toko\"" || got["Cookie"] != "SESSION_ID=a" || got["X-Test"] != "true" {
		t.Errorf("%q, %v", got, err)
	}
}

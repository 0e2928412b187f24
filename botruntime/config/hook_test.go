package config

import (
	"strings"
	"testing"
	"time"
)

func TestHookOfWAHA(t *testing.T) {
	base := []string{"WHATSAPP_HOOK_URL=https://example.com/hook"}
	cases := map[string]struct {
		with []string
		want time.Duration
	}{
		"nothing said": {nil, 0},
		"constant":     {[]string{"WHATSAPP_HOOK_RETRIES_POLICY=constant", "WHATSAPP_HOOK_RETRIES_ATTEMPTS=60"}, 2 * time.Minute},
		"linear":       {[]string{"WHATSAPP_HOOK_RETRIES_POLICY=linear", "WHATSAPP_HOOK_RETRIES_ATTEMPTS=10", "WHATSAPP_HOOK_RETRIES_DELAY_SECONDS=2"}, 110 * time.Second},
		"exponential":  {[]string{"WHATSAPP_HOOK_RETRIES_ATTEMPTS=10"}, 2046 * time.Second},
		"too short":    {[]string{"WHATSAPP_HOOK_RETRIES_POLICY=constant", "WHATSAPP_HOOK_RETRIES_ATTEMPTS=1"}, time.Minute},
		"too long":     {[]string{"WHATSAPP_HOOK_RETRIES_ATTEMPTS=1000"}, 7 * 24 * time.Hour},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Load(append(base, c.with...), "")
			if err != nil {
				t.Fatal(err)
			}
			if got.Hook.Patience() != c.want {
				t.Errorf("patience %s, want %s", got.Hook.Patience(), c.want)
			}
		})
	}
	got, err := Load(append(base, "WHATSAPP_HOOK_CUSTOM_HEADERS=X-A:b:c; X-D : e;"), "")
	if headers := got.Hook.HeaderMap(); err != nil || len(headers) != 2 || headers["X-A"] != "b:c" || headers["X-D"] != "e" {
		t.Errorf("headers %v, %v", headers, err)
	}
	for _, bad := range []string{"WHATSAPP_HOOK_CUSTOM_HEADERS=none", "WHATSAPP_HOOK_HMAC_KEY=short", "WHATSAPP_HOOK_RETRIES_POLICY=never", "WEBHOOKS_FILE=x", "WAHA_BASE_URL=x"} {
		name, _, _ := strings.Cut(bad, "=")
		if _, err := Load(append(base, bad), ""); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

package httpapi

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestOpenAPIIsServed(t *testing.T) {
	url := open(t, New(testConfig(newFake(connectedSnapshot())))) + "/openapi.json"
	for _, encoding := range []string{"gzip", "identity", "gzip;q=0", "br, gzip;q=0.5"} {
		got := send(t, "GET", url, "", "Accept-Encoding", encoding)
		packed := strings.HasPrefix(got.body, "\x1f\x8b")
		if want := strings.Contains(encoding, "gzip") && !strings.HasSuffix(encoding, "q=0"); packed != want || (got.Header.Get("Content-Encoding") == "gzip") != want {
			t.Errorf("Accept-Encoding %q: packed %v, headers %v", encoding, packed, got.Header)
		}
		if !packed && !json.Valid([]byte(got.body)) {
			t.Errorf("Accept-Encoding %q: not JSON: %.60q", encoding, got.body)
		}
	}
}

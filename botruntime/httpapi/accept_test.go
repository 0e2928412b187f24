package httpapi

import "testing"

// An Accept header of any form has one meaning: the most specific range counts, of equal ones the first, and a quality
// that cannot be read does not count.
func TestNegotiate(t *testing.T) {
	for header, want := range map[string]int{
		"":                                0,
		"*/*":                             0,
		"image/png":                       1,
		"IMAGE/PNG":                       1,
		"image/*, application/json;q=0.9": 1,
		"image/*, image/png;q=0":          2,
		"image/png;q=0.1, image/png;q=1, application/json;q=0.5": 0,
		"application/json;q=0.9, image/png;q=0.+":                1,
		"application/json;q=0.9, image/png;q=0.9999":             1,
		"application/json;q=0.9, image/png;q=2":                  1,
		"application/json;q=0.9, image/png;level=1;Q=0.95":       1,
		"application/json;q=0, */*;q=0.001":                      1,
		"text/html":                                              -1,
		"image/png;q=0, image/svg+xml;q=0":                       -1,
	} {
		if got := negotiate(header, "application/json", "image/png", "image/svg+xml"); got != want {
			t.Errorf("%q: %d, want %d", header, got, want)
		}
	}
}

package gateway

import (
	"net/http"
	"strings"
)

// text says one thing in Indonesian and in English.
type text struct{ id, en string }

func (t text) in(language string) string {
	if language == "en" {
		return t.en
	}
	return t.id
}

// languageOf is the language that a request asks for, "id" or "en"; fallback where it asks for neither. Of several, the
// first in the header counts, as browsers order them.
func languageOf(r *http.Request, fallback string) string {
	for item := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(item), ";")
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		switch primary {
		case "en":
			return "en"
		case "id", "in":
			return "id"
		}
	}
	return fallback
}

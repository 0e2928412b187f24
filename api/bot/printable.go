package bot

import (
	"strings"
	"unicode"
)

// Printable returns the printable runes of a text, at most limit bytes of them. A bot's texts pass through it before a
// person sees them: a hostile bot could send the escape sequences of a terminal, or reverse the direction of a text.
func Printable(text string, limit int) string {
	var kept strings.Builder
	for _, r := range text {
		if !unicode.IsPrint(r) {
			continue
		}
		if kept.Len()+len(string(r)) > limit {
			break
		}
		kept.WriteRune(r)
	}
	return kept.String()
}

package bot

// Lengths of an API token. Shorter ones could be guessed.
const (
	MinToken = 16
	MaxToken = 4096
)

// ValidToken reports whether a token may guard a bot's API: printable ASCII without spaces, of an allowed length, and no
// Mistake. White space around a token that was read from a file or a Secret has to be trimmed before.
func ValidToken(token string) bool {
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return false
		}
	}
	return len(token) >= MinToken && len(token) <= MaxToken && Mistake(token) == nil
}

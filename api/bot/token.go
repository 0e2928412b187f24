package bot

import "strings"

// Lengths of an API token. Shorter ones could be guessed.
const (
	MinToken = 16
	MaxToken = 4096
)

// examples are parts of what instructions have in a token's place, which everybody can guess, or of an address in a store
// of secrets that nothing replaced.
var examples = []string{"changeme", "change-me", "change_me", "replace-me", "replace_me", "your-", "your_", "://", "vault:", "arn:aws", "secretmanager:", "azurekeyvault", "********", "xxxxxxxx", "11111111"}

// ValidToken reports whether a token may guard a bot's API: printable ASCII without spaces, of an allowed length, no
// Mistake and no example. White space around a token that was read from a file or a Secret has to be trimmed before.
func ValidToken(token string) bool {
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return false
		}
	}
	lower := strings.ToLower(token)
	for _, part := range examples {
		if strings.Contains(lower, part) {
			return false
		}
	}
	return len(token) >= MinToken && len(token) <= MaxToken && Mistake(token) == nil
}

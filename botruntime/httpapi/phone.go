package httpapi

import "strings"

// Bounds of E.164: country code and subscriber number together.
const (
	phoneDigitsMin = 7
	phoneDigitsMax = 15
)

// phoneSeparators are what people and contact lists put between digits, invisible marks included.
const phoneSeparators = " -.()/\t\u00a0\u200e\u200f\u2007\u202a\u202b\u202c\u202d\u202e\u202f\u2010\u2011\u2012\u2013\u2014\u2066\u2067\u2068\u2069"

// normalizePhone returns a number in E.164 ("+6281234567890"). It takes "+" or "00" or nothing before the
// country code; a national number ("0812…") is refused, for no country can be guessed from it.
func normalizePhone(given string) (string, bool) {
	if len(given) > 64 {
		return "", false
	}
	digits := make([]byte, 0, phoneDigitsMax)
	plus := false
	for _, r := range given {
		switch {
		case r >= '0' && r <= '9':
			digits = append(digits, byte(r))
		case r == '+' && !plus && len(digits) == 0:
			plus = true
		case strings.ContainsRune(phoneSeparators, r):
		default:
			return "", false
		}
	}
	number := string(digits)
	if !plus {
		number = strings.TrimPrefix(number, "00")
	}
	if len(number) < phoneDigitsMin || len(number) > phoneDigitsMax || number[0] == '0' {
		return "", false
	}
	return "+" + number, true
}

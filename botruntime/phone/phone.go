// Package phone reads phone numbers as people write them. It does no I/O and guesses no country.
package phone

import (
	"errors"
	"strings"
	"unicode"
)

// Bounds of E.164: country code and subscriber number together.
const (
	digitsMin = 7
	digitsMax = 15
	longest   = 64
)

// separators are the marks that people and contact lists put between digits. A slash is none: it separates two numbers.
const separators = "-.()‐‑‒–—−"

// trunkZero lists country codes after which no number begins with 0. There "+62 812…" is often written "+62 0812…",
// with the 0 that is dialled inside the country.
var trunkZero = []string{
	"62", "60", "44", "49", "33", "31", "32", "41", "43", "46", "61", "63", "64", "66", "81", "82", "84", "86", "90", "91",
	"92", "94", "95", "98", "27", "20", "212", "213", "234", "254", "255", "256", "880", "966", "971", "972", "977",
}

// The errors say what is wrong without repeating the number, which is personal.
var (
	errForm     = errors.New("it must be one number in international form with its country code, such as +6281234567890")
	errNational = errors.New("it has no country code: write +62812… instead of 0812…")
	errTrunk    = errors.New("leave out the 0 after the country code: write +62812… instead of +620812…")
	errLength   = errors.New("an international number has 7 to 15 digits with its country code")
)

// Parse returns a number in E.164 form ("+6281234567890"). It takes "+", "00" or nothing before the country code, and
// spaces, hyphens, dots, brackets and invisible marks between the digits.
func Parse(given string) (string, error) {
	if len(given) > longest {
		return "", errForm
	}
	text := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zs, r):
			return -1
		case r == '＋':
			return '+'
		}
		return r
	}, given)
	international := strings.HasPrefix(text, "+")
	text = strings.TrimPrefix(text, "+")
	hadTrunk := false
	if before, after, found := strings.Cut(text, "(0)"); found && before != "" {
		text, hadTrunk = before+after, true
	}
	digits := make([]byte, 0, digitsMax)
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits = append(digits, byte(r))
		case strings.ContainsRune(separators, r):
		default:
			return "", errForm
		}
	}
	number := string(digits)
	if !international {
		if rest, found := strings.CutPrefix(number, "00"); found {
			number, international = rest, true
		}
	}
	switch {
	case number == "":
		return "", errForm
	case number[0] == '0':
		return "", errNational
	case hadTrunk && !international, hadTrunk && strings.HasPrefix(number, "39"):
		return "", errForm // an Italian number keeps its 0, so "(0)" can mean both
	case len(number) < digitsMin, len(number) > digitsMax:
		return "", errLength
	}
	for _, code := range trunkZero {
		if strings.HasPrefix(number, code+"0") {
			return "", errTrunk
		}
	}
	return "+" + number, nil
}

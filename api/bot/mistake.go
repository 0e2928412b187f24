package bot

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// The remedies for values that cannot be meant as they stand. Nothing is expanded, so a value that was written for a
// shell or a template would silently mean something else.
var (
	ErrQuoted      = errors.New("it holds quotes; write the value without them (docker --env-file keeps quotes)")
	ErrReference   = errors.New("it holds a reference such as $HOME or ${NAME}, which is not expanded; write the value itself")
	errPlaceholder = errors.New("it is a placeholder; write the value itself")
	errRepeated    = errors.New("it repeats its name; write NAME=value once")
)

// Quotes are the marks that people and programs put around a value.
const Quotes = "\"'`“”„‘’«»"

// placeholders are what programs print for a missing value.
var placeholders = []string{"undefined", "null", "nil", "none", "nan", "true", "false", "<nil>", "[object object]", "changeme", "change-me", "change_me"}

// IsPlaceholder reports whether a value is what programs print for a missing one.
func IsPlaceholder(value string) bool { return slices.Contains(placeholders, strings.ToLower(value)) }

// Mistake says why a secret cannot be meant as it stands: it still has quotes, its name, or a reference that nothing
// replaced. It does not repeat the secret; nil for any other.
func Mistake(secret string) error {
	first, _ := utf8.DecodeRuneInString(secret)
	last, _ := utf8.DecodeLastRuneInString(secret)
	switch {
	case secret == "":
		return nil
	case strings.ContainsRune(Quotes, first), strings.ContainsRune(Quotes, last):
		return ErrQuoted
	case strings.Contains(secret, "${"), strings.Contains(secret, "$("), strings.Contains(secret, "{{"), reference(secret):
		return ErrReference
	case first == '<' && last == '>', IsPlaceholder(secret):
		return errPlaceholder
	case first == '=', named(secret):
		return errRepeated
	}
	return nil
}

// reference reports whether a value is $NAME or %NAME% and nothing else.
func reference(value string) bool {
	name, dollar := strings.CutPrefix(value, "$")
	if inner, percent := strings.CutPrefix(value, "%"); percent {
		var closed bool
		if name, closed = strings.CutSuffix(inner, "%"); !closed {
			return false
		}
	} else if !dollar {
		return false
	}
	return name != "" && !digits(name[:1]) && !strings.ContainsFunc(name, func(r rune) bool { return !alphanumeric(r) && r != '_' })
}

// named reports whether a value begins like NAME=value with a setting's name: capitals with an underscore.
func named(value string) bool {
	name, _, found := strings.Cut(value, "=")
	return found && strings.Contains(name, "_") && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == "" && name[0] != '_'
}

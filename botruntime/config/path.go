package config

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sesi.dev/sesi/api/bot"
)

// The remedies for values that cannot be meant literally. Nothing is expanded, so a value written for a shell would
// silently mean something else.
var (
	errHome        = errors.New("~ is not expanded; write the folder itself")
	errWindows     = errors.New("it is a Windows path; write it with / and without a drive (in WSL: /mnt/c/…)")
	errColon       = errors.New("it holds a colon; a volume (/data:/data) or a URL is not a path")
	errComment     = errors.New("it holds a comment; put the comment on a line of its own")
	errPlaceholder = errors.New("it is a placeholder, not a path")
	errSigns       = errors.New("it holds a character that a path should not have")
	errLong        = errors.New("it is too long for a path")
)

var (
	windowsPath = regexp.MustCompile(`^[A-Za-z]:|\\`)
	percentName = regexp.MustCompile(`%[A-Za-z_0-9]+%|%[0-9A-Fa-f]{2}`)
	dotsAlone   = regexp.MustCompile(`(^|/)(\.{3,}|…)(/|$)`)
)

// checkPath refuses a value that cannot be meant as a path.
func checkPath(value string) error {
	first, _ := utf8.DecodeRuneInString(value)
	last, _ := utf8.DecodeLastRuneInString(value)
	switch {
	case strings.ContainsRune(bot.Quotes, first), strings.ContainsRune(bot.Quotes, last):
		return bot.ErrQuoted
	case first == '~':
		return errHome
	case strings.Contains(value, " #"), first == '#':
		return errComment
	case strings.ContainsRune(value, '$'):
		return bot.ErrReference
	case windowsPath.MatchString(value):
		return errWindows
	case strings.ContainsRune(value, ':'):
		return errColon
	case isWord(value), dotsAlone.MatchString(value), percentName.MatchString(value):
		return errPlaceholder
	case len(value) >= 4096, slices.ContainsFunc(strings.Split(value, "/"), func(part string) bool { return len(part) > 255 }):
		return errLong
	case strings.ContainsAny(value, "<>{}|*?;&`=\""), first == '-', last == ',', strings.ContainsFunc(value, unseen):
		return errSigns
	}
	return nil
}

func isWord(value string) bool {
	return slices.ContainsFunc(strings.Split(value, "/"), bot.IsPlaceholder)
}

// unseen reports whether a rune is a control character, an invisible mark, or a space that is not the usual one.
func unseen(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r != ' ' && unicode.IsSpace(r) || r == utf8.RuneError
}

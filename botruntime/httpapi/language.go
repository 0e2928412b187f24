package httpapi

import "strings"

// lang is a language the bot speaks.
type lang uint8

const (
	indonesian lang = iota
	english
)

// tag is the language's BCP 47 tag.
func (l lang) tag() string {
	if l == english {
		return "en"
	}
	return "id"
}

// text is one text in both languages.
type text struct{ id, en string }

func (t text) in(l lang) string {
	if l == english {
		return t.en
	}
	return t.id
}

// languageOf reads a locale such as "en", "en-US" or "id_ID.UTF-8". Unknown locales mean Indonesian.
func languageOf(locale string) lang {
	l, _ := knownLanguage(locale)
	return l
}

// knownLanguage reads the primary subtag. Old systems write "in" for Indonesian.
func knownLanguage(tag string) (lang, bool) {
	if end := strings.IndexAny(tag, "-_.@"); end >= 0 {
		tag = tag[:end]
	}
	switch {
	case strings.EqualFold(tag, "en"):
		return english, true
	case strings.EqualFold(tag, "id"), strings.EqualFold(tag, "in"):
		return indonesian, true
	}
	return indonesian, false
}

// negotiateLanguage returns the language that an Accept-Language header prefers, or fallback.
func negotiateLanguage(header string, fallback lang) lang {
	best, bestQ := fallback, 0
	for item := range strings.SplitSeq(header, ",") {
		tag, params, _ := strings.Cut(item, ";")
		l, known := knownLanguage(strings.TrimSpace(tag))
		if q := quality(params); known && q > bestQ {
			best, bestQ = l, q
		}
	}
	return best
}

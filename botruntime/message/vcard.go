package message

import (
	"slices"
	"strings"
	"unicode/utf8"

	"sesi.dev/sesi/api/bot"
)

// maxPhones bounds the numbers that are read from a vCard.
const maxPhones = 16

var escapeVCard = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`)

// MakeVCard writes a contact as WhatsApp's clients do. number is its digits with the country code.
func MakeVCard(name, number, organization string) bot.VCard {
	lines := []string{"BEGIN:VCARD", "VERSION:3.0", "N:;" + escapeVCard.Replace(name) + ";;;", "FN:" + escapeVCard.Replace(name)}
	if organization != "" {
		lines = append(lines, "ORG:"+escapeVCard.Replace(organization)+";")
	}
	lines = append(lines, "TEL;type=CELL;type=VOICE;waid="+number+":+"+number, "END:VCARD")
	return bot.VCard{Name: name, Phones: []string{"+" + number}, Organization: organization, VCard: strings.Join(lines, "\n")}
}

// ParseVCard reads a vCard of any version. What it does not understand it leaves out; the text stays whole.
func ParseVCard(text string) bot.VCard {
	card := bot.VCard{VCard: text}
	unfolded := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	unfolded = strings.NewReplacer("\n ", "", "\n\t", "").Replace(unfolded)
	structured := ""
	for line := range strings.Lines(unfolded) {
		name, params, value, ok := splitLine(strings.TrimSuffix(line, "\n"))
		if !ok {
			continue
		}
		switch name {
		case "FN":
			card.Name = fallbackTo(card.Name, unescape(value))
		case "N":
			structured = fallbackTo(structured, personName(value))
		case "ORG":
			card.Organization = fallbackTo(card.Organization, joined(", ", fields(value)...))
		case "TEL":
			if phone := phoneOf(params, value); phone != "" && len(card.Phones) < maxPhones {
				card.Phones = append(card.Phones, phone)
			}
		}
	}
	card.Name = fallbackTo(card.Name, structured)
	return card
}

// IsVCard reports whether a text is one whole vCard.
func IsVCard(text string) bool {
	text = strings.TrimSpace(text)
	const begin, end = "BEGIN:VCARD", "END:VCARD"
	return utf8.ValidString(text) && len(text) > len(begin)+len(end) && strings.EqualFold(text[:len(begin)], begin) &&
		strings.EqualFold(text[len(text)-len(end):], end) && strings.Count(strings.ToUpper(text), begin) == 1
}

func fallbackTo(first, second string) string {
	if first != "" {
		return first
	}
	return second
}

// splitLine splits "item1.TEL;type=CELL:+62" into the name, the parameters and the value. A colon may stand in a quoted
// parameter.
func splitLine(line string) (name string, params []string, value string, ok bool) {
	quoted := false
	at := strings.IndexFunc(line, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ':' && !quoted
	})
	if at < 0 {
		return "", nil, "", false
	}
	parts := strings.Split(line[:at], ";")
	name = parts[0]
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		name = name[dot+1:]
	}
	return strings.ToUpper(strings.TrimSpace(name)), parts[1:], line[at+1:], true
}

// phoneOf is a number: that of WhatsApp where the vCard names it, else as it is written.
func phoneOf(params []string, value string) string {
	for _, param := range params {
		key, id, _ := strings.Cut(param, "=")
		if strings.EqualFold(strings.TrimSpace(key), "waid") && id != "" && strings.Trim(id, "0123456789") == "" {
			return "+" + id
		}
	}
	value = strings.TrimSpace(unescape(value))
	if scheme, number, found := strings.Cut(value, ":"); found && strings.EqualFold(scheme, "tel") {
		value, _, _ = strings.Cut(number, ";")
	}
	return value
}

// fields splits a value at its semicolons.
func fields(value string) (all []string) {
	start, escaped := 0, false
	for i := range len(value) {
		switch {
		case escaped:
			escaped = false
		case value[i] == '\\':
			escaped = true
		case value[i] == ';':
			all = append(all, strings.TrimSpace(unescape(value[start:i])))
			start = i + 1
		}
	}
	return append(all, strings.TrimSpace(unescape(value[start:])))
}

// joined is the fields that are not empty.
func joined(separator string, fields ...string) string {
	return strings.Join(slices.DeleteFunc(fields, func(field string) bool { return field == "" }), separator)
}

// personName makes a name of the fields family, given, middle, prefix and suffix.
func personName(value string) string {
	parts := append(fields(value), "", "", "", "", "")
	return joined(" ", parts[3], parts[1], parts[2], parts[0], parts[4])
}

// unescape takes the backslashes off a value.
func unescape(value string) string {
	if !strings.ContainsRune(value, '\\') {
		return value
	}
	var out strings.Builder
	escaped := false
	for _, r := range value {
		switch {
		case escaped && (r == 'n' || r == 'N'):
			out.WriteByte('\n')
			escaped = false
		case !escaped && r == '\\':
			escaped = true
		default:
			out.WriteRune(r)
			escaped = false
		}
	}
	return out.String()
}

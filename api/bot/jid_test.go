package bot

import "testing"

func TestAccount(t *testing.T) {
	for jid, want := range map[string]string{
		"":                                "",
		"628123456789@s.whatsapp.net":     "628123456789@s.whatsapp.net",
		"628123456789:12@s.whatsapp.net":  "628123456789@s.whatsapp.net",
		"123:4@lid":                       "123@lid",
		"628123456789":                    "",
		"@s.whatsapp.net":                 "",
		":12@s.whatsapp.net":              "",
		"628123456789@":                   "",
		"628123456789:1:2@s.whatsapp.net": "628123456789@s.whatsapp.net",
	} {
		if got := Account(jid); got != want {
			t.Errorf("Account(%q) = %q, want %q", jid, got, want)
		}
	}
}

func TestPhoneNumber(t *testing.T) {
	for jid, want := range map[string]string{
		"628123456789:12@s.whatsapp.net": "+628123456789",
		"628123456789@s.whatsapp.net":    "+628123456789",
		"123:4@lid":                      "",
		"62 812@s.whatsapp.net":          "",
		"":                               "",
	} {
		if got := PhoneNumber(jid); got != want {
			t.Errorf("PhoneNumber(%q) = %q, want %q", jid, got, want)
		}
	}
}

// TestPrintable: what could control a terminal or a page's direction is removed, and no rune is cut in half.
func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain":             "plain",
		"\x1b[31mred":       "[31mred",
		"a\nb\tc\r":         "abc",
		"\u202eright":       "right",
		"zero\u200bwidth":   "zerowidth",
		"éééééééééé":        "éééééé",
		"toko\u00a0kopi 日本": "tokokopi 日",
	} {
		if got := Printable(in, 12); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}

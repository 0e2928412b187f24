package message

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseVCard(t *testing.T) {
	for name, c := range map[string]struct{ card, want string }{
		"WhatsApp's": {"BEGIN:VCARD\nVERSION:3.0\nN:;Sari;;;\nFN:Sari\nitem1.TEL;waid=6289876543210:+62 898-7654-3210\nitem1.X-ABLabel:Ponsel\nEND:VCARD", "Sari [+6289876543210] "},
		"folded":     {"BEGIN:VCARD\r\nFN:Toko \r\n Budi\r\nTEL:0812\r\nORG:PT A\\; B;Kasir\r\nEND:VCARD", "Toko Budi [0812] PT A; B, Kasir"},
		"no FN":      {"BEGIN:VCARD\nN:Wijaya;Budi;A;Dr.;S.H.\nEND:VCARD", "Dr. Budi A Wijaya S.H. [] "},
		"only given": {"BEGIN:VCARD\nN:;Budi;;;\nEND:VCARD", "Budi [] "},
		"quoted":     {"BEGIN:VCARD\nTEL;TYPE=\"a:b\";VALUE=uri:tel:+6281;ext=1\nEND:VCARD", " [+6281] "},
		"two lines":  {"BEGIN:VCARD\nFN:a\\nb\\, c\nEND:VCARD", "a\nb, c [] "},
		"nothing":    {"hello", " [] "},
	} {
		t.Run(name, func(t *testing.T) {
			got := ParseVCard(c.card)
			if text := fmt.Sprintf("%s %v %s", got.Name, got.Phones, got.Organization); text != c.want || got.VCard != c.card {
				t.Errorf("%q, want %q", text, c.want)
			}
		})
	}
	if many := ParseVCard("BEGIN:VCARD\n" + strings.Repeat("TEL:1\n", 100) + "END:VCARD"); len(many.Phones) != maxPhones {
		t.Errorf("%d numbers", len(many.Phones))
	}
}

func TestIsVCard(t *testing.T) {
	for text, want := range map[string]bool{
		"BEGIN:VCARD\nFN:x\nEND:VCARD": true, " begin:vcard\r\nend:vcard\r\n": true, "": false, "FN:x": false, "BEGIN:VCARD": false,
		"BEGIN:VCARD\nEND:VCARD\nBEGIN:VCARD\nEND:VCARD": false, "BEGIN:VCARD\nFN:\xff\nEND:VCARD": false,
	} {
		if IsVCard(text) != want {
			t.Errorf("IsVCard(%q) = %v", text, !want)
		}
	}
}

// FuzzVCard reads what a vCard of any text says, and what MakeVCard made of any name.
func FuzzVCard(f *testing.F) {
	f.Add("BEGIN:VCARD\nFN:Sari\nEND:VCARD", "Budi; \\, Sari\r\n", "PT A\\")
	f.Fuzz(func(t *testing.T, text, name, organization string) {
		if got := ParseVCard(text); got.VCard != text || len(got.Phones) > maxPhones {
			t.Fatalf("%+v", got)
		}
		if !utf8.ValidString(name) || !utf8.ValidString(organization) {
			return
		}
		made := MakeVCard(name, "6281234567890", organization)
		if strings.Count(made.VCard, "\n") > 7 || !IsVCard(made.VCard) && strings.Count(strings.ToUpper(name+organization), "BEGIN:VCARD") == 0 {
			t.Fatalf("%q", made.VCard)
		}
		read := ParseVCard(made.VCard)
		lines := strings.NewReplacer("\r\n", "\n", "\r", "\n")
		if read.Name != lines.Replace(name) || fmt.Sprint(read.Phones) != "[+6281234567890]" {
			t.Fatalf("%q became %q in %q", name, read.Name, made.VCard)
		}
	})
}

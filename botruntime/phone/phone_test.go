package phone

import (
	"strings"
	"testing"

	"sesi.dev/sesi/test/odd"
)

// What people write is read as they mean it, or refused; nothing becomes another number.
func TestParse(t *testing.T) {
	const want = "+6281234567890"
	good := map[string]string{
		"+6281234567890": want, "6281234567890": want, "006281234567890": want, " +62 812-3456-7890 ": want,
		"+62 (812) 3456-7890": want, "+62.812.3456.7890": want, "+62 (0)812 3456 7890": want, "0062 (0) 812-3456-7890": want,
		"+62\u00a0812\u00a03456\u00a07890": want, "+62\u202f812\u202f3456\u202f7890": want, "\u202a+62812\u20113456\u20117890\u202c": want,
		"\u2066+62 812 3456 7890\u2069": want, "\u200e+6281234567890": want, "+6281\u200b234567890": want, "\ufeff+6281234567890": want,
		"+62\u2013812\u20143456\u22127890": want, "\t+62 812 3456 7890\r\n": want, "＋62 812 3456 7890": want, "+62\u3000812\u30003456\u30007890": want,
		"00 62 812 3456 7890": want, "+62(812)34567890": want, "62-812-3456-7890": want, "+62 8 1 2 3 4 5 6 7 8 9 0": want,
		"+1 (415) 555-0123": "+14155550123", "+1.415.555.0123": "+14155550123", "0014155550123": "+14155550123", "14155550123": "+14155550123",
		"+44 (0)20 7946 0958": "+442079460958", "+49 (0)30 123456": "+4930123456", "+39 06 1234 5678": "+390612345678",
		"+55 11 91234-5678": "+5511912345678", "+852 5123 4567": "+85251234567", "+225 01 23 45 67 89": "+2250123456789",
	}
	for given, want := range good {
		if got, err := Parse(given); err != nil || got != want {
			t.Errorf("Parse(%q) = %q, %v; want %q", given, got, err, want)
		}
	}
	refused := odd.Phones()
	if len(refused) < 100 {
		t.Fatalf("only %d odd numbers", len(refused))
	}
	for _, given := range append(refused, "6281234567890@s.whatsapp.net", "6281234567890@c.us") {
		if got, err := Parse(given); err == nil || got != "" {
			t.Errorf("Parse(%q) = %q, want it refused", given, got)
		} else if len(given) > 6 && strings.Contains(err.Error(), given) {
			t.Errorf("Parse(%q): the error repeats the number: %v", given, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"+6281234567890", "0062 812", "+1 (415) 555-0123", "0812", "", "+", "\u202a+62", "٦٢", "+62 (0)812345678"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		number, err := Parse(given)
		if err != nil {
			if number != "" {
				t.Fatalf("refused %q and returned %q", given, number)
			}
			return
		}
		digits := strings.TrimPrefix(number, "+")
		if number[0] != '+' || digits[0] == '0' || len(digits) < digitsMin || len(digits) > digitsMax || strings.Trim(digits, "0123456789") != "" {
			t.Fatalf("%q became %q, which is not E.164", given, number)
		}
		if again, err := Parse(number); err != nil || again != number {
			t.Fatalf("%q became %q, and that %q, %v", given, number, again, err)
		}
	})
}

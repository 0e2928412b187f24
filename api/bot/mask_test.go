package bot

import "testing"

func TestMasks(t *testing.T) {
	for name, c := range map[string]struct {
		mask  func(string) string
		cases map[string]string
	}{
		"phone": {MaskPhone, map[string]string{
			"": "", "+628123456789": "+62***89", "628123456789": "62***89", "+12025550123": "+12***23", "+62899": "+***", "+1234567": "+12***67", "+": "+",
		}},
		"JID": {MaskJID, map[string]string{
			"": "", "628123456789:12@s.whatsapp.net": "62***89:12@s.whatsapp.net", "628123456789@s.whatsapp.net": "62***89@s.whatsapp.net",
			"628123456789.0:3@s.whatsapp.net": "62***89.0:3@s.whatsapp.net", "62899:1@s.whatsapp.net": "***:1@s.whatsapp.net",
			"123456789012345@lid": "12***45@lid", "628123456789": "62***89",
		}},
		"name": {MaskName, map[string]string{"": "", "Budi Santoso": "B***", "B": "B***", "Ünal": "Ü***"}},
	} {
		for value, want := range c.cases {
			got := c.mask(value)
			if got != want {
				t.Errorf("the masked %s of %q is %q, want %q", name, value, got, want)
			}
			if again := c.mask(got); again != got {
				t.Errorf("the masked %s %q is masked again, as %q", name, got, again)
			}
		}
	}
}

package bot

import (
	"strings"
	"unicode/utf8"
)

// hidden stands for what a mask leaves out. It has always the same length, so that it does not tell how much that is.
const hidden = "***"

// maskedDigits is how many digits a number must have for its first two and last two to be shown.
const maskedDigits = 7

// MaskPhone returns a phone number of which only the first and the last two digits are shown: +62***89. Each mask leaves a
// masked value as it is.
func MaskPhone(number string) string {
	digits, plus := strings.CutPrefix(number, "+")
	if plus {
		return "+" + maskDigits(digits)
	}
	return maskDigits(digits)
}

// MaskJID returns a JID of which only the first and the last two digits, the device and the server are shown:
// 62***89:12@s.whatsapp.net.
func MaskJID(jid string) string {
	end := strings.IndexAny(jid, ":.@")
	if end < 0 {
		end = len(jid)
	}
	return maskDigits(jid[:end]) + jid[end:]
}

// MaskName returns a person's name of which only the first letter is shown: B***.
func MaskName(name string) string {
	if name == "" {
		return ""
	}
	_, size := utf8.DecodeRuneInString(name)
	return name[:size] + hidden
}

func maskDigits(digits string) string {
	switch {
	case digits == "":
		return ""
	case len(digits) < maskedDigits:
		return hidden
	}
	return digits[:2] + hidden + digits[len(digits)-2:]
}

package message

import (
	"fmt"
	"regexp"
	"strconv"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
)

const (
	// defaultColor is behind a text without a colour of its own: WhatsApp shows no status text without one.
	defaultColor = "#38b42f"
	// opaque is the alpha of a colour; the text is white.
	opaque, white = 0xff000000, 0xffffffff
)

var color = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// IsColor reports whether a text is a colour as #RRGGBB.
func IsColor(text string) bool { return color.MatchString(text) }

// IsFont reports whether WhatsApp has a font of that number.
func IsFont(number uint32) bool {
	_, known := waE2E.ExtendedTextMessage_FontType_name[int32(number)] //nolint:gosec // a larger number wraps to one that is unknown
	return known && number < 100
}

// dress gives a status text its colours and its font.
func dress(text *waE2E.ExtendedTextMessage, look bot.StatusOptions) error {
	if look.BackgroundColor == "" {
		look.BackgroundColor = defaultColor
	}
	if !IsColor(look.BackgroundColor) || !IsFont(look.Font) {
		return fmt.Errorf("a status cannot have the colour %q and the font %d", look.BackgroundColor, look.Font)
	}
	rgb, err := strconv.ParseUint(look.BackgroundColor[1:], 16, 24)
	if err != nil {
		return err
	}
	text.BackgroundArgb, text.TextArgb = proto.Uint32(uint32(rgb)|opaque), proto.Uint32(white)
	text.Font = waE2E.ExtendedTextMessage_FontType(look.Font).Enum() //nolint:gosec // checked above
	return nil
}

// statusLook reads how a text looks; nil for a text as chats have it.
func statusLook(text *waE2E.ExtendedTextMessage) *bot.StatusOptions {
	if text.BackgroundArgb == nil {
		return nil
	}
	return &bot.StatusOptions{BackgroundColor: fmt.Sprintf("#%06x", text.GetBackgroundArgb()&^uint32(opaque)), Font: uint32(text.GetFont())} //nolint:gosec // an enum is not negative
}

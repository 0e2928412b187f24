package waha

import (
	"slices"
	"strings"

	"sesi.dev/sesi/api/bot"
)

// Color is the number of a color, 0 for the empty text. ok is false for one that WhatsApp does not have.
func Color(hex string) (number int, ok bool) {
	if hex == "" {
		return 0, true
	}
	number = slices.Index(bot.LabelColors, strings.ToLower(hex))
	return max(number, 0), number >= 0
}

// Label is a label in WAHA's form.
func Label(l bot.Label) bot.WAHALabel {
	return bot.WAHALabel(l)
}

// Labels are labels in WAHA's form.
func Labels(all []bot.Label) []bot.WAHALabel {
	shown := []bot.WAHALabel{}
	for _, l := range all {
		shown = append(shown, Label(l))
	}
	return shown
}

// labelChange is how a label changed.
func labelChange(c *bot.LabelChange) []named {
	switch {
	case c.Change == bot.LabelSaved:
		return []named{{"label.upsert", Label(c.Label)}}
	case c.Change == bot.LabelDeleted:
		return []named{{"label.deleted", Label(c.Label)}}
	case c.Chat == nil:
		return nil
	}
	name := "label.chat.added"
	if c.Change == bot.LabelRemoved {
		name = "label.chat.deleted"
	}
	return []named{{name, bot.WAHALabelChat{LabelID: c.Label.ID, ChatID: ChatID(c.Chat.ID)}}}
}

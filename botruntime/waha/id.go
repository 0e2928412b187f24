// Package waha translates between the messages and events of api/bot and the shapes of WAHA's API. It is pure: it does
// no I/O and keeps no state.
package waha

import (
	"strings"

	"sesi.dev/sesi/api/bot"
)

const (
	personServer = "@c.us"
	innerServer  = "@s.whatsapp.net"
)

// ChatID is WAHA's form of an address: a person's number ends with @c.us.
func ChatID(id string) string {
	if user, found := strings.CutSuffix(id, innerServer); found {
		return user + personServer
	}
	return id
}

// manyWrite reports whether several people write in a chat, so that a message's id names its author.
func manyWrite(kind bot.PartyKind) bool {
	return kind == bot.PartyGroup || kind == bot.PartyStatus || kind == bot.PartyBroadcast
}

// MessageID is WAHA's form of a message's id.
func MessageID(fromMe bool, chat bot.Party, id string, from bot.Party) string {
	name := "false_"
	if fromMe {
		name = "true_"
	}
	name += ChatID(chat.ID) + "_" + id
	if manyWrite(chat.Kind) && from.ID != "" {
		name += "_" + ChatID(from.ID)
	}
	return name
}

// Named is what an id of WAHA's says of a message. Chat is empty for a bare id.
type Named struct {
	Chat, ID string
	FromMe   bool
}

// maxID bounds an id.
const maxID = 256

// ParseMessageID reads WAHA's form of an id, or a bare one. It reports false for anything else.
func ParseMessageID(text string) (Named, bool) {
	if text == "" || len(text) > maxID {
		return Named{}, false
	}
	parts := strings.Split(text, "_")
	switch {
	case len(parts) == 1:
		return Named{ID: text}, validID(text)
	case len(parts) < 3 || len(parts) > 4 || parts[0] != "true" && parts[0] != "false" || !strings.Contains(parts[1], "@"):
		return Named{}, false
	}
	return Named{Chat: parts[1], ID: parts[2], FromMe: parts[0] == "true"}, validID(parts[2])
}

func validID(id string) bool {
	return id != "" && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-' && r != '.'
	})
}

package httpapi

import (
	"net/http"
	"strings"
	"time"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/message"
	"sesi.dev/sesi/botruntime/waha"
)

func wahaIsGroup(chat string) bool { return strings.HasSuffix(chat, "@"+types.GroupServer) }

// wahaPair is a person's two addresses in WAHA's form; an empty one is not known.
func wahaPair(lid, pn types.JID) bot.WAHALID {
	one := bot.WAHALID{}
	if !lid.IsEmpty() {
		text := lid.ToNonAD().String()
		one.LID = &text
	}
	if !pn.IsEmpty() {
		text := waha.ChatID(pn.ToNonAD().String())
		one.PN = &text
	}
	return one
}

// wahaLIDs lists the people of whom the bot knows both addresses.
func (c *call) wahaLIDs() error {
	limit, err := c.number("limit", 100, 1, maxPage)
	if err != nil {
		return err
	}
	offset, err := c.number("offset", 0, 0, 1<<31)
	if err != nil {
		return err
	}
	answer := []bot.WAHALID{}
	if c.LIDs != nil {
		pairs, _, err := c.LIDs(c.r.Context(), int(limit), int(offset))
		if err != nil {
			return err
		}
		for _, p := range pairs {
			answer = append(answer, wahaPair(p.LID, p.PN))
		}
	}
	return c.json(http.StatusOK, answer)
}

func (c *call) wahaLIDCount() error {
	total := 0
	if c.LIDs != nil {
		var err error
		if _, total, err = c.LIDs(c.r.Context(), 0, 0); err != nil {
			return err
		}
	}
	return c.json(http.StatusOK, bot.WAHACount{Count: total})
}

// wahaLID finds the number of a hidden address.
func (c *call) wahaLID() error {
	text := c.r.PathValue("lid")
	if !strings.Contains(text, "@") {
		text += "@" + types.HiddenUserServer
	}
	lid, ok := message.Address(text)
	if !ok || lid.Server != types.HiddenUserServer {
		return badParameter("lid", "such as 123456789012345@lid")
	}
	return c.json(http.StatusOK, wahaPair(lid, c.other(lid)))
}

// wahaLIDOfPhone finds the hidden address of a number.
func (c *call) wahaLIDOfPhone() error {
	pn, ok := message.Address(c.r.PathValue("phone"))
	if !ok || pn.Server != types.DefaultUserServer {
		return badParameter("phoneNumber", "a number with its country code, such as 6281234567890")
	}
	return c.json(http.StatusOK, wahaPair(c.other(pn), pn))
}

// other is a person's other address, empty when it is not known.
func (c *call) other(jid types.JID) types.JID {
	if c.Names == nil {
		return types.EmptyJID
	}
	return c.Names(jid)
}

func (c *call) wahaVersion() error {
	return c.json(http.StatusOK, waha.Environment(c.Version))
}

func (c *call) wahaServer() error {
	began := c.began
	return c.json(http.StatusOK, bot.WAHAServer{
		StartTimestamp: began.UnixMilli(), Uptime: time.Since(began).Milliseconds(), Worker: bot.WAHAWorker{ID: "sesi"},
	})
}

package httpapi

import (
	"net/http"
	"strings"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/waha"
)

// wahaFile answers with the file of a message, as the bot's own path of it does. The name is the message's id, and an
// extension that nothing reads.
func (c *call) wahaFile() error {
	name := c.r.PathValue("file")
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		name = name[:dot]
	}
	named, ok := waha.ParseMessageID(name)
	if !ok {
		return faultNoMessage
	}
	own := c.r.Clone(c.r.Context())
	own.URL.Path, own.URL.RawPath, own.URL.RawQuery = bot.MediaPath(named.ID), "", ""
	if own.Method != http.MethodHead {
		own.Method = http.MethodGet
	}
	found := c.mux.find(own)
	if found == nil {
		return faultUnserved
	}
	c.gate.call(c.w, own, found.waha).answer(found)
	return nil
}

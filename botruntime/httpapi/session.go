package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/phone"
	"sesi.dev/sesi/botruntime/qr"
)

func (c *call) status() error {
	snap := c.Session.Fresh()
	c.w.Header().Set("Content-Language", c.lang.tag())
	return c.json(http.StatusOK, bot.NewStatus(snap, describeStatus(snap).in(c.lang)))
}

func (c *call) health() error {
	snap := c.Session.Fresh()
	info := bot.Stored(snap)
	h := bot.Health{
		Status: "OK", WhatsApp: classifyWhatsApp(snap, time.Now()), Authenticated: snap.Authenticated,
		Session: bot.HealthSession{Exists: info.Exists, Info: info, AuthPath: c.AuthPath, ClientID: c.ClientID},
		Errors:  c.broken(),
	}
	status := http.StatusOK
	if len(h.Errors) > 0 {
		h.Status, status = "ERROR", http.StatusServiceUnavailable
	}
	return c.json(status, h)
}

// broken returns what keeps the bot from working, whatever the session's state.
func (a *API) broken() []string {
	var out []string
	if err := a.Storage(); err != nil {
		out = append(out, "storage: "+err.Error())
	}
	if err := a.Loop(); err != nil {
		out = append(out, "loop: "+err.Error())
	}
	return out
}

// code answers with the current code in the form that the caller prefers.
func (c *call) code() error {
	form := negotiate(c.r.Header.Get("Accept"), "application/json", "image/png", "image/svg+xml")
	if form < 0 {
		return faultAccept
	}
	live, err := c.look()
	if err != nil {
		return err
	}
	c.w.Header().Set("Vary", "Accept")
	switch form {
	case 1:
		return c.picture("image/png", qr.PNG, live)
	case 2:
		return c.picture("image/svg+xml", qr.SVG, live)
	}
	answer := bot.LiveCode{Code: live}
	if c.r.URL.Query().Has("svg") {
		drawn, err := qr.SVG(live.Code)
		if err != nil {
			return err
		}
		answer.SVG = string(drawn)
	}
	return c.json(http.StatusOK, answer)
}

// look returns the current code. Looking wakes an idle session.
func (c *call) look() (bot.Code, error) {
	ctx, cancel := c.sessionContext()
	defer cancel()
	return c.Session.Look(ctx)
}

// picture answers with a code as an image. Headers say how long it is valid.
func (c *call) picture(contentType string, draw func(string) ([]byte, error), live bot.Code) error {
	body, err := draw(live.Code)
	if err != nil {
		return err
	}
	c.w.Header().Set("Expires", live.ExpiresAt.UTC().Format(http.TimeFormat))
	return c.bytes(http.StatusOK, contentType, body)
}

func (c *call) pair() error {
	var asked bot.PairRequest
	if err := c.read(&asked); err != nil {
		return err
	}
	live, err := c.requestPairing(asked.PhoneNumber)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, bot.PairingCode{PairingCode: live.PairingCode, ExpiresAt: live.PairingExpiresAt, Revision: live.Revision})
}

func (c *call) requestPairing(given string) (bot.Code, error) {
	number, err := phone.Parse(given)
	if err != nil {
		return bot.Code{}, faultPhone.about(text{faultPhone.detail.id, "phoneNumber: " + err.Error()})
	}
	ctx, cancel := c.sessionContext()
	defer cancel()
	return c.Session.Pair(ctx, number)
}

func (c *call) restart() error {
	return c.change(c.Session.Restart, text{"Sesi sedang disambungkan ulang", "Session is reconnecting"})
}

func (c *call) stop() error {
	return c.change(c.Session.Stop, text{"Sesi dihentikan; datanya tetap tersimpan", "Session stopped; its data is kept"})
}

func (c *call) logout() error {
	return c.remove(c.Session.Logout, text{"Perangkat berhasil dikeluarkan dari WhatsApp", "The device was unlinked from WhatsApp"})
}

func (c *call) clear() error {
	force := false
	if query := c.r.URL.Query(); query.Has("force") {
		var err error
		if given := query.Get("force"); given != "" {
			force, err = strconv.ParseBool(given)
		} else {
			force = true
		}
		if err != nil {
			return faultBody.about(text{"force: tulis true atau false.", "force: want true or false."})
		}
	}
	return c.remove(func(ctx context.Context) (bool, error) { return c.Session.Clear(ctx, force) },
		text{"Session berhasil dihapus", "Session was cleared"})
}

// remove removes the session, and says whether the phone knows.
func (c *call) remove(do func(context.Context) (told bool, err error), done text) error {
	ctx, cancel := c.sessionContext()
	defer cancel()
	told, err := do(ctx)
	if err != nil {
		return err
	}
	if !told {
		done = text{done.id + "; WhatsApp tidak dapat diberi tahu, jadi hapus perangkat ini di ponsel bila masih tercantum",
			done.en + "; WhatsApp could not be told, so remove this device on the phone if it is still listed"}
	}
	return c.done(done)
}

// change changes the session and answers with the text done.
func (c *call) change(do func(context.Context) error, done text) error {
	ctx, cancel := c.sessionContext()
	defer cancel()
	if err := do(ctx); err != nil {
		return err
	}
	return c.done(done)
}

// done says that something is done.
func (c *call) done(what text) error {
	c.w.Header().Set("Content-Language", c.lang.tag())
	return c.json(http.StatusOK, bot.Done{Success: true, Message: what.in(c.lang)})
}

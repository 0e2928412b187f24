package httpapi

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/qr"
	"sesi.dev/sesi/botruntime/session"
	"sesi.dev/sesi/botruntime/waha"
)

// classifyWAHA returns WAHA's word for the snapshot's state.
func classifyWAHA(s *bot.Snapshot) bot.WAHAStatus {
	return bot.WAHAStatusOf(s.State, s.Reason, s.UserAction, !s.QRExpiresAt.IsZero())
}

func (c *call) wahaSession() bot.WAHASession {
	snap := c.snapshot()
	out := bot.WAHASession{Name: c.ClientID, Status: classifyWAHA(snap), Me: waha.Me(snap), Engine: bot.WAHAEngine{Engine: "WHATSMEOW"}}
	if !snap.ChangedAt.IsZero() {
		changed := snap.ChangedAt.UnixMilli()
		out.Timestamps.Activity = &changed
	}
	return out
}

// wahaNamed checks the session's name in the path, else in the query: the client ID, or "default", which many scripts
// use. Where neither has one, it is the bot's.
func (c *call) wahaNamed() error {
	name := c.r.PathValue("name")
	if name == "" {
		name = c.r.URL.Query().Get("session")
	}
	return c.wahaIsMine(name)
}

func (c *call) wahaIsMine(name string) error {
	if name != "" && name != c.ClientID && name != "default" {
		return faultNotFound.about(text{
			"Sesi tidak ditemukan; bot ini hanya melayani \"" + c.ClientID + "\".",
			"Session not found; this bot has only \"" + c.ClientID + "\"."})
	}
	return nil
}

// inSession makes a handler of WAHA's paths refuse another session's name.
func inSession(do func(*call) error) func(*call) error {
	return func(c *call) error {
		if err := c.wahaNamed(); err != nil {
			return err
		}
		return do(c)
	}
}

func (c *call) wahaPing() error { return c.json(http.StatusOK, bot.WAHAPing{Message: "pong"}) }

func (c *call) wahaList() error { return c.json(http.StatusOK, []bot.WAHASession{c.wahaSession()}) }

func (c *call) wahaGet() error {
	return c.json(http.StatusOK, c.wahaSession())
}

func (c *call) wahaMe() error {
	return c.json(http.StatusOK, waha.Me(c.snapshot()))
}

// wahaStart starts a session that does not run. It leaves a running one alone.
func (c *call) wahaStart() error {
	switch classifyWAHA(c.snapshot()) {
	case bot.WAHAFailed, bot.WAHAStopped:
		return c.wahaDo(c.Session.Resume)
	}
	return c.wahaDo(nil)
}

func (c *call) wahaRestart() error { return c.wahaDo(c.Session.Restart) }

// wahaLogout also succeeds if there is nothing to log out, as in WAHA.
func (c *call) wahaLogout() error {
	return c.wahaDo(func(ctx context.Context) error {
		_, err := c.Session.Logout(ctx)
		var refused *session.Refusal
		if errors.As(err, &refused) && refused.Kind == session.RefusedNotLinked {
			return nil
		}
		return err
	})
}

func (c *call) wahaStop() error { return c.wahaDo(c.Session.Stop) }

// wahaDo changes the session and answers with its new state.
func (c *call) wahaDo(change func(context.Context) error) error {
	if change != nil {
		ctx, cancel := c.sessionContext()
		defer cancel()
		if err := change(ctx); err != nil {
			return err
		}
	}
	return c.json(http.StatusCreated, c.wahaSession())
}

// wahaCode answers with the picture of the current code: as an image, as JSON if the caller takes only that, or with
// its text if the query says format=raw.
func (c *call) wahaCode() error {
	live, err := c.look()
	if err != nil {
		return c.wahaNoCode(err)
	}
	if c.r.URL.Query().Get("format") == "raw" {
		return c.json(http.StatusOK, bot.WAHAValue{Value: live.Code})
	}
	if c.r.Header.Get("Accept") != "application/json" {
		return c.picture("image/png", qr.PNG, live)
	}
	drawn, err := qr.PNG(live.Code)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, bot.WAHAImage{MIMEType: "image/png", Data: base64.StdEncoding.EncodeToString(drawn)})
}

// wahaNoCode answers that there is no current code, with the text that WAHA's scripts compare.
func (c *call) wahaNoCode(err error) error {
	var refused *session.Refusal
	if !errors.As(err, &refused) {
		return err
	}
	f := classifyError(err)
	f.status = http.StatusUnprocessableEntity
	said := fmt.Sprintf("Can get QR code only in SCAN_QR_CODE status. The current status is '%s'", classifyWAHA(c.snapshot()))
	return f.about(text{said, said})
}

func (c *call) wahaPair() error {
	var asked bot.PairRequest
	if err := c.read(&asked); err != nil {
		return err
	}
	live, err := c.requestPairing(asked.PhoneNumber)
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, bot.WAHACode{Code: live.PairingCode})
}

package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/httpapi/extension"
	"sesi.dev/sesi/botruntime/session"
)

// passkey answers with what a linking with a passkey waits for.
func (c *call) passkey() error {
	info, err := c.Session.Passkey()
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, info)
}

func (c *call) signPasskey() error {
	var signature json.RawMessage
	if err := c.read(&signature); err != nil {
		return err
	}
	ctx, cancel := c.sessionContext()
	defer cancel()
	if err := c.Session.SignPasskey(ctx, signature); err != nil {
		return err
	}
	return c.done(text{"WhatsApp menerima passkey; ponsel menyelesaikan penautan", "WhatsApp took the passkey; the phone finishes the linking"})
}

func (c *call) confirmPasskey() error {
	return c.change(c.Session.ConfirmPasskey, text{"Kode sama; ponsel menyelesaikan penautan", "The codes are equal; the phone finishes the linking"})
}

// extension answers with the browser extension that signs on WhatsApp's page.
func (c *call) extension() error {
	c.w.Header().Set("Content-Disposition", `attachment; filename="sesi-passkey.zip"`)
	return c.bytes(http.StatusOK, "application/zip", extension.Zip)
}

// wahaPasskeyChallenge answers with WebAuthn's request options alone.
func (c *call) wahaPasskeyChallenge() error {
	info, err := c.wahaPasskey(bot.PasskeySign, "passkey challenge", bot.WAHAPasskey)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, info.Options)
}

func (c *call) wahaPasskeyCode() error {
	info, err := c.wahaPasskey(bot.PasskeyCompare, "passkey confirmation", bot.WAHAPasskeyConfirm)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, bot.WAHAPasskeyCode{Code: info.Code})
}

// wahaPasskey returns what a linking waits for if it is at that step, and says else that it is not, as WAHA does.
func (c *call) wahaPasskey(step bot.PasskeyStep, what string, in bot.WAHAStatus) (bot.Passkey, error) {
	info, err := c.Session.Passkey()
	if err == nil && info.Step == step {
		return info, nil
	}
	var refused *session.Refusal
	if err != nil && !errors.As(err, &refused) {
		return bot.Passkey{}, err
	}
	snap := c.snapshot()
	f := classifyError(&session.Refusal{Kind: session.RefusedNoPasskey, Reason: snap.Reason})
	f.status = http.StatusUnprocessableEntity
	said := fmt.Sprintf("Can get %s only in %s status. The current status is '%s'", what, in, classifyWAHA(snap))
	return bot.Passkey{}, f.about(text{said, said})
}

func (c *call) wahaSignPasskey() error {
	var signature json.RawMessage
	if err := c.read(&signature); err != nil {
		return err
	}
	ctx, cancel := c.sessionContext()
	defer cancel()
	if err := c.Session.SignPasskey(ctx, signature); err != nil {
		return err
	}
	return c.json(http.StatusCreated, c.wahaSession())
}

func (c *call) wahaConfirmPasskey() error { return c.wahaDo(c.Session.ConfirmPasskey) }

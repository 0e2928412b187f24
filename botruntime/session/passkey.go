package session

import (
	"context"
	"errors"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/passkey"
)

// passkeyTimeout bounds the sending of a signature, or of the keys behind it: two requests to WhatsApp.
const passkeyTimeout = 45 * time.Second

// Passkey says what a linking with a passkey waits for. The error is a *Refusal when none is under way.
func (s *Supervisor) Passkey() (bot.Passkey, error) {
	p := s.public.Load()
	if !p.passkey.open() {
		return bot.Passkey{}, p.noPasskey("WhatsApp does not ask for a passkey now.")
	}
	info := p.passkey.public()
	info.Revision = p.snapshot.Revision
	if len(info.Options) > 0 {
		info.Console = passkey.ConsoleLine(info.Options)
	}
	return info, nil
}

func (p *public) noPasskey(why string) *Refusal {
	return &Refusal{Kind: RefusedNoPasskey, Reason: p.snapshot.Reason, Detail: why}
}

// SignPasskey gives WhatsApp a person's signature: the JSON of a PublicKeyCredential. It is sent to its end also when
// ctx ends, because WhatsApp goes on with what it got. The error is a *Refusal when there is no challenge, or when the
// signature is not good; another can then be given.
func (s *Supervisor) SignPasskey(ctx context.Context, signature []byte) error {
	p, c := s.public.Load(), s.live.Load()
	if p.passkey.step != passkeySign || c == nil || c.gate == nil {
		return p.noPasskey("WhatsApp does not wait for a signature now.")
	}
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), passkeyTimeout)
	defer cancel()
	err := c.gate.Answer(sending, signature)
	switch {
	case err == nil:
		return s.askOf(ctx, c, inPasskeyTaken{})
	case errors.Is(err, passkey.ErrAssertion):
		return &Refusal{Kind: RefusedPasskeyInvalid, Reason: p.snapshot.Reason, Detail: "This is " + err.Error() + "."}
	case errors.Is(err, passkey.ErrRefused):
		s.post(envelope{input: inPasskeyRefused{err.Error()}, generation: c.generation})
		return &Refusal{Kind: RefusedPasskey, Reason: p.snapshot.Reason, Detail: err.Error() + ". Sign again, with the passkey of the account that took the code."}
	}
	return p.passkeyFailure(err)
}

// ConfirmPasskey says that a person has seen the same code on the phone. The error is a *Refusal when WhatsApp does not
// wait for that, or did not take it.
func (s *Supervisor) ConfirmPasskey(ctx context.Context) error {
	p, c := s.public.Load(), s.live.Load()
	if p.passkey.step != passkeyCompare || c == nil || c.gate == nil {
		return p.noPasskey("There are no codes to compare now.")
	}
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), passkeyTimeout)
	defer cancel()
	if err := c.gate.Confirm(sending); err != nil {
		return p.passkeyFailure(err)
	}
	return s.askOf(ctx, c, inPasskeyConfirmed{})
}

func (p *public) passkeyFailure(err error) *Refusal {
	if errors.Is(err, passkey.ErrNothingAsked) {
		return p.noPasskey("WhatsApp does not wait for this now; it may be on its way already.")
	}
	return &Refusal{Kind: RefusedNotReady, Reason: p.snapshot.Reason, Detail: "WhatsApp did not take it: " + plain(err) + "."}
}

// askOf is ask for an input about c.
func (s *Supervisor) askOf(ctx context.Context, c *client, in input) error {
	return s.send(ctx, envelope{input: in, generation: c.generation})
}

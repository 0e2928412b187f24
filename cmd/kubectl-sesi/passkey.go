package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

func (t *tool) passkey() *cobra.Command {
	var console bool
	var timeout time.Duration
	cmd := t.forSession("passkey", "Sign with the account's passkey, when WhatsApp asks for it after a scan", func(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		b, err := c.bot(ctx, s)
		if err != nil {
			return err
		}
		defer b.close()
		if _, asked, err := b.passkey(ctx); err != nil || !asked {
			if err == nil {
				err = fmt.Errorf("WhatsApp does not ask for a passkey now; link the phone first: kubectl sesi qr %s --open", s.Name)
			}
			return err
		}
		if console {
			return t.signInConsole(ctx, s.Name, b)
		}
		return t.openPage(ctx, b)
	})
	cmd.Flags().BoolVar(&console, "console", false, "print a line for the console of a browser with web.whatsapp.com, and read what it gives back")
	cmd.Flags().DurationVar(&timeout, "timeout", 15*time.Minute, "give up after this long")
	return cmd
}

// signInConsole leads through the signature without the bot's page, and ends when the session is connected or the
// linking has failed.
func (t *tool) signInConsole(ctx context.Context, name string, b *botAPI) error {
	in := bufio.NewReader(io.LimitReader(t.in, 1<<20))
	done := bot.PasskeyStep("")
	return b.watchUntil(ctx, "the session did not connect in time; run the command again", func(snap bot.Snapshot) (bool, error) {
		switch snap.Reason {
		case bot.ReasonPasskeyRequired, bot.ReasonPasskeyConfirmation:
		case bot.ReasonPasskeyFailed:
			return false, errors.New(snap.Message)
		default:
			if snap.Connected {
				fmt.Fprintln(t.out, "Connected as "+snap.JID+".")
				return false, nil
			}
			return true, refuseStopped(name, snap)
		}
		info, asked, err := b.passkey(ctx)
		if err != nil || !asked || info.Step == done {
			return true, err
		}
		switch info.Step {
		case bot.PasskeySign:
			err = t.askSignature(ctx, in, b, info)
		case bot.PasskeyCompare:
			err = t.askCode(ctx, in, b, info.Code)
		}
		done = info.Step
		return true, err
	})
}

// askSignature reads signatures until WhatsApp takes one.
func (t *tool) askSignature(ctx context.Context, in *bufio.Reader, b *botAPI, info bot.Passkey) error {
	fmt.Fprintf(t.out, "Open https://web.whatsapp.com in a browser, press F12, choose Console, and paste this line there:\n\n%s\n\n"+
		"Sign. Then paste the text that appears here, and press Enter. Time: until %s.\n", info.Console, info.ExpiresAt.Local().Format(time.TimeOnly))
	for {
		line, err := in.ReadString('\n')
		if text := strings.Trim(strings.TrimSpace(line), "'\"`"); text != "" {
			refused := b.sign(ctx, json.RawMessage(text))
			if refused == nil {
				return nil
			}
			fmt.Fprintln(t.err, refused)
		}
		if err != nil {
			return errors.New("no signature was given")
		}
	}
}

// askCode asks a person whether the phone shows the same code.
func (t *tool) askCode(ctx context.Context, in *bufio.Reader, b *botAPI, code string) error {
	fmt.Fprintf(t.out, "Does WhatsApp on the phone show the code %s? [y/N] ", code)
	line, err := in.ReadString('\n')
	if err != nil && line == "" || !strings.HasPrefix(strings.ToLower(strings.TrimSpace(line)), "y") {
		return errors.New("the codes are not the same, so the linking does not go on; end it with kubectl sesi restart")
	}
	return b.confirm(ctx)
}

// sign gives WhatsApp a signature.
func (b *botAPI) sign(ctx context.Context, signature json.RawMessage) error {
	if !json.Valid(signature) {
		return errors.New("this is not the whole text: copy it again, from the first { to the last }")
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return readable(b.client.SignPasskey(ctx, signature))
}

// confirm says that a person has seen the same code on the phone.
func (b *botAPI) confirm(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return readable(b.client.ConfirmPasskey(ctx))
}

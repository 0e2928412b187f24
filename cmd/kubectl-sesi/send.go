package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/api/v1alpha1"
)

// sendTries bounds how often one message is handed to the bot.
const sendTries = 3

// send sends one message. The attempts have one key, so that a lost answer makes no second message.
func (t *tool) send() *cobra.Command {
	var request bot.SendRequest
	var key string
	cmd := &cobra.Command{
		Use: "send NAME --to NUMBER TEXT", Short: "Send a message", Args: cobra.ExactArgs(2),
		Example: "  kubectl sesi send shop --to +6281234567890 'Your order is ready.'",
	}
	cmd.ValidArgsFunction = t.names
	cmd.RunE = t.on(func(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) error {
		request.Text = cmd.Flags().Arg(1)
		if key == "" {
			key = "kubectl-" + rand.Text()
		}
		b, err := c.bot(ctx, s)
		if err != nil {
			return err
		}
		defer b.close()
		m, err := b.send(ctx, key, request)
		if err != nil {
			return err
		}
		return t.tellSent(s.Name, m)
	})
	cmd.Flags().StringVar(&request.To, "to", "", "the number with its country code, or the address of a person or a group")
	cmd.Flags().StringVar(&request.ReplyTo, "reply-to", "", "id of the message that this one answers")
	cmd.Flags().StringVar(&key, "key", "", "Idempotency-Key: the same key sends one message, however often the command runs (default a new key)")
	_ = cmd.MarkFlagRequired("to")
	return cmd
}

// send hands a message to the bot, again when the answer is lost.
func (b *botAPI) send(ctx context.Context, key string, request bot.SendRequest) (m bot.Message, err error) {
	for range sendTries {
		attempt, cancel := context.WithTimeout(ctx, 2*requestTimeout) // the bot waits for WhatsApp
		m, err = b.client.Send(attempt, key, request)
		cancel()
		var answered *client.Error
		if err == nil || errors.As(err, &answered) || ctx.Err() != nil {
			break
		}
	}
	return m, readable(err)
}

// tellSent prints the message's id and state, and fails when it was not sent.
func (t *tool) tellSent(name string, m bot.Message) error {
	id, state := printable(m.ID), printable(string(m.State))
	switch {
	case m.State == bot.MessageFailed && m.Problem != nil:
		return fmt.Errorf("%s was not sent: %s", id, printable(m.Problem.Detail))
	case m.State == bot.MessageHeld && m.Hold != nil:
		fmt.Fprintf(t.out, "%s is %s until %s: %s. kubectl sesi tail %s shows when it goes.\n", id, state,
			m.Hold.Until.Local().Format(time.DateTime), printable(string(m.Hold.Reason)), name)
	case m.State == bot.MessageQueued || m.State == bot.MessageSending || m.State == bot.MessageUnknown:
		fmt.Fprintf(t.out, "%s is %s; the bot goes on. kubectl sesi tail %s shows when it is sent.\n", id, state, name)
	default:
		fmt.Fprintf(t.out, "%s is %s.\n", id, state)
	}
	return nil
}

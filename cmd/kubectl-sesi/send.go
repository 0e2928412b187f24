package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/api/v1alpha1"
)

// sendTries bounds how often one message is handed to the bot.
const sendTries = 3

// fileTimeout bounds the way of one file to the bot and to WhatsApp.
const fileTimeout = 10 * time.Minute

// send sends one message. The attempts have one key, so that a lost answer makes no second message.
func (t *tool) send() *cobra.Command {
	var request bot.SendRequest
	var key string
	var file attachment
	cmd := &cobra.Command{
		Use: "send NAME --to NUMBER [TEXT]", Short: "Send a message", Args: cobra.RangeArgs(1, 2),
		Example: "  kubectl sesi send shop --to +6281234567890 'Your order is ready.'\n" +
			"  kubectl sesi send shop --to +6281234567890 --image chart.png 'Your month.'",
	}
	cmd.ValidArgsFunction = t.names
	cmd.RunE = t.on(func(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) error {
		if err := file.into(&request, cmd.Flags().Arg(1)); err != nil {
			return err
		}
		if key == "" {
			key = "kubectl-" + rand.Text()
		}
		b, err := c.bot(ctx, s)
		if err != nil {
			return err
		}
		defer b.close()
		m, err := b.send(ctx, key, request, file.path)
		if err != nil {
			return err
		}
		return t.tellSent(s.Name, m)
	})
	cmd.Flags().StringVar(&request.To, "to", "", "the number with its country code, or the address of a person or a group")
	cmd.Flags().StringVar(&file.image, "image", "", "file of an image to send; TEXT is its caption")
	cmd.Flags().StringVar(&file.document, "document", "", "file of any type to send; TEXT is its caption")
	cmd.MarkFlagsMutuallyExclusive("image", "document")
	cmd.Flags().StringVar(&request.ReplyTo, "reply-to", "", "id of the message that this one answers")
	cmd.Flags().StringVar(&key, "key", "", "Idempotency-Key: the same key sends one message, however often the command runs (default a new key)")
	_ = cmd.MarkFlagRequired("to")
	return cmd
}

// attachment is a file on this machine that goes with a message.
type attachment struct{ image, document, path string }

// into makes the request one for the text, or for the file with the text as its caption.
func (a *attachment) into(request *bot.SendRequest, text string) error {
	kind := bot.KindImage
	if a.path = a.image; a.path == "" {
		kind, a.path = bot.KindDocument, a.document
	}
	if a.path == "" {
		if text == "" {
			return errors.New("give the TEXT of the message, --image or --document")
		}
		request.Text = text
		return nil
	}
	request.SetFile(kind, &bot.SendFile{Caption: text})
	return nil
}

// send hands a message to the bot, again when the answer is lost. path is its file, "" for none.
func (b *botAPI) send(ctx context.Context, key string, request bot.SendRequest, path string) (m bot.Message, err error) {
	for range sendTries {
		m, err = b.sendOnce(ctx, key, request, path)
		var answered *client.Error
		var local *fs.PathError
		if err == nil || errors.As(err, &answered) || errors.As(err, &local) || ctx.Err() != nil {
			break
		}
	}
	return m, readable(err)
}

func (b *botAPI) sendOnce(ctx context.Context, key string, request bot.SendRequest, path string) (bot.Message, error) {
	if path == "" {
		ctx, cancel := context.WithTimeout(ctx, 2*requestTimeout) // the bot waits for WhatsApp
		defer cancel()
		return b.client.Send(ctx, key, request)
	}
	file, err := os.Open(path)
	if err != nil {
		return bot.Message{}, err
	}
	defer file.Close()
	ctx, cancel := context.WithTimeout(ctx, fileTimeout)
	defer cancel()
	kind, _ := request.File()
	return b.client.SendFile(ctx, key, kind, filepath.Base(path), file, request)
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

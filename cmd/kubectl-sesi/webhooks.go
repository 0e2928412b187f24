package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// webhooks shows a session's webhooks, or one of them with what it never took.
func (t *tool) webhooks() *cobra.Command {
	var test, pause, resume bool
	cmd := &cobra.Command{
		Use: "webhooks NAME [WEBHOOK]", Short: "Show webhooks and their backlog, or test, pause or resume one", Args: cobra.RangeArgs(1, 2),
	}
	cmd.ValidArgsFunction = t.names
	cmd.RunE = t.on(func(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) error {
		name := cmd.Flags().Arg(1)
		if (test || pause || resume) && name == "" {
			return errors.New("name the webhook: kubectl sesi webhooks " + s.Name + " WEBHOOK")
		}
		b, err := c.bot(ctx, s)
		if err != nil {
			return err
		}
		defer b.close()
		ctx, cancel := context.WithTimeout(ctx, 2*requestTimeout)
		defer cancel()
		switch {
		case test:
			return t.testWebhook(ctx, b, name)
		case pause:
			return t.steerWebhook(ctx, name, b.client.PauseWebhook)
		case resume:
			return t.steerWebhook(ctx, name, b.client.ResumeWebhook)
		case name != "":
			return t.oneWebhook(ctx, b, name)
		}
		return t.allWebhooks(ctx, b)
	})
	cmd.Flags().BoolVar(&test, "test", false, "send the webhook an event of type webhook.test")
	cmd.Flags().BoolVar(&pause, "pause", false, "hold the webhook's events back")
	cmd.Flags().BoolVar(&resume, "resume", false, "deliver what waits at once")
	cmd.MarkFlagsMutuallyExclusive("test", "pause", "resume")
	return cmd
}

// redeliver delivers everything behind a cursor again.
func (t *tool) redeliver() *cobra.Command {
	var after string
	cmd := &cobra.Command{
		Use: "redeliver NAME WEBHOOK --after CURSOR", Short: "Deliver events to a webhook again", Args: cobra.ExactArgs(2),
		Example: "  kubectl sesi redeliver shop crm --after 1200\n  kubectl sesi redeliver shop crm --after oldest",
	}
	cmd.ValidArgsFunction = t.names
	cmd.RunE = t.on(func(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) error {
		b, err := c.bot(ctx, s)
		if err != nil {
			return err
		}
		defer b.close()
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		return t.steerWebhook(ctx, cmd.Flags().Arg(1), func(ctx context.Context, name string) (bot.Webhook, error) {
			return b.client.Redeliver(ctx, name, after)
		})
	})
	cmd.Flags().StringVar(&after, "after", "", "number of the last event that is not delivered again, or oldest")
	_ = cmd.MarkFlagRequired("after")
	return cmd
}

func (t *tool) allWebhooks(ctx context.Context, b *botAPI) error {
	all, err := b.client.Webhooks(ctx)
	if err != nil {
		return readable(err)
	}
	if len(all.Webhooks) == 0 {
		fmt.Fprintln(t.out, "The session has no webhooks.")
		return nil
	}
	return t.webhookTable(all.Webhooks...)
}

func (t *tool) oneWebhook(ctx context.Context, b *botAPI, name string) error {
	w, err := b.client.Webhook(ctx, name)
	if err != nil {
		return readable(err)
	}
	if err := t.webhookTable(w); err != nil {
		return err
	}
	if w.LastError != "" {
		fmt.Fprintf(t.out, "\nLast error, %s ago: %s\n", sinceTime(w.LastErrorAt), printable(w.LastError))
	}
	if w.DeadLetters == 0 {
		return nil
	}
	page, err := b.client.DeadLetters(ctx, name, 0)
	if err != nil {
		return readable(err)
	}
	return t.deadLetters(page)
}

func (t *tool) testWebhook(ctx context.Context, b *botAPI, name string) error {
	result, err := b.client.TestWebhook(ctx, name)
	switch {
	case err != nil:
		return readable(err)
	case !result.Delivered:
		return fmt.Errorf("the receiver did not take the test (%d %s): %s", result.Status, http.StatusText(result.Status), printable(result.Error))
	}
	fmt.Fprintf(t.out, "%s took the test: %d in %d ms.\n", printable(name), result.Status, result.Milliseconds)
	return nil
}

func (t *tool) steerWebhook(ctx context.Context, name string, do func(context.Context, string) (bot.Webhook, error)) error {
	w, err := do(ctx, name)
	if err != nil {
		return readable(err)
	}
	return t.webhookTable(w)
}

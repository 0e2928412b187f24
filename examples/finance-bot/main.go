// Command finance-bot keeps books of what people write to a WhatsApp number: "makan 25rb", "masuk 1,5jt gaji", "saldo",
// "laporan", "grafik", "batal". It is an example of a program that reads a Sesi bot's events and answers them, each once,
// whichever of the two is killed.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/bot/client"
)

const usage = `finance-bot books what people write to a WhatsApp number, and answers.

Settings, by environment:
  BOT_URL    the bot (http://127.0.0.1:3000)
  API_TOKEN  its token, where it asks for one
  DATABASE   file that keeps the books (finance.db)
  LOCALE     language of the answers: id or en (id)
  TZ         time zone in which a month begins, such as Asia/Jakarta
`

func main() {
	if len(os.Args) > 1 {
		fmt.Print(usage)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "finance-bot:", err)
		os.Exit(1)
	}
}

func setting(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

func run(ctx context.Context) error {
	language, known := languages[setting("LOCALE", "id")]
	if !known {
		return errors.New("LOCALE: want id or en")
	}
	books, err := openBook(ctx, setting("DATABASE", "finance.db"), language, time.Local)
	if err != nil {
		return fmt.Errorf("DATABASE: %w", err)
	}
	defer books.db.Close()
	f := &finance{
		bot:   &client.Client{BaseURL: setting("BOT_URL", "http://127.0.0.1:3000"), Token: os.Getenv("API_TOKEN"), UserAgent: "finance-bot"},
		books: books, wake: make(chan struct{}, 1),
	}
	ctx, cancel := context.WithCancel(ctx)
	sent := make(chan error, 1)
	go func() {
		defer cancel() // whichever of the two ends first ends the other
		sent <- f.send(ctx)
	}()
	err = f.read(ctx)
	cancel()
	return errors.Join(err, <-sent)
}

// finance reads events and sends answers; what is between the two is in the books.
type finance struct {
	bot   *client.Client
	books *book
	wake  chan struct{}
}

// read handles every event behind the cursor, as they come.
func (f *finance) read(ctx context.Context) error {
	cursor, found, err := f.books.cursor(ctx)
	if err != nil {
		return err
	}
	after := client.Oldest // what came while this program was not there yet is for it too
	if found {
		after = client.Cursor(cursor)
	}
	slog.Info("reading", "after", after)
	for {
		err := f.bot.Follow(ctx, client.EventQuery{After: after, Types: []bot.EventType{bot.EventMessage}}, func(e bot.Event) error {
			if err := f.books.handle(ctx, e); err != nil {
				return err
			}
			select {
			case f.wake <- struct{}{}:
			default:
			}
			return nil
		})
		// The bot has deleted old events. Those that are left are read again: what was handled is known by its id.
		var failed *client.Error
		if !errors.As(err, &failed) || failed.OldestCursor == 0 {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // the program ends
			}
			return err
		}
		slog.Warn("events behind the cursor are gone", "oldest", failed.OldestCursor)
		after = client.Oldest
	}
}

// The waits after a failed try to send.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 30 * time.Second
	sendTime   = 45 * time.Second
)

// send hands the answers to the bot, in order. An answer whose fate is unknown is handed over again with its key: the
// bot sends one message for one key.
func (f *finance) send(ctx context.Context) error {
	pause := firstPause
	for ctx.Err() == nil {
		next, err := f.books.next(ctx)
		if err != nil {
			return ignoreEnd(ctx, err)
		}
		if next == nil {
			select {
			case <-f.wake:
			case <-ctx.Done():
			}
			continue
		}
		err = f.hand(ctx, next)
		var failed *client.Error
		switch {
		case err == nil:
			pause = firstPause
		case errors.As(err, &failed) && lost(failed.Problem):
			slog.Error("an answer cannot be sent and is left out", "problem", failed.Problem.Type)
		default:
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
			pause = min(2*pause, lastPause)
			continue
		}
		if err := f.books.done(ctx, next); err != nil {
			return ignoreEnd(ctx, err)
		}
	}
	return nil
}

func (f *finance) hand(ctx context.Context, r *reply) error {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	if r.picture == nil {
		_, err := f.bot.Send(ctx, r.key, bot.SendRequest{To: r.chat, Text: r.text})
		return err
	}
	request := bot.SendRequest{To: r.chat, Image: &bot.SendFile{Caption: r.text}}
	_, err := f.bot.SendFile(ctx, r.key, bot.KindImage, "chart.png", bytes.NewReader(r.picture), request)
	return err
}

// lost reports whether another try of the same answer would have the same end: the bot tried it and failed for good, or
// refuses it as it stands.
func lost(p bot.Problem) bool {
	refusals := []bot.ProblemKind{bot.ProblemBadRecipient, bot.ProblemUnsupported, bot.ProblemBadParameter, bot.ProblemKeyReused,
		bot.ProblemTooLarge, bot.ProblemFileTooLarge, bot.ProblemUnfitFile}
	return p.MessageID != "" || slices.Contains(refusals, p.Kind())
}

func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the program ends
	}
	return err
}

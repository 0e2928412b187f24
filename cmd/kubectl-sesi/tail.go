package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// tail shows events as they come. It goes on when the bot's pod is replaced.
func (t *tool) tail() *cobra.Command {
	var q client.EventQuery
	var kinds []string
	var format string
	cmd := t.forSession("tail", "Show messages and other events as they come", func(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) error {
		if format != "" && format != "json" {
			return errors.New("-o must be json, or left out")
		}
		for _, one := range kinds {
			q.Types = append(q.Types, bot.EventType(one))
		}
		if _, err := c.pod(ctx, s); err != nil {
			return err
		}
		door := &moving{cluster: c, session: s}
		defer door.close()
		b := &botAPI{client: client.Client{
			BaseURL: "http://localhost", Language: "en", UserAgent: "kubectl-sesi/" + version,
			Transport: &http.Transport{DialContext: door.dial, DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeader},
		}}
		return b.tail(ctx, q, t.out, format == "json")
	})
	cmd.Flags().StringVar(&q.After, "after", client.Latest, "begin behind this event: its number, oldest, or latest")
	cmd.Flags().StringVar(&q.Chat, "chat", "", "show the events of one chat: a number, or an address of WhatsApp")
	cmd.Flags().StringSliceVar(&kinds, "types", nil, "show these types of events, such as message,message.state (default all)")
	cmd.Flags().StringVarP(&format, "output", "o", "", "json prints each event whole, one a line")
	return cmd
}

// tail prints events until ctx ends.
func (b *botAPI) tail(ctx context.Context, q client.EventQuery, out io.Writer, whole bool) error {
	var failed *client.Error
	err := b.client.Follow(ctx, q, func(e bot.Event) error {
		line := eventLine(e)
		if whole {
			body, err := json.Marshal(e)
			if err != nil {
				return fmt.Errorf("encode an event: %w", err)
			}
			line = printableJSON(string(body))
		}
		_, err := fmt.Fprintln(out, line)
		return err
	})
	if errors.As(err, &failed) && failed.OldestCursor > 0 {
		return fmt.Errorf("%s; the oldest that works is --after %d", printable(failed.Error()), failed.OldestCursor)
	}
	return readable(err)
}

// errEnding says that no tunnel is opened into a pod that is being deleted.
var errEnding = errors.New("the bot's pod is being deleted")

// moving dials the bot of a session, in whichever pod it runs. A tunnel outlives its pod and then carries nothing, so
// every dial asks which pod there is, and whether it stays.
type moving struct {
	cluster *cluster
	session *v1alpha1.WhatsAppSession

	mu     sync.Mutex
	tunnel *tunnel
	pod    types.UID
}

func (m *moving) dial(ctx context.Context, network, address string) (net.Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	pod, err := m.cluster.pod(ctx, m.session)
	if err != nil {
		return nil, err
	}
	if pod.DeletionTimestamp != nil {
		return nil, errEnding
	}
	if m.tunnel != nil && m.pod == pod.UID {
		if conn, err := m.tunnel.dial(ctx, network, address); err == nil {
			return conn, nil
		}
	}
	m.drop()
	opened, err := openTunnel(m.cluster.config, pod, naming.PortPlain)
	if err != nil {
		return nil, err
	}
	m.tunnel, m.pod = opened, pod.UID
	return opened.dial(ctx, network, address)
}

func (m *moving) drop() {
	if m.tunnel != nil {
		m.tunnel.close()
		m.tunnel = nil
	}
}

func (m *moving) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop()
}

// eventLine is an event in one line: when, where, and what.
func eventLine(e bot.Event) string {
	words := []string{e.Timestamp.Local().Format(time.DateTime), string(e.Type)}
	d := e.Data
	switch {
	case d.Message != nil:
		words = append(words, messageWords(*d.Message)...)
	case d.Edit != nil:
		words = append(words, who(d.Edit.Chat, d.Edit.From, d.Edit.FromMe), d.Edit.ID, d.Edit.Text)
	case d.Revoke != nil:
		words = append(words, who(d.Revoke.Chat, d.Revoke.From, d.Revoke.FromMe), d.Revoke.ID)
	case d.Reaction != nil:
		words = append(words, who(d.Reaction.Chat, d.Reaction.From, d.Reaction.FromMe), d.Reaction.MessageID, or(d.Reaction.Emoji, "(taken back)"))
	case d.State != nil:
		words = append(words, called(d.State.Chat), d.State.ID, string(d.State.State))
		if d.State.Problem != nil {
			words = append(words, d.State.Problem.Detail)
		}
		if d.State.Hold != nil {
			words = append(words, string(d.State.Hold.Reason), "until", d.State.Hold.Until.Local().Format(time.DateTime))
		}
	default:
		words = append(words, e.Chat)
	}
	return printable(strings.Join(words, "  "))
}

func messageWords(m bot.Message) []string {
	words := []string{who(m.Chat, m.From, m.FromMe), m.ID}
	if m.Kind != bot.KindText {
		words = append(words, "["+string(m.Kind)+"]")
	}
	return append(words, m.Text)
}

// who says who wrote, and in a group where.
func who(chat, from bot.Party, fromMe bool) string {
	switch {
	case fromMe:
		return "me -> " + called(chat)
	case chat.ID != from.ID:
		return called(from) + " in " + called(chat)
	}
	return called(from)
}

func called(p bot.Party) string {
	address := or(p.Phone, p.ID)
	if p.Name == "" {
		return address
	}
	return p.Name + " (" + address + ")"
}

// printableJSON escapes what could control a terminal. Such characters are within strings of the JSON, where an escape
// means the same.
func printableJSON(text string) string {
	var out strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	return out.String()
}

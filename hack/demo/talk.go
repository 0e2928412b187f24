package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// customer is the phone that writes to the session.
const customer = "628111000001"

// conversation is a customer's chat with the session. It counts what was written and what was answered.
type conversation struct {
	wa  phone
	jid string
	// seen is the last of the simulator's messages that was looked at, waiting the texts without an answer.
	seen    int64
	waiting int
	ids     map[string]bool
}

// outMsg is a message as it came to a phone.
type outMsg struct {
	Seq                   int64
	ID, Phone, Kind, Text string
	Self                  bool
}

func (m *onThisMachine) talk(ctx context.Context, jid string) (*conversation, error) {
	return converse(ctx, m.wa, jid)
}

// converse begins a conversation after all that the simulator has delivered so far.
func converse(ctx context.Context, wa phone, jid string) (*conversation, error) {
	c := &conversation{wa: wa, jid: jid, ids: map[string]bool{}}
	old, err := c.outbox(ctx, 0)
	if err == nil && len(old) > 0 {
		c.seen = old[len(old)-1].Seq
	}
	return c, err
}

func (m *onThisMachine) whileDead(do func(context.Context) error) { m.away = do }

func (c *conversation) outbox(ctx context.Context, wait int) (messages []outMsg, err error) {
	return messages, call(ctx, http.MethodGet, fmt.Sprintf("%s/outbox?since=%d&wait=%d", c.wa.address, c.seen, wait), nil, &messages)
}

// say lets the customer write.
func (c *conversation) say(ctx context.Context, text string) error {
	tell("customer:     %s", text)
	c.waiting++
	return call(ctx, http.MethodPost, c.wa.address+"/say", map[string]string{"jid": c.jid, "from": customer, "name": "Budi", "text": text}, nil)
}

// hear waits until each text has its answer; one answer too many is an error.
func (c *conversation) hear(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("waited too long"))
	defer cancel()
	for c.waiting > 0 {
		messages, err := c.outbox(ctx, 5)
		if err != nil {
			return fmt.Errorf("wait for the answer: %w", errors.Join(err, context.Cause(ctx)))
		}
		for _, m := range messages {
			c.seen = m.Seq
			if m.Self || m.Phone != customer || m.Kind != "text" || c.ids[m.ID] {
				continue
			}
			c.ids[m.ID] = true
			c.waiting--
			tell("finance bot:  %s", strings.ReplaceAll(m.Text, "\n", "  "))
		}
	}
	if c.waiting < 0 {
		return errors.New("something was answered twice")
	}
	return nil
}

// awaitText waits until a text that nobody asked for is on the customer's phone.
func (c *conversation) awaitText(ctx context.Context, want string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("waited too long"))
	defer cancel()
	for {
		messages, err := c.outbox(ctx, 5)
		if err != nil {
			return fmt.Errorf("wait for %q on the phone: %w", want, errors.Join(err, context.Cause(ctx)))
		}
		for _, m := range messages {
			c.seen = m.Seq
			if m.Phone == customer && m.Text == want {
				return nil
			}
		}
	}
}

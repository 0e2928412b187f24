package bot

import (
	"encoding/base64"
	"errors"
	"net/textproto"
	"strings"
)

// The paths of webhooks. {name} is a webhook's name.
const (
	// PathWebhooks answers with Webhooks, PathWebhook with one Webhook.
	PathWebhooks = "/api/webhooks"
	PathWebhook  = "/api/webhooks/{name}"
	// PathWebhookDead answers with DeadLetters.
	PathWebhookDead = "/api/webhooks/{name}/dead"
	// PathWebhookTest sends an event of type webhook.test, and answers with WebhookTest.
	PathWebhookTest = "/api/webhooks/{name}/test"
	// These change a webhook, and answer with Webhook.
	PathWebhookRedeliver = "/api/webhooks/{name}/redeliver"
	PathWebhookPause     = "/api/webhooks/{name}/pause"
	PathWebhookResume    = "/api/webhooks/{name}/resume"
)

// EventWebhookTest is the type of the event that tests a webhook. It is in no journal.
const EventWebhookTest EventType = "webhook.test"

// The headers of a delivery. The first three are those of Standard Webhooks, the others are WAHA's.
const (
	HeaderWebhookID        = "webhook-id"
	HeaderWebhookTimestamp = "webhook-timestamp"
	HeaderWebhookSignature = "webhook-signature"
	HeaderWAHARequestID    = "X-Webhook-Request-Id"
	HeaderWAHATimestamp    = "X-Webhook-Timestamp"
	HeaderWAHAHmac         = "X-Webhook-Hmac"
	HeaderWAHAAlgorithm    = "X-Webhook-Hmac-Algorithm"
)

// WebhookState says whether a webhook gets its events.
type WebhookState string

// The states of a webhook.
const (
	// WebhookDelivering: events are delivered as they come.
	WebhookDelivering WebhookState = "delivering"
	// WebhookRetrying: the receiver does not answer, or refuses events; they are tried again.
	WebhookRetrying WebhookState = "retrying"
	// WebhookPaused: a person paused it; events wait.
	WebhookPaused WebhookState = "paused"
	// WebhookEnded: the receiver answered 410 Gone. It stays so until it is resumed or its URL changes.
	WebhookEnded WebhookState = "ended"
)

// WebhookStates lists every state.
var WebhookStates = []WebhookState{WebhookDelivering, WebhookRetrying, WebhookPaused, WebhookEnded}

// Webhook is a target of deliveries, and how far they are.
type Webhook struct {
	Name string `json:"name"`
	// URL is the address without its user, password and query.
	URL   string       `json:"url"`
	State WebhookState `json:"state"`
	// Events are the types that it gets; all when empty.
	Events []EventType `json:"events"`
	// Order is "chat" or "session": what waits behind an event that is refused.
	Order string `json:"order"`
	// Cursor is the newest event that was looked at; Last is the newest of the journal.
	Cursor uint64 `json:"cursor"`
	Last   uint64 `json:"last"`
	// Backlog counts the events that wait, of every type. BacklogSince is when the oldest of them came.
	Backlog      uint64 `json:"backlog"`
	BacklogSince Time   `json:"backlogSince"`
	// WaitingChats counts the chats whose events wait because one was refused.
	WaitingChats int `json:"waitingChats"`
	// Failures counts the tries in a row that failed, NextTryAt is when the next is due.
	Failures  int  `json:"failures"`
	NextTryAt Time `json:"nextTryAt"`
	// LastError says what went wrong last, at LastErrorAt. LastSuccessAt is the last delivery.
	LastError     string `json:"lastError"`
	LastErrorAt   Time   `json:"lastErrorAt"`
	LastSuccessAt Time   `json:"lastSuccessAt"`
	// DeadLetters counts the events that were given up.
	DeadLetters uint64 `json:"deadLetters"`
}

// Webhooks answers GET /api/webhooks.
type Webhooks struct {
	Webhooks []Webhook `json:"webhooks"`
}

// DeadLetter is an event that a webhook did not take within its patience.
type DeadLetter struct {
	// Seq is the event's number: redeliver?after=SEQ-1 delivers it, and all later ones, again.
	Seq  uint64    `json:"seq"`
	ID   string    `json:"id,omitempty"`
	Type EventType `json:"type,omitempty"`
	Chat string    `json:"chat,omitempty"`
	// Events is how many events this entry stands for: more than 1 for a range that ends with Seq and that the
	// journal had no room to keep. Some of them may have been delivered.
	Events uint64 `json:"events"`
	// Error is why the last try failed.
	Error string `json:"error"`
	// Timestamp is when the event came, DeadAt when it was given up.
	Timestamp Time `json:"timestamp"`
	DeadAt    Time `json:"deadAt"`
}

// DeadLetters answers GET /api/webhooks/{name}/dead, newest first.
type DeadLetters struct {
	DeadLetters []DeadLetter `json:"deadLetters"`
	// Before is the cursor for the next page: before=BEFORE. It is 0 on the last page. A page ends at the limit of the
	// request, or at about 1 MiB.
	Before uint64 `json:"before"`
}

// WebhookTest answers POST /api/webhooks/{name}/test.
type WebhookTest struct {
	// Delivered is true when the receiver answered with 2xx.
	Delivered bool `json:"delivered"`
	// Status is the receiver's HTTP status, 0 when there was no answer.
	Status int `json:"status"`
	// Milliseconds is how long the answer took.
	Milliseconds int64 `json:"milliseconds"`
	// Error says what went wrong.
	Error string `json:"error,omitempty"`
}

const (
	// MaxWebhookHeaders bounds the headers of a webhook.
	MaxWebhookHeaders = 32
	// MaxWebhooksFile bounds a bot's WEBHOOKS_FILE, in bytes.
	MaxWebhooksFile = 256 << 10
)

// AllowedWebhookHeader reports whether a webhook may set a header of its own.
func AllowedWebhookHeader(name string) bool {
	name = textproto.CanonicalMIMEHeaderKey(name)
	switch name {
	case "", "Host", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Connection", "Upgrade", "Te", "Trailer", "Expect":
		return false
	}
	return !strings.HasPrefix(name, "Webhook-") && !strings.HasPrefix(name, "X-Webhook-") && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
	})
}

// AllowedWebhookValue reports whether a header of a webhook may have a value: printable ASCII and tabs, and no reference
// that nothing replaced or placeholder, also behind a word such as Bearer.
func AllowedWebhookValue(name, value string) bool {
	cookie := textproto.CanonicalMIMEHeaderKey(name) == "Cookie"
	for part := range strings.FieldsSeq(value) {
		switch err := Mistake(part); {
		case err == nil, errors.Is(err, ErrQuoted): // a header may hold quotes
		case cookie && errors.Is(err, errRepeated): // NAME=value is what a cookie is
		case part == "true", part == "false": // no program prints them for a missing value
		default:
			return false
		}
	}
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r > '~' })
}

// WebhookKey returns the key of a webhook's secret; nil when the secret is not allowed.
func WebhookKey(secret string) []byte {
	if encoded, found := strings.CutPrefix(secret, "whsec_"); found {
		key, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(key) < 24 || len(key) > 64 {
			return nil
		}
		return key
	}
	if !ValidToken(secret) {
		return nil
	}
	return []byte(secret)
}

package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/textproto"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/message"
	"sesi.dev/sesi/botruntime/waha"
)

// The limits of a webhooks file.
const (
	maxTargets      = 32
	maxName         = 63
	defaultPatience = 72 * time.Hour
	minPatience     = time.Minute
	maxPatience     = 7 * 24 * time.Hour
)

// The orders. With OrderChat a refused event delays the later events of its chat, with OrderSession all later events.
const (
	OrderChat    = "chat"
	OrderSession = "session"
)

// The formats of a delivery's body: an Event of the bot's API, or an event of WAHA's.
const (
	FormatSesi = "sesi"
	FormatWAHA = "waha"
)

// Target is where events are delivered, and which.
type Target struct {
	Name string
	URL  string
	// Events are the types; all when empty.
	Events []bot.EventType
	// Chats are the only chats whose events are delivered; all when empty.
	Chats []string
	// Groups and FromMe are false where events of groups, or of the account itself, are left out.
	Groups, FromMe bool
	// Secrets sign the deliveries. The second is the old secret, while it is being replaced.
	Secrets  []string
	Headers  map[string]string
	Order    string
	Patience time.Duration
	// WAHA are WAHA's names of the events, for a target of WAHA's format; nil for another.
	WAHA []string
	// Private lets the URL lead to a private address, as a pod or a Service of a cluster has.
	Private bool
}

// same reports whether two targets are equal.
func (t *Target) same(other *Target) bool { return reflect.DeepEqual(t, other) }

// file is what WEBHOOKS_FILE holds.
type file struct {
	Webhooks []entry `json:"webhooks"`
}

type entry struct {
	Name     string            `json:"name"`
	URL      string            `json:"url"`
	Events   []string          `json:"events"`
	Chats    []string          `json:"chats"`
	Groups   *bool             `json:"groups"`
	FromMe   *bool             `json:"fromMe"`
	Secret   string            `json:"secret"`
	Previous string            `json:"previousSecret"`
	Headers  map[string]string `json:"headers"`
	Order    string            `json:"order"`
	Patience string            `json:"patience"`
	Private  bool              `json:"private"`
	Format   string            `json:"format"`
}

// Parse reads a webhooks file. Its errors contain no secret.
func Parse(data []byte) ([]Target, error) {
	if len(data) > bot.MaxWebhooksFile {
		return nil, fmt.Errorf("it is larger than %d bytes", bot.MaxWebhooksFile)
	}
	var f file
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return nil, fmt.Errorf("it is not the expected JSON: %w", err)
	}
	if decoder.More() {
		return nil, errors.New("text follows the JSON object; remove it")
	}
	if len(f.Webhooks) > maxTargets {
		return nil, fmt.Errorf("webhooks: %d entries, at most %d are allowed", len(f.Webhooks), maxTargets)
	}
	targets := make([]Target, 0, len(f.Webhooks))
	for i, e := range f.Webhooks {
		where := fmt.Sprintf("webhooks[%d].", i)
		t, err := e.target(where)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(targets, func(other Target) bool { return other.Name == t.Name }) {
			return nil, fmt.Errorf("%sname: %q is used twice; give each webhook its own name", where, t.Name)
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// One returns the only target, as the settings WEBHOOK_URL, WEBHOOK_SECRET and WEBHOOK_EVENTS describe it. events are
// separated by commas, secrets by a space.
func One(url, secrets, events string) (Target, error) {
	e := entry{Name: "default", URL: url, Events: list(events)}
	keys := strings.Fields(secrets)
	if len(keys) > 2 {
		return Target{}, errors.New("WEBHOOK_SECRET: at most two secrets: the one in use, and the one before")
	}
	for i, into := range []*string{&e.Secret, &e.Previous} {
		if i < len(keys) {
			*into = keys[i]
		}
	}
	return e.target("WEBHOOK_")
}

// Hook returns the target that WAHA's settings describe: its events are separated by commas. patience 0 means three
// days.
func Hook(url, key, events string, headers map[string]string, patience time.Duration) (Target, error) {
	e := entry{Name: "waha", URL: url, Events: list(events), Secret: key, Headers: headers, Format: FormatWAHA}
	if patience > 0 {
		e.Patience = patience.String()
	}
	return e.target("WHATSAPP_HOOK_")
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// target checks an entry; where begins the names of its fields in errors.
func (e *entry) target(where string) (t Target, err error) {
	field, fault := e.fill(&t)
	if fault == "" {
		return t, nil
	}
	if strings.HasSuffix(where, "_") {
		field = strings.ToUpper(field)
	}
	return Target{}, errors.New(where + field + ": " + fault)
}

// fill makes the target of an entry. If the entry is wrong, fill says which field is, and why.
func (e *entry) fill(t *Target) (field, fault string) {
	*t = Target{
		Name: e.Name, URL: e.URL, Chats: e.Chats, Groups: e.Groups == nil || *e.Groups, FromMe: e.FromMe == nil || *e.FromMe,
		Headers: e.Headers, Order: e.Order, Patience: defaultPatience, Private: e.Private,
	}
	if !validName(e.Name) {
		return "name", fmt.Sprintf("want 1 to %d small letters, digits and hyphens", maxName)
	}
	if _, ok := bot.ParseWeb(e.URL); !ok {
		return "url", "want an address such as https://example.com/hook" // it may hold a secret, so it is not repeated
	}
	switch e.Format {
	case "", FormatSesi:
		if fault = e.fillEvents(t); fault != "" {
			return "events", fault
		}
	case FormatWAHA:
		t.WAHA = e.Events
		if len(t.WAHA) == 0 {
			t.WAHA = []string{"*"}
		}
		types, unknown := waha.Types(t.WAHA)
		if unknown != "" {
			return "events", fmt.Sprintf("%q is not one of WAHA's events", unknown)
		}
		t.Events = types
	default:
		return "format", "want " + FormatSesi + " or " + FormatWAHA
	}
	for _, chat := range e.Chats {
		if _, ok := message.Address(chat); !ok {
			return "chats", fmt.Sprintf("%q is no number with its country code, and no address of WhatsApp", chat)
		}
	}
	if e.Secret == "" && e.Previous != "" {
		return "previousSecret", "set secret too"
	}
	for i, secret := range []string{e.Secret, e.Previous} {
		switch {
		case secret == "":
		case bot.WebhookKey(secret) == nil:
			return []string{"secret", "previousSecret"}[i], fmt.Sprintf("want whsec_ and 24 to 64 bytes in base64, or at least %d printable characters without spaces (value not shown)", bot.MinToken)
		default:
			t.Secrets = append(t.Secrets, secret)
		}
	}
	if fault = faultOfHeaders(e.Headers); fault != "" {
		return "headers", fault
	}
	switch e.Order {
	case "":
		t.Order = OrderChat
	case OrderChat, OrderSession:
	default:
		return "order", "want " + OrderChat + " or " + OrderSession
	}
	if e.Patience != "" {
		var err error
		t.Patience, err = time.ParseDuration(e.Patience)
		if err != nil || t.Patience < minPatience || t.Patience > maxPatience {
			return "patience", "want a duration from 1m to 168h, such as 72h"
		}
	}
	return "", ""
}

func (e *entry) fillEvents(t *Target) (fault string) {
	for _, name := range e.Events {
		if name == "*" {
			t.Events = nil
			break
		}
		if !slices.Contains(bot.EventTypes, bot.EventType(name)) {
			return fmt.Sprintf("%q is no type of event; want one of %v", name, bot.EventTypes)
		}
		t.Events = append(t.Events, bot.EventType(name))
	}
	return ""
}

// faultOfHeaders says what is wrong with a webhook's own headers, and never their values.
func faultOfHeaders(headers map[string]string) string {
	if len(headers) > bot.MaxWebhookHeaders {
		return fmt.Sprintf("at most %d", bot.MaxWebhookHeaders)
	}
	names := map[string]bool{}
	for name, value := range headers {
		same := textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case names[same]:
			return fmt.Sprintf("%q is set twice", same)
		case !bot.AllowedWebhookHeader(name):
			return fmt.Sprintf("%q cannot be set", name)
		case !bot.AllowedWebhookValue(name, value):
			return fmt.Sprintf("the value of %q has characters that a header cannot have, or a reference that nothing replaced (value not shown)", name)
		}
		names[same] = true
	}
	return ""
}

func validName(name string) bool {
	return name != "" && len(name) <= maxName && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// shown returns a URL without the parts that may be secret.
func shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.ForceQuery = nil, "", false
	return u.String()
}

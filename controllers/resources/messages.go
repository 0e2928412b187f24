package resources

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

const (
	defaultRetention = 7 * 24 * time.Hour
	defaultMaxSize   = 128 << 20
	defaultBurst     = 10
	// the bot's own defaults of files
	defaultMediaMaxFile   = 64 << 20
	defaultMediaMaxSize   = 160 << 20
	defaultMediaRetention = 24 * time.Hour
	defaultTimeZone       = "UTC"
	defaultSecretKey      = "secret"

	// maxHeaderBytes bounds the headers of one webhook.
	maxHeaderBytes = 8 << 10
)

// Deliveries are the files about messages that a session's bot reads from its Secret, and what is wrong with what they
// are made from.
type Deliveries struct {
	// Webhooks is the bot's WEBHOOKS_FILE, Messages its MESSAGES_FILE.
	Webhooks, Messages []byte
	// Problems are about Secrets of webhooks.
	Problems []WebhookProblem
	// Err is about the spec, and only an edit of the spec removes it.
	Err error
}

// WebhookProblem says what is wrong with a Secret of a webhook.
type WebhookProblem struct {
	// Reason is the condition's.
	Reason string
	// Message names the webhook and the remedy. It contains nothing of the Secret.
	Message string
}

// webhooksFile is what a bot reads as WEBHOOKS_FILE.
type webhooksFile struct {
	Webhooks []webhookEntry `json:"webhooks"`
}

type webhookEntry struct {
	Name     string                  `json:"name"`
	URL      string                  `json:"url"`
	Events   []v1alpha1.WebhookEvent `json:"events,omitempty"`
	Chats    []string                `json:"chats,omitempty"`
	Groups   *bool                   `json:"groups,omitempty"`
	FromMe   *bool                   `json:"fromMe,omitempty"`
	Secret   string                  `json:"secret,omitempty"`
	Previous string                  `json:"previousSecret,omitempty"`
	Headers  map[string]string       `json:"headers,omitempty"`
	Order    v1alpha1.WebhookOrder   `json:"order,omitempty"`
	Format   v1alpha1.WebhookFormat  `json:"format,omitempty"`
	Patience string                  `json:"patience,omitempty"`
	Private  bool                    `json:"private,omitempty"`
}

// MessagesEnabled reports whether the session's bot keeps and sends messages.
func MessagesEnabled(session *v1alpha1.WhatsAppSession) bool {
	return or(session.Spec.Messages.Enabled, true)
}

// WebhookSecrets are the names of the Secrets that a session's webhooks use, sorted, each once.
func WebhookSecrets(session *v1alpha1.WhatsAppSession) []string {
	var names []string
	for i := range session.Spec.Webhooks {
		if ref := session.Spec.Webhooks[i].SecretRef; ref != nil {
			names = append(names, ref.Name)
		}
		if ref := session.Spec.Webhooks[i].HeadersSecretRef; ref != nil {
			names = append(names, ref.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// BuildDeliveries builds the bot's files about messages. existing is the session's Secret as it is, nil for none; secrets
// are those that the webhooks name, by name.
//
// A webhook whose Secret is missing or wrong stays as it was, because a bot forgets how far a webhook is that is not in
// its file. A new one is left out, because deliveries without the signature would be worse than none.
func BuildDeliveries(session *v1alpha1.WhatsAppSession, existing *corev1.Secret, secrets map[string]*corev1.Secret) Deliveries {
	var d Deliveries
	var before webhooksFile
	if existing != nil {
		_ = json.Unmarshal(existing.Data[credentials.KeyWebhooks], &before) // what cannot be read has no webhook to keep
	}
	file := webhooksFile{Webhooks: []webhookEntry{}}
	for i := range session.Spec.Webhooks {
		hook := &session.Spec.Webhooks[i]
		entry, problem := buildWebhook(hook, secrets)
		if problem != nil {
			d.Problems = append(d.Problems, *problem)
			kept := slices.IndexFunc(before.Webhooks, func(e webhookEntry) bool { return e.Name == hook.Name })
			if kept < 0 {
				continue
			}
			entry = before.Webhooks[kept]
		}
		file.Webhooks = append(file.Webhooks, entry)
		if encoded := encodePlainly(file); len(encoded) <= bot.MaxWebhooksFile {
			d.Webhooks = encoded
			continue
		}
		file.Webhooks = file.Webhooks[:len(file.Webhooks)-1]
		d.Problems = append(d.Problems, *tooLarge(hook))
	}
	if d.Webhooks == nil {
		d.Webhooks = encodePlainly(file)
	}
	d.Messages, d.Err = buildMessages(&session.Spec.Messages)
	if d.Err != nil && existing != nil && len(existing.Data[credentials.KeyMessages]) > 0 {
		d.Messages = existing.Data[credentials.KeyMessages]
	}
	return d
}

// encodePlainly encodes without escapes for HTML, which would make a header six times as long.
func encodePlainly(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("encode webhooks: %v", err)) // strings, numbers and booleans can always be encoded
	}
	return out.Bytes()
}

func buildWebhook(hook *v1alpha1.Webhook, secrets map[string]*corev1.Secret) (webhookEntry, *WebhookProblem) {
	entry := webhookEntry{
		Name: hook.Name, URL: hook.URL, Events: hook.Events, Chats: hook.Filters.Chats, Groups: hook.Filters.Groups,
		FromMe: hook.Filters.FromMe, Order: hook.Order, Format: hook.Format, Private: hook.To != nil,
	}
	if hook.Patience != nil {
		entry.Patience = hook.Patience.Duration.String()
	}
	if ref := hook.SecretRef; ref != nil {
		key := ref.Key
		if key == "" {
			key = defaultSecretKey
		}
		secret, problem := findSecret(hook, ref.Name, secrets)
		if problem != nil {
			return entry, problem
		}
		values := strings.Fields(string(secret.Data[key]))
		if len(values) == 0 || len(values) > 2 || slices.ContainsFunc(values, func(v string) bool { return bot.WebhookKey(v) == nil }) {
			return entry, invalidSecret(hook, ref.Name, "needs the key %s with a secret: whsec_ and 24 to 64 bytes in base64, or at least %d printable "+
				"characters; while it is replaced the new one, a space, and the old one", key, bot.MinToken)
		}
		entry.Secret = values[0]
		if len(values) == 2 {
			entry.Previous = values[1]
		}
	}
	if ref := hook.HeadersSecretRef; ref != nil {
		secret, problem := findSecret(hook, ref.Name, secrets)
		if problem != nil {
			return entry, problem
		}
		if entry.Headers, problem = headers(hook, secret); problem != nil {
			return entry, problem
		}
	}
	return entry, nil
}

func findSecret(hook *v1alpha1.Webhook, name string, secrets map[string]*corev1.Secret) (*corev1.Secret, *WebhookProblem) {
	if secret := secrets[name]; secret != nil {
		return secret, nil
	}
	return nil, &WebhookProblem{Reason: v1alpha1.ReasonSecretNotFound, Message: fmt.Sprintf(
		"Webhook %s: there is no Secret %s with the label %s=true. Create it, or allow its use: kubectl label secret %s %s=true",
		hook.Name, name, naming.LabelWebhooks, name, naming.LabelWebhooks)}
}

func invalidSecret(hook *v1alpha1.Webhook, name, format string, args ...any) *WebhookProblem {
	return &WebhookProblem{Reason: v1alpha1.ReasonSecretInvalid, Message: fmt.Sprintf("Webhook %s: Secret %s %s.", hook.Name, name, fmt.Sprintf(format, args...))}
}

// tooLarge is about a webhook that makes the file of all larger than what a bot reads: the bot would take none of them.
func tooLarge(hook *v1alpha1.Webhook) *WebhookProblem {
	return &WebhookProblem{Reason: v1alpha1.ReasonSecretInvalid, Message: fmt.Sprintf(
		"Webhook %s is left out: with it the session's webhooks, with their chats, secrets and headers, have more than %d bytes. Shorten some, or use fewer.", hook.Name, bot.MaxWebhooksFile)}
}

// headers reads a Secret whose keys and values are headers.
func headers(hook *v1alpha1.Webhook, secret *corev1.Secret) (map[string]string, *WebhookProblem) {
	if len(secret.Data) > bot.MaxWebhookHeaders {
		return nil, invalidSecret(hook, secret.Name, "has more than %d headers", bot.MaxWebhookHeaders)
	}
	all, names, size := map[string]string{}, map[string]bool{}, 0
	for _, name := range slices.Sorted(maps.Keys(secret.Data)) { // in order, so that the same problem is found each time
		value := strings.TrimSpace(string(secret.Data[name]))
		size += len(name) + len(value)
		if !bot.AllowedWebhookHeader(name) {
			return nil, invalidSecret(hook, secret.Name, "has the key %s, which cannot be a header of a delivery", name)
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return nil, invalidSecret(hook, secret.Name, "has a value of %s that is not printable ASCII", name)
		}
		if !bot.AllowedWebhookValue(name, value) {
			return nil, invalidSecret(hook, secret.Name, "has a value of %s with a reference that nothing replaced, such as ${TOKEN}, or a placeholder", name)
		}
		same := textproto.CanonicalMIMEHeaderKey(name)
		if names[same] {
			return nil, invalidSecret(hook, secret.Name, "has the header %s twice, in large and small letters", same)
		}
		names[same], all[name] = true, value
	}
	if size > maxHeaderBytes {
		return nil, invalidSecret(hook, secret.Name, "has more than %d bytes of headers", maxHeaderBytes)
	}
	return all, nil
}

// buildMessages builds a MESSAGES_FILE. It has every setting, so that one that is taken out of a spec gets its default. A
// setting that an earlier bot does not know is there only if it is not the default, because that bot would refuse the
// file.
func buildMessages(spec *v1alpha1.Messages) ([]byte, error) {
	zone := spec.Pace.TimeZone
	if zone == "" {
		zone = defaultTimeZone
	}
	var err error
	if _, unknown := time.LoadLocation(zone); unknown != nil {
		err = field.Invalid(field.NewPath("spec", "messages", "pace", "timeZone"), zone, "there is no time zone of this name; use one such as Asia/Jakarta")
		zone = defaultTimeZone
	}
	quiet := spec.Pace.QuietHours
	if quiet == "" {
		quiet = "off"
	}
	retention, size := defaultRetention, int64(defaultMaxSize)
	if spec.Retention != nil {
		retention = spec.Retention.Duration
	}
	if spec.MaxSize != nil {
		size = spec.MaxSize.Value()
	}
	var b bytes.Buffer
	lines := [][2]string{
		{"MESSAGES_RETENTION", retention.String()},
		{"MESSAGES_MAX_SIZE", fmt.Sprint(size >> 20)},
		{"MESSAGES_PACE", decimal(or(spec.Pace.PerMinute, 0))},
		{"MESSAGES_BURST", decimal(or(spec.Pace.Burst, defaultBurst))},
		{"MESSAGES_NEW_CHATS", decimal(or(spec.Pace.NewChatsPerDay, 0))},
		{"MESSAGES_QUIET_HOURS", quiet},
		{"MESSAGES_TIME_ZONE", zone},
	}
	if spec.Receipts == v1alpha1.MessageReceiptsNone {
		lines = append(lines, [2]string{"MESSAGES_RECEIPTS", string(spec.Receipts)})
	}
	lines = append(lines, mediaLines(&spec.Media)...)
	for _, line := range lines {
		b.WriteString(line[0] + "=" + line[1] + "\n")
	}
	return b.Bytes(), err
}

// mediaLines are the settings of files that are not the default.
func mediaLines(spec *v1alpha1.Media) (lines [][2]string) {
	if size := spec.MaxFile; size != nil && size.Value() != defaultMediaMaxFile {
		lines = append(lines, [2]string{"MEDIA_MAX_FILE", mebibytes(size)})
	}
	if size := spec.MaxSize; size != nil && size.Value() != defaultMediaMaxSize {
		lines = append(lines, [2]string{"MEDIA_MAX_SIZE", mebibytes(size)})
	}
	if kept := spec.Retention; kept != nil && kept.Duration != defaultMediaRetention {
		lines = append(lines, [2]string{"MEDIA_RETENTION", kept.Duration.String()})
	}
	if len(spec.Allow) > 0 {
		allow := make([]string, len(spec.Allow))
		for i, source := range spec.Allow {
			allow[i] = string(source)
		}
		lines = append(lines, [2]string{"MEDIA_ALLOW", strings.Join(allow, ",")})
	}
	return lines
}

func mebibytes(size *resource.Quantity) string { return fmt.Sprint(size.Value() >> 20) }

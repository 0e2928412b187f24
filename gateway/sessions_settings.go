package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/internal/quantity"
)

const (
	// prefixWAHA begins the names of the webhooks that were set through WAHA's API, prefixDesk of those that were set at
	// the desk. Another webhook of a resource is not touched.
	prefixWAHA, prefixDesk = "waha-", "desk-"
	// secretKey is the key of a webhook's secret.
	secretKey = "secret"
	// maxHookHeaders bounds the bytes of a webhook's headers, as the operator does.
	maxHookHeaders = 8 << 10
)

// proxyPorts are the schemes of proxies with their usual ports.
var proxyPorts = map[string]int32{"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}

// configure makes a session's settings what a configuration asks for, and returns the Secrets that they need.
func configure(session *v1alpha1.WhatsAppSession, config *bot.GatewayWAHAConfig) (secrets, error) {
	needed := secrets{}
	if err := describe(session, config.Metadata); err != nil {
		return nil, err
	}
	if err := setProxy(session, config.Proxy, needed); err != nil {
		return nil, err
	}
	if err := setMessages(session, config.Messages); err != nil {
		return nil, err
	}
	hooks := slices.DeleteFunc(slices.Clone(session.Spec.Webhooks), func(w v1alpha1.Webhook) bool { return strings.HasPrefix(w.Name, prefixWAHA) })
	for i := range config.Webhooks {
		hook, err := wahaHook(session, hooks, i, config, needed)
		if err != nil {
			return nil, err
		}
		hooks = append(hooks, hook)
	}
	session.Spec.Webhooks = hooks
	return needed, nil
}

// wahaHook translates one webhook. Its name is derived from its address, so that a webhook that stays keeps its place in the
// journal.
func wahaHook(session *v1alpha1.WhatsAppSession, before []v1alpha1.Webhook, i int, config *bot.GatewayWAHAConfig, needed secrets) (v1alpha1.Webhook, error) {
	given := &config.Webhooks[i]
	field := fmt.Sprintf("config.webhooks[%d].", i)
	hook := v1alpha1.Webhook{Name: freeName(prefixWAHA, given.URL, before), URL: given.URL, Format: v1alpha1.WebhookFormatWAHA}
	if !slices.Contains(given.Events, "*") {
		for _, event := range given.Events {
			hook.Events = append(hook.Events, v1alpha1.WebhookEvent(event))
		}
		slices.Sort(hook.Events)
		hook.Events = slices.Compact(hook.Events)
	}
	if config.Ignore != nil && config.Ignore.Groups {
		hook.Filters.Groups = new(false)
	}
	if given.Retries != nil {
		if patience := given.Retries.Patience(); patience > 0 {
			hook.Patience = &metav1.Duration{Duration: patience}
		}
	}
	old := v1alpha1.Webhook{}
	if at := slices.IndexFunc(session.Spec.Webhooks, func(w v1alpha1.Webhook) bool { return w.Name == hook.Name }); at >= 0 {
		old = session.Spec.Webhooks[at]
	}
	if given.Hmac != nil && given.Hmac.Key == bot.WAHAHidden && old.SecretRef != nil {
		hook.SecretRef = old.SecretRef
	} else if given.Hmac != nil && given.Hmac.Key != "" {
		if err := signHook(session, &hook, given.Hmac.Key, field+"hmac.key", needed); err != nil {
			return hook, err
		}
	}
	switch {
	case len(given.CustomHeaders) == 0:
	case given.CustomHeaders[0].Name == bot.WAHAHidden && old.HeadersSecretRef != nil:
		hook.HeadersSecretRef = old.HeadersSecretRef
	default:
		name := secretName(session, hook.Name+".headers")
		if err := needed.headers(name, given.CustomHeaders, field+"customHeaders"); err != nil {
			return hook, err
		}
		hook.HeadersSecretRef = &v1alpha1.WebhookHeadersRef{Name: name}
	}
	return hook, nil
}

// signHook lets a key sign a webhook's deliveries.
func signHook(session *v1alpha1.WhatsAppSession, hook *v1alpha1.Webhook, key, field string, needed secrets) error {
	if bot.WebhookKey(key) == nil {
		return unprocessable(text{
			field + " harus berupa paling sedikit " + strconv.Itoa(bot.MinToken) + " huruf yang dapat dicetak, tanpa spasi.",
			field + " must be at least " + strconv.Itoa(bot.MinToken) + " printable characters without spaces."})
	}
	name := secretName(session, hook.Name)
	needed[name] = map[string]string{secretKey: key}
	hook.SecretRef = &v1alpha1.WebhookSecretRef{Name: name, Key: secretKey}
	return nil
}

// freeName names a webhook by its address; a number follows where several lead there.
func freeName(prefix, address string, taken []v1alpha1.Webhook) string {
	name := prefix + shortHash(address)
	for n := 2; slices.ContainsFunc(taken, func(w v1alpha1.Webhook) bool { return w.Name == name }); n++ {
		name = prefix + shortHash(address) + "-" + strconv.Itoa(n)
	}
	return name
}

func shortHash(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:5])
}

// setProxy sets the proxy that a session's bot uses; nil for none. The Secret's key is derived from the address, because a
// changed reference restarts the bot, and a changed Secret does not.
func setProxy(session *v1alpha1.WhatsAppSession, proxy *bot.GatewayWAHAProxy, needed secrets) error {
	name, old := secretName(session, "proxy"), session.Spec.ProxySecretRef
	ours := old != nil && old.Name == name
	switch {
	case proxy == nil || proxy.Server == "":
		if ours {
			session.Spec.ProxySecretRef = nil
		}
		return nil
	case proxy.Server == bot.WAHAHidden && old != nil:
		return nil
	}
	wrong := unprocessable(text{
		"config.proxy.server harus berupa host:port, atau alamat dengan http://, https:// atau socks5://.",
		"config.proxy.server must be host:port, or an address that begins with http://, https:// or socks5://."})
	address := proxy.Server
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, ok := bot.ParseProxy(address)
	if !ok || u.User != nil {
		return wrong
	}
	port := proxyPorts[u.Scheme]
	if given := u.Port(); given != "" {
		n, err := strconv.ParseUint(given, 10, 16)
		if err != nil || n == 0 {
			return wrong
		}
		port = int32(n) //nolint:gosec // 16 bits
	} else {
		u.Host += ":" + strconv.Itoa(int(port))
	}
	login := ""
	if proxy.Username != "" || proxy.Password != "" {
		login = escaped(proxy.Username) + ":" + escaped(proxy.Password) + "@"
	}
	value := u.Scheme + "://" + login + u.Host
	key := "url-" + shortHash(value)
	needed[name] = map[string]string{key: value}
	session.Spec.ProxySecretRef = &v1alpha1.ProxySecretRef{Name: name, Key: key, Port: port}
	return nil
}

// escaped encodes all that is not a letter or digit, as the bot wants it in a proxy's login.
func escaped(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") }

// setMessages sets spec.messages; nil leaves it.
func setMessages(session *v1alpha1.WhatsAppSession, given json.RawMessage) error {
	if len(given) == 0 || string(given) == "null" {
		return nil
	}
	wrong := func(err error) error {
		return unprocessable(text{"config.messages bukan spec.messages: " + err.Error() + ".", "config.messages is not a spec.messages: " + err.Error() + "."})
	}
	var decoded any
	if err := json.Unmarshal(given, &decoded); err != nil {
		return wrong(err)
	}
	if err := quantity.Check(decoded); err != nil {
		return wrong(err)
	}
	var messages v1alpha1.Messages
	decoder := json.NewDecoder(bytes.NewReader(given))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&messages); err != nil {
		return wrong(err)
	}
	session.Spec.Messages = messages
	return nil
}

// configOf is a session's configuration as WAHA shows it, without its secrets.
func configOf(session *v1alpha1.WhatsAppSession) bot.GatewayWAHAConfig {
	var config bot.GatewayWAHAConfig
	_ = json.Unmarshal([]byte(session.Annotations[annotationMetadata]), &config.Metadata) // an annotation that is not JSON shows as none
	for i := range session.Spec.Webhooks {
		hook := &session.Spec.Webhooks[i]
		if !strings.HasPrefix(hook.Name, prefixWAHA) {
			continue
		}
		shown := bot.GatewayWAHAWebhook{URL: hook.URL, Events: []string{}}
		for _, event := range hook.Events {
			shown.Events = append(shown.Events, string(event))
		}
		if len(hook.Events) == 0 {
			shown.Events = []string{"*"}
		}
		if hook.SecretRef != nil {
			shown.Hmac = &bot.GatewayWAHAHmac{Key: bot.WAHAHidden}
		}
		if hook.HeadersSecretRef != nil {
			shown.CustomHeaders = []bot.GatewayWAHAHeader{{Name: bot.WAHAHidden, Value: bot.WAHAHidden}}
		}
		if hook.Patience != nil {
			shown.Retries = &bot.WAHARetries{Policy: "constant", DelaySeconds: hook.Patience.Seconds(), Attempts: 1}
		}
		if groups := hook.Filters.Groups; groups != nil && !*groups {
			config.Ignore = &bot.GatewayWAHAIgnore{Groups: true}
		}
		config.Webhooks = append(config.Webhooks, shown)
	}
	if session.Spec.ProxySecretRef != nil {
		config.Proxy = &bot.GatewayWAHAProxy{Server: bot.WAHAHidden}
	}
	config.Messages, _ = json.Marshal(session.Spec.Messages) // of numbers and texts: it does not fail
	return config
}

package resources

import (
	"path"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// Defaults for a spec that the API server has not defaulted. A test compares them with the CRD's.
const (
	defaultAuthPath        = "/data"
	defaultTakeoverTimeout = 10 * time.Second
	defaultBackupInterval  = 5 * time.Minute
	defaultBackupKeep      = 5
	defaultQRMaxRetries    = 10
	defaultLocale          = v1alpha1.LocaleIndonesian
	defaultProxyKey        = "url"
)

const (
	// envMemoryLimit is derived by the operator, and a template may set it.
	envMemoryLimit = "GOMEMLIMIT"
)

// contradicting are variables that would contradict what the operator sets, and where to set it instead.
var contradicting = map[string]string{
	"API_TOKEN": "the token comes from the session's Secret; edit it there", "MESSAGES": "use spec.messages.enabled",
	"WEBHOOK_URL": "use spec.webhooks", "WEBHOOK_SECRET": "use spec.webhooks", "WEBHOOK_EVENTS": "use spec.webhooks",
	"WHATSAPP_HOOK_URL": "use spec.webhooks with format: waha", "TERMINAL_QR": "the bot would write its QR codes to the pod's log",
	// The bot's file of settings has these always, and it wins.
	"MESSAGES_RETENTION": "use spec.messages.retention", "MESSAGES_MAX_SIZE": "use spec.messages.maxSize", "MESSAGES_PACE": "use spec.messages.pace.perMinute",
	"MESSAGES_BURST": "use spec.messages.pace.burst", "MESSAGES_NEW_CHATS": "use spec.messages.pace.newChatsPerDay",
	"MESSAGES_QUIET_HOURS": "use spec.messages.pace.quietHours", "MESSAGES_TIME_ZONE": "use spec.messages.pace.timeZone",
}

func authPath(session *v1alpha1.WhatsAppSession) string {
	if session.Spec.AuthPath != "" {
		return session.Spec.AuthPath
	}
	return defaultAuthPath
}

// botEnv is the bot's whole configuration. The cache of the Web version is on the claim: after WhatsApp rejected the
// built-in version, a restarted bot has to present the newer one from its first connection on.
func botEnv(session *v1alpha1.WhatsAppSession) []corev1.EnvVar {
	return slices.Concat([]corev1.EnvVar{
		{Name: "AUTH_PATH", Value: authPath(session)},
		{Name: "CLIENT_ID", Value: naming.ClientID(session)},
		{Name: "WEB_VERSION_CACHE_PATH", Value: path.Join(authPath(session), ".wwebjs_cache")},
		{Name: "HOST", Value: "127.0.0.1"},
		// Sidecars and port-forward use the loopback listener without the token; nothing outside the pod reaches it.
		{Name: "LOOPBACK_TOKEN", Value: "off"},
		{Name: "PORT", Value: decimal(naming.PortPlain)},
		{Name: "TLS_PORT", Value: decimal(naming.PortTLS)},
		{Name: "TLS_CERT_FILE", Value: path.Join(credentialsPath, credentials.KeyCertificate)},
		{Name: "TLS_KEY_FILE", Value: path.Join(credentialsPath, credentials.KeyPrivateKey)},
		{Name: "API_TOKEN_FILE", Value: path.Join(credentialsPath, credentials.KeyToken)},
		// Go listens on both families for this address where the node has both.
		{Name: "METRICS_HOST", Value: "0.0.0.0"},
		{Name: "METRICS_PORT", Value: decimal(naming.PortMetrics)},
		{Name: "INSTANCE_ID", ValueFrom: &corev1.EnvVarSource{
			FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.uid"},
		}},
	}, messagesEnv(session), sessionEnv(session))
}

// messagesEnv names the bot's files about messages.
func messagesEnv(session *v1alpha1.WhatsAppSession) []corev1.EnvVar {
	if !MessagesEnabled(session) {
		return nil
	}
	return []corev1.EnvVar{
		{Name: "WEBHOOKS_FILE", Value: path.Join(credentialsPath, credentials.KeyWebhooks)},
		{Name: "MESSAGES_FILE", Value: path.Join(credentialsPath, credentials.KeyMessages)},
	}
}

// sessionEnv is the part of it that follows from the session's spec. It is hashed into OwnHash: a variable that is added
// here restarts every bot at once, outside the rollout. Add one only where the spec differs from its default.
func sessionEnv(session *v1alpha1.WhatsAppSession) []corev1.EnvVar {
	spec := &session.Spec
	locale := spec.Locale
	if locale == "" {
		locale = defaultLocale
	}
	env := []corev1.EnvVar{
		{Name: "LOCALE", Value: string(locale)},
		{Name: "QR_MAX_RETRIES", Value: decimal(or(spec.Pairing.QRMaxRetries, defaultQRMaxRetries))},
		{Name: "TAKEOVER_ON_CONFLICT", Value: strconv.FormatBool(or(spec.Conflict.Takeover, true))},
		{Name: "TAKEOVER_TIMEOUT_MS", Value: milliseconds(spec.Conflict.Timeout, defaultTakeoverTimeout)},
		{Name: "BACKUP_SYNC_INTERVAL_MS", Value: milliseconds(spec.Backup.Interval, defaultBackupInterval)},
		{Name: "BACKUP_KEEP", Value: decimal(or(spec.Backup.Keep, defaultBackupKeep))},
	}
	if !MessagesEnabled(session) {
		env = append(env, corev1.EnvVar{Name: "MESSAGES", Value: "off"})
	}
	if spec.Pairing.Method == v1alpha1.PairingPhoneCode {
		env = append(env, corev1.EnvVar{Name: "PAIRING_PHONE_NUMBER", Value: spec.Pairing.PhoneNumber})
	}
	if proxy := spec.ProxySecretRef; proxy != nil {
		key := proxy.Key
		if key == "" {
			key = defaultProxyKey
		}
		env = append(env, corev1.EnvVar{Name: "PROXY_URL", ValueFrom: &corev1.EnvVarSource{
			SecretKeyRef: &corev1.SecretKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: proxy.Name}, Key: key,
			},
		}})
	}
	return env
}

// setMemoryLimit limits the bot's Go heap to three quarters of its container's memory. The rest is for SQLite's pages,
// which are outside the heap. A template that sets the variable keeps its value.
func setMemoryLimit(containers []corev1.Container) {
	for i := range containers {
		bot := &containers[i]
		limit := bot.Resources.Limits.Memory()
		if bot.Name != naming.Container || limit.IsZero() || hasEnv(bot.Env, envMemoryLimit) {
			continue
		}
		bot.Env = append(bot.Env, corev1.EnvVar{Name: envMemoryLimit, Value: strconv.FormatInt(limit.Value()/4*3, 10)})
	}
}

func hasEnv(env []corev1.EnvVar, name string) bool {
	for _, variable := range env {
		if variable.Name == name {
			return true
		}
	}
	return false
}

func or[T any](value *T, otherwise T) T {
	if value == nil {
		return otherwise
	}
	return *value
}

func decimal(number int32) string { return strconv.FormatInt(int64(number), 10) }

func milliseconds(value *metav1.Duration, otherwise time.Duration) string {
	return strconv.FormatInt(or(value, metav1.Duration{Duration: otherwise}).Milliseconds(), 10)
}

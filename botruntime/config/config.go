// Package config turns the environment, and a .env file in the working directory, into the bot's settings. It writes
// nothing, and never repeats a secret in an error.
package config

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
)

// Config is every setting of a bot, checked. The table in variables.go says what each one means.
type Config struct {
	bot.Identity
	// Host and Port are the plain listener's; Port 0 takes any free one.
	Host string
	Port int
	// APIToken is the token itself; APITokenFile names a file that holds it. At most one of them is set.
	APIToken     Secret
	APITokenFile string
	// LoopbackToken is false if a loopback HOST serves without the token although one is set.
	LoopbackToken bool
	// TLSCertFile and TLSKeyFile are both set or both empty. TLSHost "" means every address.
	TLSCertFile string
	TLSKeyFile  string
	TLSHost     string
	TLSPort     int
	MetricsHost string
	MetricsPort int

	TakeoverOnConflict bool
	TakeoverTimeout    time.Duration
	// BackupInterval is 0 when backups are off.
	BackupInterval     time.Duration
	BackupKeep         int
	QRMaxRetries       int
	PairingPhoneNumber string

	// Messages is false if messages are acknowledged and dropped, as in a bot that only keeps a session alive.
	Messages bool
	// MessagesRetention is how long messages and events are kept. MessagesMaxSize bounds their file, in bytes.
	MessagesRetention time.Duration
	MessagesMaxSize   int64
	// MessagesPace is how many messages are sent in a minute, 0 for no limit, and MessagesBurst how many at once.
	MessagesPace, MessagesBurst int
	// MessagesNewChats is how many new people are written to in a day, 0 for no limit.
	MessagesNewChats int
	// MessagesReceipts is whether people see two ticks on a message that the bot has.
	MessagesReceipts bool
	// MessagesQuiet is the time of day at which nothing is sent, in minutes after midnight; equal ends mean none.
	MessagesQuiet [2]int
	// MessagesZone is the time zone of MessagesQuiet, and of the day that MessagesNewChats counts.
	MessagesZone *time.Location
	// MessagesFile names a file of settings that a running bot takes over when they change; see Reread.
	MessagesFile string

	// MediaMaxFile bounds one file and MediaMaxSize all that are kept, in bytes. MediaRetention is how long a file stays
	// that nobody reads.
	MediaMaxFile, MediaMaxSize int64
	MediaRetention             time.Duration
	// MediaAllow lists what files may be fetched from beyond the public internet.
	MediaAllow string
	// MediaFFmpeg is the program that converts files; "" for none.
	MediaFFmpeg string

	// WebhooksFile names a file of webhooks; or WebhookURL, with its secrets and its events, is the only one.
	WebhooksFile  string
	WebhookURL    Secret
	WebhookSecret Secret
	WebhookEvents string
	// Hook is a webhook in WAHA's format, as WAHA's variables describe it.
	Hook Hook
	// WAHABaseURL begins the addresses of files in events of WAHA's format; "" means the plain listener's.
	WAHABaseURL string
	// WebhookAllow lists what webhooks may reach beyond the public internet.
	WebhookAllow string

	WebVersionCachePath string
	LogLevel            slog.Level
	LogFormat           LogFormat
	TerminalQR          TerminalQR
	Locale              Locale
	// ProxyURL is nil when none is set. It may hold a password: print it with Redacted.
	ProxyURL *url.URL

	// Exports are the variables of the .env file that Go's own libraries read from the process (such as HTTPS_PROXY),
	// and that the real environment lacks. The program sets them before it opens any connection.
	Exports map[string]string
	// Warnings name probable mistakes that may also be another program's variables.
	Warnings []string
}

// Secret is a value that prints as a placeholder; convert it to a string to use it.
type Secret string

const hidden = "[hidden]"

// String implements fmt.Stringer without giving the value away.
func (Secret) String() string { return hidden }

// GoString implements fmt.GoStringer without giving the value away.
func (Secret) GoString() string { return hidden }

// MarshalText implements encoding.TextMarshaler without giving the value away.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// TerminalQR says when QR codes are drawn on the standard output.
type TerminalQR string

// The values of TerminalQR.
const (
	TerminalAuto TerminalQR = "auto"
	TerminalOn   TerminalQR = "on"
	TerminalOff  TerminalQR = "off"
)

// LogFormat is the form of log lines.
type LogFormat string

// The log formats; auto is text on a terminal and JSON otherwise.
const (
	LogAuto LogFormat = "auto"
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Locale is the default language of texts for people.
type Locale string

// The languages.
const (
	Indonesian Locale = "id"
	English    Locale = "en"
)

// TLS reports whether the bot also serves HTTPS.
func (c Config) TLS() bool { return c.TLSCertFile != "" }

// HasToken reports whether the API asks for a token.
func (c Config) HasToken() bool { return c.APIToken != "" || c.APITokenFile != "" }

// Error lists everything that is wrong with the settings, one line each.
type Error struct{ Problems []string }

// Error implements error.
func (e *Error) Error() string { return strings.Join(e.Problems, "\n") }

// Load reads the settings from environ (as os.Environ returns it) and from the file .env in dotenvDir; the environment
// wins. An empty dotenvDir, or no such file, means no file. In a pod the file is not read: the working directory is the
// claim's root there, and one stray file would set every bot of a shared claim. All problems are returned as one *Error.
func Load(environ []string, dotenvDir string) (Config, error) {
	real := environment(environ)
	config := Config{Exports: map[string]string{}}
	if real["KUBERNETES_SERVICE_HOST"] != "" && dotenvDir != "" {
		if file := filepath.Join(dotenvDir, dotenvName); exists(file) {
			config.Warnings = append(config.Warnings, file+" is ignored: in a pod the settings come from the environment alone")
		}
		dotenvDir = ""
	}
	file, problems := readDotenv(dotenvDir, &config)
	problems = append(problems, nearMisses(real, &config)...)

	for _, v := range variables {
		value, where := strings.TrimSpace(real[v.name]), ""
		if line := file[v.name]; value == "" && line.value != "" {
			value, where = strings.TrimSpace(line.value), line.where()
		}
		if problem := emptied(v, real); value == "" && problem != "" {
			problems = append(problems, problem)
		}
		if value == "" {
			value = v.fallback
		}
		if value != "" && !v.accepts(&config, value) {
			problems = append(problems, v.problem(value, where))
		}
	}
	for _, v := range exported {
		if line, ok := file[v.name]; ok && real[v.name] == "" {
			config.Exports[v.name] = line.value
		}
	}
	if len(problems) == 0 {
		problems = append(conflicts(&config), useProxy(&config, real, file)...)
		exposed(&config, real)
		shared(&config, real, dotenvDir, file)
	}
	if len(problems) > 0 {
		return Config{}, &Error{Problems: problems}
	}
	return config, nil
}

// emptied refuses a proxy that is set and empty in a pod: it comes from a Secret, and without it the bot would show WhatsApp
// the address that its owner hides.
func emptied(v variable, real map[string]string) string {
	if _, set := real[v.name]; v.name != "PROXY_URL" || !set || real["KUBERNETES_SERVICE_HOST"] == "" {
		return ""
	}
	return v.name + " is set and empty: write the proxy's address into its Secret, or remove the reference to the Secret"
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

// environment turns NAME=value lines into a map. The first of a name wins, as in the process's own environment.
func environment(environ []string) map[string]string {
	values := make(map[string]string, len(environ))
	for _, line := range environ {
		name, value, found := strings.Cut(line, "=")
		if _, seen := values[name]; found && !seen {
			values[name] = value
		}
	}
	return values
}

// conflicts sets what depends on several variables, and reports combinations that are not allowed.
func conflicts(c *Config) []string {
	var problems []string
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }

	if c.Instance == "" {
		c.Instance = strings.ToLower(rand.Text())
	}
	if c.APIToken != "" && c.APITokenFile != "" {
		add("API_TOKEN and API_TOKEN_FILE: set one of them, not both")
	}
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		add("TLS_CERT_FILE and TLS_KEY_FILE: set both, or neither")
	}
	if !c.HasToken() {
		if !loopback(c.Host) {
			add("HOST %q: an address that others can reach needs API_TOKEN or API_TOKEN_FILE, because anyone who "+
				"opens the API without a token can link their own phone, or end the session; "+
				"set a token, or HOST=127.0.0.1", c.Host)
		}
		if c.TLS() {
			add("TLS_CERT_FILE %q: HTTPS is served on every address and needs API_TOKEN or API_TOKEN_FILE, "+
				"because anyone who opens the API without a token can link their own phone, or end the session",
				c.TLSCertFile)
		}
	}
	if c.WebhooksFile != "" && c.WebhookURL != "" {
		add("WEBHOOKS_FILE and WEBHOOK_URL: set one of them, not both")
	}
	if c.WebhooksFile != "" && c.Hook.URL != "" {
		add("WEBHOOKS_FILE and WHATSAPP_HOOK_URL: set one of them; the file's entries have a format, waha")
	}
	if c.WebhookURL == "" && (c.WebhookSecret != "" || c.WebhookEvents != "") {
		add("WEBHOOK_SECRET and WEBHOOK_EVENTS belong to WEBHOOK_URL: set it too")
	}
	if !c.Messages && (c.WebhooksFile != "" || c.WebhookURL != "" || c.Hook.URL != "") {
		add("MESSAGES off: webhooks need messages; set MESSAGES=on, or remove WEBHOOKS_FILE and WEBHOOK_URL")
	}
	if problem := mediaConflict(c); problem != "" {
		add("%s", problem)
	}
	taken := map[int]string{c.Port: "PORT"}
	check := func(name string, port int) {
		if other, clash := taken[port]; clash && port != 0 {
			add("%s %d: %s uses this port; give each listener its own", name, port, other)
		}
		taken[port] = name
	}
	check("METRICS_PORT", c.MetricsPort)
	if c.TLS() {
		check("TLS_PORT", c.TLSPort)
	}
	return problems
}

// mediaConflict says why a file of the largest size would not fit, "" when it does.
func mediaConflict(c *Config) string {
	if c.MediaMaxSize >= 2*c.MediaMaxFile {
		return ""
	}
	return fmt.Sprintf("MEDIA_MAX_SIZE %d: must be at least twice MEDIA_MAX_FILE (%d), because a file and its encrypted form are kept at once",
		c.MediaMaxSize>>20, c.MediaMaxFile>>20)
}

// platforms are variables that hosting platforms set together with PORT.
var platforms = []string{"RENDER", "DYNO", "K_SERVICE", "RAILWAY_ENVIRONMENT", "FLY_APP_NAME", "WEBSITE_SITE_NAME", "KOYEB_APP_NAME", "VCAP_APPLICATION"}

// exposed warns of a HOST that a hosting platform cannot reach, and would restart without end, and of one that others
// reach without TLS. A platform puts its own TLS in front.
func exposed(c *Config, real map[string]string) {
	at := slices.IndexFunc(platforms, func(name string) bool { return real[name] != "" && real["PORT"] != "" })
	switch {
	case loopback(c.Host) && at >= 0:
		c.Warnings = append(c.Warnings, fmt.Sprintf("%s and PORT are set, so a hosting platform runs the bot, and HOST %s cannot be "+
			"reached from outside: set HOST=0.0.0.0 and API_TOKEN", platforms[at], c.Host))
	case !loopback(c.Host) && at < 0:
		c.Warnings = append(c.Warnings, fmt.Sprintf("HOST %s is reached by others without TLS: anybody who listens on the way reads the token "+
			"and the QR code; keep HOST=127.0.0.1 behind a reverse proxy, or use TLS_CERT_FILE", c.Host))
	}
}

// loopback reports whether host is reachable only from this machine.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

// hostname accepts an address or name to listen on, and strips the brackets of an IPv6 address.
func hostname(value string) (string, bool) {
	if inner, ok := strings.CutPrefix(value, "["); ok {
		value, ok = strings.CutSuffix(inner, "]")
		if !ok || net.ParseIP(value) == nil {
			return "", false
		}
	}
	return value, bot.ValidHost(value) && !strings.HasSuffix(value, ".")
}

// readable reads a small regular file, or explains why it cannot be read.
func readable(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("not a regular file (mode %s)", info.Mode())
	}
	if info.Size() > maxDotenv {
		return nil, fmt.Errorf("larger than %d bytes", maxDotenv)
	}
	return os.ReadFile(path)
}

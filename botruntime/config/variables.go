package config

import (
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/phone"
)

// variable is one setting. Its name, default, meaning and rule are defined only here; parsing, errors and --help all
// use them.
type variable struct {
	name     string
	fallback string
	// help is one sentence for --help. allowed describes valid values, for --help and errors.
	help    string
	allowed string
	// secret means that the value is never repeated.
	secret bool
	// parse stores a valid value and returns false for any other; value is trimmed and never empty.
	parse func(c *Config, value string) bool
	// check, if set, returns why a value is a likely mistake and what to write instead.
	check func(value string) error
}

// problem returns the error line for an invalid value; where is its place in .env.
func (v variable) problem(value, where string) string {
	shown := strconv.Quote(shorten(value))
	if v.secret {
		shown = "(value not shown)"
	}
	why := ""
	if v.check != nil {
		if err := v.check(value); err != nil {
			why = "; " + err.Error()
		}
	} else if strings.ContainsAny(value[:1]+value[len(value)-1:], "\"'`") {
		why = "; " + bot.ErrQuoted.Error()
	}
	return fmt.Sprintf("%s %s%s: want %s%s", v.name, shown, where, v.allowed, why)
}

// accepts parses a value unless it is a likely mistake.
func (v variable) accepts(c *Config, value string) bool {
	return (v.check == nil || v.check(value) == nil) && v.parse(c, value)
}

const (
	// Lengths are checked apart from the patterns: a pattern that counts to 128 costs each bot 200 KB of memory.
	maxName   = 128
	maxDotenv = 32 << 10

	minBackupInterval = time.Minute
	maxInterval       = 7 * 24 * time.Hour
)

var (
	clientIDPattern = regexp.MustCompile(`^[-_A-Za-z0-9]+$`)
	instancePattern = regexp.MustCompile(`^[-_.A-Za-z0-9]+$`)
)

// variables is every setting of the bot, in the order of --help.
var variables = []variable{
	{
		name: "CLIENT_ID", fallback: "default", help: "Name of the session; its directory is AUTH_PATH/session-CLIENT_ID.",
		allowed: fmt.Sprintf("1 to %d letters, digits, - and _", bot.MaxClientID),
		parse: func(c *Config, value string) bool {
			c.ClientID = value
			return len(value) <= bot.MaxClientID && clientIDPattern.MatchString(value)
		},
	},
	{
		name: "AUTH_PATH", fallback: "./.wwebjs_auth", help: "Folder that keeps the sessions and their backups.",
		allowed: "a path", check: checkPath, parse: path(func(c *Config) *string { return &c.AuthPath }),
	},
	{
		name: "HOST", fallback: "127.0.0.1", help: "Address of the API and the QR page; any address but loopback needs a token.",
		allowed: "an IP address or a host name", parse: host(func(c *Config) *string { return &c.Host }),
	},
	{
		name: "PORT", fallback: "3000", help: "Port of the API and the QR page.",
		allowed: "a port, 0 to 65535", parse: port(func(c *Config) *int { return &c.Port }),
	},
	{
		name: "API_TOKEN", help: "Token that every request to the API must carry, also on loopback.",
		allowed: "at least 16 printable characters without spaces (try: openssl rand -hex 32)", secret: true, check: bot.Mistake,
		parse: func(c *Config, value string) bool {
			c.APIToken = Secret(value)
			return bot.ValidToken(value)
		},
	},
	{
		name: "API_TOKEN_FILE", help: "File that holds the token, read again when it changes.",
		allowed: "a path", check: checkPath, parse: path(func(c *Config) *string { return &c.APITokenFile }),
	},
	{
		name: "LOOPBACK_TOKEN", fallback: "on",
		help:    "Whether a loopback HOST asks for the token; off is for pods, where only the pod's containers reach it.",
		allowed: "on or off", parse: boolean(func(c *Config) *bool { return &c.LoopbackToken }),
	},
	{
		name: "TLS_CERT_FILE", help: "Certificate (PEM); with TLS_KEY_FILE the API is also served over HTTPS.",
		allowed: "a path", check: checkPath, parse: path(func(c *Config) *string { return &c.TLSCertFile }),
	},
	{
		name: "TLS_KEY_FILE", help: "Private key (PEM) of the certificate.",
		allowed: "a path", check: checkPath, parse: path(func(c *Config) *string { return &c.TLSKeyFile }),
	},
	{
		name: "TLS_HOST", help: "Address of the HTTPS listener; every address when empty.",
		allowed: "an IP address or a host name", parse: host(func(c *Config) *string { return &c.TLSHost }),
	},
	{
		name: "TLS_PORT", fallback: "8443", help: "Port of the HTTPS listener.",
		allowed: "a port, 0 to 65535", parse: port(func(c *Config) *int { return &c.TLSPort }),
	},
	{
		name: "METRICS_HOST", fallback: "127.0.0.1", help: "Address of the metrics and the probes, which ask for no token.",
		allowed: "an IP address or a host name", parse: host(func(c *Config) *string { return &c.MetricsHost }),
	},
	{
		name: "METRICS_PORT", fallback: "9090", help: "Port of the metrics and the probes.",
		allowed: "a port, 0 to 65535", parse: port(func(c *Config) *int { return &c.MetricsPort }),
	},
	{
		name: "INSTANCE_ID", help: "Unique name of this process; random when empty, in a pod its UID.",
		allowed: "1 to 128 letters, digits, -, _ and .",
		parse: func(c *Config, value string) bool {
			c.Instance = value
			return len(value) <= maxName && instancePattern.MatchString(value)
		},
	},
	{
		name: "TAKEOVER_ON_CONFLICT", fallback: "true", help: "Take the session back when another client replaced it.",
		allowed: "true or false", parse: boolean(func(c *Config) *bool { return &c.TakeoverOnConflict }),
	},
	{
		name: "TAKEOVER_TIMEOUT_MS", fallback: "10000", help: "Wait before taking the session back, in milliseconds.",
		allowed: "milliseconds, 0 to 3600000",
		parse:   millis(func(c *Config) *time.Duration { return &c.TakeoverTimeout }, 0, time.Hour),
	},
	{
		name: "BACKUP_SYNC_INTERVAL_MS", fallback: "300000", help: "Time between backups of the session, in milliseconds; 0 turns them off.",
		allowed: "0, or milliseconds from 60000 to 604800000",
		parse: func(c *Config, value string) bool {
			every := func(c *Config) *time.Duration { return &c.BackupInterval }
			return millis(every, 0, 0)(c, value) || millis(every, minBackupInterval, maxInterval)(c, value)
		},
	},
	{
		name: "BACKUP_KEEP", fallback: "5", help: "How many of the newest backups to keep; above 1, also the last of each of 6 hours and 7 days.",
		allowed: "a number, 1 to 1000", parse: number(func(c *Config) *int { return &c.BackupKeep }, 1, 1000),
	},
	{
		name: "QR_MAX_RETRIES", fallback: "10", help: "Rounds of QR codes to show before waiting for someone to look.",
		allowed: "a number, 1 to 1000", parse: number(func(c *Config) *int { return &c.QRMaxRetries }, 1, 1000),
	},
	{
		name: "PAIRING_PHONE_NUMBER", help: "Phone number to get a pairing code for while the session is not linked.",
		allowed: "an international phone number such as +6281234567890", secret: true,
		check: func(value string) error { _, err := phone.Parse(value); return err },
		parse: func(c *Config, value string) bool {
			number, err := phone.Parse(value)
			c.PairingPhoneNumber = number
			return err == nil
		},
	},
	{
		name: "MESSAGES", fallback: "on", help: "Keep incoming messages; off acknowledges and drops them.",
		allowed: "on or off", parse: boolean(func(c *Config) *bool { return &c.Messages }),
	},
	{
		name: "MESSAGES_RETENTION", fallback: "168h", help: "How long messages and events are kept; 0 means ten minutes.",
		allowed: "0, or a duration from 1h to 8760h such as 72h",
		parse: func(c *Config, value string) bool {
			kept, err := time.ParseDuration(value)
			c.MessagesRetention = kept
			return err == nil && (kept == 0 || kept >= time.Hour && kept <= 365*24*time.Hour)
		},
	},
	{
		name: "MESSAGES_MAX_SIZE", fallback: "256", help: "Disk space for messages and events, in MiB.",
		allowed: "a number, 16 to 65536",
		parse:   mebibytes(func(c *Config) *int64 { return &c.MessagesMaxSize }, 16, 65536),
	},
	{
		name: "MEDIA_MAX_FILE", fallback: "64", help: "Largest file that is sent or fetched, in MiB.",
		allowed: "a number, 1 to 2048", parse: mebibytes(func(c *Config) *int64 { return &c.MediaMaxFile }, 1, 2048),
	},
	{
		name: "MEDIA_MAX_SIZE", fallback: "160", help: "Disk space for files of messages, in MiB; at least twice MEDIA_MAX_FILE.",
		allowed: "a number, 2 to 65536", parse: mebibytes(func(c *Config) *int64 { return &c.MediaMaxSize }, 2, 65536),
	},
	{
		name: "MEDIA_RETENTION", fallback: "24h", help: "How long a file stays on the disk that nobody reads; at most as long as messages are kept.",
		allowed: "a duration from 1m to 8760h such as 24h",
		parse: func(c *Config, value string) bool {
			kept, err := time.ParseDuration(value)
			c.MediaRetention = kept
			return err == nil && kept >= time.Minute && kept <= 365*24*time.Hour
		},
	},
	{
		name: "MEDIA_ALLOW", help: "What files may be fetched from beyond the public internet.",
		allowed: "names, addresses and CIDRs with commas", parse: path(func(c *Config) *string { return &c.MediaAllow }),
	},
	{
		name: "MEDIA_FFMPEG", help: "Program ffmpeg, which converts files that WhatsApp would not show; none when empty.",
		allowed: "a path, or ffmpeg to look it up in PATH", check: checkPath, parse: path(func(c *Config) *string { return &c.MediaFFmpeg }),
	},
	{
		name: "WEBHOOKS_FILE", help: "File (JSON) of the webhooks that get the events, read again when it changes.",
		allowed: "a path", check: checkPath, parse: path(func(c *Config) *string { return &c.WebhooksFile }),
	},
	{
		name: "WEBHOOK_URL", help: "Address that gets the events, where there is one only.",
		allowed: webForm, secret: true,
		parse: func(c *Config, value string) bool {
			c.WebhookURL = Secret(value)
			return isWeb(value)
		},
	},
	{
		name: "WEBHOOK_SECRET", help: "Secret that signs deliveries to WEBHOOK_URL; while it is replaced, the new one, a space, and the old one.",
		allowed: "whsec_ and base64, or at least 16 printable characters", secret: true, check: bot.Mistake,
		parse: func(c *Config, value string) bool {
			c.WebhookSecret = Secret(value)
			return len(value) >= bot.MinToken
		},
	},
	{
		name: "WEBHOOK_EVENTS", help: "Types of events for WEBHOOK_URL, with commas; all when empty.",
		allowed: "types of events with commas", parse: path(func(c *Config) *string { return &c.WebhookEvents }),
	},
	{
		name: "WHATSAPP_HOOK_URL", help: "WAHA's name: address that gets the events in WAHA's format.",
		allowed: webForm, secret: true,
		parse: func(c *Config, value string) bool {
			c.Hook.URL = Secret(value)
			return isWeb(value)
		},
	},
	{
		name: "WHATSAPP_HOOK_EVENTS", fallback: "session.status,message", help: "WAHA's name: WAHA's events for WHATSAPP_HOOK_URL, with commas; * means all.",
		allowed: "WAHA's events with commas", parse: path(func(c *Config) *string { return &c.Hook.Events }),
	},
	{
		name: "WHATSAPP_HOOK_HMAC_KEY", help: "WAHA's name: key that signs deliveries to WHATSAPP_HOOK_URL.",
		allowed: "at least 16 printable characters without spaces", secret: true, check: bot.Mistake,
		parse: func(c *Config, value string) bool {
			c.Hook.Key = Secret(value)
			return bot.ValidToken(value)
		},
	},
	{
		name: "WHATSAPP_HOOK_CUSTOM_HEADERS", help: "WAHA's name: headers of deliveries to WHATSAPP_HOOK_URL, as Name:value;Name:value.",
		allowed: "headers such as X-Team:sales;X-Room:2", secret: true,
		parse: func(c *Config, value string) (ok bool) {
			c.Hook.Headers = Secret(value)
			_, ok = parseHeaders(value)
			return ok
		},
	},
	{
		name: "WHATSAPP_HOOK_RETRIES_POLICY", fallback: "exponential", help: "WAHA's name: how the pauses grow; with the next two it says how long an event is tried.",
		allowed: "linear, exponential or constant",
		parse: func(c *Config, value string) bool {
			c.Hook.Policy = value
			return value == "linear" || value == "exponential" || value == "constant"
		},
	},
	{
		name: "WHATSAPP_HOOK_RETRIES_DELAY_SECONDS", fallback: "2", help: "WAHA's name: the first pause, in seconds.",
		allowed: "a number, 1 to 3600", parse: number(func(c *Config) *int { return &c.Hook.Delay }, 1, 3600),
	},
	{
		name: "WHATSAPP_HOOK_RETRIES_ATTEMPTS", fallback: "0", help: "WAHA's name: how many tries there are; 0 tries for 3 days.",
		allowed: "a number, 0 to 1000", parse: number(func(c *Config) *int { return &c.Hook.Attempts }, 0, 1000),
	},
	{
		name: "WAHA_BASE_URL", help: "WAHA's name: what begins the addresses of files in events of WAHA's format; http://localhost:PORT when empty.",
		allowed: "an address such as https://bot.example.com, without query",
		parse: func(c *Config, value string) bool {
			c.WAHABaseURL = strings.TrimRight(value, "/")
			return isWeb(value) && !strings.Contains(value, "?")
		},
	},
	{
		name: "WEBHOOK_ALLOW", help: "What webhooks may reach beyond the public internet; outside a pod, also loopback without asking.",
		allowed: "names, addresses and CIDRs with commas", parse: path(func(c *Config) *string { return &c.WebhookAllow }),
	},
	{
		name: "MESSAGES_RECEIPTS", fallback: "delivered", help: "What people see of a message that the bot has: delivered is two ticks, none is one until the phone has it.",
		allowed: "delivered or none",
		parse: func(c *Config, value string) bool {
			c.MessagesReceipts = value == "delivered"
			return c.MessagesReceipts || value == "none"
		},
	},
	{
		name: "MESSAGES_PACE", fallback: "0", help: "Messages that are sent in a minute, in no regular rhythm; 0 for no limit.",
		allowed: "a number, 0 to 6000", parse: number(func(c *Config) *int { return &c.MessagesPace }, 0, 6000),
	},
	{
		name: "MESSAGES_BURST", fallback: "10", help: "Messages that are sent at once before MESSAGES_PACE holds them back.",
		allowed: "a number, 1 to 1000", parse: number(func(c *Config) *int { return &c.MessagesBurst }, 1, 1000),
	},
	{
		name: "MESSAGES_NEW_CHATS", fallback: "0", help: "New people that are written to in a day; more wait until midnight. 0 for no limit.",
		allowed: "a number, 0 to 10000", parse: number(func(c *Config) *int { return &c.MessagesNewChats }, 0, 10_000),
	},
	{
		name: "MESSAGES_QUIET_HOURS", fallback: "off", help: "Time of day, in MESSAGES_TIME_ZONE, at which nothing is sent.",
		allowed: "off, or two times such as 21:00-07:00",
		parse: func(c *Config, value string) bool {
			if strings.EqualFold(value, "off") {
				c.MessagesQuiet = [2]int{}
				return true
			}
			from, to, found := strings.Cut(value, "-")
			begin, err := time.Parse("15:04", from)
			end, endErr := time.Parse("15:04", to)
			c.MessagesQuiet = [2]int{begin.Hour()*60 + begin.Minute(), end.Hour()*60 + end.Minute()}
			return found && err == nil && endErr == nil && begin != end
		},
	},
	{
		name: "MESSAGES_TIME_ZONE", fallback: "Local", help: "Time zone of MESSAGES_QUIET_HOURS and of the day that MESSAGES_NEW_CHATS counts; Local is the machine's.",
		allowed: "a name such as Asia/Jakarta, UTC or Local",
		parse: func(c *Config, value string) bool {
			zone, err := time.LoadLocation(value)
			c.MessagesZone = zone
			return err == nil
		},
	},
	{
		name: "MESSAGES_FILE", help: "File of MESSAGES_ and MEDIA_ settings, NAME=value lines, read again when it changes; it wins.",
		allowed: "a path", check: checkPath, parse: path(func(c *Config) *string { return &c.MessagesFile }),
	},
	{
		name: "WEB_VERSION_CACHE_PATH", fallback: "./.wwebjs_cache", help: "Folder that remembers the WhatsApp Web version.",
		allowed: "a path", check: checkPath, parse: path(func(c *Config) *string { return &c.WebVersionCachePath }),
	},
	{
		name: "LOG_LEVEL", fallback: "info", help: "Minimum log level.",
		allowed: "debug, info, warn or error",
		parse: func(c *Config, value string) bool {
			level, ok := map[string]slog.Level{
				"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
			}[strings.ToLower(value)]
			c.LogLevel = level
			return ok
		},
	},
	{
		name: "LOG_FORMAT", fallback: string(LogAuto), help: "Form of the log; auto is text on a terminal and json otherwise.",
		allowed: "auto, text or json",
		parse: func(c *Config, value string) bool {
			c.LogFormat = LogFormat(strings.ToLower(value))
			return c.LogFormat == LogAuto || c.LogFormat == LogText || c.LogFormat == LogJSON
		},
	},
	{
		name: "TERMINAL_QR", fallback: string(TerminalAuto),
		help:    "Draw QR codes on the standard output; auto does on a terminal outside a pod.",
		allowed: "auto, on or off",
		parse: func(c *Config, value string) bool {
			c.TerminalQR = TerminalQR(strings.ToLower(value))
			return c.TerminalQR == TerminalAuto || c.TerminalQR == TerminalOn || c.TerminalQR == TerminalOff
		},
	},
	{
		name: "LOCALE", fallback: string(Indonesian), help: "Language of messages when the caller names none.",
		allowed: "id or en",
		parse: func(c *Config, value string) bool {
			c.Locale = Locale(strings.ToLower(value))
			return c.Locale == Indonesian || c.Locale == English
		},
	},
	{
		name: "PROXY_URL", help: "Proxy for the connection to WhatsApp; when empty HTTPS_PROXY, ALL_PROXY or HTTP_PROXY is used, in this order.",
		allowed: proxyForm, secret: true,
		parse: func(c *Config, value string) (ok bool) {
			c.ProxyURL, ok = bot.ParseProxy(value)
			return ok
		},
	},
}

// exported are variables that Go's libraries read. They are not settings of the bot, but a .env file may contain them.
var exported = []variable{
	{name: "HTTPS_PROXY", help: "Proxy for the connections to WhatsApp. Webhooks and files from other addresses use no proxy."},
	{name: "ALL_PROXY", help: "The same, where HTTPS_PROXY is empty."},
	{name: "HTTP_PROXY", help: "The same, where the two above are empty."},
	{name: "NO_PROXY", help: "Hosts to reach without a proxy."},
	{name: "SSL_CERT_FILE", help: "Certificate authorities to trust instead of the system's."},
	{name: "SSL_CERT_DIR", help: "Folder of certificate authorities to trust."},
}

func path(field func(*Config) *string) func(*Config, string) bool {
	return func(c *Config, value string) bool {
		*field(c) = value
		return true
	}
}

func host(field func(*Config) *string) func(*Config, string) bool {
	return func(c *Config, value string) (ok bool) {
		*field(c), ok = hostname(value)
		return ok
	}
}

func port(field func(*Config) *int) func(*Config, string) bool { return number(field, 0, 65535) }

func number(field func(*Config) *int, least, most int) func(*Config, string) bool {
	return func(c *Config, value string) bool {
		n, err := strconv.Atoi(value)
		*field(c) = n
		return err == nil && n >= least && n <= most
	}
}

// mebibytes reads a number of MiB into a field that holds bytes.
func mebibytes(field func(*Config) *int64, least, most int) func(*Config, string) bool {
	return func(c *Config, value string) bool {
		var mib int
		ok := number(func(*Config) *int { return &mib }, least, most)(c, value)
		*field(c) = int64(mib) << 20
		return ok
	}
}

func millis(field func(*Config) *time.Duration, least, most time.Duration) func(*Config, string) bool {
	return func(c *Config, value string) bool {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < least.Milliseconds() || n > most.Milliseconds() {
			return false
		}
		*field(c) = time.Duration(n) * time.Millisecond
		return true
	}
}

func boolean(field func(*Config) *bool) func(*Config, string) bool {
	return func(c *Config, value string) bool {
		on, ok := map[string]bool{
			"true": true, "1": true, "yes": true, "on": true,
			"false": false, "0": false, "no": false, "off": false,
		}[strings.ToLower(value)]
		*field(c) = on
		return ok
	}
}

// shorten keeps an error to one readable line, whatever the value is.
func shorten(value string) string {
	const most = 80
	runes := []rune(value)
	if len(runes) <= most {
		return value
	}
	return string(runes[:most]) + "…"
}

package config

import (
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/phone"
)

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
var variables = slices.Concat(sessionVariables, messageVariables, processVariables)

// sessionVariables are the settings of the session, and of the addresses that it is served at.
var sessionVariables = []variable{
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
}

// processVariables are the settings of the log, the terminal and the way to WhatsApp.
var processVariables = []variable{
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

package config

import (
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
)

// messageVariables are the settings of messages, of their files and of webhooks.
var messageVariables = []variable{
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
}

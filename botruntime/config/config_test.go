package config

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
)

const token = "0123456789abcdef0123456789abcdef"

func load(t *testing.T, dotenv string, environ ...string) (Config, error) {
	t.Helper()
	dir := t.TempDir()
	if dotenv != "" {
		if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(dotenv), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Load(environ, dir)
}

func TestDefaults(t *testing.T) {
	c, err := Load(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Instance) < 16 {
		t.Errorf("instance %q is too short to be random", c.Instance)
	}
	c.Instance, c.Exports = "", nil
	want := Config{
		Identity: bot.Identity{ClientID: "default", AuthPath: "./.wwebjs_auth"}, Host: "127.0.0.1", Port: 3000, TLSPort: 8443,
		LoopbackToken: true, MetricsHost: "127.0.0.1", MetricsPort: 9090, TakeoverOnConflict: true, TakeoverTimeout: 10 * time.Second,
		BackupInterval: 5 * time.Minute, BackupKeep: 5, Messages: true, MessagesRetention: 168 * time.Hour, MessagesMaxSize: 256 << 20, MediaMaxFile: 64 << 20, MediaMaxSize: 160 << 20, MediaRetention: 24 * time.Hour, MessagesBurst: 10, MessagesReceipts: true, MessagesZone: time.Local, QRMaxRetries: 10, WebVersionCachePath: "./.wwebjs_cache",
		LogLevel: slog.LevelInfo, LogFormat: LogAuto, TerminalQR: TerminalAuto, Locale: Indonesian,
		Hook: Hook{Events: "session.status,message", Policy: "exponential", Delay: 2},
	}
	if got := fmt.Sprintf("%#v", c); got != fmt.Sprintf("%#v", want) {
		t.Errorf("Load() =\n%s\nwant\n%#v", got, want)
	}
}

func TestValues(t *testing.T) {
	cases := map[string]struct {
		environ []string
		check   func(Config) bool
	}{
		"client":                 {[]string{"CLIENT_ID=wa-finance_Render9"}, func(c Config) bool { return c.ClientID == "wa-finance_Render9" }},
		"path kept as given":     {[]string{"AUTH_PATH=./a b/../c"}, func(c Config) bool { return c.AuthPath == "./a b/../c" }},
		"space around a value":   {[]string{"PORT= 8080 "}, func(c Config) bool { return c.Port == 8080 }},
		"empty means unset":      {[]string{"PORT=", "HOST=", "LOCALE="}, func(c Config) bool { return c.Port == 3000 && c.Locale == Indonesian }},
		"any free port":          {[]string{"PORT=0", "METRICS_PORT=0"}, func(c Config) bool { return c.Port == 0 && c.MetricsPort == 0 }},
		"first of a name wins":   {[]string{"PORT=1", "PORT=2"}, func(c Config) bool { return c.Port == 1 }},
		"ipv6 loopback":          {[]string{"HOST=::1"}, func(c Config) bool { return c.Host == "::1" }},
		"brackets":               {[]string{"HOST=[::1]"}, func(c Config) bool { return c.Host == "::1" }},
		"localhost":              {[]string{"HOST=localhost"}, func(c Config) bool { return c.Host == "localhost" && c.MetricsHost == "127.0.0.1" }},
		"mapped loopback":        {[]string{"HOST=::ffff:127.0.0.1"}, func(c Config) bool { return c.Host != "" }},
		"public with token":      {[]string{"HOST=0.0.0.0", "API_TOKEN=" + token}, func(c Config) bool { return c.Host == "0.0.0.0" && string(c.APIToken) == token }},
		"public with file":       {[]string{"HOST=::", "API_TOKEN_FILE=/run/token"}, func(c Config) bool { return c.HasToken() && c.APITokenFile == "/run/token" }},
		"metrics stay local":     {[]string{"HOST=0.0.0.0", "API_TOKEN=" + token}, func(c Config) bool { return c.MetricsHost == "127.0.0.1" }},
		"metrics elsewhere":      {[]string{"METRICS_HOST=0.0.0.0"}, func(c Config) bool { return c.MetricsHost == "0.0.0.0" && c.Host == "127.0.0.1" }},
		"tls":                    {[]string{"TLS_CERT_FILE=c", "TLS_KEY_FILE=k", "API_TOKEN=" + token}, func(c Config) bool { return c.TLS() && c.TLSHost == "" && c.TLSPort == 8443 }},
		"same port without tls":  {[]string{"PORT=8443"}, func(c Config) bool { return c.Port == 8443 && !c.TLS() }},
		"takeover off":           {[]string{"TAKEOVER_ON_CONFLICT=False", "TAKEOVER_TIMEOUT_MS=0"}, func(c Config) bool { return !c.TakeoverOnConflict && c.TakeoverTimeout == 0 }},
		"backups off":            {[]string{"BACKUP_SYNC_INTERVAL_MS=0"}, func(c Config) bool { return c.BackupInterval == 0 }},
		"backups often":          {[]string{"BACKUP_SYNC_INTERVAL_MS=60000", "BACKUP_KEEP=1"}, func(c Config) bool { return c.BackupInterval == time.Minute && c.BackupKeep == 1 }},
		"log":                    {[]string{"LOG_LEVEL=DEBUG", "LOG_FORMAT=Json"}, func(c Config) bool { return c.LogLevel == slog.LevelDebug && c.LogFormat == LogJSON }},
		"english":                {[]string{"LOCALE=EN"}, func(c Config) bool { return c.Locale == English }},
		"proxy":                  {[]string{"PROXY_URL=socks5://u:p@proxy:1080"}, func(c Config) bool { return c.ProxyURL.Host == "proxy:1080" }},
		"proxy of everyone":      {[]string{"HTTPS_PROXY=http://u:p%25@proxy:3128"}, func(c Config) bool { return c.ProxyURL == nil }},
		"proxy without scheme":   {[]string{"HTTPS_PROXY=proxy:3128"}, func(c Config) bool { return c.ProxyURL == nil }},
		"proxy that is not used": {[]string{"HTTPS_PROXY=://", "PROXY_URL=http://proxy:1"}, func(c Config) bool { return c.ProxyURL != nil }},
		"phone":                  {[]string{"PAIRING_PHONE_NUMBER=+62 812-3456-7890"}, func(c Config) bool { return c.PairingPhoneNumber == "+6281234567890" }},
		"phone without plus":     {[]string{"PAIRING_PHONE_NUMBER=6281234567890"}, func(c Config) bool { return c.PairingPhoneNumber == "+6281234567890" }},
		"instance":               {[]string{"INSTANCE_ID=3f1c9a52-0d4e-4c7b-9c53-6f3d0b1f2a11"}, func(c Config) bool { return c.Instance[0] == '3' }},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c, err := load(t, "", tc.environ...)
			if err != nil || !tc.check(c) {
				t.Errorf("Load(%q) = %+v, %v", tc.environ, c, err)
			}
		})
	}
}

func TestProblemsNameTheVariable(t *testing.T) {
	cases := map[string]struct {
		environ []string
		want    string
	}{
		"client":               {[]string{"CLIENT_ID=a b"}, `CLIENT_ID "a b": want 1 to 64 letters, digits, - and _`},
		"client escapes":       {[]string{"CLIENT_ID=../x"}, `CLIENT_ID "../x": want`},
		"client too long":      {[]string{"CLIENT_ID=" + strings.Repeat("a", 129)}, `CLIENT_ID "aaaa`},
		"port":                 {[]string{"PORT=99999"}, `PORT "99999": want a port, 0 to 65535`},
		"port word":            {[]string{"PORT=http"}, `PORT "http": want a port`},
		"service link":         {[]string{"METRICS_PORT=tcp://10.0.0.1:80"}, `METRICS_PORT "tcp://10.0.0.1:80": want a port`},
		"host with port":       {[]string{"HOST=127.0.0.1:80"}, `HOST "127.0.0.1:80": want an IP address or a host name`},
		"half a bracket":       {[]string{"HOST=[::1"}, `HOST "[::1": want`},
		"public without token": {[]string{"HOST=0.0.0.0"}, `HOST "0.0.0.0": an address that others can reach needs API_TOKEN`},
		"name without token":   {[]string{"HOST=bot.example.org"}, `HOST "bot.example.org": an address that others can reach needs API_TOKEN`},
		"tls without token":    {[]string{"TLS_CERT_FILE=c", "TLS_KEY_FILE=k"}, `TLS_CERT_FILE "c": HTTPS is served on every address and needs API_TOKEN`},
		"tls without key":      {[]string{"TLS_CERT_FILE=c", "API_TOKEN=" + token}, `TLS_CERT_FILE and TLS_KEY_FILE: set both`},
		"two tokens":           {[]string{"API_TOKEN_FILE=f", "API_TOKEN=" + token}, `API_TOKEN and API_TOKEN_FILE: set one of them`},
		"same port":            {[]string{"PORT=9090"}, `METRICS_PORT 9090: PORT uses this port`},
		"same port for TLS":    {[]string{"PORT=8443", "TLS_CERT_FILE=c", "TLS_KEY_FILE=k", "API_TOKEN=" + token}, `TLS_PORT 8443: PORT uses this port`},
		"webhooks twice":       {[]string{"WEBHOOKS_FILE=f", "WEBHOOK_URL=https://a.example"}, `WEBHOOKS_FILE and WEBHOOK_URL: set one of them`},
		"webhooks, WAHA's too": {[]string{"WEBHOOKS_FILE=f", "WHATSAPP_HOOK_URL=https://a.example"}, `WEBHOOKS_FILE and WHATSAPP_HOOK_URL: set one of them`},
		"a secret of nothing":  {[]string{"WEBHOOK_SECRET=" + token}, `WEBHOOK_SECRET and WEBHOOK_EVENTS belong to WEBHOOK_URL`},
		"events of nothing":    {[]string{"WEBHOOK_EVENTS=message"}, `WEBHOOK_SECRET and WEBHOOK_EVENTS belong to WEBHOOK_URL`},
		"no messages to hook":  {[]string{"MESSAGES=off", "WEBHOOK_URL=https://a.example"}, `MESSAGES off: webhooks need messages`},
		"no messages to WAHA":  {[]string{"MESSAGES=off", "WHATSAPP_HOOK_URL=https://a.example"}, `MESSAGES off: webhooks need messages`},
		"boolean":              {[]string{"TAKEOVER_ON_CONFLICT=maybe"}, `TAKEOVER_ON_CONFLICT "maybe": want true or false`},
		"timeout":              {[]string{"TAKEOVER_TIMEOUT_MS=-1"}, `TAKEOVER_TIMEOUT_MS "-1": want milliseconds, 0 to 3600000`},
		"timeout unit":         {[]string{"TAKEOVER_TIMEOUT_MS=10s"}, `TAKEOVER_TIMEOUT_MS "10s": want`},
		"backup too often":     {[]string{"BACKUP_SYNC_INTERVAL_MS=59999"}, `BACKUP_SYNC_INTERVAL_MS "59999": want 0, or milliseconds from 60000`},
		"backup overflow":      {[]string{"BACKUP_SYNC_INTERVAL_MS=99999999999999999999"}, `BACKUP_SYNC_INTERVAL_MS "99999999999999999999": want`},
		"keep":                 {[]string{"BACKUP_KEEP=0"}, `BACKUP_KEEP "0": want a number, 1 to 1000`},
		"retries":              {[]string{"QR_MAX_RETRIES=0"}, `QR_MAX_RETRIES "0": want a number, 1 to 1000`},
		"level":                {[]string{"LOG_LEVEL=loud"}, `LOG_LEVEL "loud": want debug, info, warn or error`},
		"format":               {[]string{"LOG_FORMAT=xml"}, `LOG_FORMAT "xml": want auto, text or json`},
		"locale":               {[]string{"LOCALE=en_US.UTF-8"}, `LOCALE "en_US.UTF-8": want id or en`},
		"control":              {[]string{"AUTH_PATH=a\tb\nc"}, `AUTH_PATH "a\tb\nc": want a path`},
		"long value":           {[]string{"LOG_LEVEL=" + strings.Repeat("x", 5000)}, `xxx…": want debug`},
		"instance":             {[]string{"INSTANCE_ID=a/b"}, `INSTANCE_ID "a/b": want`},
		"instance too long":    {[]string{"INSTANCE_ID=" + strings.Repeat("a", 129)}, `INSTANCE_ID "aaaa`},
		"retention too short":  {[]string{"MESSAGES_RETENTION=59m"}, `MESSAGES_RETENTION "59m": want 0, or a duration from 1h`},
		"retention too long":   {[]string{"MESSAGES_RETENTION=8761h"}, `MESSAGES_RETENTION "8761h": want`},
		"retention below 0":    {[]string{"MESSAGES_RETENTION=-1h"}, `MESSAGES_RETENTION "-1h": want`},
		"files go too soon":    {[]string{"MEDIA_RETENTION=59s"}, `MEDIA_RETENTION "59s": want a duration from 1m`},
		"files stay too long":  {[]string{"MEDIA_RETENTION=8761h"}, `MEDIA_RETENTION "8761h": want`},
		"always quiet":         {[]string{"MESSAGES_QUIET_HOURS=07:00-07:00"}, `MESSAGES_QUIET_HOURS "07:00-07:00": want off, or two times`},
		"a short secret":       {[]string{"WEBHOOK_URL=https://a.example", "WEBHOOK_SECRET=short"}, `WEBHOOK_SECRET (value not shown): want whsec_`},
		"a base with a query":  {[]string{"WAHA_BASE_URL=https://a.example?x"}, `WAHA_BASE_URL "https://a.example?x": want an address`},
		"proxy of everyone":    {[]string{"HTTPS_PROXY=http://user:1%zz@proxy:3128"}, `HTTPS_PROXY (value not shown): want`},
		"proxy, small letters": {[]string{"https_proxy=ftp://proxy"}, `https_proxy (value not shown): want`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, "", tc.environ...)
			wantProblem(t, err, tc.want)
		})
	}
}

func wantProblem(t *testing.T, err error, want string) {
	t.Helper()
	var problems *Error
	if !errors.As(err, &problems) {
		t.Fatalf("error = %v, want one with %q", err, want)
	}
	for _, line := range problems.Problems {
		if strings.Contains(line, "\n") || len(line) > 500 {
			t.Errorf("problem is not one line: %q", line)
		}
		if strings.Contains(line, want) {
			return
		}
	}
	t.Errorf("error = %v, want %q in it", err, want)
}

func TestSecretsAreNotRepeated(t *testing.T) {
	cases := map[string]struct{ dotenv, variable string }{
		"token":             {"", "API_TOKEN=geheim"},
		"proxy":             {"", "PROXY_URL=geheim://u:geheim@host"},
		"proxy not an url":  {"", "PROXY_URL=ht tp://u:geheim@host\x7f"},
		"everyone's proxy":  {"HTTPS_PROXY='http://u:geheim%@host'\n", ""},
		"phone":             {"", "PAIRING_PHONE_NUMBER=0812geheim"},
		"file token":        {"API_TOKEN=geheim", ""},
		"broken file":       {"API_TOKEN=\"geheim\nPORT=1\n", ""},
		"file without name": {"geheim\n", ""},
		"file bad name":     {"geheim-x=1\n", ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, tc.dotenv, tc.variable)
			if err == nil {
				t.Fatal("accepted")
			}
			if strings.Contains(err.Error(), "geheim") {
				t.Errorf("error gives the value away: %v", err)
			}
		})
	}
	c, err := load(t, "", "API_TOKEN="+token)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", c, c, c, c.APIToken); strings.Contains(text, token) {
		t.Errorf("the settings print the token: %s", text)
	}
}

func TestEveryProblemIsReported(t *testing.T) {
	_, err := load(t, "LOCALE=fr\nQR_MAX_RETRY=3\n", "PORT=x", "LOG_LEVEL=y", "TAKEOVER=1", "TAKEOVER_TIMEOUT=5")
	for _, want := range []string{
		`PORT "x"`, `LOG_LEVEL "y"`, `LOCALE "fr" in `, ".env line 1: want id or en",
		"QR_MAX_RETRY in ", "line 2: unknown variable (did you mean QR_MAX_RETRIES?)",
		"TAKEOVER_TIMEOUT: unknown variable (did you mean TAKEOVER_TIMEOUT_MS?)",
	} {
		wantProblem(t, err, want)
	}
}

func TestDotenv(t *testing.T) {
	file := "\ufeff# a comment\nexport CLIENT_ID=shop\r\nPORT: 4000\nAPI_TOKEN=\"" + token + "\"\nHTTPS_PROXY='http://p:1'\nSSL_CERT_FILE=/ca.pem\n"
	c, err := load(t, file, "PORT=5000", "SSL_CERT_FILE=/real.pem")
	if err != nil {
		t.Fatal(err)
	}
	if c.ClientID != "shop" || c.Port != 5000 || string(c.APIToken) != token {
		t.Errorf("Load() = %+v; want the file's values, and the environment's above them", c)
	}
	if want := map[string]string{"HTTPS_PROXY": "http://p:1"}; !maps.Equal(c.Exports, want) {
		t.Errorf("exports = %v, want %v", c.Exports, want)
	}
	if c, err := load(t, "PORT=4000\n", "PORT="); err != nil || c.Port != 4000 {
		t.Errorf("an empty variable hides the file's: %+v, %v", c, err)
	}
}

func TestBrokenDotenv(t *testing.T) {
	cases := map[string]struct{ file, want string }{
		"no value":           {"PORT=1\n\n# x\nCLIENT ID\nLOCALE=id\n", ".env line 4: not NAME=value"},
		"after a long value": {"CLIENT_ID=\"a\nb\nc\"\n\nx y\n", ".env line 5: not NAME=value"},
		"open quote":         {"PORT=1\nCLIENT_ID=\"shop\nLOCALE=id\n", ".env line 2: not NAME=value, or a quote that is not closed"},
		"misspelt":           {"PORT=1\nQR_MAX_RETRY=3\n", ".env line 2: unknown variable (did you mean QR_MAX_RETRIES?); see --help"},
		"lower case":         {"client_id=x\n", "client_id in "},
		"suggestion":         {"client_id=x\n", "(did you mean CLIENT_ID?)"},
		"name alone":         {"PORT=1\nfoo", "holds a line that is not NAME=value"},
		"utf-16":             {"\xff\xfeP\x00O\x00R\x00T\x00", "not a text file"},
		"the parser's mark":  {"API_TOKEN=0123456789abcdef" + dollar + "\n", "not a text file"},
		"too large":          {strings.Repeat("#\n", maxDotenv), "cannot be read: larger than 32768 bytes"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, tc.file)
			wantProblem(t, err, tc.want)
		})
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".env"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Load(nil, dir)
	wantProblem(t, err, ".env: cannot be read: not a regular file")
	dir = t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, ".env"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Load(nil, dir) // to open a pipe would wait for its other end
	wantProblem(t, err, ".env: cannot be read: not a regular file")
}

func TestNearMisses(t *testing.T) {
	ours := []string{
		"CLIENTID", "client_id", "takeoverOnConflict", "TAKEOVER_ON_CONFLICTS", "TAKEOVER_TIMEOUT", "TAKEOVER_SECONDS",
		"BACKUP_INTERVAL", "BACKUP_INTERVAL_MS", "BACKUP_SYNC_MS", "QR_RETRIES", "QR_MAX_RETRY", "WEB_VERSION_PATH",
		"METRICS_PORTS", "PAIRING_PHONE", "PAIRING_NUMBER", "AUTHPATH", "WEB_VERSION_CACHE_DIR",
	}
	for _, name := range ours {
		_, err := load(t, "", name+"=1")
		if err == nil {
			t.Errorf("%s is ignored", name)
			continue
		}
		wantProblem(t, err, name+": unknown variable")
	}
	_, err := load(t, "", "TAKEOVER_\nPORT=1")
	wantProblem(t, err, `"TAKEOVER_\nPORT": unknown variable`)
	others := []string{
		"HOSTNAME=x", "HOME=/x", "PWD=/", "LANG=id", "LOCAL=1", "CLIENT_IP=1.2.3.4", "CLIENT_SECRET=x", "BACKUP_DIR=/x",
		"BACKUP_SERVICE_HOST=10.0.0.1", "BACKUP_PORT_80_TCP=x", "QR_SERVICE_PORT=1", "METRICS_PORT_9090_TCP_ADDR=x",
		"TLS_CERT=x", "LOG=x", "WEB_CONCURRENCY=2", "NODE_ENV=x", "API_KEY=x", "_=x", "=C:=x", "noequals", "TAKEOVER_PORT_1_TCP=x",
	}
	if _, err := load(t, "", others...); err != nil {
		t.Errorf("another program's variables are refused: %v", err)
	}
}

func TestHelpListsEveryVariable(t *testing.T) {
	help := Help()
	for _, v := range append(variables, exported...) {
		if !strings.Contains(help, "\n  "+v.name+"\n") || !strings.Contains(help, v.help) || !strings.Contains(help, v.allowed) {
			t.Errorf("help lacks %s", v.name)
		}
		if v.fallback != "" && !strings.Contains(help, "(default "+v.fallback+")") {
			t.Errorf("help lacks the default of %s", v.name)
		}
	}
	for line := range strings.Lines(help) {
		if len(strings.TrimSuffix(line, "\n")) > 120 {
			t.Errorf("help has a line of %d characters: %s", len(line), line)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("PORT=4000\nCLIENT_ID=\"x\"\n", "HOST=0.0.0.0", "API_TOKEN="+token)
	f.Add("A=\"b\nC='d", "TAKEOVER_TIMEOUT=1", "PROXY_URL=http://u:p@h")
	f.Add("export LOCALE: en\n=\n$X", "PORT=", "=")
	f.Fuzz(func(t *testing.T, file, one, two string) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load([]string{one, two, "PAIRING_PHONE_NUMBER=+6281234567890"}, dir)
		if err != nil {
			var problems *Error
			if !errors.As(err, &problems) || len(problems.Problems) == 0 {
				t.Fatalf("error = %v, want an *Error with problems", err)
			}
			for _, line := range problems.Problems {
				if line == "" || strings.ContainsAny(line, "\n\r") {
					t.Fatalf("problem %q is not one line", line)
				}
			}
			return
		}
		if !clientIDPattern.MatchString(c.ClientID) || c.AuthPath == "" || c.Instance == "" || c.BackupKeep < 1 || c.QRMaxRetries < 1 {
			t.Fatalf("accepted settings are incomplete: %+v", c)
		}
		if (!loopback(c.Host) || c.TLS()) && !c.HasToken() {
			t.Fatalf("an open API without a token: %+v", c)
		}
	})
}

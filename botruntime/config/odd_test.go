package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/odd"
)

// oddPaths are values that people and tools put where a path belongs, and that are no path.
var oddPaths = []string{
	"$HOME/wa", "${HOME}/wa", "$(pwd)/wa", "/data/$USER", "$PWD", "${AUTH_PATH:-/data}", "/data/${CLIENT_ID}", "$env:HOME/wa", "`pwd`", "/data/`id`",
	"%USERPROFILE%/wa", "%HOME%", "/data/%20wa", "%APPDATA%\\wa", "~", "~/wa", "~root/wa", "~/", "\"/data\"", "'/data'", "\"/data", "/data\"", "'./data'", "/data'", "./data”",
	"“/data”", "‘/data’", "«/data»", "`/data`", "C:\\wa", "c:/wa", "C:", "D:\\Users\\me", "\\\\server\\share", "wa\\session", ".\\data", "/data\\wa",
	"undefined", "null", "NULL", "None", "nil", "NaN", "true", "false", "[object Object]", "<nil>", "undefined/wa", "./undefined", "/data/null", "/null",
	"/data:/data", "./data:/data", "/data:/data:ro", "data:/data", "/data:ro", "file:///data", "http://data", "s3://bucket/wa", "sqlite:wa.db", ":memory:",
	"./data # mine", "./data # a # b", "# data", "/data #", "#", "<path>", "<PATH>/wa", "/path/to/<name>", "{{ .Values.path }}", "{path}", "/data/{a,b}",
	"...", "/.../wa", "…", "/data/…", "/data/*", "/data/?", "/data;ls", "/data&", "/data && ls", "/data|x", "a>b", "=/data", "AUTH_PATH=/data", "/data=1",
	"-", "-v", "--path=/data", "/data,", "/da\tta", "/da\nta", "/data\x00", "/da\x7fta", "/da\u00a0ta", "/da\u200bta", "/da\u202eta", "/da\u2028ta",
	"\ufeff/data", "/data/\xff", "changeme", "/data/change-me", strings.Repeat("a", 300), "/" + strings.Repeat("a/", 2500), "[\"/data\"]", "{\"path\":1}", "/data\"x",
}

// enough fails for a list that got too short to find much.
func enough(t *testing.T, odd []string) {
	t.Helper()
	if len(odd) < 100 {
		t.Fatalf("only %d odd values", len(odd))
	}
}

func TestOddPathsAreRefused(t *testing.T) {
	enough(t, oddPaths)
	var names []string
	for _, v := range variables {
		if strings.HasPrefix(v.allowed, "a path") {
			names = append(names, v.name)
		}
	}
	if !slices.Contains(names, "AUTH_PATH") || !slices.Contains(names, "API_TOKEN_FILE") || !slices.Contains(names, "WEB_VERSION_CACHE_PATH") || !slices.Contains(names, "MEDIA_FFMPEG") {
		t.Fatalf("path settings: %q", names)
	}
	for _, name := range names {
		for _, value := range oddPaths {
			c, err := Load([]string{name + "=" + value}, "")
			if err == nil {
				t.Errorf("%s=%q is accepted as %+v", name, value, c)
			} else if !strings.Contains(err.Error(), name+" ") {
				t.Errorf("%s=%q: %v does not name the setting", name, value, err)
			}
		}
	}
}

func TestUsualPathsAreKept(t *testing.T) {
	for _, value := range []string{
		"/data", "./data", "data", "../data", "/", ".", "./.wwebjs_auth", "./a b/../c", "/srv/wa-bots/shop_1", "/home/sari/wa.d", "/data/@work", "/data/a+b",
		"/data/it's", "/data/#1", "/data (old)", "/données/wa", "/data/会话", "/mnt/c/Users/me", "/data/nullable", "/var/lib/none-such", "a,b", "/data/~x", "..data/x",
	} {
		if c, err := Load([]string{"AUTH_PATH=" + value}, ""); err != nil || c.AuthPath != value {
			t.Errorf("AUTH_PATH=%q became %q, %v", value, c.AuthPath, err)
		}
	}
}

func TestOddTokensAreRefused(t *testing.T) {
	odd := append(odd.Secrets(), "****************", "xxxxxxxxxxxxxxxx", "1111111111111111", "change-me-change-me", "CHANGEME_CHANGEME", "please_change_me_now",
		"replace-me-with-a-token", "REPLACE_ME_WITH_A_TOKEN", "YOUR_API_TOKEN_HERE", "your-api-token-here", "op://vault/item/field-of-it", "ref+awsssm://bot/token",
		"sm://project/token", "file:///run/secrets/token", "https://vault.example/v1/x")
	enough(t, odd)
	for _, name := range []string{"API_TOKEN", "WHATSAPP_HOOK_HMAC_KEY"} {
		for _, value := range odd {
			c, err := Load([]string{name + "=" + value}, "")
			if err == nil {
				t.Errorf("%s=%q is accepted as %q, %q", name, value, string(c.APIToken), string(c.Hook.Key))
			} else if len(value) > 8 && strings.Contains(err.Error(), value) {
				t.Errorf("the error repeats the secret %q: %v", value, err)
			}
		}
	}
	// WEBHOOK_SECRET may hold a space, and is read later; but what nothing replaced is refused with the others.
	for _, value := range odd {
		if bot.Mistake(strings.TrimSpace(value)) == nil {
			continue
		}
		if c, err := Load([]string{"WEBHOOK_URL=https://a.example", "WEBHOOK_SECRET=" + value}, ""); err == nil {
			t.Errorf("WEBHOOK_SECRET=%q is accepted as %q", value, string(c.WebhookSecret))
		}
	}
}

// A secret in a .env file is taken literally or refused; no $ in it is expanded.
func TestSecretsInFilesAreTakenLiterally(t *testing.T) {
	t.Setenv("SUPERtoken99", "expanded")
	cases := map[string]string{
		`Rahasia2024$SUPERtoken99`: `Rahasia2024$SUPERtoken99`, `'Rahasia2024$SUPERtoken99'`: `Rahasia2024$SUPERtoken99`,
		`"Rahasia2024$SUPERtoken99"`: `Rahasia2024$SUPERtoken99`, `"Rahasia2024\$SUPERtoken99"`: `Rahasia2024$SUPERtoken99`,
		`pa$$word-of-the-bot`: `pa$$word-of-the-bot`, `0123456789abcdef$`: `0123456789abcdef$`, `0123456789#abcdef`: `0123456789#abcdef`,
		`0123456789abcdef # mine`: `0123456789abcdef`, `$1$abcdefgh$ijklmnop`: `$1$abcdefgh$ijklmnop`, `a!b@c#d$e%f^g&h*(i)`: `a!b@c#d$e%f^g&h*(i)`,
		`${SUPERtoken99}-0123456789`: ``, `$SUPERtoken99SUPERtoken99`: ``, `"${SUPERtoken99}0123456789"`: ``,
	}
	for written, want := range cases {
		c, err := load(t, "SUPERtoken99=expanded-too\nAPI_TOKEN="+written+"\n")
		if want == "" && err == nil || want != "" && (err != nil || string(c.APIToken) != want) {
			t.Errorf("API_TOKEN=%s became %q, %v; want %q", written, string(c.APIToken), err, want)
		}
	}
	if c, err := load(t, "PROXY_URL=http://user:pa$SUPERtoken99@proxy:1\n"); err == nil {
		t.Errorf("a $ in a proxy's password became %v", c.ProxyURL)
	}
}

func TestOddProxiesAreRefused(t *testing.T) {
	odd := append(odd.Proxies(), "proxy", "proxy:3128", "undefined", "null", "none", "DIRECT")
	enough(t, odd)
	for _, value := range odd {
		c, err := Load([]string{"PROXY_URL=" + value}, "")
		if err == nil {
			t.Errorf("PROXY_URL=%q is accepted as %v", value, c.ProxyURL)
		} else if len(value) > 12 && strings.Contains(err.Error(), value) {
			t.Errorf("the error repeats %q: %v", value, err)
		}
	}
	for _, value := range []string{
		"http://proxy:3128", "http://proxy", "https://proxy.example.org:443/", "socks5://proxy:1080", "socks5h://user:p%40ss@10.0.0.1:1080", "http://[::1]:3128",
		"http://user@proxy:1", "http://user:@proxy:1", "http://us%65r:a!b(c)*d@proxy:1", "HTTP://proxy:1", "http://user:a:b@proxy:1", "socks5://127.0.0.1",
	} {
		if c, err := Load([]string{"PROXY_URL=" + value}, ""); err != nil || c.ProxyURL == nil {
			t.Errorf("PROXY_URL=%q: %v", value, err)
		}
	}
}

// A proxy set in any variable is used or refused: a bot that bypasses it shows the address that its owner hides.
func TestEveryonesProxyIsUsed(t *testing.T) {
	cases := map[string]struct {
		environ []string
		dotenv  string
		want    string // HTTPS_PROXY after Load, "" where the environment has it already
		refused bool
	}{
		"ALL_PROXY":                 {environ: []string{"ALL_PROXY=socks5h://proxy:1080"}, want: "socks5h://proxy:1080"},
		"all_proxy":                 {environ: []string{"all_proxy=socks5://proxy:1080"}, want: "socks5://proxy:1080"},
		"HTTP_PROXY alone":          {environ: []string{"HTTP_PROXY=http://proxy:3128"}, want: "http://proxy:3128"},
		"http_proxy, no scheme":     {environ: []string{"http_proxy=proxy:3128"}, want: "http://proxy:3128"},
		"https_proxy":               {environ: []string{"https_proxy=http://proxy:1"}, want: "http://proxy:1"},
		"HTTPS_PROXY wins":          {environ: []string{"ALL_PROXY=http://b:1", "HTTPS_PROXY=http://a:1"}},
		"HTTPS_PROXY without one":   {environ: []string{"HTTPS_PROXY=a:1"}, want: "http://a:1"},
		"in the file":               {dotenv: "ALL_PROXY=socks5h://proxy:1080\n", want: "socks5h://proxy:1080"},
		"HTTPS_PROXY in the file":   {dotenv: "HTTPS_PROXY=http://proxy:1\n", want: "http://proxy:1"},
		"lower case in the file":    {dotenv: "https_proxy=http://proxy:1\n", want: "http://proxy:1"},
		"PROXY_URL wins":            {environ: []string{"ALL_PROXY=ftp://x", "PROXY_URL=http://proxy:1"}},
		"ALL_PROXY that is no good": {environ: []string{"ALL_PROXY=socks4://proxy:1"}, refused: true},
		"HTTP_PROXY with a path":    {environ: []string{"HTTP_PROXY=http://proxy:1/x"}, refused: true},
		"a bare password":           {environ: []string{"all_proxy=http://u:p#x@proxy:1"}, refused: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c, err := load(t, tc.dotenv, tc.environ...)
			if (err != nil) != tc.refused || err == nil && c.Exports["HTTPS_PROXY"] != tc.want {
				t.Errorf("HTTPS_PROXY %q, %v; want %q, refused %v", c.Exports["HTTPS_PROXY"], err, tc.want, tc.refused)
			}
		})
	}
}

// A Secret that was emptied does not make a bot go to WhatsApp without its proxy.
func TestAnEmptiedProxyIsRefused(t *testing.T) {
	for _, value := range []string{"", " ", "\n", "\t\r\n"} {
		_, err := Load([]string{"KUBERNETES_SERVICE_HOST=10.96.0.1", "PROXY_URL=" + value}, "")
		wantProblem(t, err, "PROXY_URL is set and empty")
		if c, err := Load([]string{"PROXY_URL=" + value}, ""); err != nil || c.ProxyURL != nil {
			t.Errorf("outside of a pod PROXY_URL=%q: %v, %v", value, c.ProxyURL, err)
		}
	}
	for _, set := range []string{"", "PROXY_URL=http://proxy:3128"} {
		if _, err := Load([]string{"KUBERNETES_SERVICE_HOST=10.96.0.1", set}, ""); err != nil {
			t.Errorf("in a pod, %q: %v", set, err)
		}
	}
}

// The .env file of a hosting guide holds other programs' variables. A warning names them; they stop nothing.
func TestForeignVariablesAreWarnings(t *testing.T) {
	c, err := load(t, "NODE_ENV=production\nRENDER=true\nOPENAI_API_KEY=x\nTZ=Asia/Jakarta\nHOME=/home/bot\nWWEBJS_AUTH_PATH=./x\n", "SESSION_ID=shop", "HOSTNAME=x", "XDG_SESSION_ID=1")
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(c.Warnings, "\n")
	for _, want := range []string{
		"NODE_ENV is ignored", "RENDER is ignored", "OPENAI_API_KEY is ignored", "TZ is ignored", "HOME is ignored",
		"WWEBJS_AUTH_PATH is ignored: another bot's name for AUTH_PATH", "SESSION_ID is ignored: another bot's name for CLIENT_ID",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no warning %q in\n%s", want, all)
		}
	}
	if len(c.Warnings) != 7 {
		t.Errorf("%d warnings, want 7:\n%s", len(c.Warnings), all)
	}
	for name, ours := range elsewhere {
		for where, set := range map[string][2]string{"in the file": {name + "=x\n", ""}, "in the environment": {"", name + "=x"}} {
			c, err := load(t, set[0], set[1])
			if want := name + " is ignored: another bot's name for " + ours; err != nil || len(c.Warnings) != 1 || !strings.HasPrefix(c.Warnings[0], want) {
				t.Errorf("%s %s: warnings %q, %v, want %q", name, where, c.Warnings, err, want)
			}
		}
	}
	for _, line := range []string{"PROT=1", "POTR=1", "CLIENTID=x", "client_id=x", "AUTH_PTH=x", "LOCAL=id", "hosts=x", "API_TOKENS=x"} {
		if _, err := load(t, line+"\n"); err == nil {
			t.Errorf("%s in .env is not taken for a misspelt name", line)
		}
	}
}

func TestPlatformThatCannotReachTheBotIsNamed(t *testing.T) {
	c, err := Load([]string{"RENDER=true", "PORT=10000"}, "")
	if err != nil || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "HOST=0.0.0.0") {
		t.Errorf("warnings %q, %v", c.Warnings, err)
	}
	for _, environ := range [][]string{{"PORT=10000"}, {"RENDER=true", "PORT=1", "HOST=0.0.0.0", "API_TOKEN=" + token}, {"RENDER=true"}, {"METRICS_HOST=0.0.0.0"}} {
		if c, err := Load(environ, ""); err != nil || len(c.Warnings) > 0 {
			t.Errorf("%q: warnings %q, %v", environ, c.Warnings, err)
		}
	}
}

// The text after a refused value says what to write instead.
func TestProblemsNameTheRemedy(t *testing.T) {
	for line, want := range map[string]string{
		"AUTH_PATH=$HOME/wa": "not expanded", "AUTH_PATH=~/wa": "~ is not expanded", "AUTH_PATH='/data'": "without them", "PORT=\"3000\"": "without them",
		"AUTH_PATH=C:\\wa": "Windows", "AUTH_PATH=/data:/data": "colon", "AUTH_PATH=./x # y": "line of its own", "API_TOKEN=\"0123456789abcdef\"": "without them",
		"PAIRING_PHONE_NUMBER=081234567890": "country code", "PAIRING_PHONE_NUMBER=+62 0812345678": "leave out the 0",
	} {
		_, err := Load([]string{line}, "")
		wantProblem(t, err, want)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte("AUTH_PATH=$HOME/wa\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load([]string{"HOME=/home/sari"}, dir)
	wantProblem(t, err, `AUTH_PATH "$HOME/wa" in `+filepath.Join(dir, ".env")+" line 1")
}

// A listener on the way to a plain HOST reads the token.
func TestPlainHTTPThatOthersReachIsAWarning(t *testing.T) {
	for _, host := range []string{"0.0.0.0", "::", "192.168.1.10", "bot.example.org", "[2001:db8::1]"} {
		c, err := Load([]string{"HOST=" + host, "API_TOKEN=" + token}, "")
		if err != nil || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "TLS_CERT_FILE") {
			t.Errorf("HOST=%s: warnings %q, %v", host, c.Warnings, err)
		}
	}
	for _, host := range []string{"127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST"} {
		if c, err := Load([]string{"HOST=" + host, "API_TOKEN=" + token, "TLS_CERT_FILE=/c", "TLS_KEY_FILE=/k"}, ""); err != nil || len(c.Warnings) > 0 {
			t.Errorf("HOST=%s: warnings %q, %v", host, c.Warnings, err)
		}
	}
}

// The working directory of a pod is the root of its claim, which other bots may share and write.
func TestInAPodNoFileSetsAnything(t *testing.T) {
	for name, file := range map[string]string{"a setting": "CLIENT_ID=other\nPROXY_URL=http://proxy:1\n", "an unknown one": "CLIENTID=x\n", "no text": "\x00"} {
		c, err := load(t, file, "KUBERNETES_SERVICE_HOST=10.96.0.1")
		if err != nil || c.ClientID != "default" || c.ProxyURL != nil || len(c.Exports) > 0 {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
		if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], ".env is ignored") {
			t.Errorf("%s: warnings %q", name, c.Warnings)
		}
	}
	if c, err := load(t, "", "KUBERNETES_SERVICE_HOST=10.96.0.1"); err != nil || len(c.Warnings) > 0 {
		t.Errorf("without a file: warnings %q, %v", c.Warnings, err)
	}
}

// oddAddresses are values that are no address to listen on.
func oddAddresses() []string {
	odd := []string{
		"3000", "0", "1", "127", "127.1", "127.0.1", "10.0.0", "0.0.0", "999.1.1.1", "256.0.0.1", "1.2.3.4.5", "127.0.0.1.", ".127.0.0.1", "127..0.1", "0.0.0.0.0", "2130706433", "127.0.0.01",
		"127.0.0.1:3000", "0.0.0.0:80", ":3000", "localhost:3000", "bot.example.org:443", "[::1]:3000", "[::1", "::1]", "[]", "[127.0.0.1", "[localhost]", "[::1]]", "::1::1", ":::", ":", "::g", "1:2:3", "::1/128",
		"127.0.0.1/8", "0.0.0.0/0", "10.0.0.0/24", "http://127.0.0.1", "https://bot.example.org", "http://0.0.0.0:3000", "tcp://127.0.0.1", "unix:/run/bot.sock", "/run/bot.sock", "//127.0.0.1", "127.0.0.1/", "bot.example.org/shop",
		"undefined", "null", "NULL", "None", "nil", "NaN", "true", "false", "<nil>", "[object Object]", "changeme", "<host>", "<HOST>", "{host}", "{{ .Values.host }}",
		"$HOST", "${HOST}", "$(hostname)", "`hostname`", "%HOST%", "$POD_IP", "${HOST:-0.0.0.0}", "~", "*", "*:3000", "*.example.org", "0.0.0.0,::", "127.0.0.1,127.0.0.2", "127.0.0.1;", "127.0.0.1 # local", "# all", "127.0.0.1 0.0.0.0",
		"\"127.0.0.1\"", "'127.0.0.1'", "\"localhost\"", "`localhost`", "“127.0.0.1”", "«localhost»", "127.0.0.1\"", "HOST=127.0.0.1", "=127.0.0.1", "-127.0.0.1", "-bot", "bot-", "_bot", "bot_", ".bot", "bot.", "b\\ot",
		"127。0。0。1", "１２７.0.0.1", "127.0.0.1\u200b", "\ufeff127.0.0.1", "127.0.0.1\u00a0x", "bot\u200d", "böt.example", "bot\nx", "bot\tx", "user@bot", "bot?x", "bot&x", "bot|x", "bot!", "bot,", "bot;ls",
	}
	return append(odd, strings.Repeat("a", 254), strings.Repeat("a.", 200)+"b")
}

func TestOddAddressesAreRefused(t *testing.T) {
	odd := oddAddresses()
	enough(t, odd)
	for _, name := range []string{"HOST", "METRICS_HOST", "TLS_HOST"} {
		for _, value := range odd {
			if c, err := Load([]string{name + "=" + value, "API_TOKEN=" + token}, ""); err == nil {
				t.Errorf("%s=%q is accepted as %q, %q, %q", name, value, c.Host, c.MetricsHost, c.TLSHost)
			}
		}
		for _, value := range []string{"127.0.0.1", "0.0.0.0", "::", "::1", "[::1]", "fe80::1%eth0", "localhost", "bot", "bot.example.org", "bot-1.example", "10.0.0.1", "3com.example"} {
			if _, err := Load([]string{name + "=" + value, "API_TOKEN=" + token}, ""); err != nil {
				t.Errorf("%s=%q: %v", name, value, err)
			}
		}
	}
}

// Package odd lists values that people and tools write where an address, a secret, a phone number or a chat belongs, and
// that cannot be meant. No setting may take one of them silently with another meaning.
package odd

import (
	"fmt"
	"strings"
)

// secret is the part of the secrets that would do.
const secret = "0123456789abcdef0123"

// Secrets contain text that a shell, a file or a template should have replaced, or are too short or too long.
func Secrets() []string {
	odd := []string{"short", strings.Repeat("x", 5000), "with space in the token", "with\ttab-in-the-token", "with\u00a0nbsp-in-the-token", "ümlaut-in-the-token-16", "\u200b" + secret, secret + "\u202c", "\x00" + secret}
	for _, pair := range []string{`""`, "''", "``", "“”", "‘’", "«»", "„”"} {
		runes := []rune(pair)
		odd = append(odd, string(runes[0])+secret+string(runes[1]), string(runes[0])+secret, secret+string(runes[1]))
	}
	for _, reference := range []string{"${%s}", "$%s", "%%%s%%", "$(%s)", "{{%s}}", "{{.%s}}", "<%s>", "${%s:-none}", "${%s?unset}", "x-${%s}", "${%s}-x", "$(cat_%s)"} {
		for _, name := range []string{"API_TOKEN_OF_THE_BOT", "SECRET_OF_PRODUCTION", "YOUR_TOKEN_GOES_HERE", "RANDOM_TOKEN_VALUE"} {
			odd = append(odd, fmt.Sprintf(reference, name))
		}
	}
	for _, prefix := range []string{"API_TOKEN=", "WEBHOOK_SECRET=", "=", "Bearer ", "bearer ", "Token ", "Authorization: Bearer ", "API_TOKEN: ", "export API_TOKEN=", "key = "} {
		odd = append(odd, prefix+secret)
	}
	for _, suffix := range []string{" # mine", " // mine", "\r\nPORT=1", " ;", "\tx", " PORT=3000", "\u2028x", " --verbose"} {
		odd = append(odd, secret+suffix)
	}
	return append(odd, "<your-api-token-goes-here>", "[object Object]", "undefined", "null", "changeme", "[\"0123456789abcdef\", 1]")
}

// Headers are values that no header of a delivery may have.
func Headers() []string {
	return []string{
		"a\x00b", "a\r\nX-B: c", "a\nb", "a\rb", "${TOKEN}", "Bearer ${TOKEN}", "$TOKEN", "Bearer $TOKEN", "%TOKEN%", "{{token}}", "Bearer {{ .token }}", "<token>", "undefined", "Bearer null", "Bearer undefined", "Token None",
		"ä", "a\u200bb", "a\x7fb", "a\x1bb", "\ufeffBearer x", "Bearer\u00a0x", "ｂearer", "a\u202eb", "a\u2028b", "\xff", "a\x85b", "$(cat token)", "Bearer $(cat_token)", "X_TOKEN=abc", "=abc",
	}
}

// hosts are texts where a host belongs.
var hosts = []string{
	"", " ", "undefined", "null", "none", "true", "changeme", "change_me", "http", "https", "$HOST", "${HOST}", "$(hostname)", "%HOST%", "{{host}}", "<host>", "*.example.com", "example..com", ".example.com",
	"-example.com", "example-.com", "exa mple.com", "exa\tmple.com", "exämple.com", "example.com\u200b", "\u202eexample.com", "\ufeffexample.com", "example.com\u00a0", "\"example.com\"", "`example.com`",
	"127.1", "10.0.0", "1.2.3.4.5", "256.1.1.1", "2130706433", "0x7f000001", "0x7f.1", "999", "[::1", "::1]", "[example.com]", "[::1]x", "fe80::1::2", "example.com,other.com", "a b", "a\\b", "a|b", "a^b", "a;b", "a=b",
	"[::1::2]", "[1.2.3.4]", "[::ffff:10.0.0.1]", "[fe80::1%25eth0]", "[:::]", "[12345::]", "[::g]", "[]", "exam%70le.com", "127.0.0.1%00", "１２７.0.0.1", "127。0。0。1", "0X7F", "a.0X1", "a.0x1-2", "changeme.", "UNDEFINED", "1.2.3.4.",
	strings.Repeat("a", 64) + ".com", strings.Repeat("a.", 127) + "com", "a." + strings.Repeat("b", 70), "example.com\u0000", "example.com\r\nX: y", "xn--\u2063", "example\u3002com", "ｅxample.com", "example.com\u202e",
}

// Web are texts where an address of the web belongs, such as a webhook's.
func Web() []string {
	odd := []string{
		"example.com", "example.com/hook", "//example.com/hook", "://example.com", "http:", "http:/", "http://", "http:///hook", "https:example.com", "https:/example.com/hook", "https//example.com", "https://:8080/hook",
		"https://example.com:0/", "https://example.com:65536/", "https://example.com:99999/hook", "https://example.com:x/", "https://example.com:/hook", "https://example.com:-1/", "https://example.com:80:80/",
		"https://example.com/hook#", "https://example.com/hook#part", "https://example.com/hook # mine", "https://example.com/a b", "https://example.com/a\tb", "https://example.com/a\nb", "https://example.com/hook\x00",
		"https://example.com/%zz", "https://example.com/%", "https://example.com/${PATH}", "https://example.com/$NAME", "https://example.com/{{id}}", "https://example.com/{id}", "https://example.com/<id>", "https://example.com/hook?key=$KEY",
		"https://example.com/hook?key=${KEY}", "https://example.com/hook?key=<key>", "https://example.com/hook\"", "\"https://example.com/hook\"", "'https://example.com/hook'", "https://example.com/hook'", "`https://example.com/hook`",
		"“https://example.com/hook”", "<https://example.com/hook>", "(https://example.com/hook)", "[hook](https://example.com/hook)", "https://example.com/hook,", "https://example.com/hook;", "https://example.com/hook,https://other.com/hook",
		"https://example.com/hook;https://other.com/hook", "https://example.com/hook https://other.com/hook", "http://http://example.com", "https://https//example.com", "WEBHOOK_URL=https://example.com/hook", "=https://example.com/hook",
		"url: https://example.com/hook", "POST https://example.com/hook", "curl https://example.com/hook", "https://example.com/höok", "https://example.com/hook…", "https://example.com\\hook", "https:\\\\example.com\\hook", "https://example.com/a|b",
		"https://user:12/3@example.com/", "https://user:12?3@example.com/", "https://user:p#ss@example.com/", "https://user:p/ss@example.com/", "undefined", "null", "[object Object]", "[\"https://example.com/hook\"]", "/hook", "./hook", "localhost:3000",
	}
	for _, host := range hosts {
		odd = append(odd, "https://"+host+"/hook")
	}
	for _, scheme := range []string{"ftp", "file", "ws", "wss", "tcp", "udp", "mqtt", "amqp", "redis", "httpx", "ht tp", "HTTP2", "data", "javascript", "mailto", "unix", "grpc", "h2c"} {
		odd = append(odd, scheme+"://example.com/hook")
	}
	return odd
}

// Proxies are addresses whose parts are not where they seem to be, or that no transport supports.
func Proxies() []string {
	odd := []string{
		"://proxy", "//proxy:3128", "http:", "http:/", "http://", "http:///", "http://:3128", "http://@proxy.x y", "http//proxy", "http:proxy:3128", "http:/proxy:3128",
		"http://proxy:0", "http://proxy:65536", "http://proxy:x", "http://proxy:", "http://proxy:-1", "http://proxy:3128:1", "http://proxy:31 28", "http://proxy: 3128",
		"http://proxy:3128/path", "http://proxy:3128/path/", "http://proxy/?x=1", "http://proxy:3128?x", "http://proxy:3128?", "http://proxy:3128#x", "http://proxy:3128#", "http://proxy:3128//",
		"http://user:p#ss@proxy:3128", "http://user:p/ss@proxy:3128", "http://user:p?ss@proxy:3128", "http://user:p@ss@proxy:3128", "http://user:p%ss@proxy:3128", "http://user:1%zz@proxy:3128",
		"http://user:p ss@proxy:3128", "http://user:p\\ss@proxy:3128", "http://user:p^ss@proxy:3128", "http://user:p[ss@proxy:3128", "http://user:p|ss@proxy:3128", "http://user:p\"ss@proxy:3128",
		"http://user:p<ss>@proxy:3128", "http://user:p{ss}@proxy:3128", "http://user:p`ss@proxy:3128", "http://user:p$ss@proxy:3128", "http://user:12/3@proxy:3128", "http://user:12?3@proxy:3128", "http://user:12#3@proxy:3128",
		"http://usér:x@proxy:3128", "http://pröxy:3128", "http://proxy_:3128", "http://-proxy:3128", "http://proxy..:3128", "http://pro xy:3128", "http://proxy\u00a0:3128", "http://proxy\u200b:3128", "\ufeffhttp://proxy:3128",
		"http://[::1", "http://::1:3128", "http://[proxy]:3128", "http://[::1]x:3128", "http://999.1.1.1.:3128", "http://undefined", "http://undefined:undefined", "http://null:3128", "http://none",
		"\"http://proxy:3128\"", "'http://proxy:3128'", "`http://proxy:3128`", "<http://proxy:3128>", "${PROXY}", "$PROXY", "http://$PROXY:3128", "http://${HOST}:3128", "%PROXY%", "http://%PROXY%:3128", "http://<proxy>:3128", "{{proxy}}",
		"http://proxy:3128,http://other:3128", "http://proxy:3128 http://other:3128", "http://proxy:3128;", "http://proxy:3128,", "PROXY proxy:3128", "PROXY_URL=http://proxy:3128", "=http://proxy:3128", "http://http://proxy:3128", "http://proxy:3128 # mine",
	}
	for _, scheme := range []string{"ftp", "file", "socks", "socks4", "socks4a", "ws", "wss", "tcp", "pac+http", "ssh", "quic", "ss", "vmess", "httpx", "ht tp", "HTTP2", "data", "direct", "unix"} {
		odd = append(odd, scheme+"://proxy:3128")
	}
	return odd
}

// Rules are texts in a list of names, addresses and CIDRs. A text with a separator stands for its parts, so there is none.
func Rules() []string {
	odd := []string{
		"http://x", "https://example.com", "example.com/path", "example.com:443", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/x", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0\\8", "10.0.0.0-10.0.0.255", "10.0.0.*", "10.0.*", "10.*", "10.0.0.0:8",
		"10.0.0.1:80", "[10.0.0.1]x", "::/129", "::1/x", "[::1]:80", "fe80::/10%eth0x/3", "*", "**", "*.", ".", "..", "*example.com", "ex*ample.com", "*.*.com", "user@host", "a*b", "a/b", "!example.com", "~example.com", "^example", "example$",
		"$ALLOW", "${ALLOW}", "%ALLOW%", "WEBHOOK_ALLOW=10.0.0.0/8", "=10.0.0.0/8", "allow:10.0.0.0/8", "all(0)", "any!", "[\"10.0.0.0/8\"]", "{}", "<nil>", "10.0.0.0/8;192.168.0.0/16", "a;b", "a|b", "a&b", "(a)", "'a'", "'10.0.0.0/8'", "“a”",
		"::ffff:10.0.0.1", "::ffff:10.0.0.0/104", "fe80::1%eth0", "fe80::%eth0/10", "1.2.3.4.", "10.0.0.0/08", "10.0.0.0/+8", "010.0.0.0/8", "0x0a.0.0.0/8", "１０.0.0.0/8", ".", "*..x", "*.1", ".999", ".10.0.0.1", "*.10.0.0.1", ".::1", ".fe80::1%eth0",
		"http", "socks5", strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 127) + "com",
	}
	for _, host := range hosts {
		if host == strings.TrimSpace(host) && host != "" && host != ".example.com" && host != "*.example.com" && !strings.ContainsAny(host, " ,") {
			odd = append(odd, host)
		}
	}
	return odd
}

// Number is a number that is right, among the odd ones with too many spaces before it.
const Number = "6281234567890"

// Phones are texts that are no number, more than one, or one that leads to somebody else.
func Phones() []string {
	return []string{
		"", " ", "+", "00", "-", "()", "081234567890", "+081234567890", "0812 3456 7890", "(0)81234567890", "(0)6281234567890", "+(0)6281234567890", "+0062812345678", "+006281234567890",
		"62+81234567890", "++6281234567890", "+62 0812 3456 7890", "+6208123456789", "+4402079460958", "+62 62 812 3456 7890 1", "620812345678", "0062 0812345678", "+62 (0)0812345678", "+44 020 7946 0958",
		"62 (0)81234567890", "+39 (0)6 1234 5678", "+62812", "123456", "+1234567890123456", "+62812345678901234567", "+62812ABC7890", "+62 812-CALL-NOW",
		"+62 812 3456 7890 ext 5", "+62 812 3456 7890x5", "+6281234567890;ext=5", "+6281234567890,5", "+6281234567890p5", "tel:+6281234567890",
		"6281234567890:12@s.whatsapp.net", "https://wa.me/6281234567890", "wa.me/6281234567890", "+62 812/3456/7890",
		"+6281234567890/91", "+6281234567890 / +6281234567891", "+6281234567890, +6281234567891", "+6281234567890;+6281234567891",
		"+6281234567890\n+6281234567891", "+6281234567890 or +6281234567891", "6.28123456789e12", "6.281234567890E+12", "6281234567890.0e0", "0x5B67",
		"undefined", "null", "NaN", "None", "true", "[object Object]", "$PHONE", "${PHONE}", "%PHONE%", "<phone>", `"+6281234567890"`, "'6281234567890'",
		"`6281234567890`", "+6281234567890 # mine", "#6281234567890", "*#06#", "+٦٢٨١٢٣٤٥٦٧٨٩٠", "+६२८१२३४५६७८९०", "+62８１２３４５６７８９０", "+62,812,345,6789",
		"+62_812_3456_7890", "+62:812:3456:7890", "+62=81234567890", "PAIRING_PHONE_NUMBER=+6281234567890", "+62812345678\x00", "\xff+6281234567890",
		"+62 812 3456 789O", "+62 8l2 3456 7890", "+6281234567890!", "~6281234567890", "+62|81234567890", "+628123456&7890", "+62812?34567890", "six two",
		"+(62)0812345678", "+62(0812)3456789", "++", "0+6281234567890", "+-", strings.Repeat(" ", 100) + Number, strings.Repeat("6", 65), "☎6281234567890",
		"{\"phone\":\"+6281234567890\"}", "[\"+6281234567890\"]", "+62 812 3456 7890 (WhatsApp)", "WA: +6281234567890", "+6281234567890 Budi", "Budi <+6281234567890>", "+62 812 XXXX XXXX", "+62 812 **** 7890", "+6281234567890=", "p:+6281234567890",
	}
}

// Chats are texts that are no chat, or more than one. Whatever is no phone number is no chat either.
func Chats() []string {
	odd := []string{
		"@", "@c.us", "@s.whatsapp.net", "@g.us", "@lid", "x@g.us", "x@c.us", "1:2@lid", "6281234567890:1@c.us", "6281234567890.1@s.whatsapp.net", "6281234567890_1@s.whatsapp.net", "6281234567890@", "6281234567890@example.com", "6281234567890@whatsapp.net",
		"6281234567890@s.whatsapp", "6281234567890@C.US", "6281234567890@c.us@c.us", "6281234567890@c.us,6281234567891@c.us", "6281234567890 @c.us", "6281234567890@ c.us", "+6281234567890@c.us", "081234567890@c.us", "620812345678@c.us",
		"081234567890@s.whatsapp.net", "12345@c.us", "1234567890123456@c.us", "120363000000000000@g.us/1", "120363000000000000@G.US", "120363000000000000 @g.us", "https://chat.whatsapp.com/AbC", "chat.whatsapp.com/AbC",
		"status@", "status@g.us", "broadcast", "1@broadcast", "123@broadcast", "6281234567890@broadcast", "me", "self", "@everyone", "all", "*", "false_6281234567890@c.us_ABC", "true_6281234567890@c.us_ABC", "Keluarga", strings.Repeat("1", 41) + "@lid",
		strings.Repeat("1", 65) + "@g.us", "1@newsletters", "6281234567890@hosted", "6281234567890@bot", "6281234567890@msgr", "６２８１２３４５６７８９０@c.us", "6281234567890@c.us\u200b", "\u200e6281234567890@c.us", "6281234567890@ｃ.us",
	}
	for _, number := range Phones() {
		if strings.TrimSpace(number) != Number { // a chat may have spaces around it
			odd = append(odd, number)
		}
	}
	return odd
}

package v1alpha1_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/botruntime/message"
	"sesi.dev/sesi/botruntime/phone"
	"sesi.dev/sesi/test/odd"
)

// Parts of texts that are put together at random. Most are right, so that many texts are right but for one part.
var (
	webParts = [][]string{
		{"https", "http", "https", "http", "HTTPS", "Http", "ftp", "httpss", ""}, {"://", "://", "://", "://", "://", ":/", ":", ":///", "//"}, {"", "", "", "", "", "user:pw@", "user@", "@"},
		{
			"example.com", "a.b.c", "localhost", "hooks.shop.svc", "EXAMPLE.com", "my_bot", "3com.example", "a1", "10.0.0.1", "[::1]", "[fd00::1]", "[2001:db8::1.2.3.4]", "example.com.", "x-1.y", "0x.example", "1.example", "a.1b", "a.0a",
			"1.2.3", "256.1.1.1", "1.2.3.4.", "01.2.3.4", "[::ffff:1.2.3.4]", "[1.2.3.4]", "[::g]", "[fe80::1%25eth0]", "[]", "a..b", "-a", "a-", "_a", "a_.b", ".a", "a.0x1", "a.0X1-2", "0x7f000001", "999", "undefined", "NULL.", "http", "socks5",
			strings.Repeat("a", 63) + ".b", strings.Repeat("a", 64) + ".b", strings.Repeat("a.", 126) + "b", strings.Repeat("a.", 126) + "b.", strings.Repeat("a.", 126) + "bc", strings.Repeat("a.", 127) + "b", strings.Repeat("a.", 150) + "b", "ex%61mple.com", "a%00", "bücher.example", "[::1", "::1]",
		},
		{"", "", "", "", ":80", ":8443", ":65535", ":0", ":65536", ":99999", ":00080", ":000080", ":", ":x", ":-1", ":80:80", ":+80"}, {"", "/", "/hook", "/hook", "?x=1", "/?x", "//", "/a/../b", "/a%20b", "/%zz", "/%", "/@x", "/a:b@c", "?a@b"},
		{"", "", "", "?x=1&y[]=2", "#", "#part", "?q=%zz", "/x;y", "/it's", "/x'", ",", ";", ".", "/~a_b-c.d!e*f(g)", " ", "\t", "\n", "\x00", "\u200b", "ä", "$X", "{id}", "|", "^", "`", "\\", "<x>", "\"", ",http", ",https://b.example", ";http", "/a,b", "/,", "/=", "/&", "/%41", "/[", "/]", "/+", "/a,HTTP://b"},
	}
	ruleParts = [][]string{
		{"", "", "", "", "*", ".", "*.", "[", "..", "**"},
		{"", "", "", "a.", "files.", "x-1.", "my_host.", "3.", "undefined.", "-.", "A."},
		{
			"example", "example.com", "minio", "EXAMPLE", "3com", "a1", "1a", "0a", "0x1", "0X1-2", "1", "999", "undefined", "none", "https", "socks5h", "localhost", "10.0.0.1", "10.0.0.0", "256.0.0.1", "1.2.3", "::1", "fd00::", "FD00::1", "::ffff:10.0.0.1", "fe80::1%eth0",
			"a_", "_a", "a-", strings.Repeat("b", 63), strings.Repeat("b", 64), strings.Repeat("b.", 120) + "example.example", strings.Repeat("b.", 126) + "b", "", "ä", "xn--bcher-kva.example",
		},
		{"", "", "", "", ".", "/8", "/32", "/33", "/128", "/129", "/0", "/08", "/-1", "/", "]", ":443", "%", "/8/8", "..", ",b", " ", "*"},
	}
	folderParts = [][]string{
		{"/", "/", "/", "/", "", "./", "//", "/./", "/../", "~/"},
		{"data", "d", "srv.d", "a-b_c", "...", "....", "..data", "undefined", "Null", "none", "nullable", "true", "FALSE", "change-me", ".", "..", "a b", "ä", "$HOME", "C:", "*", "-x", "%41", strings.Repeat("a", 190)},
		{"", "", "/x", "/", "/nil", "/nan", "/...", "/....x", "/..", "/.wwebjs_auth", ":ro", "\\x", "#", " # y", ",", "'", "/-", "\n"},
	}
	chatParts = [][]string{
		{"", "", "+", "00", "0", "++", " "}, {"62", "62", "39", "1", "880", "7", "0", "", "44"},
		{"0", "00", "", "", "", "1"}, {"81234567890", "8123", "812345678901234", "12345", "", "x", "-12", "1234567890123456789012345678901234567890"},
		{"", "", "@c.us", "@s.whatsapp.net", "@g.us", "@lid", "@newsletter", "@broadcast", "@C.US", "@", "@hosted", ":1@c.us", " ", "\n"},
	}
)

func pick(dice *rand.Rand, parts [][]string) string {
	var text strings.Builder
	for _, choices := range parts {
		text.WriteString(choices[dice.IntN(len(choices))])
	}
	return text.String()
}

// TestTheAPIServerAndTheBotAgree: a setting that the API server takes is one that the bot takes, and where both speak of the
// same thing also the other way round. A bot refuses all its webhooks for one that is wrong, and ends for a wrong path.
func TestTheAPIServerAndTheBotAgree(t *testing.T) {
	for name, c := range map[string]struct {
		parts [][]string
		more  []string
		// bot reports whether the bot takes a value, and own whether the API server may refuse one that the bot takes.
		bot, own func(string) bool
		set      func(*v1alpha1.WhatsAppSession, int, string)
		field    string
		at       int // values in one session
		longest  int // a longer one hides what the others of its session are
	}{
		"the address of a webhook": {
			parts: webParts, more: odd.Web(), at: 16, longest: 1024, field: "spec.webhooks[%d].url",
			bot: func(v string) bool { _, ok := bot.ParseWeb(v); return ok },
			// A password does not belong into a resource: headersSecretRef is for it.
			own: func(v string) bool { u, _ := bot.ParseWeb(v); return u.User != nil },
			set: func(s *v1alpha1.WhatsAppSession, i int, v string) {
				s.Spec.Webhooks = append(s.Spec.Webhooks, v1alpha1.Webhook{Name: fmt.Sprint("w", i), URL: v})
			},
		},
		"what files may be fetched from": {
			parts: ruleParts, more: odd.Rules(), at: 16, longest: 253, field: "spec.messages.media.allow[%d]",
			bot: func(v string) bool { _, ok := bot.ParseRule(v); return ok }, own: func(string) bool { return false },
			set: func(s *v1alpha1.WhatsAppSession, _ int, v string) {
				s.Spec.Messages.Media.Allow = append(s.Spec.Messages.Media.Allow, v1alpha1.MediaSource(v))
			},
		},
		"the chats of a filter": {
			parts: chatParts, more: odd.Chats(), at: 1, field: "spec.webhooks[0].filters.chats",
			bot: func(v string) bool { _, ok := message.Address(v); return ok },
			// People write numbers in many ways; a resource has one.
			own: func(v string) bool {
				_, err := phone.Parse(v)
				return err == nil || v == "status" || strings.TrimSpace(v) != v
			},
			set: func(s *v1alpha1.WhatsAppSession, _ int, v string) {
				s.Spec.Webhooks = []v1alpha1.Webhook{{Name: "a", URL: "https://a.example", Filters: v1alpha1.WebhookFilters{Chats: []string{v}}}}
			},
		},
		"the folder of the session": {
			parts: folderParts, at: 1, field: "spec.authPath",
			bot: func(v string) bool { _, err := config.Load([]string{"AUTH_PATH=" + v}, ""); return err == nil },
			own: func(string) bool { return true }, // it is where a volume is mounted, so most of a machine's folders are not for it
			set: func(s *v1alpha1.WhatsAppSession, _ int, v string) { s.Spec.AuthPath = v },
		},
		"the number to link": {
			parts: append([][]string{{"+", "+", "+", "", "00", "++"}}, chatParts[1:4]...), more: odd.Phones()[1:], at: 1, field: "spec.pairing.phoneNumber",
			bot: func(v string) bool {
				_, err := config.Load([]string{"PAIRING_PHONE_NUMBER=" + v}, "")
				return err == nil
			},
			own: func(v string) bool { number, _ := phone.Parse(v); return number != v },
			set: func(s *v1alpha1.WhatsAppSession, _ int, v string) {
				s.Spec.Pairing = v1alpha1.Pairing{Method: v1alpha1.PairingPhoneCode, PhoneNumber: v}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dice := rand.New(rand.NewPCG(11, 5)) //nolint:gosec // the same texts in each run
			seen := map[string]bool{"": true}
			var values []string
			add := func(value string) {
				if !seen[value] && (c.longest == 0 || len(value) <= c.longest) {
					seen[value] = true
					values = append(values, value)
				}
			}
			for _, value := range c.more {
				add(value)
			}
			for range 100*c.at + 200 {
				add(pick(dice, c.parts))
			}
			both := 0
			for len(values) > 0 {
				n := min(c.at, len(values))
				refused := refusedFields(t, values[:n], c.set, c.field)
				for i, value := range values[:n] {
					wants := c.bot(value)
					switch {
					case refused[i] && wants && !c.own(value):
						t.Errorf("%q: the bot takes it, the API server refuses it", value)
					case !refused[i] && !wants:
						t.Errorf("%q: the API server takes it, the bot refuses it", value)
					case !refused[i]:
						both++
					}
				}
				values = values[n:]
			}
			if both < 10 {
				t.Errorf("only %d values were taken", both)
			}
		})
	}
}

// refusedFields makes a session of the values, and reports which of them the API server refuses.
func refusedFields(t *testing.T, values []string, set func(*v1alpha1.WhatsAppSession, int, string), field string) []bool {
	t.Helper()
	s := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "default"}}
	for i, value := range values {
		set(s, i, value)
	}
	refused := make([]bool, len(values))
	err := api.Create(t.Context(), s, client.DryRunAll)
	if err == nil {
		return refused
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil || !apierrors.IsInvalid(err) {
		t.Fatalf("%q: %v", values, err)
	}
	for _, cause := range status.Status().Details.Causes {
		known := false
		for i := range values {
			at := field
			if strings.Contains(field, "%d") {
				at = fmt.Sprintf(field, i)
			}
			if cause.Field == at || strings.HasPrefix(cause.Field, at+"[") {
				refused[i], known = true, true
			}
		}
		// One value that is wrong by its length or is there twice hides what the others are.
		if !known && len(values) > 1 || known && strings.Contains(cause.Message, "some validation rules were not checked") {
			t.Fatalf("%q: %v", values, err)
		}
	}
	return refused
}

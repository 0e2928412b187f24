package observer

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"sesi.dev/sesi/test/bottest"
)

// TestForgedSnapshots: a bot's image is its owner's choice, so a snapshot may hold anything. Each one is refused with an
// error that names the field, or reaches the status only as short, printable text.
func TestForgedSnapshots(t *testing.T) {
	honest, err := json.Marshal(bottest.Paired("kasir", "uid", "62811:1@s.whatsapp.net"))
	if err != nil {
		t.Fatal(err)
	}
	with := func(field string, value any) string {
		t.Helper()
		all := map[string]any{}
		if err := json.Unmarshal(honest, &all); err != nil {
			t.Fatal(err)
		}
		all = maps.Clone(all)
		if all[field] = value; value == nil {
			delete(all, field)
		}
		data, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	messages := func(webhooks string) any { return map[string]any{"webhooks": json.RawMessage(webhooks)} }
	twice := strings.Replace(string(honest), `"instance"`, `"instance":"uid-of-another","instance"`, 1)
	later := strings.TrimSuffix(string(honest), "}") + `,"instance":"uid-of-another"}`
	cases := map[string]struct {
		data, want string
	}{
		"honest":                       {string(honest), ""},
		"empty":                        {``, "not a snapshot"},
		"null":                         {`null`, "another bot process"},
		"a list":                       {`[]`, "not a snapshot"},
		"a number":                     {`1e999`, "not a snapshot"},
		"cut off":                      {string(honest[:len(honest)-5]), "not a snapshot"},
		"two snapshots":                {string(honest) + string(honest), "not a snapshot"},
		"deeply nested":                {`{"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, "not a snapshot"},
		"another instance":             {with("instance", "uid-of-another"), "another bot process"},
		"no instance":                  {with("instance", nil), "another bot process"},
		"an instance in other letters": {with("instance", "UID"), "another bot process"},
		"the right instance last":      {twice, ""},
		"another instance last":        {later, "another bot process"},
		"a state of another type":      {with("state", 7), "not a snapshot"},
		"no state":                     {with("state", nil), "invalid state"},
		"a state in lower case":        {with("state", "connected"), "invalid state"},
		"a state with a line break":    {with("state", "Connected\nReady"), "invalid state"},
		"a state in other letters":     {with("state", "Соnnected"), "invalid state"},
		"a new state":                  {with("state", "Dreaming"), ""},
		"no messages":                  {with("messages", nil), ""},
		"a webhook of a newer bot":     {with("messages", messages(`[{"name":"books","state":"resting"}]`)), ""},
		"a webhook without a name":     {with("messages", messages(`[{"state":"delivering"}]`)), "invalid webhook"},
		"a webhook with a sentence":    {with("messages", messages(`[{"name":"the books of the shop","state":"delivering"}]`)), "invalid webhook"},
		"a webhook twice":              {with("messages", messages(`[{"name":"a","state":"paused"},{"name":"a","state":"paused"}]`)), "invalid webhook"},
		"a webhook's state is a text":  {with("messages", messages(`[{"name":"a","state":"call +62 811"}]`)), "invalid webhook"},
		"more dead than a number has":  {with("messages", messages(`[{"name":"a","state":"paused","deadLetters":18446744073709551615}]`)), "invalid webhook"},
		"a backlog before all time":    {with("messages", messages(`[{"name":"a","state":"paused","backlogSince":"0002-01-01T00:00:00Z"}]`)), "backlogSince outside"},
		"too many webhooks":            {with("messages", messages("["+strings.TrimSuffix(strings.Repeat(`{"name":"a","state":"paused"},`, 33), ",")+"]")), "more than 32 webhooks"},
		"held for a sentence":          {with("messages", map[string]any{"held": map[string]any{"reason": "Because I can"}}), "invalid reason for holding"},
		"held until before all time":   {with("messages", map[string]any{"held": map[string]any{"reason": "capped", "until": "0002-01-01T00:00:00Z"}}), "end of holding messages outside"},
		"a sentence as reason":         {with("reason", "because I can"), "invalid reason"},
		"a long reason":                {with("reason", "R"+strings.Repeat("a", maxWord)), "invalid reason"},
		"an empty action":              {with("userAction", ""), "invalid user action"},
		"markup as notice":             {with("notice", "<b>"), "invalid notice"},
		"a negative size":              {with("size", -1), "negative size"},
		"a size over 63 bits":          {strings.Replace(with("size", 1), `"size":1`, `"size":9223372036854775808`, 1), "not a snapshot"},
		"a fraction as size":           {with("size", 1.5), "not a snapshot"},
		"a negative revision":          {with("revision", -1), "not a snapshot"},
		"the year 0":                   {with("linkedAt", "0000-01-01T00:00:00.000Z"), "linkedAt"},
		"the year 1969":                {with("connectedAt", "1969-12-31T23:59:59.000Z"), "connectedAt"},
		"the year 10000":               {with("restrictedUntil", "10000-01-01T00:00:00.000Z"), "not a snapshot"},
		"a time that is text":          {with("qrExpiresAt", "soon"), "not a snapshot"},
		"escape sequences":             {with("message", "\x1b]52;c;cm0=\x07\x1b[2J"), ""},
		"a long message":               {with("message", strings.Repeat("m", 100000)), ""},
		"line breaks in a name":        {with("pushName", "Toko\r\nConnected: True"), ""},
		"text that runs backwards":     {with("pushName", "\u202eokoT\u2066"), ""},
		"invisible text":               {with("pushName", strings.Repeat("\u200b", 1000)), ""},
		"a path with escapes":          {with("path", "/data\x00/../\x7f"), ""},
		"markup as jid":                {with("jid", "<script>@s.whatsapp.net"), ""},
		"a long jid":                   {with("jid", strings.Repeat("6", 10000)+"@s.whatsapp.net"), ""},
		"a long version":               {with("webVersion", strings.Repeat("2.", 1000)), ""},
		"bytes that are not UTF-8":     {strings.Replace(string(honest), "Toko", "\xff\xfe", 1), ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := decode([]byte(c.data), "uid")
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("decode: %v, want an error with %q", err, c.want)
				}
				if strings.Contains(err.Error(), "\x1b") || len(err.Error()) > maxText {
					t.Errorf("the error repeats what the bot sent: %q", err)
				}
				return
			}
			if err != nil {
				t.Fatalf("decode: %v", err)
			}
			for field, text := range map[string]struct {
				value string
				limit int
			}{
				"message": {got.Message, maxText}, "path": {got.Path, maxText}, "pushName": {got.PushName, maxAddress},
				"jid": {got.JID, maxAddress}, "webVersion": {got.WebVersion, maxWord},
			} {
				unprintable := strings.ContainsFunc(text.value, func(r rune) bool {
					return r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
				})
				if unprintable || len(text.value) > text.limit || !utf8.ValidString(text.value) {
					t.Errorf("%s = %q (%d bytes)", field, text.value, len(text.value))
				}
			}
		})
	}
}

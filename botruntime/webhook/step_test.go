package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
)

func TestClassify(t *testing.T) {
	for status, want := range map[int]fate{
		200: taken, 204: taken, 299: taken, 301: refused, 307: refused, 400: refused, 401: refused, 404: refused, 408: away,
		410: gone, 422: refused, 429: away, 500: refused, 502: away, 503: away, 504: away, 0: away, 999: refused,
	} {
		a := answer{status: status}
		if status == 0 {
			a.err = errors.New("refused")
		}
		if got := classify(a); got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
}

func TestBackoff(t *testing.T) {
	low, high := func() float64 { return 0 }, func() float64 { return 0.999999 }
	for n, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 12: 2048 * time.Second, 13: time.Hour, 1000: time.Hour} {
		if got := backoff(n, 0, low); got != want*8/10 {
			t.Errorf("%d failures, low: %s", n, got)
		}
		if got := backoff(n, 0, high); got < want || got > want*12/10 || got > lastWait {
			t.Errorf("%d failures, high: %s", n, got)
		}
	}
	if got := backoff(1, 5*time.Minute, low); got != 5*time.Minute {
		t.Errorf("the wait that was asked for: %s", got)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "999999999999": longestAsked, "90000": longestAsked,
		now.Add(time.Minute).Format(http.TimeFormat): time.Minute, now.Add(-time.Minute).Format(http.TimeFormat): 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	good := `{"webhooks":[{"name":"books","url":"https://user:pass@example.com/hook?key=1","events":["message"],"chats":["+62 812-3456-789","1@g.us"],
		"groups":false,"fromMe":false,"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","previousSecret":"sixteen-characters","headers":{"X-Key":"v"},
		"order":"session","patience":"24h"},{"name":"b","url":"http://127.0.0.1:1","events":["*"]}]}`
	targets, err := Parse([]byte(good))
	if err != nil || len(targets) != 2 {
		t.Fatalf("got %+v, %v", targets, err)
	}
	a, b := targets[0], targets[1]
	if len(a.Secrets) != 2 || a.Groups || a.FromMe || a.Order != OrderSession || a.Patience != 24*time.Hour || shown(a.URL) != "https://example.com/hook" {
		t.Errorf("got %+v", a)
	}
	if b.Secrets != nil || !b.Groups || !b.FromMe || b.Order != OrderChat || b.Patience != defaultPatience || b.Events != nil {
		t.Errorf("got %+v", b)
	}
	for name, c := range map[string]struct{ file, want string }{
		"no JSON":             {`webhooks:`, "JSON"},
		"an unknown field":    {`{"webhooks":[{"name":"a","url":"http://a","retries":3}]}`, "retries"},
		"more than one":       {`{}{}`, "follows"},
		"no name":             {`{"webhooks":[{"url":"http://a"}]}`, "webhooks[0].name"},
		"a bad name":          {`{"webhooks":[{"name":"A b","url":"http://a"}]}`, "webhooks[0].name"},
		"twice":               {`{"webhooks":[{"name":"a","url":"http://a"},{"name":"a","url":"http://b"}]}`, "twice"},
		"no url":              {`{"webhooks":[{"name":"a"}]}`, "webhooks[0].url"},
		"another scheme":      {`{"webhooks":[{"name":"a","url":"ftp://hunter2@a"}]}`, "webhooks[0].url"},
		"an unknown event":    {`{"webhooks":[{"name":"a","url":"http://a","events":["massage"]}]}`, "massage"},
		"a bad chat":          {`{"webhooks":[{"name":"a","url":"http://a","chats":["Budi"]}]}`, "webhooks[0].chats"},
		"a short secret":      {`{"webhooks":[{"name":"a","url":"http://a","secret":"hunter2"}]}`, "webhooks[0].secret"},
		"a bad whsec":         {`{"webhooks":[{"name":"a","url":"http://a","secret":"whsec_hunter2"}]}`, "webhooks[0].secret"},
		"only the one before": {`{"webhooks":[{"name":"a","url":"http://a","previousSecret":"sixteen-characters"}]}`, "previousSecret"},
		"a header of ours":    {`{"webhooks":[{"name":"a","url":"http://a","headers":{"webhook-id":"x"}}]}`, "headers"},
		"a header of HTTP":    {`{"webhooks":[{"name":"a","url":"http://a","headers":{"content-length":"1"}}]}`, "headers"},
		"a header of two":     {`{"webhooks":[{"name":"a","url":"http://a","headers":{"X-A":"b\r\nX-C: d"}}]}`, "headers"},
		"a bad order":         {`{"webhooks":[{"name":"a","url":"http://a","order":"none"}]}`, "order"},
		"a large file":        {`{"webhooks":[]}` + strings.Repeat(" ", bot.MaxWebhooksFile), "larger than"},
		"many webhooks":       {`{"webhooks":[` + strings.Repeat(`{"name":"a","url":"http://a"},`, maxTargets) + `{"name":"b","url":"http://a"}]}`, "at most 32"},
		"many headers":        {`{"webhooks":[{"name":"a","url":"http://a","headers":{` + manyHeaders(bot.MaxWebhookHeaders+1) + `}}]}`, "webhooks[0].headers: at most 32"},
		"no patience":         {`{"webhooks":[{"name":"a","url":"http://a","patience":"1s"}]}`, "patience"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.file))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want an error about %q, without a secret", err, c.want)
			}
		})
	}
}

func manyHeaders(n int) string {
	all := make([]string, 0, n)
	for i := range n {
		all = append(all, fmt.Sprintf(`"X-%d":"v"`, i))
	}
	return strings.Join(all, ",")
}

// A target of which anything changed is another one: its worker is replaced, and the next delivery goes by it.
func TestATargetThatDiffersIsAnother(t *testing.T) {
	whole := Target{
		Name: "a", URL: "http://a", Events: []bot.EventType{bot.EventMessage}, Chats: []string{"1@g.us"}, Groups: true, FromMe: true,
		Secrets: []string{secret}, Headers: map[string]string{"X-A": "v"}, Order: OrderChat, Patience: time.Hour, WAHA: []string{"message"}, Private: true,
	}
	if !whole.same(&whole) {
		t.Error("a target is not equal to itself")
	}
	for i := range reflect.TypeFor[Target]().NumField() {
		other := whole
		field := reflect.ValueOf(&other).Elem().Field(i)
		if field.IsZero() {
			t.Errorf("%s is not set in this test", reflect.TypeFor[Target]().Field(i).Name)
		}
		field.SetZero()
		if whole.same(&other) {
			t.Errorf("targets that differ in %s are the same", reflect.TypeFor[Target]().Field(i).Name)
		}
	}
}

func TestOneTargetFromSettings(t *testing.T) {
	got, err := One("https://example.com/hook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw sixteen,characters", "message, reaction")
	if err != nil || got.Name != "default" || len(got.Secrets) != 2 || len(got.Events) != 2 || !got.Groups {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, c := range map[string]struct{ url, secret, events, want string }{
		"url":    {"example.com", "", "", "WEBHOOK_URL"},
		"secret": {"http://a", "hunter2", "", "WEBHOOK_SECRET"},
		"three":  {"http://a", "sixteen-characters sixteen-characters sixteen-characters", "", "WEBHOOK_SECRET"},
		"events": {"http://a", "", "massage", "WEBHOOK_EVENTS"},
	} {
		if _, err := One(c.url, c.secret, c.events); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %s named", name, err, c.want)
		}
	}
}

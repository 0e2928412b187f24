package observer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/bottest"
)

// countOf exports the number of an observer's lag samples as a metric.
type countOf struct{ *Observer }

func (c countOf) Describe(out chan<- *prometheus.Desc) {
	out <- prometheus.NewDesc("samples", "of the lag", nil, nil)
}

func (c countOf) Collect(out chan<- prometheus.Metric) {
	var metric dto.Metric
	if err := c.stats.lag.Write(&metric); err != nil {
		panic(err)
	}
	out <- prometheus.MustNewConstMetric(prometheus.NewDesc("samples", "of the lag", nil, nil),
		prometheus.GaugeValue, float64(metric.GetHistogram().GetSampleCount()))
}

// A bot that is not connected reports no time of its connection. The status keeps the last one.
func TestTheLastConnectionStays(t *testing.T) {
	status, snapshot := &v1alpha1.WhatsAppSessionStatus{}, bottest.Paired("kasir", "uid", "62811:1@s.whatsapp.net")
	Mirror(status, &snapshot)
	last := status.Session.LastConnectedAt
	snapshot.ConnectedAt = bot.Time{}
	Mirror(status, &snapshot)
	if got := status.Session.LastConnectedAt; last == nil || !last.Equal(got) {
		t.Errorf("lastConnectedAt was %s and is %s", last, got)
	}
}

func TestClassifyChange(t *testing.T) {
	base := bottest.Paired("kasir", "uid", "62811:1@s.whatsapp.net")
	cases := map[string]struct {
		edit func(*bot.Snapshot)
		want change
	}{
		"nothing":         {func(*bot.Snapshot) {}, nothing},
		"revision":        {func(s *bot.Snapshot) { s.Revision++; s.ChangedAt = bot.At(time.Now()) }, nothing},
		"backup":          {func(s *bot.Snapshot) { s.BackupAt = bot.At(time.Now()) }, nothing},
		"retry":           {func(s *bot.Snapshot) { s.RetryAt = bot.At(time.Now()) }, nothing},
		"client":          {func(s *bot.Snapshot) { s.ClientID = "other" }, nothing},
		"authenticated":   {func(s *bot.Snapshot) { s.Authenticated = false }, nothing},
		"within a second": {func(s *bot.Snapshot) { s.ConnectedAt = bot.At(s.ConnectedAt.Truncate(time.Second)) }, nothing},
		"size":            {func(s *bot.Snapshot) { s.Size++ }, minor},
		"age":             {func(s *bot.Snapshot) { s.LastModified = bot.At(s.LastModified.Add(time.Minute)) }, minor},
		"state":           {func(s *bot.Snapshot) { s.State = bot.StateConflict }, major},
		"state and size":  {func(s *bot.Snapshot) { s.State = bot.StateConflict; s.Size++ }, major},
		"reason":          {func(s *bot.Snapshot) { s.Reason = bot.ReasonStreamReplaced }, major},
		"message":         {func(s *bot.Snapshot) { s.Message = "other" }, major},
		"existence":       {func(s *bot.Snapshot) { s.Exists = false }, major},
		"connection":      {func(s *bot.Snapshot) { s.Connected = false }, major},
		"code needed":     {func(s *bot.Snapshot) { s.QRRequired = true }, major},
		"code's end":      {func(s *bot.Snapshot) { s.QRExpiresAt = bot.At(time.Now()) }, major},
		"expiry":          {func(s *bot.Snapshot) { s.Expired = true }, major},
		"action":          {func(s *bot.Snapshot) { s.UserAction = bot.ActionOpenPhone }, major},
		"account":         {func(s *bot.Snapshot) { s.JID = "62812:1@s.whatsapp.net" }, major},
		"name":            {func(s *bot.Snapshot) { s.PushName = "Toko" }, major},
		"notice":          {func(s *bot.Snapshot) { s.Notice = bot.NoticeStoreRestored }, major},
		"connected at":    {func(s *bot.Snapshot) { s.ConnectedAt = bot.At(time.Now()) }, major},
		"webhooks": {func(s *bot.Snapshot) {
			s.Messages = &bot.MessagesSummary{Webhooks: []bot.WebhookSummary{{Name: "books", State: bot.WebhookRetrying}}}
		}, major},
		"webhooks refused":   {func(s *bot.Snapshot) { s.Messages = &bot.MessagesSummary{WebhooksRefused: true} }, major},
		"a first summary":    {func(s *bot.Snapshot) { s.Messages = &bot.MessagesSummary{} }, major},
		"messages held":      {func(s *bot.Snapshot) { s.Messages = &bot.MessagesSummary{Held: &bot.Hold{Reason: bot.HoldCapped}} }, major},
		"end of restriction": {func(s *bot.Snapshot) { s.RestrictedUntil = bot.At(time.Now()) }, major},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			after := base
			c.edit(&after)
			if got := classifyChange(&base, &after); got != c.want {
				t.Fatalf("classifyChange = %d, want %d", got, c.want)
			}
		})
	}
	if classifyChange(nil, &base) != major {
		t.Fatal("the first snapshot must be emitted")
	}
}

func TestDecodeCutsTexts(t *testing.T) {
	snapshot := bottest.Paired("kasir", "uid", "62811:1@s.whatsapp.net")
	snapshot.PushName = "Toko \x1b[31m" + strings.Repeat("é", 200)
	snapshot.Message = strings.Repeat("m", 10_000)
	data, err := json.Marshal(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(data, "uid")
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsRune(got.PushName, '\x1b') || len(got.PushName) > maxAddress || !strings.HasPrefix(got.PushName, "Toko [31mé") {
		t.Errorf("pushName = %q, want it printable and short", got.PushName)
	}
	if len(got.Message) != maxText {
		t.Errorf("message has %d bytes, want %d", len(got.Message), maxText)
	}
}

func TestBackoffGrowsToItsCap(t *testing.T) {
	base, limit := 200*time.Millisecond, 30*time.Second
	for attempt := range 100 {
		want := limit
		if attempt < 8 {
			want = min(limit, base<<attempt)
		}
		for range 50 {
			if got := backoff(attempt, base, limit); got < want/2 || got > want {
				t.Fatalf("backoff(%d) = %s, want %s to %s", attempt, got, want/2, want)
			}
		}
	}
}

func TestEventReader(t *testing.T) {
	long := strings.Repeat("x", 3*lineBuffer)
	cases := map[string]struct {
		in   string
		want []string
		err  string
	}{
		"one":                  {in: "data: a\n\n", want: []string{"a"}},
		"no space":             {in: "data:a\n\n", want: []string{"a"}},
		"crlf":                 {in: "id: 1\r\ndata: a\r\n\r\n", want: []string{"a"}},
		"two lines":            {in: "data: a\ndata: b\n\n", want: []string{"a\nb"}},
		"two events":           {in: "data: a\n\ndata: b\n\n", want: []string{"a", "b"}},
		"named":                {in: "event: snapshot\ndata: a\n\n", want: []string{"a"}},
		"foreign":              {in: "event: other\ndata: a\n\ndata: b\n\n", want: []string{"b"}},
		"comment":              {in: ":\n\n: hello\n\ndata: a\n\n", want: []string{"a"}},
		"no data":              {in: "id: 1\n\n"},
		"longer than a buffer": {in: "data: " + long + "\n\n", want: []string{long}},
		"unfinished":           {in: "data: a\n"},
		"too long a line":      {in: strings.Repeat("x", 5*lineBuffer) + "\n", err: "too long"},
		"too long an event":    {in: strings.Repeat("data: "+strings.Repeat("x", 100)+"\n", 30), err: "too long"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := readAll(c.in, 4*lineBuffer)
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("events = %q, want %q", got, c.want)
			}
			want := c.err
			if want == "" {
				want = "ended its event stream"
			}
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error = %v, want %q", err, want)
			}
		})
	}
}

func readAll(in string, limit int) (events []string, err error) {
	reader := newEventReader(strings.NewReader(in), limit)
	defer reader.release()
	for {
		if _, err := reader.next(func(data []byte) error {
			events = append(events, string(data))
			return nil
		}); err != nil {
			return events, err
		}
	}
}

func FuzzEventReader(f *testing.F) {
	f.Add([]byte("data: a\n\n"), 64)
	f.Add([]byte("event: x\r\ndata\n:\n\n"), 16)
	f.Fuzz(func(t *testing.T, in []byte, limit int) {
		limit = 1 + (limit&0x7fffffff)%4096
		reader := newEventReader(bytes.NewReader(in), limit)
		for range len(in) + 1 {
			if _, err := reader.next(func(data []byte) error {
				if len(data) > limit {
					t.Fatalf("an event of %d bytes passed a limit of %d", len(data), limit)
				}
				return nil
			}); err != nil {
				reader.release()
				return
			}
		}
		t.Fatal("the reader never came to the end")
	})
}

package metrics

import (
	"bytes"
	"math"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"sesi.dev/sesi/api/bot"
)

// read parses a scrape as Prometheus's own library does.
func read(t *testing.T, text []byte) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return families
}

func TestAScrapeCanBeRead(t *testing.T) {
	t.Parallel()
	b := New("v1.2.3")
	m := b.NewMessages(func() []Gauge {
		return []Gauge{
			{Name: "webhook_backlog_events", Value: 3, Labels: []string{"a"}}, {Name: "webhook_delivering", Value: 1, Labels: []string{"a"}},
			{Name: "webhook_backlog_events", Value: 4, Labels: []string{"b"}}, {Name: "webhook_delivering", Value: 0, Labels: []string{"b"}},
		}
	})
	b.Observe(func() *bot.Snapshot { return &bot.Snapshot{State: bot.StateConnected} })
	b.WebVersion(time.Now())
	m.Delivered("a", "taken")
	m.Moved("upload", "done", 1<<40)
	for _, took := range []time.Duration{time.Millisecond, 10 * time.Millisecond, 11 * time.Millisecond, time.Hour} {
		m.Attempted(bot.MessageSent, took)
	}
	answer := httptest.NewRecorder()
	b.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	if got := expfmt.ResponseFormat(answer.Result().Header); got.FormatType() != expfmt.TypeTextPlain {
		t.Errorf("content type %s", answer.Header().Get("Content-Type"))
	}
	families := read(t, answer.Body.Bytes())
	names := b.Names()
	for name, family := range families {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not in the list of names", name)
		}
		if family.GetHelp() == "" || family.GetType() == dto.MetricType_UNTYPED {
			t.Errorf("%s has no help or no type", name)
		}
		if isTotal := strings.HasSuffix(name, "_total"); isTotal != (family.GetType() == dto.MetricType_COUNTER) {
			t.Errorf("%s is a %s", name, family.GetType())
		}
	}
	histogram := families["sesi_bot_send_attempt_seconds"].GetMetric()[0].GetHistogram()
	if histogram.GetSampleCount() != 4 || histogram.GetSampleSum() != 3600.022 || len(histogram.GetBucket()) != 11 {
		t.Errorf("%v", histogram)
	}
	for _, bucket := range histogram.GetBucket() {
		want := map[float64]uint64{.01: 2, math.Inf(1): 4}[bucket.GetUpperBound()]
		if want == 0 {
			want = 3
		}
		if bucket.GetCumulativeCount() != want {
			t.Errorf("%v up to %v, want %d", bucket.GetCumulativeCount(), bucket.GetUpperBound(), want)
		}
	}
	if n := len(families["sesi_bot_webhook_backlog_events"].GetMetric()); n != 2 {
		t.Errorf("%d webhooks, want 2", n)
	}
	wantLines(t, answer.Body.String(), `sesi_bot_webhook_deliveries_total{outcome="taken",webhook="a"} 1`, `sesi_bot_media_bytes_total{way="upload"} 1.099511627776e+12`)
}

func TestAnyTextCanBeALabel(t *testing.T) {
	t.Parallel()
	c := newCounter("x_total", "A help\nof two \\ lines.", "a", "b")
	texts := []string{`back\slash`, "new\nline", `quo"te`, "", "wörd", `\n`}
	for i, one := range texts {
		c.add(float64(i+1), one, "b")
	}
	got := map[string]float64{}
	for _, metric := range read(t, expose(c.collect()))["sesi_bot_x_total"].GetMetric() {
		got[metric.GetLabel()[0].GetValue()] = metric.GetCounter().GetValue()
	}
	for i, one := range texts {
		if got[one] != float64(i+1) {
			t.Errorf("%q is %v", one, got[one])
		}
	}
}

func TestManyScrapesAtOnceAreRefused(t *testing.T) {
	t.Parallel()
	begun, end := make(chan struct{}, atOnce), make(chan struct{})
	handler := serve(func() []sample {
		begun <- struct{}{}
		<-end
		return nil
	})
	ended := make(chan int, atOnce)
	for range atOnce {
		go func() {
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
			ended <- answer.Code
		}()
	}
	for range atOnce {
		select {
		case <-begun:
		case code := <-ended:
			t.Fatalf("one of %d gets %d at once", atOnce, code)
		}
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	if answer.Code != 503 {
		t.Errorf("one more gets %d", answer.Code)
	}
	close(end)
	for range atOnce {
		if code := <-ended; code != 200 {
			t.Errorf("one of those gets %d", code)
		}
	}
}

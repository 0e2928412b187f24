package httpapi

import (
	"net"
	"net/http"
	"testing"

	"sesi.dev/sesi/api/bot"
)

// The metrics and the probes of this machine are not for a page whose name resolves to it, nor for what a proxy passes on
// from anywhere, unless the token comes with it. Other machines may read those of a listener that is open to them.
func TestRebindingGetsNoMetrics(t *testing.T) {
	paths := []string{bot.PathMetrics, bot.PathLive, bot.PathReady}
	api := func() *API {
		config := testConfig(newFake(connectedSnapshot()))
		config.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("sesi_up 1\n")) })
		return New(config)
	}
	near := "http://" + serve(t, api(), Addresses{Metrics: "127.0.0.1:0"}).MetricsAddr().String()
	for name, c := range map[string]struct {
		headers []string
		want    bot.ProblemKind // "" where it is answered
	}{
		"its own name":            {[]string{"Host", "localhost:9090"}, ""},
		"its address":             {nil, ""},
		"a page's name":           {[]string{"Host", "evil.example:9090"}, bot.ProblemForeignHost},
		"with the token":          {[]string{"Host", "metrics.example", "X-Api-Key", testToken}, ""},
		"with another token":      {[]string{"Host", "metrics.example", "X-Api-Key", "wrong"}, bot.ProblemTokenWrong},
		"through a proxy":         {[]string{"X-Forwarded-For", "192.0.2.1"}, bot.ProblemForwarded},
		"for another site's page": {[]string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, bot.ProblemCrossSite},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range paths {
				got := send(t, "GET", near+path, "", c.headers...)
				if c.want == "" && got.StatusCode != http.StatusOK || c.want != "" && got.problem(t).Kind() != c.want {
					t.Errorf("%s: %d %s, want %q", path, got.StatusCode, got.body, c.want)
				}
			}
		})
	}
	far := serve(t, api(), Addresses{Metrics: "0.0.0.0:0"}).MetricsAddr().String()
	for _, path := range paths {
		_, port, _ := net.SplitHostPort(far)
		if got := send(t, "GET", "http://127.0.0.1:"+port+path, "", "Host", "shop.example"); got.StatusCode != http.StatusOK {
			t.Errorf("%s of an open listener: %d %s", path, got.StatusCode, got.body)
		}
	}
}

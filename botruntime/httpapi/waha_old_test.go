package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
)

// WAHA's older paths do what the newer ones do; a configuration that a bot would not follow is refused, not dropped.
func TestWAHAsOlderPathsOfSessions(t *testing.T) {
	cases := map[string]struct {
		snap       bot.Snapshot
		path, body string
		status     int
		says       string
		asked      []string
	}{
		"start what works":   {connectedSnapshot(), bot.PathWAHAOldStart, `{"name":"default"}`, 201, "", nil},
		"start what stopped": {stoppedSnapshot(), bot.PathWAHAOldStart, `{"name":"wa-finance-render","config":{}}`, 201, "", []string{"resume"}},
		"without a proxy":    {stoppedSnapshot(), bot.PathWAHAOldStart, `{"name":"default","config":{"proxy":null}}`, 201, "", []string{"resume"}},
		"with webhooks":      {stoppedSnapshot(), bot.PathWAHAOldStart, `{"name":"default","config":{"webhooks":[]}}`, 501, "config", nil},
		"stop":               {connectedSnapshot(), bot.PathWAHAOldStop, `{"name":"default"}`, 201, "", []string{"stop"}},
		"stop and unlink":    {connectedSnapshot(), bot.PathWAHAOldStop, `{"name":"default","logout":true}`, 201, "", []string{"logout"}},
		"logout":             {connectedSnapshot(), bot.PathWAHAOldLogout, `{"name":"default"}`, 201, "", []string{"logout"}},
		"no name":            {connectedSnapshot(), bot.PathWAHAOldStop, `{}`, 400, "name", nil},
		"no text":            {connectedSnapshot(), bot.PathWAHAOldStop, `{"name":5}`, 400, "name", nil},
		"another":            {connectedSnapshot(), bot.PathWAHAOldLogout, `{"name":"other"}`, 404, "", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFake(c.snap)
			got := send(t, "POST", open(t, New(testConfig(f)))+c.path, c.body, "Content-Type", "application/json")
			if got.StatusCode != c.status || !strings.Contains(got.body, c.says) || c.status == 201 && !strings.Contains(got.body, `"name":"wa-finance-render"`) {
				t.Errorf("%d %s, want %d with %q", got.StatusCode, got.body, c.status, c.says)
			}
			if asked := f.done(); !slices.Equal(asked, c.asked) {
				t.Errorf("the session was asked to %v, want %v", asked, c.asked)
			}
		})
	}
}

// WAHA's health check names the part that is down.
func TestWAHAsHealthCheck(t *testing.T) {
	config := testConfig(newFake(unlinkedSnapshot(bot.StatePairing, bot.ReasonQRIdle)))
	var down error
	config.Storage = func() error { return down }
	url := open(t, New(config)) + bot.PathWAHAHealth
	for name, c := range map[string]struct {
		fault  error
		status int
		want   bot.WAHAHealth
	}{
		"well": {nil, http.StatusOK, bot.WAHAHealth{Status: "ok"}},
		"full": {errors.New("the disk is full"), http.StatusServiceUnavailable, bot.WAHAHealth{Status: "error"}},
	} {
		down = c.fault
		got := send(t, "GET", url, "")
		var h bot.WAHAHealth
		if err := json.Unmarshal([]byte(got.body), &h); err != nil || got.StatusCode != c.status || h.Status != c.want.Status ||
			h.Info["session"].Status != "up" || len(h.Details) != 2 {
			t.Errorf("%s: %d %s, %v", name, got.StatusCode, got.body, err)
		}
		if _, failed := h.Error["storage"]; failed != (c.fault != nil) {
			t.Errorf("%s: %s", name, got.body)
		}
	}
}

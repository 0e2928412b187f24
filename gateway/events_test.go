package gateway_test

import (
	"encoding/json"
	"testing"

	"sesi.dev/sesi/api/bot"
	botclient "sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/api/v1alpha1"
)

// One stream reports on all sessions that its caller may see, and on no others.
func TestEventsOfAllSessions(t *testing.T) {
	mine, other := newNamespace(t), newNamespace(t)
	g := newGateway(t)
	key := newKey(t, mine, "read")
	g.eventually(200, "GET", bot.PathGatewaySessions, key, "")
	first := newSession(t, mine, "first", nil)
	g.eventually(200, "GET", bot.GatewayPath(mine, "first"), key, "")
	c := botclient.Client{BaseURL: g.url, Token: key}
	stream, err := c.Stream(t.Context(), bot.PathGatewayEvents, "", patience)
	must(t, err)
	defer stream.Close()
	next := func(kind, name string, state bot.State) {
		t.Helper()
		for {
			event, err := stream.Next()
			must(t, err)
			var s bot.GatewaySession
			must(t, json.Unmarshal(event.Data, &s))
			if s.Namespace != mine {
				t.Fatalf("told of %s/%s", s.Namespace, s.Name)
			}
			if event.Name == kind && s.Name == name && (state == "" || s.State == state) {
				return
			}
		}
	}
	next("session", "first", "")
	newSession(t, other, "hidden", nil)
	second := newSession(t, mine, "second", nil)
	next("session", "second", "")
	first.setState(bot.StateConnected, v1alpha1.ReasonPodRunning)
	next("session", "first", bot.StateConnected)
	must(t, admin.Delete(t.Context(), second.session))
	next("gone", "second", "")
}

package gateway

import (
	"time"

	"sesi.dev/sesi/api/apikey"
)

// ReviewEvery changes how often the streams that are opened from now on ask again what their callers may see.
func (g *Gateway) ReviewEvery(pause time.Duration) { g.reviewEvery = pause }

// WaitForBots changes how long a request waits for a bot whose pod is being replaced.
func (g *Gateway) WaitForBots(patience time.Duration) {
	g.proxy.Transport.(*botTrip).patience = patience
}

// StopClock stops the gateway's clock: nobody gets a try back, however slow the test is.
func (g *Gateway) StopClock() {
	at := g.now()
	g.now = func() time.Time { return at }
}

// Knows reports whether the gateway has seen an API key.
func (g *Gateway) Knows(key string) bool {
	_, found := g.fleet.key(apikey.SumOf(key))
	return found
}

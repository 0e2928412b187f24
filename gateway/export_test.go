package gateway

import "time"

// ReviewEvery changes how often the streams that are opened from now on ask again what their callers may see.
func (g *Gateway) ReviewEvery(pause time.Duration) { g.reviewEvery = pause }

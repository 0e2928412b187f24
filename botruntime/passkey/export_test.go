package passkey

import "time"

// ExpireHandOff lets the time for the hand-off proof pass.
func (g *Gate) ExpireHandOff() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.handOff.until = time.Time{}
}

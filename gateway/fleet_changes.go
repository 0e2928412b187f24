package gateway

import "sync"

// changes are the sessions that changed since a reader last took them. A slow reader gets each session once, so it
// costs memory for the names only.
type changes struct {
	mu   sync.Mutex
	keys map[sessionKey]struct{}
	wake chan struct{}
}

// follow begins to record changes for a reader, until stop.
func (f *fleet) follow() (c *changes, stop func()) {
	c = &changes{wake: make(chan struct{}, 1)}
	f.mu.Lock()
	f.readers[c] = struct{}{}
	f.mu.Unlock()
	return c, func() {
		f.mu.Lock()
		delete(f.readers, c)
		f.mu.Unlock()
	}
}

func (f *fleet) tell(key sessionKey) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for c := range f.readers {
		c.mu.Lock()
		if c.keys == nil {
			c.keys = map[sessionKey]struct{}{}
		}
		c.keys[key] = struct{}{}
		c.mu.Unlock()
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

func (c *changes) take() map[sessionKey]struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	keys := c.keys
	c.keys = nil
	return keys
}

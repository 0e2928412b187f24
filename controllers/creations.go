package controllers

import (
	"container/list"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// creationsAtOnce is how many passes create a session's objects at once. Such a pass makes seven requests to the API
// server, one after the other. When thousands of sessions are applied, the other passes stay free for the bots that run,
// and the API server answers them sooner.
const creationsAtOnce = passesAtOnce / 4

// creations limit how many passes create a session's objects at once. The other sessions wait in the order in which they
// came, and each waits in one place only.
type creations struct {
	mu sync.Mutex
	// running are the sessions that may create: their pass runs, or was asked for.
	running map[types.NamespacedName]bool
	waiting map[types.NamespacedName]*list.Element
	order   list.List
}

// begin reports whether a pass may create the session's objects. If not, the session waits until end returns it.
func (c *creations) begin(key types.NamespacedName) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil {
		c.running, c.waiting = map[types.NamespacedName]bool{}, map[types.NamespacedName]*list.Element{}
	}
	switch {
	case c.running[key]:
		return true
	case len(c.running) < creationsAtOnce:
		c.running[key] = true
		return true
	case c.waiting[key] == nil:
		c.waiting[key] = c.order.PushBack(key)
	}
	return false
}

// end ends a session's creation, or its wait. It returns the session that may create instead, which needs a pass.
func (c *creations) end(key types.NamespacedName) (next types.NamespacedName, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if waits := c.waiting[key]; waits != nil {
		c.order.Remove(waits)
		delete(c.waiting, key)
	}
	if !c.running[key] {
		return next, false
	}
	delete(c.running, key)
	first := c.order.Front()
	if first == nil {
		return next, false
	}
	next = c.order.Remove(first).(types.NamespacedName)
	delete(c.waiting, next)
	c.running[next] = true
	return next, true
}

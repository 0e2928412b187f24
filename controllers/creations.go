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

// creations limit how many passes create a session's objects at once. The other sessions wait, each in one place only. The
// namespaces take turns, so that one that applies thousands of sessions delays no other. Within a namespace the sessions go
// in the order in which they came.
type creations struct {
	mu sync.Mutex
	// running are the sessions that may create: their pass runs, or was asked for.
	running map[types.NamespacedName]bool
	// waiting are the places of sessions in the line of their namespace.
	waiting map[types.NamespacedName]*list.Element
	lines   map[string]*line
	// order are the lines that have sessions, in the order of their turns.
	order list.List
}

// line are the sessions of one namespace that wait.
type line struct {
	sessions list.List
	turn     *list.Element
}

// begin reports whether a pass may create the session's objects. If not, the session waits until end returns it.
func (c *creations) begin(key types.NamespacedName) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil {
		c.running, c.waiting, c.lines = map[types.NamespacedName]bool{}, map[types.NamespacedName]*list.Element{}, map[string]*line{}
	}
	switch {
	case c.running[key]:
		return true
	case len(c.running) < creationsAtOnce:
		c.running[key] = true
		return true
	case c.waiting[key] == nil:
		c.wait(key)
	}
	return false
}

func (c *creations) wait(key types.NamespacedName) {
	own := c.lines[key.Namespace]
	if own == nil {
		own = &line{}
		own.turn = c.order.PushBack(own)
		c.lines[key.Namespace] = own
	}
	c.waiting[key] = own.sessions.PushBack(key)
}

// leave ends a session's wait, if it waits.
func (c *creations) leave(key types.NamespacedName) {
	place := c.waiting[key]
	if place == nil {
		return
	}
	delete(c.waiting, key)
	own := c.lines[key.Namespace]
	if own.sessions.Remove(place); own.sessions.Len() == 0 {
		c.order.Remove(own.turn)
		delete(c.lines, key.Namespace)
	}
}

// end ends a session's creation, or its wait. It returns the session that may create instead, which needs a pass.
func (c *creations) end(key types.NamespacedName) (next types.NamespacedName, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leave(key)
	if !c.running[key] {
		return next, false
	}
	delete(c.running, key)
	first := c.order.Front()
	if first == nil {
		return next, false
	}
	c.order.MoveToBack(first)
	next = first.Value.(*line).sessions.Front().Value.(types.NamespacedName)
	c.leave(next)
	c.running[next] = true
	return next, true
}

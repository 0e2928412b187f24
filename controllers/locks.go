package controllers

import (
	"hash/maphash"
	"sync"
)

// locks are a fixed number of locks for any number of names; two names may share one, and none is ever left behind.
type locks struct {
	once sync.Once
	seed maphash.Seed
	held [256]sync.Mutex
}

// lock takes the name's lock and returns what gives it back.
func (l *locks) lock(name string) func() {
	l.once.Do(func() { l.seed = maphash.MakeSeed() })
	held := &l.held[maphash.String(l.seed, name)%uint64(len(l.held))]
	held.Lock()
	return held.Unlock
}

package controllers

import (
	"hash/maphash"
	"sync"
)

// locks are a fixed number of locks for any number of names. Two names may share one; no memory grows with the names.
type locks struct {
	once sync.Once
	seed maphash.Seed
	held [256]sync.Mutex
}

// lock takes the name's lock and returns the function that releases it.
func (l *locks) lock(name string) func() {
	l.once.Do(func() { l.seed = maphash.MakeSeed() })
	held := &l.held[maphash.String(l.seed, name)%uint64(len(l.held))]
	held.Lock()
	return held.Unlock
}

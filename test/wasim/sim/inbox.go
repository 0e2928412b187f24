package sim

import "sync"

// maxSeen bounds the ids by which a phone knows a message that it received before.
const maxSeen = 200_000

// inbox is the state of a person's phone: whether it is online, and which messages it received.
type inbox struct {
	handling sync.Mutex // one message at a time, so that what waited comes first

	mu      sync.Mutex
	offline bool
	silent  bool
	hidden  bool
	private bool
	held    []func()
	seen    map[string]struct{}
}

// PersonState is how a person's phone behaves.
type PersonState struct {
	// Offline phones get their messages when they are online again.
	Offline bool `json:"offline"`
	// Silent phones send no delivery receipts.
	Silent bool `json:"silent"`
	// Hidden people are known by their LID only: no one is told their number.
	Hidden bool `json:"hidden"`
	// Private people join groups by an invite only, and show their about and picture to nobody.
	Private bool `json:"private"`
}

// Set changes how a person's phone behaves from now on.
func (p Person) Set(state PersonState) error {
	a, err := p.server.account(p.phone)
	if err != nil {
		return err
	}
	a.inbox.handling.Lock()
	defer a.inbox.handling.Unlock()
	a.inbox.mu.Lock()
	a.inbox.offline, a.inbox.silent, a.inbox.hidden, a.inbox.private = state.Offline, state.Silent, state.Hidden, state.Private
	var held []func()
	if !state.Offline {
		held, a.inbox.held = a.inbox.held, nil
	}
	a.inbox.mu.Unlock()
	for _, receive := range held {
		receive()
	}
	return nil
}

// whenOnline lets the phone receive a message: now, or when it is online again.
func (a *account) whenOnline(receive func()) {
	a.inbox.handling.Lock()
	defer a.inbox.handling.Unlock()
	a.inbox.mu.Lock()
	offline := a.inbox.offline
	if offline {
		a.inbox.held = append(a.inbox.held, receive)
	}
	a.inbox.mu.Unlock()
	if !offline {
		receive()
	}
}

func (a *account) isSilent() bool {
	a.inbox.mu.Lock()
	defer a.inbox.mu.Unlock()
	return a.inbox.silent
}

func (a *account) isHidden() bool {
	a.inbox.mu.Lock()
	defer a.inbox.mu.Unlock()
	return a.inbox.hidden
}

func (a *account) isPrivate() bool {
	a.inbox.mu.Lock()
	defer a.inbox.mu.Unlock()
	return a.inbox.private
}

// seenBefore remembers that the phone could read a message, and reports whether it could before.
func (a *account) seenBefore(key string) bool {
	a.inbox.mu.Lock()
	defer a.inbox.mu.Unlock()
	if _, seen := a.inbox.seen[key]; seen {
		return true
	}
	if a.inbox.seen == nil || len(a.inbox.seen) >= maxSeen {
		a.inbox.seen = map[string]struct{}{}
	}
	a.inbox.seen[key] = struct{}{}
	return false
}

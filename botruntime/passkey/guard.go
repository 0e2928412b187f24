package passkey

import (
	"context"
	"sync"
	"time"

	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/botruntime/hook"
)

// Guard makes a client, which has not been connected yet, ignore a <success> while it is not linked. WhatsApp may send
// one before a pairing is complete; whatsmeow then panics, because the device has no keys in the database. Attach does
// this too. The error says that whatsmeow changed.
func Guard(client *whatsmeow.Client) error {
	found, err := hook.Find(client)
	if err != nil {
		return err
	}
	return guard(client, found)
}

func guard(client *whatsmeow.Client, found hook.Handlers) error {
	var now pairing
	client.AddEventHandler(now.ends)
	err := found.Wrap("iq", func(inner hook.Handler) hook.Handler {
		return func(ctx context.Context, node *waBinary.Node) {
			if children := node.GetChildren(); len(children) == 1 && children[0].Tag == "pair-success" && node.Attrs["from"] == types.ServerJID {
				now.begins() // whatsmeow takes no other
			}
			inner(ctx, node)
		}
	})
	if err != nil {
		return err
	}
	// whatsmeow writes when it was last connected without a lock, and one connection's <success> may still be in work
	// when the next one's comes.
	var one sync.Mutex
	err = found.Wrap("success", func(inner hook.Handler) hook.Handler {
		return func(ctx context.Context, node *waBinary.Node) {
			one.Lock()
			defer one.Unlock()
			if now.over(ctx) && client.Store.ID != nil {
				inner(ctx, node)
			}
		}
	})
	if err != nil {
		return err
	}
	// Both delete the device's address without a lock, the one at the end of a connection, the other at the next login.
	var ending sync.Mutex
	for _, tag := range []string{"stream:error", "failure"} {
		err := found.Wrap(tag, func(inner hook.Handler) hook.Handler {
			return func(ctx context.Context, node *waBinary.Node) {
				ending.Lock()
				defer ending.Unlock()
				inner(ctx, node)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// pairing is the pairing that a client is in the middle of. whatsmeow does it in a goroutine of its own, and writes the
// account's address without a lock meanwhile.
type pairing struct {
	mu   sync.Mutex
	done chan struct{} // nil when there is none
}

// pairingTime is how long a <success> waits for the end of a pairing: some writes to the disk.
const pairingTime = 20 * time.Second

func (p *pairing) begins() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done == nil {
		p.done = make(chan struct{})
	}
}

func (p *pairing) ends(event any) {
	switch event.(type) {
	case *events.PairSuccess, *events.PairError:
		p.end()
	}
}

func (p *pairing) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done != nil {
		close(p.done)
		p.done = nil
	}
}

// over waits for the end of the pairing, and says whether it came.
func (p *pairing) over(ctx context.Context) bool {
	p.mu.Lock()
	done := p.done
	p.mu.Unlock()
	if done == nil {
		return true
	}
	select {
	case <-done:
		return true
	case <-ctx.Done():
	case <-time.After(pairingTime):
		p.end() // the next connection's <success> does not wait for it again
	}
	return false
}

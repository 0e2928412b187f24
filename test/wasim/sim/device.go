package sim

import (
	"fmt"
	"sync"
	"time"

	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
)

// device is a companion.
type device struct {
	account     *account
	id          uint16
	noiseKey    [32]byte
	identityKey [32]byte
	registerID  uint32
	keyIndex    uint32
	adv         []byte // the signed device identity, with both signatures
	os          string
	since       time.Time

	wire sync.Mutex // held while stanzas of the queue are sent; taken before mu

	mu       sync.Mutex
	version  store.WAVersionContainer
	signed   signedPreKey
	preKeys  []preKey
	removed  bool
	current  *conn
	active   bool // the present connection took its queue: new messages go out at once
	logins   int
	queue    []*queued
	recent   []*queued // acknowledged; a retry receipt may still ask for one
	queueEnd uint64
}

type preKey struct {
	id     uint32
	public [32]byte
}

type signedPreKey struct {
	id        uint32
	public    [32]byte
	signature [64]byte
}

func (d *device) jid() types.JID {
	return types.JID{User: d.account.phone, Device: d.id, Server: types.DefaultUserServer}
}

func (d *device) lidJID() types.JID {
	return types.JID{User: d.account.lid, Device: d.id, Server: types.HiddenUserServer}
}

// devicesOf returns the companion an address names, or every companion if it names the account.
func (s *Server) devicesOf(jid types.JID) ([]*device, error) {
	if jid.Server == "" {
		jid.Server = types.DefaultUserServer
	}
	s.mu.Lock()
	a := s.accounts[jid.User]
	if jid.Server == types.HiddenUserServer {
		a = s.lids[jid.User]
	}
	s.mu.Unlock()
	if a == nil {
		return nil, fmt.Errorf("%w: no account %s", ErrUnknown, jid)
	}
	if jid.Device != 0 {
		if d := a.device(jid.Device); d != nil {
			return []*device{d}, nil
		}
		return nil, fmt.Errorf("%w: no device %s", ErrUnknown, jid)
	}
	if all := a.allDevices(); len(all) > 0 {
		return all, nil
	}
	return nil, fmt.Errorf("%w: %s has no linked device", ErrUnknown, jid)
}

// connection returns the live connection of a companion, nil if it is offline.
func (d *device) connection() *conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.current
}

// unlink removes a companion for good; from then on its login is answered with failure 401. The connection it
// had is returned, so that the caller can end it.
func (s *Server) unlink(d *device) *conn {
	d.account.mu.Lock()
	if d.account.devices[d.id] == d {
		delete(d.account.devices, d.id)
	}
	d.account.mu.Unlock()
	d.mu.Lock()
	first := !d.removed
	d.removed = true
	current := d.current
	queue := d.queue
	d.queue, d.recent = nil, nil
	d.mu.Unlock()
	if first {
		s.state.forgetDevice(d, queue)
		s.Stats.Removed.Add(1)
		s.event(EventUnlinked, d.jid().String(), "")
	}
	return current
}

package store

import (
	"context"
	"sync"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
)

// maxIdentities bounds the identity keys, and the people, that are known in memory.
const maxIdentities = 1024

// NewDevice returns a device that is not linked; a pairing saves it.
func (s *Store) NewDevice() *wastore.Device {
	device := s.Container().NewDevice()
	device.Container = pairings{device.Container, s}
	return device
}

// pairings is the container of a device until a pairing saves it: only then it has tables.
type pairings struct {
	wastore.DeviceContainer
	store *Store
}

// PutDevice implements wastore.DeviceContainer.
func (p pairings) PutDevice(ctx context.Context, device *wastore.Device) error {
	err := p.DeviceContainer.PutDevice(ctx, device)
	if err == nil {
		p.store.spare(device)
	}
	return err
}

// spare puts between a linked device and its tables what saves whatsmeow's needless work for each message.
func (s *Store) spare(device *wastore.Device) {
	known := &identities{IdentityStore: device.Identities, keys: map[string][32]byte{}, moved: map[types.JID]bool{}}
	device.Identities = known
	device.Sessions = sessions{device.Sessions, device, known}
	s.identities.Store(known)
}

// undone is called when a transaction of the database was undone.
func (s *Store) undone() {
	if known := s.identities.Load(); known != nil {
		known.forget()
	}
}

// identities remembers the identity keys that the database has. whatsmeow reads and writes the key of each device for
// each message, and a write that changes nothing costs as much as another one.
type identities struct {
	wastore.IdentityStore
	mu    sync.Mutex
	keys  map[string][32]byte
	moved map[types.JID]bool // people whose identities whatsmeow has moved from the number to the LID
}

// forget is called when the database may hold something else: a transaction was undone, or other code changed it.
func (i *identities) forget() {
	i.mu.Lock()
	defer i.mu.Unlock()
	clear(i.keys)
}

func (i *identities) known(address string) (key [32]byte, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	key, ok = i.keys[address]
	return key, ok
}

func (i *identities) hasMoved(pn types.JID) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.moved[pn.ToNonAD()]
}

func (i *identities) move(pn types.JID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.moved) >= maxIdentities {
		clear(i.moved)
	}
	i.moved[pn.ToNonAD()] = true
}

// IsTrustedIdentity implements wastore.IdentityStore.
func (i *identities) IsTrustedIdentity(ctx context.Context, address string, key [32]byte) (bool, error) {
	if known, ok := i.known(address); ok {
		return known == key, nil
	}
	return i.IdentityStore.IsTrustedIdentity(ctx, address, key)
}

// PutIdentity implements wastore.IdentityStore.
func (i *identities) PutIdentity(ctx context.Context, address string, key [32]byte) error {
	if known, ok := i.known(address); ok && known == key {
		return nil
	}
	if err := i.IdentityStore.PutIdentity(ctx, address, key); err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.keys) >= maxIdentities {
		clear(i.keys)
	}
	i.keys[address] = key
	return nil
}

// DeleteIdentity implements wastore.IdentityStore.
func (i *identities) DeleteIdentity(ctx context.Context, address string) error {
	defer i.forget()
	return i.IdentityStore.DeleteIdentity(ctx, address)
}

// DeleteAllIdentities implements wastore.IdentityStore.
func (i *identities) DeleteAllIdentities(ctx context.Context, phone string) error {
	defer i.forget()
	return i.IdentityStore.DeleteAllIdentities(ctx, phone)
}

// sessions leaves out the device itself where whatsmeow looks for the sessions of the devices that a message goes to.
// There is none with itself; whatsmeow would ask the server for a key of its own with each message, wait for it, and
// use it up.
type sessions struct {
	wastore.SessionStore
	device     *wastore.Device
	identities *identities
}

// GetManySessions implements wastore.SessionStore.
func (s sessions) GetManySessions(ctx context.Context, addresses []string) (map[string][]byte, error) {
	others := make([]string, 0, len(addresses))
	for _, address := range addresses {
		if !s.own(address) {
			others = append(others, address)
		}
	}
	return s.SessionStore.GetManySessions(ctx, others)
}

// own reports whether an address is the device's own.
func (s sessions) own(address string) bool {
	for _, jid := range []types.JID{*s.device.ID, s.device.LID} {
		if !jid.IsEmpty() && jid.SignalAddress().String() == address {
			return true
		}
	}
	return false
}

// MigratePNToLID implements wastore.SessionStore. It changes identities too, but only the first time for a person: then
// whatsmeow calls it with each message, and nothing happens.
func (s sessions) MigratePNToLID(ctx context.Context, pn, lid types.JID) error {
	if s.identities.hasMoved(pn) {
		return s.SessionStore.MigratePNToLID(ctx, pn, lid)
	}
	defer s.identities.forget()
	err := s.SessionStore.MigratePNToLID(ctx, pn, lid)
	if err == nil {
		s.identities.move(pn)
	}
	return err
}

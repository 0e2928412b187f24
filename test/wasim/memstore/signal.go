package memstore

import (
	"bytes"
	"context"
	"maps"
	"strings"

	"go.mau.fi/whatsmeow/types"
)

// PutIdentity implements store.IdentityStore.
func (s *Store) PutIdentity(_ context.Context, address string, key [32]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	put(&s.identities, address, key)
	return nil
}

// DeleteAllIdentities implements store.IdentityStore.
func (s *Store) DeleteAllIdentities(_ context.Context, phone string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.identities, func(address string, _ [32]byte) bool { return strings.HasPrefix(address, phone+":") })
	return nil
}

// DeleteIdentity implements store.IdentityStore.
func (s *Store) DeleteIdentity(_ context.Context, address string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.identities, address)
	return nil
}

// IsTrustedIdentity implements store.IdentityStore: the first key seen for an address is trusted.
func (s *Store) IsTrustedIdentity(_ context.Context, address string, key [32]byte) (bool, error) {
	if s.TrustAll {
		return true, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.identities[address]
	return !ok || bytes.Equal(known[:], key[:]), nil
}

// GetSession implements store.SessionStore.
func (s *Store) GetSession(_ context.Context, address string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[address], nil
}

// HasSession implements store.SessionStore.
func (s *Store) HasSession(_ context.Context, address string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.sessions[address]
	return ok, nil
}

// GetManySessions implements store.SessionStore; an unknown address has a nil session.
func (s *Store) GetManySessions(_ context.Context, addresses []string) (map[string][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := make(map[string][]byte, len(addresses))
	for _, address := range addresses {
		found[address] = s.sessions[address]
	}
	return found, nil
}

// PutSession implements store.SessionStore.
func (s *Store) PutSession(_ context.Context, address string, session []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	put(&s.sessions, address, session)
	return nil
}

// PutManySessions implements store.SessionStore.
func (s *Store) PutManySessions(_ context.Context, sessions map[string][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for address, session := range sessions {
		put(&s.sessions, address, session)
	}
	return nil
}

// DeleteAllSessions implements store.SessionStore.
func (s *Store) DeleteAllSessions(_ context.Context, phone string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.sessions, func(address string, _ []byte) bool { return strings.HasPrefix(address, phone+":") })
	return nil
}

// DeleteSession implements store.SessionStore.
func (s *Store) DeleteSession(_ context.Context, address string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, address)
	return nil
}

// MigratePNToLID implements store.SessionStore: what was kept under the number is kept under the LID.
func (s *Store) MigratePNToLID(_ context.Context, pn, lid types.JID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, to := pn.SignalAddressUser()+":", lid.SignalAddressUser()+":"
	rename(s.sessions, from, to)
	rename(s.identities, from, to)
	return nil
}

// rename moves every key that starts with from to the same key under to.
func rename[V any](m map[string]V, from, to string) {
	moved := map[string]V{}
	for key, value := range m {
		if device, ok := strings.CutPrefix(key, from); ok {
			moved[to+device] = value
			delete(m, key)
		}
	}
	maps.Copy(m, moved)
}

// PutSenderKey implements store.SenderKeyStore.
func (s *Store) PutSenderKey(_ context.Context, group, user string, session []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	put(&s.senderKeys, group+"|"+user, session)
	return nil
}

// GetSenderKey implements store.SenderKeyStore.
func (s *Store) GetSenderKey(_ context.Context, group, user string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.senderKeys[group+"|"+user], nil
}

package memstore

import (
	"context"

	"go.mau.fi/whatsmeow/util/keys"
)

// preKey is a one-time key; it is uploaded once the server may hand it out.
type preKey struct {
	pair     keys.KeyPair
	uploaded bool
}

// generate makes the next one-time key. The caller holds s.mu.
func (s *Store) generate(uploaded bool) *keys.PreKey {
	s.lastPreKey++
	made := &preKey{pair: *keys.NewKeyPair(), uploaded: uploaded}
	put(&s.preKeys, s.lastPreKey, made)
	return &keys.PreKey{KeyPair: made.pair, KeyID: s.lastPreKey}
}

// GetOrGenPreKeys implements store.PreKeyStore.
func (s *Store) GetOrGenPreKeys(_ context.Context, count uint32) ([]*keys.PreKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := make([]*keys.PreKey, 0, count)
	for id := uint32(1); id <= s.lastPreKey && uint32(len(found)) < count; id++ {
		if have := s.preKeys[id]; have != nil && !have.uploaded {
			found = append(found, &keys.PreKey{KeyPair: have.pair, KeyID: id})
		}
	}
	for uint32(len(found)) < count {
		found = append(found, s.generate(false))
	}
	return found, nil
}

// GenOnePreKey implements store.PreKeyStore.
func (s *Store) GenOnePreKey(context.Context) (*keys.PreKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generate(true), nil
}

// GetPreKey implements store.PreKeyStore; an unknown key is nil.
func (s *Store) GetPreKey(_ context.Context, id uint32) (*keys.PreKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if have := s.preKeys[id]; have != nil {
		return &keys.PreKey{KeyPair: have.pair, KeyID: id}, nil
	}
	return nil, nil
}

// RemovePreKey implements store.PreKeyStore.
func (s *Store) RemovePreKey(_ context.Context, id uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.preKeys, id)
	return nil
}

// MarkPreKeysAsUploaded implements store.PreKeyStore.
func (s *Store) MarkPreKeysAsUploaded(_ context.Context, upToID uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, have := range s.preKeys {
		have.uploaded = have.uploaded || id <= upToID
	}
	return nil
}

// UploadedPreKeyCount implements store.PreKeyStore.
func (s *Store) UploadedPreKeyCount(context.Context) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := 0
	for _, have := range s.preKeys {
		if have.uploaded {
			count++
		}
	}
	return count, nil
}

// ExportPreKeys returns the private halves of the one-time keys, so that their owner can keep them over a
// restart.
func (s *Store) ExportPreKeys() map[uint32][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	private := make(map[uint32][]byte, len(s.preKeys))
	for id, have := range s.preKeys {
		private[id] = have.pair.Priv[:]
	}
	return private
}

// ImportPreKeys takes back what ExportPreKeys gave; a key that is not 32 bytes long is left out.
func (s *Store) ImportPreKeys(private map[uint32][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, key := range private {
		if len(key) != 32 {
			continue
		}
		put(&s.preKeys, id, &preKey{pair: *keys.NewKeyPairFromPrivateKey([32]byte(key)), uploaded: true})
		s.lastPreKey = max(s.lastPreKey, id)
	}
}

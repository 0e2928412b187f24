package memstore

import (
	"context"
	"errors"

	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
)

// errEmptyMapping: whatsmeow tried to map a LID and a number of which one is empty.
var errEmptyMapping = errors.New("map lid to number: both must be set")

// maxSecrets bounds the message secrets kept; they only serve edits and polls of recent messages.
const maxSecrets = 1000

// PutLIDMapping implements store.LIDStore.
func (s *Store) PutLIDMapping(_ context.Context, lid, pn types.JID) error {
	if lid.IsEmpty() || pn.IsEmpty() {
		return errEmptyMapping
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	put(&s.aliases, lid.ToNonAD(), pn.ToNonAD())
	put(&s.aliases, pn.ToNonAD(), lid.ToNonAD())
	return nil
}

// PutManyLIDMappings implements store.LIDStore.
func (s *Store) PutManyLIDMappings(ctx context.Context, mappings []store.LIDMapping) error {
	for _, mapping := range mappings {
		if err := s.PutLIDMapping(ctx, mapping.LID, mapping.PN); err != nil {
			return err
		}
	}
	return nil
}

// alias returns the other address of a user, empty if it is not known.
func (s *Store) alias(jid types.JID) types.JID {
	s.mu.Lock()
	defer s.mu.Unlock()
	other, ok := s.aliases[jid.ToNonAD()]
	if ok {
		other.Device = jid.Device
	}
	return other
}

// GetPNForLID implements store.LIDStore.
func (s *Store) GetPNForLID(_ context.Context, lid types.JID) (types.JID, error) {
	return s.alias(lid), nil
}

// GetLIDForPN implements store.LIDStore.
func (s *Store) GetLIDForPN(_ context.Context, pn types.JID) (types.JID, error) {
	return s.alias(pn), nil
}

// GetManyLIDsForPNs implements store.LIDStore.
func (s *Store) GetManyLIDsForPNs(_ context.Context, pns []types.JID) (map[types.JID]types.JID, error) {
	found := map[types.JID]types.JID{}
	for _, pn := range pns {
		if lid := s.alias(pn); !lid.IsEmpty() {
			found[pn] = lid
		}
	}
	return found, nil
}

// PutMessageSecret implements store.MsgSecretStore.
func (s *Store) PutMessageSecret(_ context.Context, chat, sender types.JID, id types.MessageID, secret []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.secrets) >= maxSecrets {
		clear(s.secrets)
	}
	put(&s.secrets, chat.String()+sender.String()+id, secret)
	return nil
}

// PutMessageSecrets implements store.MsgSecretStore.
func (s *Store) PutMessageSecrets(ctx context.Context, inserts []store.MessageSecretInsert) error {
	for _, insert := range inserts {
		if err := s.PutMessageSecret(ctx, insert.Chat, insert.Sender, insert.ID, insert.Secret); err != nil {
			return err
		}
	}
	return nil
}

// GetMessageSecret implements store.MsgSecretStore.
func (s *Store) GetMessageSecret(_ context.Context, chat, sender types.JID, id types.MessageID) ([]byte, types.JID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.secrets[chat.String()+sender.String()+id], sender, nil
}

// PutPushName implements store.ContactStore.
func (s *Store) PutPushName(_ context.Context, user types.JID, name string) (bool, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.pushNames[user]
	put(&s.pushNames, user, name)
	return old != name, old, nil
}

// GetContact implements store.ContactStore.
func (s *Store) GetContact(_ context.Context, user types.JID) (types.ContactInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, found := s.pushNames[user]
	return types.ContactInfo{Found: found, PushName: name}, nil
}

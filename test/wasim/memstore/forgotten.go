package memstore

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
)

// The methods below implement the rest of store.AllStores: accepted, and forgotten.

// PutBusinessName implements store.ContactStore.
func (s *Store) PutBusinessName(context.Context, types.JID, string) (bool, string, error) {
	return false, "", nil
}

// PutContactName implements store.ContactStore.
func (s *Store) PutContactName(context.Context, types.JID, string, string) error { return nil }

// PutAllContactNames implements store.ContactStore.
func (s *Store) PutAllContactNames(context.Context, []store.ContactEntry) error { return nil }

// PutManyRedactedPhones implements store.ContactStore.
func (s *Store) PutManyRedactedPhones(context.Context, []store.RedactedPhoneEntry) error { return nil }

// GetAllContacts implements store.ContactStore.
func (s *Store) GetAllContacts(context.Context) (map[types.JID]types.ContactInfo, error) {
	return nil, nil
}

// PutMutedUntil implements store.ChatSettingsStore.
func (s *Store) PutMutedUntil(context.Context, types.JID, time.Time) error { return nil }

// PutPinned implements store.ChatSettingsStore.
func (s *Store) PutPinned(context.Context, types.JID, bool) error { return nil }

// PutArchived implements store.ChatSettingsStore.
func (s *Store) PutArchived(context.Context, types.JID, bool) error { return nil }

// GetChatSettings implements store.ChatSettingsStore.
func (s *Store) GetChatSettings(context.Context, types.JID) (types.LocalChatSettings, error) {
	return types.LocalChatSettings{}, nil
}

// PutPrivacyTokens implements store.PrivacyTokenStore.
func (s *Store) PutPrivacyTokens(context.Context, ...store.PrivacyToken) error { return nil }

// GetPrivacyToken implements store.PrivacyTokenStore.
func (s *Store) GetPrivacyToken(context.Context, types.JID) (*store.PrivacyToken, error) {
	return nil, nil
}

// GetBufferedEvent implements store.EventBuffer.
func (s *Store) GetBufferedEvent(context.Context, [32]byte) (*store.BufferedEvent, error) {
	return nil, nil
}

// PutBufferedEvent implements store.EventBuffer.
func (s *Store) PutBufferedEvent(context.Context, [32]byte, []byte, time.Time) error { return nil }

// DoDecryptionTxn implements store.EventBuffer; memory has no transactions.
func (s *Store) DoDecryptionTxn(ctx context.Context, fn func(context.Context) error) error {
	return fn(ctx)
}

// ClearBufferedEventPlaintext implements store.EventBuffer.
func (s *Store) ClearBufferedEventPlaintext(context.Context, [32]byte) error { return nil }

// DeleteOldBufferedHashes implements store.EventBuffer.
func (s *Store) DeleteOldBufferedHashes(context.Context) error { return nil }

// PutAppStateSyncKey implements store.AppStateSyncKeyStore.
func (s *Store) PutAppStateSyncKey(context.Context, []byte, store.AppStateSyncKey) error { return nil }

// GetAppStateSyncKey implements store.AppStateSyncKeyStore.
func (s *Store) GetAppStateSyncKey(context.Context, []byte) (*store.AppStateSyncKey, error) {
	return nil, nil
}

// GetLatestAppStateSyncKeyID implements store.AppStateSyncKeyStore.
func (s *Store) GetLatestAppStateSyncKeyID(context.Context) ([]byte, error) { return nil, nil }

// PutAppStateVersion implements store.AppStateStore.
func (s *Store) PutAppStateVersion(context.Context, string, uint64, [128]byte) error { return nil }

// GetAppStateVersion implements store.AppStateStore.
func (s *Store) GetAppStateVersion(context.Context, string) (uint64, [128]byte, error) {
	return 0, [128]byte{}, nil
}

// DeleteAppStateVersion implements store.AppStateStore.
func (s *Store) DeleteAppStateVersion(context.Context, string) error { return nil }

// PutAppStateMutationMACs implements store.AppStateStore.
func (s *Store) PutAppStateMutationMACs(context.Context, string, uint64, []store.AppStateMutationMAC) error {
	return nil
}

// DeleteAppStateMutationMACs implements store.AppStateStore.
func (s *Store) DeleteAppStateMutationMACs(context.Context, string, [][]byte) error { return nil }

// GetAppStateMutationMAC implements store.AppStateStore.
func (s *Store) GetAppStateMutationMAC(context.Context, string, []byte) ([]byte, error) {
	return nil, nil
}

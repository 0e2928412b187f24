// Package accountstate reads what the devices of an account keep in common, beside whatsmeow's own copy of it and without
// changing that.
package accountstate

import (
	"context"
	"fmt"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/store"
	waLog "go.mau.fi/whatsmeow/util/log"
)

// maxAnswers bounds the answers of one reading.
const maxAnswers = 100

// Read calls take with each change of a collection, the oldest first. The caller bounds the time. Without the phone's key
// the error wraps appstate.ErrKeyNotFound.
func Read(ctx context.Context, client *whatsmeow.Client, collection appstate.WAPatchName, take func(appstate.Mutation)) error {
	reader := appstate.NewProcessor(&store.Device{AppStateKeys: client.Store.AppStateKeys, AppState: &scratch{macs: map[string][]byte{}}}, waLog.Noop)
	state := appstate.HashState{}
	for range maxAnswers {
		list, err := client.DangerousInternals().FetchAppStatePatches(ctx, collection, state.Version, state.Version == 0) //nolint:staticcheck // there is no public call
		if err != nil {
			return err
		}
		var changes []appstate.Mutation
		if changes, state, err = reader.DecodePatches(ctx, list, state, true); err != nil {
			return err
		}
		for _, change := range changes {
			take(change)
		}
		if !list.HasMorePatches {
			return nil
		}
	}
	return fmt.Errorf("the app state has more than %d parts", maxAnswers)
}

// scratch keeps what one reading needs to check the hashes.
type scratch struct {
	store.NoopStore
	macs map[string][]byte
}

// PutAppStateMutationMACs implements store.AppStateStore.
func (s *scratch) PutAppStateMutationMACs(_ context.Context, _ string, _ uint64, macs []store.AppStateMutationMAC) error {
	for _, mac := range macs {
		s.macs[string(mac.IndexMAC)] = mac.ValueMAC
	}
	return nil
}

// DeleteAppStateMutationMACs implements store.AppStateStore.
func (s *scratch) DeleteAppStateMutationMACs(_ context.Context, _ string, indexes [][]byte) error {
	for _, index := range indexes {
		delete(s.macs, string(index))
	}
	return nil
}

// GetAppStateMutationMAC implements store.AppStateStore.
func (s *scratch) GetAppStateMutationMAC(_ context.Context, _ string, index []byte) ([]byte, error) {
	return s.macs[string(index)], nil
}

package sim

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/encoding/protowire"
)

// saltCollection is the part of the app state that holds the salt for first messages: a message to someone who gave no
// privacy token may carry a token that is made of the salt instead.
const saltCollection = appstate.WAPatchRegularHigh

// saltField is the number of the salt's action in a SyncActionValue.
const saltField = 80

// GiveSalt makes the person's phone put a new salt into its app state. Its bots get the key of the app state, those
// that are linked later too.
func (p Person) GiveSalt() error {
	s := p.server
	a, err := s.account(p.phone)
	if err != nil {
		return err
	}
	version, err := a.appState.renewSalt(context.Background())
	if err != nil {
		return fmt.Errorf("change the app state of a phone: %w", err)
	}
	for _, d := range a.allDevices() {
		s.shareKey(d)
	}
	s.tellAppState(a, nil, string(saltCollection), version)
	return nil
}

// renewSalt makes a new salt, and returns the version of its part of the app state.
func (a *appState) renewSalt(ctx context.Context) (uint64, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	fresh := random(32)
	value := &waSyncAction.SyncActionValue{}
	action := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), fresh)
	value.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, saltField, protowire.BytesType), action))
	version, err := a.changeLocked(ctx, appstate.PatchInfo{
		Type: saltCollection, Mutations: []appstate.MutationInfo{{Index: []string{"nct_salt_sync"}, Version: 1, Value: value}},
	})
	if err == nil {
		a.salt = fresh
	}
	return version, err
}

func random(size int) []byte {
	bytes := make([]byte, size)
	_, _ = rand.Read(bytes) // it never fails
	return bytes
}

// tokenFor returns the token for a person who gave none; nil without a salt.
func (a *appState) tokenFor(person types.JID) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.salt == nil {
		return nil
	}
	hash := hmac.New(sha256.New, a.salt)
	hash.Write([]byte(person.String()))
	return hash.Sum(nil)
}

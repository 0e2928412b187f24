package sim

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strconv"
	"sync"
	"time"

	"go.mau.fi/whatsmeow/appstate"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waServerSync"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	waLog "go.mau.fi/whatsmeow/util/log"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// saltCollection is the part of the app state that holds the salt.
const saltCollection = appstate.WAPatchRegularHigh

// saltField is the number of the salt's action in a SyncActionValue.
const saltField = 80

// salts is the part of a phone's app state that holds the salt for first messages: a message to someone who gave no
// privacy token may carry a token that is made of the salt instead. The app state is encrypted with a key of the
// phone's; the server keeps the patches and cannot read them.
type salts struct {
	store.NoopStore

	mu      sync.Mutex
	salt    []byte
	keyID   []byte
	key     []byte
	state   appstate.HashState
	macs    map[string][]byte
	patches [][]byte
}

// GiveSalt makes the person's phone put a new salt into its app state. Its bots get the key of the app state, those
// that are linked later too.
func (p Person) GiveSalt() error {
	s := p.server
	a, err := s.account(p.phone)
	if err != nil {
		return err
	}
	version, err := a.salts.renew(context.Background())
	if err != nil {
		return fmt.Errorf("change the app state of a phone: %w", err)
	}
	for _, d := range a.allDevices() {
		s.shareKey(d)
	}
	s.tell(a, notification("server_sync", waBinary.Node{Tag: "collection", Attrs: waBinary.Attrs{
		"name": string(saltCollection), "version": strconv.FormatUint(version, 10),
	}}))
	return nil
}

// renew appends a patch with a new salt, and returns the version of the app state.
func (a *salts) renew(ctx context.Context) (uint64, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.key == nil {
		a.keyID, a.key, a.macs = random(6), random(32), map[string][]byte{}
	}
	fresh := random(32)
	value := &waSyncAction.SyncActionValue{}
	action := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), fresh)
	value.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, saltField, protowire.BytesType), action))
	processor := appstate.NewProcessor(&store.Device{AppStateKeys: a, AppState: a}, waLog.Noop)
	raw, err := processor.EncodePatch(ctx, a.keyID, a.state, appstate.PatchInfo{
		Type: saltCollection, Mutations: []appstate.MutationInfo{{Index: []string{"nct_salt_sync"}, Version: 1, Value: value}},
	})
	if err != nil {
		return 0, err
	}
	patch := &waServerSync.SyncdPatch{}
	if err = proto.Unmarshal(raw, patch); err != nil {
		return 0, err
	}
	patch.Version = &waServerSync.SyncdVersion{Version: proto.Uint64(a.state.Version + 1)}
	if raw, err = proto.Marshal(patch); err != nil {
		return 0, err
	}
	// Decoding updates the hash of the state, and overwrites the patch.
	if _, a.state, err = processor.DecodePatches(ctx, &appstate.PatchList{Name: saltCollection, Patches: []*waServerSync.SyncdPatch{patch}}, a.state, true); err != nil {
		return 0, err
	}
	a.salt, a.patches = fresh, append(a.patches, raw)
	return a.state.Version, nil
}

func random(size int) []byte {
	bytes := make([]byte, size)
	_, _ = rand.Read(bytes) // it never fails
	return bytes
}

// GetAppStateSyncKey implements store.AppStateSyncKeyStore, while mu is held.
func (a *salts) GetAppStateSyncKey(context.Context, []byte) (*store.AppStateSyncKey, error) {
	return &store.AppStateSyncKey{Data: a.key}, nil
}

// PutAppStateMutationMACs implements store.AppStateStore, while mu is held.
func (a *salts) PutAppStateMutationMACs(_ context.Context, _ string, _ uint64, macs []store.AppStateMutationMAC) error {
	for _, mac := range macs {
		a.macs[string(mac.IndexMAC)] = mac.ValueMAC
	}
	return nil
}

// GetAppStateMutationMAC implements store.AppStateStore, while mu is held.
func (a *salts) GetAppStateMutationMAC(_ context.Context, _ string, index []byte) ([]byte, error) {
	return a.macs[string(index)], nil
}

// tokenFor returns the token for a person who gave none; nil without a salt.
func (a *salts) tokenFor(person types.JID) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.salt == nil {
		return nil
	}
	hash := hmac.New(sha256.New, a.salt)
	hash.Write([]byte(person.String()))
	return hash.Sum(nil)
}

// shareKey makes a phone hand a companion the key of its app state, if it has one.
func (s *Server) shareKey(d *device) {
	a := &d.account.salts
	a.mu.Lock()
	keyID, key := a.keyID, a.key
	a.mu.Unlock()
	if key == nil {
		return
	}
	s.postPeer(d, &waE2E.ProtocolMessage{
		Type: waE2E.ProtocolMessage_APP_STATE_SYNC_KEY_SHARE.Enum(),
		AppStateSyncKeyShare: &waE2E.AppStateSyncKeyShare{Keys: []*waE2E.AppStateSyncKey{{
			KeyID: &waE2E.AppStateSyncKeyId{KeyID: keyID},
			KeyData: &waE2E.AppStateSyncKeyData{
				KeyData: key, Timestamp: proto.Int64(time.Now().UnixMilli()),
				Fingerprint: &waE2E.AppStateSyncKeyFingerprint{RawID: proto.Uint32(d.account.rawID), CurrentIndex: proto.Uint32(0)},
			},
		}}},
	})
}

// handleAppState answers which changes of the app state a companion has not seen. Only the salt's part has any.
func (s *Server) handleAppState(c *conn, iq, request *waBinary.Node) {
	var collections []waBinary.Node
	a := &c.dev.account.salts
	for _, asked := range request.GetChildrenByTag("collection") {
		name, version := attrText(&asked, "name"), uint64(0)
		patches := waBinary.Node{Tag: "patches"}
		if name == string(saltCollection) {
			seen, _ := strconv.ParseUint(attrText(&asked, "version"), 10, 64) // none was seen without one
			a.mu.Lock()
			version = a.state.Version
			var unseen []waBinary.Node
			for _, raw := range a.patches[min(seen, version):] {
				unseen = append(unseen, waBinary.Node{Tag: "patch", Content: raw})
			}
			a.mu.Unlock()
			patches.Content = unseen
		}
		collections = append(collections, waBinary.Node{
			Tag:     "collection",
			Attrs:   waBinary.Attrs{"name": name, "version": strconv.FormatUint(version, 10), "type": "result"},
			Content: []waBinary.Node{patches},
		})
	}
	c.send(answer(iq, waBinary.Node{Tag: "sync", Content: collections}))
}

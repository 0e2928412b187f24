package sim

import (
	"context"
	"encoding/json"
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
	waLog "go.mau.fi/whatsmeow/util/log"
	"google.golang.org/protobuf/proto"
)

// appState is what the devices of an account keep in common, such as its name and which chats are archived. It is
// encrypted with a key of the phone's; the server keeps the changes and cannot read them.
type appState struct {
	store.NoopStore

	mu    sync.Mutex
	salt  []byte
	keyID []byte
	key   []byte
	parts map[string]*statePart
}

// statePart is one of the collections.
type statePart struct {
	state   appstate.HashState
	macs    map[string][]byte
	patches [][]byte
	values  map[string]*waSyncAction.SyncActionValue // by the JSON of the index
}

// GiveAppState makes the person's phone hand its bots the key of its app state, as phones do soon after a link.
func (p Person) GiveAppState() error {
	a, err := p.server.account(p.phone)
	if err != nil {
		return err
	}
	a.appState.mu.Lock()
	a.appState.beginLocked()
	a.appState.mu.Unlock()
	for _, d := range a.allDevices() {
		p.server.shareKey(d)
	}
	return nil
}

// SetAppState makes a change on the person's phone; its bots are told.
func (p Person) SetAppState(change appstate.PatchInfo) error {
	a, err := p.server.account(p.phone)
	if err != nil {
		return err
	}
	a.appState.mu.Lock()
	version, err := a.appState.changeLocked(context.Background(), change)
	a.appState.mu.Unlock()
	if err != nil {
		return fmt.Errorf("change the app state of a phone: %w", err)
	}
	p.server.tellAppState(a, nil, string(change.Type), version)
	return nil
}

// AppState returns what the person's devices keep under an index; nil for nothing.
func (p Person) AppState(index ...string) *waSyncAction.SyncActionValue {
	a, err := p.server.account(p.phone)
	if err != nil {
		return nil
	}
	name, _ := json.Marshal(index) // texts can always be marshalled
	a.appState.mu.Lock()
	defer a.appState.mu.Unlock()
	for _, part := range a.appState.parts {
		if value := part.values[string(name)]; value != nil {
			return value
		}
	}
	return nil
}

// beginLocked makes the key, unless there is one.
func (a *appState) beginLocked() {
	if a.key == nil {
		a.keyID, a.key, a.parts = random(6), random(32), map[string]*statePart{}
	}
}

func (a *appState) partLocked(name string) *statePart {
	if a.parts[name] == nil {
		a.parts[name] = &statePart{macs: map[string][]byte{}, values: map[string]*waSyncAction.SyncActionValue{}}
	}
	return a.parts[name]
}

func (a *appState) processorLocked() *appstate.Processor {
	return appstate.NewProcessor(&store.Device{AppStateKeys: a, AppState: a}, waLog.Noop)
}

// changeLocked makes a change as the phone does, and returns the new version.
func (a *appState) changeLocked(ctx context.Context, info appstate.PatchInfo) (uint64, error) {
	a.beginLocked()
	raw, err := a.processorLocked().EncodePatch(ctx, a.keyID, a.partLocked(string(info.Type)).state, info)
	if err != nil {
		return 0, err
	}
	return a.takeLocked(ctx, string(info.Type), raw)
}

// takeLocked takes an encoded change and returns the new version.
func (a *appState) takeLocked(ctx context.Context, name string, raw []byte) (uint64, error) {
	part, patch := a.partLocked(name), &waServerSync.SyncdPatch{}
	if err := proto.Unmarshal(raw, patch); err != nil {
		return 0, err
	}
	patch.Version = &waServerSync.SyncdVersion{Version: proto.Uint64(part.state.Version + 1)}
	raw, err := proto.Marshal(patch)
	if err != nil {
		return 0, err
	}
	// Decoding updates the hash of the state, and overwrites the patch.
	changes, state, err := a.processorLocked().DecodePatches(ctx, &appstate.PatchList{
		Name: appstate.WAPatchName(name), Patches: []*waServerSync.SyncdPatch{patch},
	}, part.state, true)
	if err != nil {
		return 0, err
	}
	part.state, part.patches = state, append(part.patches, raw)
	for _, change := range changes {
		index, _ := json.Marshal(change.Index) // texts can always be marshalled
		part.values[string(index)] = change.Action
	}
	return state.Version, nil
}

// GetAppStateSyncKey implements store.AppStateSyncKeyStore, while mu is held.
func (a *appState) GetAppStateSyncKey(context.Context, []byte) (*store.AppStateSyncKey, error) {
	return &store.AppStateSyncKey{Data: a.key}, nil
}

// PutAppStateMutationMACs implements store.AppStateStore, while mu is held.
func (a *appState) PutAppStateMutationMACs(_ context.Context, name string, _ uint64, macs []store.AppStateMutationMAC) error {
	for _, mac := range macs {
		a.partLocked(name).macs[string(mac.IndexMAC)] = mac.ValueMAC
	}
	return nil
}

// GetAppStateMutationMAC implements store.AppStateStore, while mu is held.
func (a *appState) GetAppStateMutationMAC(_ context.Context, name string, index []byte) ([]byte, error) {
	return a.partLocked(name).macs[string(index)], nil
}

// shareKey makes a phone hand a companion the key of its app state, if it has one.
func (s *Server) shareKey(d *device) {
	a := &d.account.appState
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

// tellAppState tells companions, all but one, that a part of the app state has another version.
func (s *Server) tellAppState(a *account, but *device, name string, version uint64) {
	node := notification("server_sync", waBinary.Node{Tag: "collection", Attrs: waBinary.Attrs{
		"name": name, "version": strconv.FormatUint(version, 10),
	}})
	for _, d := range a.allDevices() {
		if d != but {
			s.deliver(d, &queued{node: node})
		}
	}
}

// handleAppState answers which changes of the app state a companion has not seen, and takes its own. A change of a part
// of which the companion has not seen the last one is refused with 409.
func (s *Server) handleAppState(c *conn, iq, request *waBinary.Node) {
	a := &c.dev.account.appState
	var collections []waBinary.Node
	for _, asked := range request.GetChildrenByTag("collection") {
		name := attrText(&asked, "name")
		seen, _ := strconv.ParseUint(attrText(&asked, "version"), 10, 64) // none was seen without one
		patch, changes := asked.GetOptionalChildByTag("patch")
		node := waBinary.Node{Tag: "collection", Attrs: waBinary.Attrs{"name": name, "type": "result"}}
		a.mu.Lock()
		part := a.parts[name]
		if part == nil {
			part = &statePart{}
		}
		var unseen []waBinary.Node
		for _, raw := range part.patches[min(seen, uint64(len(part.patches))):] {
			unseen = append(unseen, waBinary.Node{Tag: "patch", Content: raw})
		}
		version := part.state.Version
		var refused error
		switch {
		case changes && seen != version:
			refused = errStateConflict
		case changes:
			raw, _ := patch.Content.([]byte)
			if version, refused = a.takeCompanionsLocked(name, raw); refused == nil {
				unseen = nil
			}
		}
		a.mu.Unlock()
		node.Content = []waBinary.Node{{Tag: "patches", Content: unseen}}
		if refused != nil {
			code := "400"
			if refused == errStateConflict { //nolint:errorlint // it is this very error
				code = "409"
			}
			node.Attrs["type"] = "error"
			node.Content = append(node.GetChildren(), waBinary.Node{Tag: "error", Attrs: waBinary.Attrs{"code": code, "text": "conflict"}})
		}
		node.Attrs["version"] = strconv.FormatUint(version, 10)
		collections = append(collections, node)
		if changes && refused == nil {
			s.applyAppState(c.dev, name, version)
		}
	}
	c.send(answer(iq, waBinary.Node{Tag: "sync", Content: collections}))
}

var errStateConflict = fmt.Errorf("%w: the app state has another version", ErrRefused)

// takeCompanionsLocked takes a change of a companion's.
func (a *appState) takeCompanionsLocked(name string, raw []byte) (uint64, error) {
	if a.key == nil {
		return 0, fmt.Errorf("%w: the phone gave no key", ErrRefused)
	}
	return a.takeLocked(context.Background(), name, raw)
}

// applyAppState makes the phone show what a companion changed, and tells the other companions.
func (s *Server) applyAppState(by *device, name string, version uint64) {
	if value := s.Person(by.account.phone).AppState(appstate.IndexSettingPushName); value != nil {
		by.account.change(func(f *profile) { f.saved.Name = value.GetPushNameSetting().GetName() })
	}
	s.tellAppState(by.account, by, name, version)
}

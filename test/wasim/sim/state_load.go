package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.mau.fi/whatsmeow/util/keys"
)

// loadState loads the state file's content.
func (s *Server) loadState(path string) error {
	journal, values, err := openJournal(path)
	if err != nil {
		return err
	}
	s.state.journal = journal
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	slices.SortStableFunc(names, func(a, b string) int { return kindOf(a) - kindOf(b) })
	for _, name := range names {
		if err = s.loadValue(name, values[name]); err != nil {
			_ = journal.close()
			return fmt.Errorf("state file %s: %s: %w", path, name, err)
		}
	}
	return nil
}

// kindOf is the rank of a key's kind, -1 for an unknown one.
func kindOf(key string) int {
	kind, _, _ := strings.Cut(key, "/")
	return slices.Index(kinds, kind)
}

func (s *Server) loadValue(key string, raw json.RawMessage) error {
	path := strings.Split(key, "/")
	if kindOf(key) < 0 || len(path) < 2 {
		return errSaved
	}
	return s.load(path[0], path[1:], raw)
}

var errSaved = errors.New("not as it was saved")

// load loads one key's value.
func (s *Server) load(kind string, path []string, raw json.RawMessage) error {
	switch kind {
	case kindAccount:
		return s.loadAccount(path, raw)
	case kindGroup:
		if len(path) != 1 {
			return errSaved
		}
		return s.loadGroup(path[0], raw)
	}
	a := s.accounts[path[0]]
	if a == nil {
		return errSaved
	}
	switch kind {
	case kindProfile:
		return json.Unmarshal(raw, &a.profile.saved)
	case kindOwnKeys:
		var private map[uint32][]byte
		if err := json.Unmarshal(raw, &private); err != nil {
			return err
		}
		a.phoneSide.memory.ImportPreKeys(private)
		return nil
	case kindSession:
		var session []byte
		if err := json.Unmarshal(raw, &session); err != nil || len(path) != 2 {
			return errors.Join(errSaved, err)
		}
		return a.phoneSide.memory.PutSession(context.Background(), path[1], session)
	case kindSenderKey:
		var key []byte
		if err := json.Unmarshal(raw, &key); err != nil || len(path) != 3 {
			return errors.Join(errSaved, err)
		}
		return a.phoneSide.memory.PutSenderKey(context.Background(), path[1], path[2], key)
	}
	id, err := strconv.ParseUint(path[min(1, len(path)-1)], 10, 16)
	if err != nil || len(path) < 2 {
		return errors.Join(errSaved, err)
	}
	if kind == kindDevice {
		return a.loadDevice(uint16(id), raw)
	}
	d := a.devices[uint16(id)]
	if d == nil {
		return errSaved
	}
	if kind == kindPreKeys {
		return d.loadPreKeys(raw)
	}
	return s.loadMessage(d, path, raw)
}

func (s *Server) loadAccount(path []string, raw json.RawMessage) error {
	var saved savedAccount
	if err := json.Unmarshal(raw, &saved); err != nil {
		return err
	}
	if len(path) != 1 || len(saved.Identity) != 32 || len(saved.Signed) != 32 {
		return errSaved
	}
	a := newAccount(path[0], keys.NewKeyPairFromPrivateKey([32]byte(saved.Identity)),
		keys.NewKeyPairFromPrivateKey([32]byte(saved.Signed)), s.state)
	a.rawID, a.lastID, a.keyIndex = saved.RawID, saved.LastID, saved.KeyIndex
	s.accounts[a.phone], s.lids[a.lid] = a, a
	return nil
}

func (a *account) loadDevice(id uint16, raw json.RawMessage) error {
	var saved savedDevice
	if err := json.Unmarshal(raw, &saved); err != nil {
		return err
	}
	if len(saved.Noise) != 32 || len(saved.Identity) != 32 || len(saved.Signed.Public) != 32 || len(saved.Signature) != 64 {
		return errSaved
	}
	a.devices[id] = &device{
		account: a, id: id, noiseKey: [32]byte(saved.Noise), identityKey: [32]byte(saved.Identity),
		registerID: saved.RegisterID, keyIndex: saved.KeyIndex, adv: saved.ADV, os: saved.OS, since: saved.Since,
		version: saved.Version,
		signed:  signedPreKey{saved.Signed.ID, [32]byte(saved.Signed.Public), [64]byte(saved.Signature)},
	}
	return nil
}

func (d *device) loadPreKeys(raw json.RawMessage) error {
	var saved []savedKey
	if err := json.Unmarshal(raw, &saved); err != nil {
		return err
	}
	for _, key := range saved {
		if len(key.Public) != 32 {
			return errSaved
		}
		d.preKeys = append(d.preKeys, preKey{key.ID, [32]byte(key.Public)})
	}
	return nil
}

func (s *Server) loadMessage(d *device, path []string, raw json.RawMessage) error {
	var saved savedMessage
	if err := json.Unmarshal(raw, &saved); err != nil {
		return err
	}
	seq, err := strconv.ParseUint(path[len(path)-1], 10, 64)
	if err != nil {
		return err
	}
	node, err := decodeNode(saved.Node, nil)
	if err != nil {
		return err
	}
	d.queueEnd = max(d.queueEnd, seq)
	// Whether the companion got it before is not known; that it may have is what counts.
	d.queue = append(d.queue, &queued{
		seq: seq, node: *node, plain: saved.Plain, from: s.accounts[saved.From], bad: saved.Bad, sent: 1,
	})
	return nil
}

package sim

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/libsignal/keys/identity"
	"go.mau.fi/libsignal/keys/prekey"
	"go.mau.fi/libsignal/protocol"
	"go.mau.fi/libsignal/session"
	"go.mau.fi/libsignal/util/optional"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/util/keys"

	"sesi.dev/sesi/test/wasim/memstore"
)

// peer is the phone itself: the Signal end of device 0, with real sessions.
type peer struct {
	phone string
	state *keeper

	mu     sync.Mutex // guards the sessions: one ratchet step at a time
	memory *memstore.Store
	dev    *store.Device
	// handedOut are the companions that have the phone's sender key of a group.
	handedOut map[string]map[*device]bool
}

var (
	errPadding  = errors.New("bad padding")
	errEncType  = errors.New("unknown kind of encryption")
	serializer  = store.SignalProtobufSerializer
	phoneSideID = uint32(4000)
)

func newPeer(phone string, identity *keys.KeyPair, signed *keys.PreKey, state *keeper) *peer {
	memory := memstore.New()
	memory.TrustAll = true // a phone goes on when a contact's security code changed
	dev := &store.Device{NoiseKey: identity, IdentityKey: identity, RegistrationID: phoneSideID, SignedPreKey: signed}
	memory.Attach(dev)
	return &peer{phone: phone, state: state, memory: memory, dev: dev}
}

func (p *peer) identity() *keys.KeyPair { return p.dev.IdentityKey }

// address is what a companion's session is kept under.
func address(d *device) *protocol.SignalAddress {
	return protocol.NewSignalAddress(d.account.phone, uint32(d.id))
}

func (p *peer) sessionKey(address string) string { return kindSession + "/" + p.phone + "/" + address }

// keepSession saves the session with a companion after a ratchet step.
func (p *peer) keepSession(ctx context.Context, address string) {
	raw, err := p.memory.GetSession(ctx, address)
	if err == nil {
		err = p.state.put(p.sessionKey(address), raw)
	}
	p.state.note(err)
}

// forget ends the session with a companion; the next message starts a new one from its prekeys.
func (p *peer) forget(d *device) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.memory.DeleteSession(context.Background(), address(d).String())
	p.state.note(p.state.remove(p.sessionKey(address(d).String())))
}

// knows reports whether the phone has a session with a companion.
func (p *peer) knows(d *device) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	has, err := p.memory.HasSession(context.Background(), address(d).String())
	return has && err == nil
}

// encrypt encrypts for a companion, and starts a session from its prekeys when there is none.
func (p *peer) encrypt(ctx context.Context, d *device, plain []byte) (kind string, sealed []byte, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	to := address(d)
	builder := session.NewBuilderFromSignal(p.dev, to, serializer)
	if has, err := p.memory.HasSession(ctx, to.String()); err != nil {
		return "", nil, err
	} else if !has {
		if err = builder.ProcessBundle(ctx, d.bundle()); err != nil {
			return "", nil, fmt.Errorf("start a session with %s: %w", d.jid(), err)
		}
	}
	message, err := session.NewCipher(builder, to).Encrypt(ctx, pad(plain))
	if err != nil {
		return "", nil, fmt.Errorf("encrypt for %s: %w", d.jid(), err)
	}
	kind = "msg"
	if message.Type() == protocol.PREKEY_TYPE {
		kind = "pkmsg"
	}
	p.keepSession(ctx, to.String())
	return kind, message.Serialize(), nil
}

// bundle takes one of the companion's prekeys for a new session with it.
func (d *device) bundle() *prekey.Bundle {
	one := d.takePreKey()
	d.mu.Lock()
	signed := d.signed
	d.mu.Unlock()
	id, public := optional.NewEmptyUint32(), ecc.ECPublicKeyable(nil)
	if one != nil {
		id, public = optional.NewOptionalUint32(one.id), ecc.NewDjbECPublicKey(one.public)
	}
	return prekey.NewBundle(d.registerID, uint32(d.id), id, signed.id, public, ecc.NewDjbECPublicKey(signed.public),
		signed.signature, identity.NewKey(ecc.NewDjbECPublicKey(d.identityKey)))
}

// decrypt decrypts what a companion sent to the phone. libsignal may panic on what a client made up; then its
// connection ends, see Server.serve.
func (p *peer) decrypt(ctx context.Context, d *device, kind string, sealed []byte) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := address(d)
	cipher := session.NewCipher(session.NewBuilderFromSignal(p.dev, from, serializer), from)
	plain, err := p.open(ctx, cipher, kind, sealed)
	if err != nil {
		return nil, err
	}
	p.keepSession(ctx, from.String())
	return unpad(plain)
}

func (p *peer) open(ctx context.Context, cipher *session.Cipher, kind string, sealed []byte) ([]byte, error) {
	switch kind {
	case "pkmsg":
		message, err := protocol.NewPreKeySignalMessageFromBytes(sealed, serializer.PreKeySignalMessage, serializer.SignalMessage)
		if err != nil {
			return nil, err
		}
		plain, err := cipher.DecryptMessage(ctx, message)
		p.keepPreKeys()
		return plain, err
	case "msg":
		message, err := protocol.NewSignalMessageFromBytes(sealed, serializer.SignalMessage)
		if err != nil {
			return nil, err
		}
		return cipher.Decrypt(ctx, message)
	default:
		return nil, fmt.Errorf("%w: %q", errEncType, kind)
	}
}

// offerPreKey makes a one-time key for a companion that wants to write to the phone.
func (p *peer) offerPreKey(ctx context.Context) (*keys.PreKey, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, err := p.memory.GenOnePreKey(ctx)
	p.keepPreKeys()
	return one, err
}

func (p *peer) keepPreKeys() {
	p.state.note(p.state.put(kindOwnKeys+"/"+p.phone, p.memory.ExportPreKeys()))
}

// pad adds 1 to 15 bytes that each say how many they are.
func pad(plain []byte) []byte {
	var random [1]byte
	_, _ = rand.Read(random[:])
	size := 1 + int(random[0])%15
	padded := make([]byte, len(plain)+size)
	copy(padded, plain)
	for i := len(plain); i < len(padded); i++ {
		padded[i] = byte(size)
	}
	return padded
}

func unpad(padded []byte) ([]byte, error) {
	if len(padded) == 0 {
		return nil, errPadding
	}
	size := int(padded[len(padded)-1])
	if size == 0 || size > len(padded) {
		return nil, errPadding
	}
	return padded[:len(padded)-size], nil
}

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

	"sesi.dev/sesi/hack/wasim/memstore"
)

// Peer is device 0 of an account: the Signal end of a phone, with real sessions.
type Peer struct {
	mu  sync.Mutex
	st  *memstore.Store
	dev *store.Device
}

func newPeer(ident *keys.KeyPair) *Peer {
	st := memstore.New()
	st.TrustAll = true
	d := &store.Device{NoiseKey: ident, IdentityKey: ident, RegistrationID: 4000}
	d.SignedPreKey = ident.CreateSignedPreKey(1)
	st.Attach(d)
	return &Peer{st: st, dev: d}
}

var ser = store.SignalProtobufSerializer

func pad(pt []byte) []byte {
	var b [1]byte
	_, _ = rand.Read(b[:])
	n := int(b[0] & 0xf)
	if n == 0 {
		n = 0xf
	}
	out := append([]byte{}, pt...)
	for i := 0; i < n; i++ {
		out = append(out, byte(n))
	}
	return out
}

func unpad(pt []byte) ([]byte, error) {
	if len(pt) == 0 || int(pt[len(pt)-1]) > len(pt) {
		return nil, errors.New("bad padding")
	}
	return pt[:len(pt)-int(pt[len(pt)-1])], nil
}

func addr(d *Device) *protocol.SignalAddress {
	return protocol.NewSignalAddress(d.acct.Phone, uint32(d.ID))
}

func (p *Peer) forget(d *Device) {
	_ = p.st.DeleteSession(context.Background(), addr(d).String())
}

// encrypt encrypts for a companion, starting a session from its uploaded prekeys when there is none.
func (p *Peer) encrypt(ctx context.Context, d *Device, plaintext []byte) (encType string, ct []byte, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := addr(d)
	b := session.NewBuilderFromSignal(p.dev, a, ser)
	has, _ := p.st.HasSession(ctx, a.String())
	if !has {
		pk, left := d.popPreKey()
		if left >= 0 && left < 5 {
			d.lowPreKeys(left)
		}
		var pkID *optional.Uint32
		var pkPub ecc.ECPublicKeyable
		if pk != nil {
			pkID, pkPub = optional.NewOptionalUint32(pk.ID), ecc.NewDjbECPublicKey(pk.Pub)
		} else {
			pkID = optional.NewEmptyUint32()
		}
		bundle := prekey.NewBundle(d.RegID, uint32(d.ID), pkID, d.SPKID, pkPub, ecc.NewDjbECPublicKey(d.SPK), d.SPKSig,
			identity.NewKey(ecc.NewDjbECPublicKey(d.IdentityPub)))
		if err = b.ProcessBundle(ctx, bundle); err != nil {
			return "", nil, fmt.Errorf("bundle: %w", err)
		}
	}
	m, err := session.NewCipher(b, a).Encrypt(ctx, pad(plaintext))
	if err != nil {
		return "", nil, err
	}
	encType = "msg"
	if m.Type() == protocol.PREKEY_TYPE {
		encType = "pkmsg"
	}
	return encType, m.Serialize(), nil
}

func (p *Peer) decrypt(ctx context.Context, d *Device, encType string, ct []byte) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := addr(d)
	c := session.NewCipher(session.NewBuilderFromSignal(p.dev, a, ser), a)
	var pt []byte
	if encType == "pkmsg" {
		m, err := protocol.NewPreKeySignalMessageFromBytes(ct, ser.PreKeySignalMessage, ser.SignalMessage)
		if err != nil {
			return nil, err
		}
		if pt, err = c.DecryptMessage(ctx, m); err != nil {
			return nil, err
		}
	} else {
		m, err := protocol.NewSignalMessageFromBytes(ct, ser.SignalMessage)
		if err != nil {
			return nil, err
		}
		if pt, err = c.Decrypt(ctx, m); err != nil {
			return nil, err
		}
	}
	return unpad(pt)
}

func (d *Device) popPreKey() (*preKey, int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.pre) == 0 {
		return nil, 0
	}
	k := d.pre[0]
	d.pre = d.pre[1:]
	return &k, len(d.pre)
}

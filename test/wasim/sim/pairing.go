package sim

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.mau.fi/libsignal/ecc"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waAdv"
	"go.mau.fi/whatsmeow/proto/waCompanionReg"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// qrLink begins the QR text of clients since 2026-05: a link, the four parts of old, and the client's type.
const qrLink = "https://wa.me/settings/linked_devices#"

var clientTypes = regexp.MustCompile(`^[0-9ce]$`)

// pairWait bounds how long a companion may take to answer.
const pairWait = 20 * time.Second

// What the two sides sign when a companion is linked; the first two bytes distinguish the signatures.
var (
	accountSignaturePrefix = []byte{6, 0}
	deviceSignaturePrefix  = []byte{6, 1}
)

// pairing is a link that waits for the companion's signature.
type pairing struct {
	dev    *device
	signed *waAdv.ADVSignedDeviceIdentity
	iqID   string
	done   chan error // buffered: the reader never waits for the one who scanned
}

// Scan is the phone's camera: it takes the text of a QR code and links the client that shows it to the phone's number.
// When it returns, the link is confirmed and saved.
func (s *Server) Scan(ctx context.Context, qr, phone string) (types.JID, error) {
	r, secret, err := s.findRegistration(qr)
	if err != nil {
		return types.EmptyJID, err
	}
	if s.hit(FaultNoMultidevice, "") != nil {
		r.conn.send(notice("downgrade_webclient", nil))
		return types.EmptyJID, fmt.Errorf("%w: this phone does not link devices", ErrRefused)
	}
	return s.pairPhone(ctx, r, phone, secret)
}

// findRegistration parses a QR text: reference, noise key, identity key and the secret that only the companion and the
// camera know.
func (s *Server) findRegistration(qr string) (*registration, []byte, error) {
	text, isLink := strings.CutPrefix(strings.TrimSpace(qr), qrLink)
	parts := strings.Split(text, ",")
	if isLink && len(parts) == 5 && clientTypes.MatchString(parts[4]) {
		parts = parts[:4]
	}
	if len(parts) != 4 {
		return nil, nil, fmt.Errorf("%w: QR text has %d parts instead of 4", ErrInvalid, len(parts))
	}
	var keys [3][]byte
	for i, part := range parts[1:] {
		key, err := base64.StdEncoding.DecodeString(part)
		if err != nil || len(key) != 32 {
			return nil, nil, fmt.Errorf("%w: part %d of the QR text is not a key", ErrInvalid, i+2)
		}
		keys[i] = key
	}
	s.mu.Lock()
	ref := s.refs[parts[0]]
	s.mu.Unlock()
	switch {
	case ref == nil:
		return nil, nil, fmt.Errorf("%w: no connection shows this QR code", ErrUnknown)
	case time.Now().After(ref.expires):
		return nil, nil, fmt.Errorf("%w: QR code", ErrExpired)
	case [32]byte(keys[0]) != ref.reg.conn.noiseKey:
		return nil, nil, fmt.Errorf("%w: the noise key in the QR text is not the connection's", ErrInvalid)
	case string(keys[1]) != string(ref.reg.data.GetEIdent()):
		return nil, nil, fmt.Errorf("%w: the identity key in the QR text is not the registration's", ErrInvalid)
	}
	return ref.reg, keys[2], nil
}

// pair links a companion: the phone signs its identity, the companion signs back.
func (s *Server) pair(ctx context.Context, r *registration, phone string, secret []byte) (types.JID, error) {
	a, err := s.account(phone)
	if err != nil {
		return types.EmptyJID, err
	}
	p, err := s.preparePairing(a, r)
	if err != nil {
		return types.EmptyJID, err
	}
	node, err := p.success(secret)
	if err != nil {
		return types.EmptyJID, err
	}
	if !r.setPairing(p) {
		return types.EmptyJID, fmt.Errorf("%w: this connection is being paired already", ErrRefused)
	}
	r.conn.send(node)
	timer := time.NewTimer(pairWait)
	defer timer.Stop()
	select {
	case err = <-p.done:
	case <-ctx.Done():
		err = fmt.Errorf("%w: %w", ErrNoAnswer, ctx.Err())
	case <-timer.C:
		err = fmt.Errorf("%w: the companion does not confirm the link", ErrNoAnswer)
	case <-s.done:
		err = ErrClosed
	}
	if err != nil {
		s.Stats.PairErrors.Add(1)
		s.event(EventPairError, p.dev.jid().String(), err.Error())
		return types.EmptyJID, err
	}
	return p.dev.jid(), nil
}

func (s *Server) preparePairing(a *account, r *registration) (*pairing, error) {
	id, keyIndex, err := a.reserve()
	if err != nil {
		return nil, err
	}
	data := r.data
	d := &device{
		account: a, id: id, noiseKey: r.conn.noiseKey, identityKey: [32]byte(data.GetEIdent()),
		registerID: binary.BigEndian.Uint32(data.GetERegid()), keyIndex: keyIndex,
		os: deviceOS(data.GetDeviceProps()), since: time.Now().Truncate(time.Millisecond), version: r.conn.version,
		signed: signedPreKey{
			id: uint24(data.GetESkeyID()), public: [32]byte(data.GetESkeyVal()), signature: [64]byte(data.GetESkeySig()),
		},
	}
	details, err := proto.Marshal(&waAdv.ADVDeviceIdentity{
		RawID: &a.rawID, Timestamp: proto.Uint64(uint64(time.Now().Unix())), KeyIndex: &keyIndex,
		AccountType: waAdv.ADVEncryptionType_E2EE.Enum(), DeviceType: waAdv.ADVEncryptionType_E2EE.Enum(),
	})
	if err != nil {
		return nil, fmt.Errorf("make a device identity: %w", err)
	}
	identity := a.phoneSide.identity()
	signature := ecc.CalculateSignature(ecc.NewDjbECPrivateKey(*identity.Priv),
		slices.Concat(accountSignaturePrefix, details, d.identityKey[:]))
	return &pairing{
		dev: d, iqID: nextID(), done: make(chan error, 1),
		signed: &waAdv.ADVSignedDeviceIdentity{
			Details: details, AccountSignatureKey: identity.Pub[:], AccountSignature: signature[:],
		},
	}, nil
}

// success is what tells the companion who it now is; the HMAC proves that the camera saw its code.
func (p *pairing) success(secret []byte) (waBinary.Node, error) {
	signed, err := proto.Marshal(p.signed)
	if err != nil {
		return waBinary.Node{}, fmt.Errorf("make a device identity: %w", err)
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(signed)
	container, err := proto.Marshal(&waAdv.ADVSignedDeviceIdentityHMAC{Details: signed, HMAC: mac.Sum(nil)})
	if err != nil {
		return waBinary.Node{}, fmt.Errorf("make a device identity: %w", err)
	}
	return waBinary.Node{
		Tag:   "iq",
		Attrs: waBinary.Attrs{"from": types.ServerJID, "type": "set", "id": p.iqID},
		Content: []waBinary.Node{{Tag: "pair-success", Content: []waBinary.Node{
			{Tag: "device-identity", Content: container},
			{Tag: "device", Attrs: waBinary.Attrs{"jid": p.dev.jid(), "lid": p.dev.lidJID()}},
			{Tag: "platform", Attrs: waBinary.Attrs{"name": "android"}},
		}}},
	}, nil
}

// setPairing begins the wait for a companion's signature, unless there is one already.
func (r *registration) setPairing(p *pairing) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pairing != nil {
		return false
	}
	r.pairing = p
	return true
}

// takePairing ends the wait for a companion's signature; an empty id means any.
func (r *registration) takePairing(iqID string) *pairing {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.pairing
	if p == nil || iqID != "" && p.iqID != iqID {
		return nil
	}
	r.pairing = nil
	return p
}

// handlePairReply takes the companion's answer to the success.
func (s *Server) handlePairReply(c *conn, node *waBinary.Node) {
	if c.reg == nil {
		return
	}
	p := c.reg.takePairing(attrText(node, "id"))
	if p == nil {
		return
	}
	if attrText(node, "type") != "result" {
		reason := node.GetChildByTag("error")
		p.done <- fmt.Errorf("%w by the companion: %s %s", ErrRefused, attrText(&reason, "code"), attrText(&reason, "text"))
		return
	}
	if err := p.verify(node); err != nil {
		p.done <- fmt.Errorf("%w: %w", ErrRefused, err)
		c.end()
		return
	}
	if err := s.link(p); err != nil {
		p.done <- err
		c.end()
		return
	}
	p.done <- nil
	if s.hit(FaultPairDrop, "") != nil {
		c.drop()
		return
	}
	c.end(streamError("515", "")) // "restart required": the companion now logs in
}

// verify checks the companion's signature, and completes the identity with it.
func (p *pairing) verify(node *waBinary.Node) error {
	sign := node.GetChildByTag("pair-device-sign")
	var reply waAdv.ADVSignedDeviceIdentity
	if proto.Unmarshal(childBytes(&sign, "device-identity"), &reply) != nil || len(reply.GetDeviceSignature()) != 64 {
		return errors.New("unreadable pair-device-sign")
	}
	p.signed.DeviceSignature = reply.GetDeviceSignature()
	if !validIdentity(p.signed, p.dev) {
		return errors.New("the device's signature does not verify")
	}
	adv, err := proto.Marshal(p.signed)
	p.dev.adv = adv
	return err
}

// validIdentity checks both signatures of a device identity.
func validIdentity(signed *waAdv.ADVSignedDeviceIdentity, d *device) bool {
	if len(signed.GetAccountSignature()) != 64 || len(signed.GetDeviceSignature()) != 64 {
		return false
	}
	account := d.account.phoneSide.identity().Pub
	byAccount := slices.Concat(accountSignaturePrefix, signed.GetDetails(), d.identityKey[:])
	byDevice := slices.Concat(deviceSignaturePrefix, signed.GetDetails(), d.identityKey[:], account[:])
	return ecc.VerifySignature(ecc.NewDjbECPublicKey(*account), byAccount, [64]byte(signed.GetAccountSignature())) &&
		ecc.VerifySignature(ecc.NewDjbECPublicKey(d.identityKey), byDevice, [64]byte(signed.GetDeviceSignature()))
}

// link makes the companion one of the account's. It is saved before it is announced, so that a confirmed link survives
// a kill of the simulator.
func (s *Server) link(p *pairing) error {
	d := p.dev
	d.account.phoneSide.forget(d)
	if err := errors.Join(s.state.keepAccount(d.account), s.state.keepDevice(d)); err != nil {
		return err
	}
	d.account.mu.Lock()
	d.account.devices[d.id] = d
	d.account.mu.Unlock()
	s.Stats.Pairings.Add(1)
	s.event(EventPaired, d.jid().String(), d.os)
	return nil
}

func deviceOS(props []byte) string {
	var parsed waCompanionReg.DeviceProps
	if proto.Unmarshal(props, &parsed) != nil {
		return ""
	}
	return parsed.GetOs()
}

package sim

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waCompanionReg"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/hkdfutil"
	"go.mau.fi/whatsmeow/util/keys"
	"google.golang.org/protobuf/proto"
)

// passkeyTimeout is how long a challenge can be signed; the real server's options say ten minutes.
const passkeyTimeout = 10 * time.Minute

// The steps of the passkey gate, as Fault.Attrs["step"] names them.
const (
	StepPrologue = "prologue" // the assertion and the companion's commitment
	StepNonce    = "nonce"    // the companion opens its commitment
	StepRequest  = "request"  // the encrypted pairing request
)

// gate is a pairing that waits for the account's passkey. The server keeps it on the registration until the
// companion has sent its new ADV secret, encrypted for the phone.
type gate struct {
	passkey *Passkey
	options []byte // the challenge, as WebAuthn's request options in JSON
	until   time.Time
	handOff []byte     // the key of the proof that the companion showed the code which the phone read
	done    chan error // buffered: the reader never waits for the scan

	mu         sync.Mutex
	ref        string
	identity   []byte // the companion's ephemeral identity, as it was signed for
	companion  *waCompanionReg.CompanionEphemeralIdentity
	commitment []byte
	ephemeral  *keys.KeyPair // the phone's
	nonce      []byte        // the phone's
	opened     bool          // the companion's nonce came and fits the commitment
	proven     bool
	code       string
	secret     []byte // the companion's new ADV secret
}

// RequirePasskey makes an account ask for its passkey when a device is linked; nil ends that. It is kept in
// memory only.
func (s *Server) RequirePasskey(phone string, key *Passkey) error {
	a, err := s.account(phone)
	if err != nil {
		return err
	}
	if key != nil && (key.Public == nil || len(key.CredentialID) == 0) {
		return fmt.Errorf("%w: a passkey needs a credential id and a public key", ErrInvalid)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.passkey = key
	return nil
}

// PasskeyCode returns the verification code that an account's phone shows, and whether the companion proved
// that it showed the code which the phone read; an empty code means none yet.
func (s *Server) PasskeyCode(phone string) (code string, proven bool) {
	s.mu.Lock()
	var open *gate
	for r := range s.pairings {
		r.mu.Lock()
		if r.gate != nil && r.gate.passkey.phone == phone {
			open = r.gate
		}
		r.mu.Unlock()
	}
	s.mu.Unlock()
	if open == nil {
		return "", false
	}
	open.mu.Lock()
	defer open.mu.Unlock()
	return open.code, open.proven
}

// pairPhone links a companion to a phone that read its code. An account with a passkey asks for it first, and then
// continues with the secret that the companion made for it.
func (s *Server) pairPhone(ctx context.Context, r *registration, phone string, secret []byte) (types.JID, error) {
	a, err := s.account(phone)
	if err != nil {
		return types.EmptyJID, err
	}
	a.mu.Lock()
	passkey := a.passkey
	a.mu.Unlock()
	if passkey != nil {
		owned := *passkey
		owned.phone = phone
		if secret, err = s.passGate(ctx, r, &owned, secret); err != nil {
			s.Stats.PairErrors.Add(1)
			s.event(EventPairError, phone, err.Error())
			return types.EmptyJID, err
		}
	}
	return s.pair(ctx, r, phone, secret)
}

// passGate leads a companion through the passkey gate and returns its new ADV secret.
func (s *Server) passGate(ctx context.Context, r *registration, passkey *Passkey, secret []byte) ([]byte, error) {
	g := &gate{
		passkey: passkey, until: time.Now().Add(passkeyTimeout), done: make(chan error, 1),
		handOff: hkdfutil.SHA256(secret, nil, []byte("shortcake-passkey-handoff-v1"), 32),
	}
	var err error
	if g.options, err = passkey.options(passkeyTimeout); err != nil {
		return nil, err
	}
	if !r.setGate(g) {
		return nil, fmt.Errorf("%w: this connection is being paired already", ErrRefused)
	}
	defer r.setGate(nil)
	s.event(EventPasskey, passkey.phone, "asked")
	s.demand(r, g)
	timer := time.NewTimer(time.Until(g.until))
	defer timer.Stop()
	select {
	case err = <-g.done:
	case <-ctx.Done():
		err = fmt.Errorf("%w: %w", ErrNoAnswer, ctx.Err())
	case <-timer.C:
		err = fmt.Errorf("%w: the passkey was not used in time", ErrExpired)
	case <-s.done:
		err = ErrClosed
	}
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.secret, nil
}

// demand asks a companion for the passkey.
func (s *Server) demand(r *registration, g *gate) {
	if s.hit(FaultPasskeyEarly, g.passkey.phone) != nil { // first: whatsmeow handles it in its turn, but answers at once
		r.conn.send(continuation([]byte("not a primary identity")))
	}
	request := waBinary.Node{Tag: "passkey_request_options", Content: g.options}
	switch {
	case s.hit(FaultPasskeyBare, g.passkey.phone) != nil:
		r.conn.send(notification("passkey_prologue_request"))
	case s.hit(FaultPasskeyGarbled, g.passkey.phone) != nil:
		r.conn.send(notification("passkey_prologue_request", waBinary.Node{Tag: "passkey_request_options", Content: []byte("{")}))
	default:
		r.conn.send(notification("passkey_prologue_request", request))
	}
	if s.hit(FaultPasskeyTwice, g.passkey.phone) != nil {
		r.conn.send(notification("passkey_prologue_request", request))
	}
}

// setGate puts a gate on a registration, or takes it off; false if one is there.
func (r *registration) setGate(g *gate) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if g != nil && (r.gate != nil || r.pairing != nil) {
		return false
	}
	r.gate = g
	return true
}

// isGateRequest tells whether an iq of the namespace "md" belongs to the passkey gate.
func isGateRequest(tag string) bool {
	return slices.Contains([]string{"ref", "passkey_request_options", "passkey_prologue", "companion_nonce", "encrypted_pairing_request"}, tag)
}

// handleGate answers a companion at the passkey gate.
func (s *Server) handleGate(c *conn, iq, request *waBinary.Node) {
	if c.reg == nil {
		c.send(refusal(iq, 405, "not-allowed"))
		return
	}
	c.reg.mu.Lock()
	g := c.reg.gate
	c.reg.mu.Unlock()
	if g == nil {
		c.send(refusal(iq, 404, "item-not-found"))
		return
	}
	steps := map[string]string{"passkey_prologue": StepPrologue, "companion_nonce": StepNonce, "encrypted_pairing_request": StepRequest}
	if step := steps[request.Tag]; step != "" && s.faultAtStep(c, iq, g, step) {
		return
	}
	switch request.Tag {
	case "passkey_request_options":
		c.send(answer(iq, waBinary.Node{Tag: "passkey_request_options", Content: g.options}))
	case "ref":
		c.send(answer(iq, waBinary.Node{Tag: "ref", Content: []byte(g.newRef())}))
	case "passkey_prologue":
		s.handlePrologue(c, iq, request, g)
	case "companion_nonce":
		s.answerStep(c, iq, g, StepNonce, g.openCommitment(content(request)))
	case "encrypted_pairing_request":
		err := g.openRequest(c, content(request))
		s.answerStep(c, iq, g, StepRequest, err)
		if err == nil {
			g.end(nil)
		}
	}
}

// faultAtStep performs a fault at a step of the gate; true if the step must not be answered.
func (s *Server) faultAtStep(c *conn, iq *waBinary.Node, g *gate, step string) bool {
	f := s.hitStep(g.passkey.phone, step)
	if f == nil {
		return false
	}
	switch f.Kind {
	case FaultPasskeyRefuse:
		c.send(refusal(iq, f.Code, "refused"))
		return true
	case FaultPasskeyDrop:
		c.drop()
		return true
	case FaultPasskeySlow:
		return !s.pause(time.Duration(f.MS) * time.Millisecond)
	}
	return true // FaultPasskeyHang
}

// hitStep returns the first fault that is due at a step of the gate.
func (s *Server) hitStep(phone, step string) *Fault {
	s.faults.mu.Lock()
	var struck *Fault
	for _, kind := range []string{FaultPasskeyRefuse, FaultPasskeyDrop, FaultPasskeySlow, FaultPasskeyHang} {
		if struck = s.faults.strikeIf(kind, time.Now(), func(f *Fault) bool {
			return concerns(f.JID, phone) && f.Attrs["step"] == step
		}); struck != nil {
			break
		}
	}
	s.faults.mu.Unlock()
	if struck != nil {
		s.event(EventFault, phone, struck.Kind+" at "+step)
	}
	return struck
}

// answerStep answers a step, and records its result without its content.
func (s *Server) answerStep(c *conn, iq *waBinary.Node, g *gate, step string, err error) {
	if err != nil {
		var code gateError
		errors.As(err, &code)
		s.event(EventPasskey, g.passkey.phone, step+" refused: "+err.Error())
		c.send(refusal(iq, max(int(code), 400), "refused"))
		return
	}
	s.event(EventPasskey, g.passkey.phone, step)
	c.send(answer(iq))
}

// gateError is the code of a refusal at the gate. The real server's codes are not known; these are the
// simulator's.
type gateError int

func (e gateError) Error() string { return "code " + strconv.Itoa(int(e)) }

func (s *Server) handlePrologue(c *conn, iq, request *waBinary.Node, g *gate) {
	err := g.checkPrologue(request)
	s.answerStep(c, iq, g, StepPrologue, err)
	if err != nil {
		return
	}
	identity, err := g.phoneIdentity()
	if err != nil {
		g.end(err)
		return
	}
	c.send(continuation(identity))
}

func continuation(identity []byte) waBinary.Node {
	return notification("crsc_continuation", waBinary.Node{Tag: "primary_ephemeral_identity", Content: identity})
}

// newRef names the companion's ephemeral identity.
func (g *gate) newRef() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ref = "4@" + randomText(24)
	return g.ref
}

// checkPrologue checks the assertion and keeps the companion's commitment. A refused one may be tried again on the same
// challenge.
func (g *gate) checkPrologue(request *waBinary.Node) error {
	if time.Now().After(g.until) {
		return fmt.Errorf("%w: the challenge expired", gateError(408))
	}
	if err := g.passkey.verify(g.options, childBytes(request, "credential_id"), childBytes(request, "webauthn_assertion")); err != nil {
		return fmt.Errorf("%w: %w", gateError(403), err)
	}
	payload := childBytes(request, "prologue_payload")
	var prologue waCompanionReg.ProloguePayload
	var companion waCompanionReg.CompanionEphemeralIdentity
	if err := errors.Join(proto.Unmarshal(payload, &prologue), proto.Unmarshal(prologue.GetCompanionEphemeralIdentity(), &companion)); err != nil {
		return fmt.Errorf("%w: %w", gateError(400), err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.ref == "" || companion.GetRef() != g.ref:
		return fmt.Errorf("%w: the companion's reference is not the one given out", gateError(404))
	case len(companion.GetPublicKey()) != 32 || companion.DeviceType == nil:
		return fmt.Errorf("%w: the companion's identity is incomplete", gateError(400))
	case len(prologue.GetCommitment().GetHash()) != sha256.Size:
		return fmt.Errorf("%w: the commitment is not a hash", gateError(400))
	}
	if proof := childBytes(request, "pairing_handoff_proof"); proof != nil {
		mac := hmac.New(sha256.New, g.handOff)
		mac.Write(payload)
		if !hmac.Equal(mac.Sum(nil), proof) {
			return fmt.Errorf("%w: the hand-off proof is wrong", gateError(403))
		}
		g.proven = true
	}
	g.companion, g.identity, g.commitment = &companion, prologue.GetCompanionEphemeralIdentity(), prologue.GetCommitment().GetHash()
	return nil
}

// phoneIdentity makes the phone's ephemeral identity.
func (g *gate) phoneIdentity() ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ephemeral, g.nonce = keys.NewKeyPair(), make([]byte, 32)
	_, _ = rand.Read(g.nonce)
	return proto.Marshal(&waCompanionReg.PrimaryEphemeralIdentity{PublicKey: g.ephemeral.Pub[:], Nonce: g.nonce})
}

// openCommitment takes the companion's nonce. It must fit the commitment, or the companion chose it after it
// saw the phone's.
func (g *gate) openCommitment(nonce []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ephemeral == nil {
		return fmt.Errorf("%w: no prologue was accepted", gateError(409))
	}
	opened := sha256.Sum256(slices.Concat(g.identity, nonce))
	if len(nonce) != 32 || !hmac.Equal(opened[:], g.commitment) {
		return fmt.Errorf("%w: the nonce does not fit the commitment", gateError(403))
	}
	mask := sha256.Sum256(slices.Concat(nonce, g.ephemeral.Pub[:]))
	short := make([]byte, 5)
	for i := range short {
		short[i] = g.nonce[i] ^ mask[i]
	}
	text := codeAlphabet.EncodeToString(short)
	g.opened, g.code = true, text[:4]+"-"+text[4:]
	return nil
}

// openRequest decrypts the companion's keys with the secret that both ephemeral keys share.
func (g *gate) openRequest(c *conn, raw []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.opened {
		return fmt.Errorf("%w: the commitment was not opened", gateError(409))
	}
	shared, err := sharedSecret(g.ephemeral, g.companion.GetPublicKey())
	if err != nil {
		return fmt.Errorf("%w: %w", gateError(400), err)
	}
	salt := fmt.Sprintf("Companion Pairing %d with ref %s", g.companion.GetDeviceType(), g.companion.GetRef())
	aead, err := newGCM(hkdfutil.SHA256(shared, []byte(salt), []byte("Pairing Information Encryption Key"), 32))
	if err != nil {
		return err
	}
	var sealed waCompanionReg.EncryptedPairingRequest
	var request waCompanionReg.PairingRequest
	if err = proto.Unmarshal(raw, &sealed); err != nil || len(sealed.GetIV()) != aead.NonceSize() {
		return fmt.Errorf("%w: not an encrypted pairing request", gateError(400))
	}
	plain, err := aead.Open(nil, sealed.GetIV(), sealed.GetEncryptedPayload(), nil)
	if err == nil {
		err = proto.Unmarshal(plain, &request)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: the pairing request cannot be decrypted", gateError(403))
	case string(request.GetCompanionPublicKey()) != string(c.noiseKey[:]), string(request.GetCompanionIdentityKey()) != string(c.reg.data.GetEIdent()):
		return fmt.Errorf("%w: the pairing request has other keys than the connection", gateError(403))
	case len(request.GetAdvSecret()) != 32:
		return fmt.Errorf("%w: the pairing request has no secret", gateError(400))
	}
	g.secret = request.GetAdvSecret()
	return nil
}

// end tells the scan how the gate ended.
func (g *gate) end(err error) {
	select {
	case g.done <- err:
	default: // it has ended
	}
}

// content returns the bytes in a node, nil if there are none.
func content(node *waBinary.Node) []byte {
	raw, _ := node.Content.([]byte)
	return raw
}

// options makes a new challenge.
func (k *Passkey) options(timeout time.Duration) ([]byte, error) {
	challenge := make([]byte, 32)
	_, _ = rand.Read(challenge)
	return json.Marshal(requestOptions{
		Challenge: base64.RawURLEncoding.EncodeToString(challenge), Timeout: timeout.Milliseconds(), RPID: relyingParty,
		AllowCredentials: []allowedCredential{{
			ID: base64.RawURLEncoding.EncodeToString(k.CredentialID), Type: "public-key", Transports: []string{"internal", "hybrid"},
		}},
		UserVerification: "required", Extensions: map[string]any{},
	})
}

package sim

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/hkdfutil"
	"go.mau.fi/whatsmeow/util/keys"
)

// codeLink is a connection that asked to be linked by a pairing code. The code never reaches the server: both
// ends encrypt their ephemeral keys with it.
type codeLink struct {
	reg     *registration
	phone   string
	ref     string
	wrapped []byte     // the companion's ephemeral key: 32 bytes of salt, 16 of IV, 32 encrypted
	done    chan error // buffered: the reader never waits for the one who typed

	mu        sync.Mutex
	ephemeral *keys.KeyPair // the phone's, of the last code typed
	companion []byte        // the companion's, as decrypted with that code
	secret    []byte
}

var (
	codeAlphabet   = base32.NewEncoding("123456789ABCDEFGHJKLMNPQRSTVWXYZ")
	displayPattern = regexp.MustCompile(`^[A-Za-z ]+ \([A-Za-z ]+\)$`)
)

// handleCodeLink handles the companion's side: hello asks for a code, finish proves that the phone's owner
// typed the right one.
func (s *Server) handleCodeLink(c *conn, iq *waBinary.Node, request *waBinary.Node) {
	if c.reg == nil {
		c.send(refusal(iq, 405, "not-allowed"))
		return
	}
	switch attrText(request, "stage") {
	case "companion_hello":
		s.handleCodeHello(c, iq, request)
	case "companion_finish":
		s.handleCodeFinish(c, iq, request)
	default:
		c.send(refusal(iq, 400, "bad-request"))
	}
}

func (s *Server) handleCodeHello(c *conn, iq *waBinary.Node, request *waBinary.Node) {
	phone := attrJID(request, "jid").User
	if f := s.hit(FaultPairCode, phone); f != nil {
		c.send(refusal(iq, f.Code, "rate-overlimit"))
		return
	}
	wrapped := childBytes(request, "link_code_pairing_wrapped_companion_ephemeral_pub")
	display := childBytes(request, "companion_platform_display")
	if len(wrapped) != 80 || string(childBytes(request, "companion_server_auth_key_pub")) != string(c.noiseKey[:]) ||
		!displayPattern.Match(display) || !phonePattern.MatchString(phone) {
		c.send(refusal(iq, 400, "bad-request"))
		return
	}
	link := &codeLink{reg: c.reg, phone: phone, ref: "3@" + randomText(24), wrapped: wrapped, done: make(chan error, 1)}
	s.mu.Lock()
	c.reg.link = link
	s.links[phone] = link
	s.mu.Unlock()
	s.event(EventCodeAsked, link.phone, c.ws.conn.RemoteAddr().String())
	c.send(answer(iq, waBinary.Node{
		Tag: "link_code_companion_reg", Attrs: waBinary.Attrs{"stage": "companion_hello"},
		Content: []waBinary.Node{{Tag: "link_code_pairing_ref", Content: []byte(link.ref)}},
	}))
}

func (s *Server) handleCodeFinish(c *conn, iq *waBinary.Node, request *waBinary.Node) {
	s.mu.Lock()
	link := c.reg.link
	s.mu.Unlock()
	if link == nil || string(childBytes(request, "link_code_pairing_ref")) != link.ref {
		c.send(refusal(iq, 404, "item-not-found"))
		return
	}
	c.send(answer(iq))
	a, err := s.account(link.phone)
	if err == nil {
		err = link.finish(a, childBytes(request, "link_code_pairing_wrapped_key_bundle"),
			childBytes(request, "companion_identity_public"))
	}
	select {
	case link.done <- err:
	default: // no request waits: the code was typed too long ago
	}
}

// finish opens the companion's key bundle, which only works with the code that it shows.
func (l *codeLink) finish(a *account, bundle, identity []byte) error {
	const salt, iv = 32, 12
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ephemeral == nil || len(bundle) < salt+iv+96 {
		return fmt.Errorf("%w: no code was typed", ErrRefused)
	}
	shared, err := sharedSecret(l.ephemeral, l.companion)
	if err != nil {
		return fmt.Errorf("%w: wrong code: %w", ErrRefused, err)
	}
	aead, err := newGCM(hkdfutil.SHA256(shared, bundle[:salt], []byte("link_code_pairing_key_bundle_encryption_key"), 32))
	if err != nil {
		return err
	}
	plain, err := aead.Open(nil, bundle[salt:salt+iv], bundle[salt+iv:], nil)
	if err != nil {
		return fmt.Errorf("%w: wrong code", ErrRefused)
	}
	own := a.phoneSide.identity()
	if len(plain) != 96 || string(plain[:32]) != string(identity) || string(plain[32:64]) != string(own.Pub[:]) ||
		string(identity) != string(l.reg.data.GetEIdent()) {
		return fmt.Errorf("%w: the key bundle holds other keys", ErrRefused)
	}
	identityShared, err := sharedSecret(own, identity)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	l.secret = hkdfutil.SHA256(slices.Concat(shared, identityShared, plain[64:]), nil, []byte("adv_secret"), 32)
	return nil
}

// EnterCode types the eight characters of a pairing code, as the phone's owner does. When it returns, the link is
// confirmed and saved.
func (s *Server) EnterCode(ctx context.Context, phone, code string) (types.JID, error) {
	code = strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(code), "-", ""))
	if _, err := codeAlphabet.DecodeString(code); err != nil || len(code) != 8 {
		return types.EmptyJID, fmt.Errorf("%w: a pairing code is eight letters and digits", ErrInvalid)
	}
	a, err := s.account(phone)
	if err != nil {
		return types.EmptyJID, err
	}
	s.mu.Lock()
	link := s.links[phone]
	s.mu.Unlock()
	if link == nil {
		return types.EmptyJID, fmt.Errorf("%w: no connection asked for a code for %s", ErrUnknown, phone)
	}
	wrapped, err := link.typed(code)
	if err != nil {
		return types.EmptyJID, err
	}
	link.reg.conn.send(notification("link_code_companion_reg", waBinary.Node{
		Tag: "link_code_companion_reg", Attrs: waBinary.Attrs{"stage": "primary_hello"}, Content: []waBinary.Node{
			{Tag: "link_code_pairing_wrapped_primary_ephemeral_pub", Content: wrapped},
			{Tag: "primary_identity_pub", Content: a.phoneSide.identity().Pub[:]},
			{Tag: "link_code_pairing_ref", Content: []byte(link.ref)},
		},
	}))
	if err = link.wait(ctx, s.done); err != nil {
		return types.EmptyJID, err
	}
	link.mu.Lock()
	secret := link.secret
	link.mu.Unlock()
	return s.pairPhone(ctx, link.reg, phone, secret)
}

// typed decrypts the companion's ephemeral key with a code, and encrypts the phone's with it. A wrong code
// shows only later.
func (l *codeLink) typed(code string) ([]byte, error) {
	companion, err := codeCipher(code, l.wrapped[:48], l.wrapped[48:])
	if err != nil {
		return nil, err
	}
	ephemeral, head := keys.NewKeyPair(), make([]byte, 48)
	_, _ = rand.Read(head)
	wrapped, err := codeCipher(code, head, ephemeral.Pub[:])
	if err != nil {
		return nil, err
	}
	select {
	case <-l.done: //nolint:errcheck // the answer to an earlier code, which no request waits for
	default:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ephemeral, l.companion = ephemeral, companion
	return slices.Concat(head, wrapped), nil
}

func (l *codeLink) wait(ctx context.Context, closed <-chan struct{}) error {
	timer := time.NewTimer(pairWait)
	defer timer.Stop()
	select {
	case err := <-l.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNoAnswer, ctx.Err())
	case <-timer.C:
		return fmt.Errorf("%w: the companion does not finish the pairing", ErrNoAnswer)
	case <-closed:
		return ErrClosed
	}
}

// codeCipher en- or decrypts a key with a code; head is 32 bytes of salt and 16 of IV.
func codeCipher(code string, head, text []byte) ([]byte, error) {
	if len(head) != 48 {
		return nil, errors.New("code cipher: head must be 48 bytes long")
	}
	key, err := pbkdf2.Key(sha256.New, code, head[:32], 2<<16, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(text))
	cipher.NewCTR(block, head[32:]).XORKeyStream(out, text)
	return out, nil
}

package sim

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.mau.fi/libsignal/ecc"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.mau.fi/whatsmeow/types"
)

// qrCodes is how many codes a connection is given, one after the other.
const qrCodes = 6

// registration is a connection that wants to be linked.
type registration struct {
	conn    *conn
	data    *waWa6.ClientPayload_DevicePairingRegistrationData
	since   time.Time
	expires time.Time
	timer   *time.Timer

	// Guarded by Server.mu.
	refs []string
	link *codeLink

	mu      sync.Mutex
	gate    *gate
	pairing *pairing
}

// qrRef is the part of a QR code that the server gave out.
type qrRef struct {
	reg     *registration
	expires time.Time
}

// Waiting is a connection that waits to be linked.
type Waiting struct {
	// Remote is where the connection comes from.
	Remote string `json:"remote"`
	// Since is when its first QR code was given out, Expires when its last one ends.
	Since   time.Time `json:"since"`
	Expires time.Time `json:"expires"`
	// Phone is the number it asked a pairing code for, empty if it asked for none.
	Phone string `json:"phone,omitempty"`
}

// Waiting lists the connections that wait to be linked, the oldest first. Only they know the whole content of their QR
// codes: the server gives out only a part of it.
func (s *Server) Waiting() []Waiting {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Waiting, 0, len(s.pairings))
	for r := range s.pairings {
		w := Waiting{Remote: r.conn.ws.conn.RemoteAddr().String(), Since: r.since, Expires: r.expires}
		if r.link != nil {
			w.Phone = r.link.phone
		}
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b Waiting) int { return a.Since.Compare(b.Since) })
	return all
}

// beginRegistration gives out the QR codes.
func (s *Server) beginRegistration(c *conn, data *waWa6.ClientPayload_DevicePairingRegistrationData) {
	if !validRegistration(data) {
		s.refuse(c, types.EmptyJID, 400, nil)
		return
	}
	now := time.Now()
	r := &registration{conn: c, data: data, since: now, expires: now.Add(s.cfg.QRFirst + (qrCodes-1)*s.cfg.QRNext)}
	c.reg = r
	nodes := make([]waBinary.Node, qrCodes)
	s.mu.Lock()
	for i := range nodes {
		ref := "2@" + randomText(72)
		r.refs = append(r.refs, ref)
		// A code scanned in its last moment still counts, as its client's clock started later than ours.
		s.refs[ref] = &qrRef{reg: r, expires: now.Add(s.cfg.QRFirst + time.Duration(i)*s.cfg.QRNext + s.cfg.QRNext/10)}
		nodes[i] = waBinary.Node{Tag: "ref", Content: []byte(ref)}
	}
	s.pairings[r] = struct{}{}
	s.mu.Unlock()
	s.event(EventWaiting, "", c.ws.conn.RemoteAddr().String())
	c.send(waBinary.Node{
		Tag:     "iq",
		Attrs:   waBinary.Attrs{"from": types.ServerJID, "type": "set", "id": nextID(), "xmlns": "md"},
		Content: []waBinary.Node{{Tag: "pair-device", Content: nodes}},
	})
	if s.hit(FaultEarlySuccess, "") != nil {
		c.send(waBinary.Node{Tag: "success", Attrs: waBinary.Attrs{"t": now.Unix(), "props": "27", "location": "sim"}})
	}
	r.timer = time.AfterFunc(time.Until(r.expires), func() { s.expire(r) })
}

// expire ends a connection whose codes went unscanned.
func (s *Server) expire(r *registration) {
	r.mu.Lock()
	busy := r.pairing != nil || r.gate != nil
	r.mu.Unlock()
	if !busy && r.conn.end() {
		s.Stats.QRExpired.Add(1)
		s.event(EventQRExpired, "", r.conn.ws.conn.RemoteAddr().String())
	}
}

// validRegistration: the prekey must be signed by the identity.
func validRegistration(data *waWa6.ClientPayload_DevicePairingRegistrationData) bool {
	if len(data.GetEIdent()) != 32 || len(data.GetESkeyVal()) != 32 || len(data.GetESkeySig()) != 64 ||
		len(data.GetERegid()) != 4 || len(data.GetESkeyID()) != 3 {
		return false
	}
	signed := append([]byte{ecc.DjbType}, data.GetESkeyVal()...)
	return ecc.VerifySignature(ecc.NewDjbECPublicKey([32]byte(data.GetEIdent())), signed, [64]byte(data.GetESkeySig()))
}

// endRegistration forgets a connection that wanted to be linked.
func (s *Server) endRegistration(r *registration) {
	r.timer.Stop()
	s.mu.Lock()
	delete(s.pairings, r)
	for _, ref := range r.refs {
		delete(s.refs, ref)
	}
	if r.link != nil && s.links[r.link.phone] == r.link {
		delete(s.links, r.link.phone)
	}
	s.mu.Unlock()
	r.mu.Lock()
	open := r.gate
	r.mu.Unlock()
	if open != nil {
		open.end(fmt.Errorf("%w: the connection ended at the passkey gate", ErrNoAnswer))
	}
	if p := r.takePairing(""); p != nil {
		p.done <- fmt.Errorf("%w: the connection ended while pairing", ErrNoAnswer)
	}
}

func randomText(size int) string {
	raw := make([]byte, size)
	_, _ = rand.Read(raw)
	return base64.StdEncoding.EncodeToString(raw)
}

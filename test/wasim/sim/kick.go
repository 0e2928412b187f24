package sim

import (
	"fmt"
	"regexp"

	"go.mau.fi/whatsmeow/types"
)

// The kinds of kicks. Any three digits are a kick too: stream:error with that code, then the close.
const (
	KickReplaced    = "replaced"    // stream:error conflict, as if another client had logged in
	KickRemoved     = "removed"     // unlinked by the phone: stream:error 401 device_removed
	KickDrop        = "drop"        // TCP reset without a reason
	KickClose       = "close"       // stream end and websocket close, no reason
	KickFreeze      = "freeze"      // the connection stays open and sends nothing
	KickThaw        = "thaw"        // the connection sends again; what was to be sent meanwhile is lost
	KickStreamError = "streamerror" // stream:error 503 without a close
)

// Kicks lists the named kinds of kicks.
var Kicks = []string{KickReplaced, KickRemoved, KickDrop, KickClose, KickFreeze, KickThaw, KickStreamError}

var streamErrorCode = regexp.MustCompile(`^[0-9]{3}$`)

// kicker returns what a kind of kick does to a connection.
func kicker(kind string) (func(*conn), error) {
	switch kind {
	case KickReplaced:
		return func(c *conn) {
			if c.end(streamError("", "replaced")) {
				c.server.Stats.Replaced.Add(1)
			}
		}, nil
	case KickRemoved:
		return func(c *conn) { c.end(streamError("401", "device_removed")) }, nil
	case KickDrop:
		return (*conn).drop, nil
	case KickClose:
		return func(c *conn) { c.end() }, nil
	case KickFreeze:
		return func(c *conn) { c.frozen.Store(true) }, nil
	case KickThaw:
		return func(c *conn) { c.frozen.Store(false) }, nil
	case KickStreamError:
		return func(c *conn) { c.send(streamError("503", "")) }, nil
	}
	if !streamErrorCode.MatchString(kind) {
		return nil, fmt.Errorf("%w: kind of kick %q, it must be one of %v or three digits", ErrInvalid, kind, Kicks)
	}
	return func(c *conn) { c.end(streamError(kind, "")) }, nil
}

// Kick does one of the Kick kinds to a companion, or to all of a number if the address names none. Only
// KickRemoved works on a companion that is offline: it finds out at its next login.
func (s *Server) Kick(jid types.JID, kind string) error {
	kick, err := kicker(kind)
	if err != nil {
		return err
	}
	devices, err := s.devicesOf(jid)
	if err != nil {
		return err
	}
	kicked := false
	for _, d := range devices {
		current := d.connection()
		if kind == KickRemoved {
			current, kicked = s.unlink(d), true
		}
		if current != nil {
			s.event(EventKicked, d.jid().String(), kind)
			kick(current)
			kicked = true
		}
	}
	if !kicked {
		return fmt.Errorf("%w: %s", ErrOffline, jid)
	}
	return nil
}

// KickAll kicks every companion that is online (KickRemoved: every companion) and returns how many it were.
func (s *Server) KickAll(kind string) (int, error) {
	if _, err := kicker(kind); err != nil {
		return 0, err
	}
	kicked := 0
	for _, info := range s.Devices() {
		jid, err := types.ParseJID(info.JID)
		if err == nil && s.Kick(jid, kind) == nil {
			kicked++
		}
	}
	return kicked, nil
}

// KickWaiting kicks every connection that waits to be linked and returns how many it were.
func (s *Server) KickWaiting(kind string) (int, error) {
	kick, err := kicker(kind)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	conns := make([]*conn, 0, len(s.pairings))
	for r := range s.pairings {
		conns = append(conns, r.conn)
	}
	s.mu.Unlock()
	for _, c := range conns {
		s.event(EventKicked, "", kind)
		kick(c)
	}
	return len(conns), nil
}

// Unlink removes a companion as its phone would.
func (s *Server) Unlink(jid types.JID) error { return s.Kick(jid, KickRemoved) }

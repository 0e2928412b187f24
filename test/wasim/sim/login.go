package sim

import (
	"strconv"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
)

// begin registers a new companion, logs an old one in, or ends the connection with the reason why not.
func (s *Server) begin(c *conn, payload *waWa6.ClientPayload) {
	version := payload.GetUserAgent().GetAppVersion()
	c.version = store.WAVersionContainer{version.GetPrimary(), version.GetSecondary(), version.GetTertiary()}
	registration := payload.GetDevicePairingData()
	jid := types.JID{
		User: strconv.FormatUint(payload.GetUsername(), 10), Device: uint16(payload.GetDevice()), Server: types.DefaultUserServer,
	}
	if registration != nil {
		jid = types.EmptyJID
	}
	if f := s.hit(FaultSlowLogin, jid.String()); f != nil && !s.pause(time.Duration(f.MS)*time.Millisecond) {
		return
	}
	if code, extra := s.classifyClient(c, jid, registration != nil); code != 0 {
		s.refuse(c, jid, code, extra)
		return
	}
	if registration != nil {
		s.Stats.Registrations.Add(1)
		s.beginRegistration(c, registration)
		return
	}
	s.login(c, jid)
}

// classifyClient returns the failure that a client gets before anything is looked up, 0 for none.
func (s *Server) classifyClient(c *conn, jid types.JID, registering bool) (int, map[string]string) {
	if minimum, _ := s.versions.get(); c.version.LessThan(minimum) {
		s.Stats.Outdated.Add(1)
		return 405, nil
	}
	kind := FaultFailure
	if registering {
		kind = FaultFailurePair
	}
	if f := s.hit(kind, jid.String()); f != nil {
		return f.Code, f.Attrs
	}
	return 0, nil
}

// refuse ends a connection with a failure.
func (s *Server) refuse(c *conn, jid types.JID, code int, extra map[string]string) {
	s.Stats.Failures.Add(1)
	who := ""
	if !jid.IsEmpty() {
		who = jid.String()
	}
	s.event(EventRefused, who, strconv.Itoa(code))
	c.end(failure(code, extra))
}

// login lets a companion in. The connection it had before is told that it was replaced.
func (s *Server) login(c *conn, jid types.JID) {
	s.mu.Lock()
	a := s.accounts[jid.User]
	s.mu.Unlock()
	var d *device
	if a != nil {
		d = a.device(jid.Device)
	}
	if d == nil || d.noiseKey != c.noiseKey {
		s.refuse(c, jid, 401, nil)
		return
	}
	if s.hit(FaultHangLogin, jid.String()) != nil {
		c.frozen.Store(true)
		return
	}
	c.dev, c.log = d, s.log.With("device", jid.String())
	d.mu.Lock()
	if d.removed {
		d.mu.Unlock()
		c.dev = nil
		s.refuse(c, jid, 401, nil)
		return
	}
	replaced := d.current
	d.current, d.active, d.version = c, false, c.version
	d.logins++
	first, waiting := d.logins == 1, len(d.queue)
	d.mu.Unlock()
	s.Stats.Logins.Add(1)
	s.Stats.LoggedInNow.Add(1)
	if replaced != nil && replaced.end(streamError("", "replaced")) {
		s.Stats.Replaced.Add(1)
		s.event(EventReplaced, jid.String(), "by a new login")
	}
	c.send(success(d))
	c.send(notice("offline_preview", waBinary.Attrs{
		"count": waiting, "message": waiting, "appdata": 0, "notification": 0, "receipt": 0,
	}))
	if first {
		s.shareKey(d)
	}
	s.event(EventLogin, jid.String(), c.version.String())
}

func success(d *device) waBinary.Node {
	now := time.Now().Unix()
	return waBinary.Node{Tag: "success", Attrs: waBinary.Attrs{
		"t": now, "creation": now - 86400, "props": "27", "abprops": "5", "location": "sim",
		"companion_enc_static": "", "lid": d.lidJID(), "display_name": d.account.name(),
	}}
}

// logout records that a companion's connection is over.
func (s *Server) logout(c *conn) {
	s.Stats.LoggedInNow.Add(-1)
	c.dev.mu.Lock()
	last := c.dev.current == c
	if last {
		c.dev.current, c.dev.active = nil, false
	}
	c.dev.mu.Unlock()
	if last {
		s.event(EventOffline, c.dev.jid().String(), "")
	}
}

package sim

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// Stats counts what happened since the simulator was made. Current and LoggedInNow are gauges.
type Stats struct {
	TCP, Connects, Registrations, Logins, Current, LoggedInNow          atomic.Int64
	Pairings, PairErrors, QRExpired, Replaced, Removed, LogoutsByClient atomic.Int64
	Failures, Refused, Outdated, BadHandshake, Keepalives, PageViews    atomic.Int64
	PreKeyUploads, PreKeysUploaded, SelfFetch, UnknownIQ                atomic.Int64
	MsgIn, MsgOut, Receipts, Retries, Redelivered, Acks                 atomic.Int64
}

// StatsMap returns the counters by their names in the control API.
func (s *Server) StatsMap() map[string]int64 {
	c := &s.Stats
	counters := map[string]*atomic.Int64{
		"tcp": &c.TCP, "connects": &c.Connects, "registrations": &c.Registrations, "logins": &c.Logins,
		"current": &c.Current, "loggedInNow": &c.LoggedInNow, "pairings": &c.Pairings, "pairErrors": &c.PairErrors,
		"qrExpired": &c.QRExpired, "replaced": &c.Replaced, "removed": &c.Removed, "logoutsByClient": &c.LogoutsByClient,
		"failures": &c.Failures, "refused": &c.Refused, "outdated": &c.Outdated, "badHandshake": &c.BadHandshake,
		"keepalives": &c.Keepalives, "pageViews": &c.PageViews, "preKeyUploads": &c.PreKeyUploads,
		"preKeysUploaded": &c.PreKeysUploaded, "selfFetch": &c.SelfFetch, "unknownIq": &c.UnknownIQ, "msgIn": &c.MsgIn,
		"msgOut": &c.MsgOut, "receipts": &c.Receipts, "retries": &c.Retries, "redelivered": &c.Redelivered, "acks": &c.Acks,
	}
	values := make(map[string]int64, len(counters))
	for name, counter := range counters {
		values[name] = counter.Load()
	}
	values["mediaUploads"], values["mediaDownloads"] = s.media.Uploads.Load(), s.media.Downloads.Load()
	values["mediaRefused"], values["mediaSent"] = s.media.Refused.Load(), s.media.Sent.Load()
	return values
}

// DevInfo describes a linked companion.
type DevInfo struct {
	JID   string `json:"jid"`
	LID   string `json:"lid"`
	Phone string `json:"phone"`
	Name  string `json:"name"`
	OS    string `json:"os"`
	// Ver is the client version it last logged in with.
	Ver string `json:"version"`
	// Online is true while it is logged in, Frozen while its connection is.
	Online bool `json:"online"`
	Frozen bool `json:"frozen"`
	// Logins counts since the simulator was made.
	Logins int `json:"logins"`
	// PreKeys are the one-time keys it has left, Pending the messages it has not acknowledged.
	PreKeys int       `json:"prekeys"`
	Pending int       `json:"pending"`
	Since   time.Time `json:"since"`
}

// Devices lists the linked companions by account and number.
func (s *Server) Devices() []DevInfo {
	infos := []DevInfo{}
	for _, a := range s.allAccounts() {
		for _, d := range a.allDevices() {
			infos = append(infos, d.info())
		}
	}
	return slices.Clip(infos)
}

func (d *device) info() DevInfo {
	d.mu.Lock()
	defer d.mu.Unlock()
	return DevInfo{
		JID: d.jid().String(), LID: d.lidJID().String(), Phone: d.account.phone, Name: d.account.name(), OS: d.os,
		Ver: fmt.Sprintf("%d.%d.%d", d.version[0], d.version[1], d.version[2]), Online: d.current != nil,
		Frozen: d.current != nil && d.current.frozen.Load(), Logins: d.logins, PreKeys: len(d.preKeys),
		Pending: len(d.queue), Since: d.since,
	}
}

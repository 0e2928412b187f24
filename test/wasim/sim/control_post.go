package sim

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"go.mau.fi/whatsmeow/types"
)

// done is the answer of a request that returns no data.
var done = map[string]bool{"ok": true}

type linked struct {
	JID string `json:"jid"`
	// MS is how long the pairing took.
	MS int64 `json:"ms"`
}

// timed links a companion and returns how long it took.
func timed(ctx context.Context, link func(context.Context) (types.JID, error)) (any, error) {
	start := time.Now()
	jid, err := link(ctx)
	if err != nil {
		return nil, err
	}
	return linked{JID: jid.String(), MS: time.Since(start).Milliseconds()}, nil
}

type scanBody struct {
	// QR is the text of the QR code.
	QR string `json:"qr"`
	// Phone is the number of the phone that scans; a fresh one if empty.
	Phone string `json:"phone"`
}

func (s *Server) postScan(r *http.Request, body *scanBody) (any, error) {
	phone := parsePhone(body.Phone)
	if phone == "" {
		phone = s.freshPhone()
	}
	return timed(r.Context(), func(ctx context.Context) (types.JID, error) { return s.Scan(ctx, body.QR, phone) })
}

// freshPhone is a number that no account has.
func (s *Server) freshPhone() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for number := 5511900000001; ; number++ {
		if phone := strconv.Itoa(number); s.accounts[phone] == nil {
			return phone
		}
	}
}

type pairCodeBody struct {
	Phone string `json:"phone"`
	Code  string `json:"code"`
}

func (s *Server) postPairCode(r *http.Request, body *pairCodeBody) (any, error) {
	return timed(r.Context(), func(ctx context.Context) (types.JID, error) {
		return s.EnterCode(ctx, parsePhone(body.Phone), body.Code)
	})
}

type unlinkBody struct {
	JID string `json:"jid"`
}

func (s *Server) postUnlink(_ *http.Request, body *unlinkBody) (any, error) {
	jid, err := parseDevice(body.JID)
	if err != nil {
		return nil, err
	}
	return done, s.Unlink(jid)
}

type kickBody struct {
	// JID is a device or a number; All is every companion; Waiting is every connection that waits to be linked.
	JID     string `json:"jid"`
	All     bool   `json:"all"`
	Waiting bool   `json:"waiting"`
	Kind    string `json:"kind"`
}

func (s *Server) postKick(_ *http.Request, body *kickBody) (any, error) {
	kicked := 1
	var err error
	switch {
	case body.All:
		kicked, err = s.KickAll(body.Kind)
	case body.Waiting:
		kicked, err = s.KickWaiting(body.Kind)
	default:
		var jid types.JID
		if jid, err = parseDevice(body.JID); err == nil {
			err = s.Kick(jid, body.Kind)
		}
	}
	return map[string]int{"kicked": kicked}, err
}

func (s *Server) postFault(_ *http.Request, body *Fault) (any, error) {
	if body.JID != "" {
		jid, err := parseDevice(body.JID)
		if err != nil {
			return nil, fmt.Errorf("fault: %w", err)
		}
		body.JID = jid.String()
		if jid.Device == 0 {
			body.JID = jid.User
		}
	}
	if body.To != "" {
		to, err := parseDevice(body.To)
		if err != nil {
			return nil, fmt.Errorf("fault: %w", err)
		}
		body.To = to.User
	}
	return done, s.AddFault(*body)
}

func (s *Server) postSave(*http.Request, *struct{}) (any, error) { return done, s.SaveState() }

package sim

import (
	"fmt"
	"net/http"

	"go.mau.fi/whatsmeow/types"
)

type groupBody struct {
	// JID is a group that is to be changed; without it one is made. By is who does it: the creator, or an admin.
	JID string `json:"jid"`
	By  string `json:"by"`
	// Mode is pn, lid, or empty for the simulator's own; Members are phone numbers.
	Mode    string   `json:"mode"`
	Members []string `json:"members"`
	// What follows changes a group.
	Subject  string   `json:"subject"`
	Add      []string `json:"add"`
	Remove   []string `json:"remove"`
	Promote  []string `json:"promote"`
	Demote   []string `json:"demote"`
	Announce *bool    `json:"announce"`
}

func (s *Server) postGroup(_ *http.Request, body *groupBody) (any, error) {
	by := parsePhone(body.By)
	if body.JID == "" {
		g, err := s.MakeGroup(body.Subject, body.Mode, by, parsePhones(body.Members)...)
		if err != nil {
			return nil, err
		}
		return g.Info(), nil
	}
	jid, err := types.ParseJID(body.JID)
	if err != nil {
		return nil, fmt.Errorf("%w: jid %q: %w", ErrInvalid, body.JID, err)
	}
	g, err := s.GroupOf(jid)
	if err != nil {
		return nil, err
	}
	for _, change := range []struct {
		kind   string
		phones []string
	}{{MemberAdd, body.Add}, {MemberRemove, body.Remove}, {MemberPromote, body.Promote}, {MemberDemote, body.Demote}} {
		if len(change.phones) == 0 {
			continue
		}
		if err = g.Change(by, change.kind, parsePhones(change.phones)...); err != nil {
			return nil, err
		}
	}
	if body.Subject != "" {
		if err = g.SetSubject(by, body.Subject); err != nil {
			return nil, err
		}
	}
	if body.Announce != nil {
		if err = g.SetAnnounce(by, *body.Announce); err != nil {
			return nil, err
		}
	}
	return g.Info(), nil
}

func parsePhones(texts []string) []string {
	phones := make([]string, len(texts))
	for i, text := range texts {
		phones[i] = parsePhone(text)
	}
	return phones
}

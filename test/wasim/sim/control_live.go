package sim

import (
	"fmt"
	"net/http"
	"time"
)

type callBody struct {
	// JID is the bot or its number, From the number of the caller.
	JID  string `json:"jid"`
	From string `json:"from"`
	Ring
	// ID and Do change a call that rings: Do is take or hangup.
	ID string `json:"id"`
	Do string `json:"do"`
}

func (s *Server) postCall(_ *http.Request, body *callBody) (any, error) {
	switch body.Do {
	case "take":
		return done, s.TakeCall(body.ID)
	case "hangup":
		return done, s.HangUp(body.ID)
	case "":
	default:
		return nil, fmt.Errorf("%w: do is %q, it must be take or hangup", ErrInvalid, body.Do)
	}
	to, err := parseDevice(body.JID)
	if err != nil {
		return nil, err
	}
	id, err := s.Person(parsePhone(body.From)).Call(to, body.Ring)
	return map[string]string{"id": id}, err
}

type appearBody struct {
	From   string `json:"from"`
	Online bool   `json:"online"`
	// LastSeen is when a person who is gone was last online.
	LastSeen time.Time `json:"lastSeen"`
	// JID is the number to which the person does what Typing says: composing, recording or paused.
	JID    string `json:"jid"`
	Typing string `json:"typing"`
}

func (s *Server) postAppear(_ *http.Request, body *appearBody) (any, error) {
	person := s.Person(parsePhone(body.From))
	if body.Typing == "" {
		return done, person.Appear(body.Online, body.LastSeen)
	}
	to, err := parseDevice(body.JID)
	if err != nil {
		return nil, err
	}
	return done, person.Type(to, body.Typing)
}

type postBody struct {
	// From is the number of the person who posts to the status, To are the numbers who see it.
	From string   `json:"from"`
	To   []string `json:"to"`
	Text string   `json:"text"`
	// Message or Media replaces Text.
	Message Content `json:"message"`
	Media   *Media  `json:"media"`
}

func (s *Server) postStatus(_ *http.Request, body *postBody) (any, error) {
	m := body.Message.Message
	if m == nil {
		m = StatusText(body.Text, 0xff38b42f)
	}
	if body.Media != nil {
		var err error
		if m, err = s.Attach(*body.Media); err != nil {
			return nil, err
		}
	}
	people, err := parseDevices(body.To)
	if err != nil {
		return nil, err
	}
	id, err := s.Person(parsePhone(body.From)).Post(m, Delivery{}, people...)
	return map[string]string{"id": id}, err
}

type voteBody struct {
	// JID is the chat, From the number of the voter, Poll the poll's id, Options what the voter chooses.
	JID     string   `json:"jid"`
	From    string   `json:"from"`
	Poll    string   `json:"poll"`
	Options []string `json:"options"`
}

func (s *Server) postVote(_ *http.Request, body *voteBody) (any, error) {
	to, err := parseDevice(body.JID)
	if err != nil {
		return nil, err
	}
	id, err := s.Person(parsePhone(body.From)).Vote(to, body.Poll, VoteForm{}, body.Options...)
	return map[string]string{"id": id}, err
}

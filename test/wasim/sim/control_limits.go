package sim

import (
	"net/http"
	"time"
)

type limitsBody struct {
	Phone string `json:"phone"`
	Limits
}

func (s *Server) putLimits(_ *http.Request, body *limitsBody) (any, error) {
	return done, s.Person(parsePhone(body.Phone)).SetLimits(body.Limits)
}

func (s *Server) getLimits(w http.ResponseWriter, r *http.Request) {
	limits, err := s.Person(parsePhone(r.URL.Query().Get("phone"))).Limits()
	if err != nil {
		replyError(w, err)
		return
	}
	reply(w, http.StatusOK, limits)
}

type trustBody struct {
	// JID is the number that gets the token, From the person that gives it, At when it was issued (empty: now).
	JID  string    `json:"jid"`
	From string    `json:"from"`
	At   time.Time `json:"at"`
}

func (s *Server) postTrust(_ *http.Request, body *trustBody) (any, error) {
	number, err := parseDevice(body.JID)
	if err != nil {
		return nil, err
	}
	return done, s.Person(parsePhone(body.From)).Trust(number, body.At)
}

type saltBody struct {
	Phone string `json:"phone"`
}

func (s *Server) postSalt(_ *http.Request, body *saltBody) (any, error) {
	return done, s.Person(parsePhone(body.Phone)).GiveSalt()
}

type historyBody struct {
	// JID is a bot, or a number for all its bots.
	JID string `json:"jid"`
}

func (s *Server) postHistory(_ *http.Request, body *historyBody) (any, error) {
	bot, err := parseDevice(body.JID)
	if err != nil {
		return nil, err
	}
	count, err := s.Person(bot.User).SendHistory(bot)
	return map[string]int{"messages": count}, err
}

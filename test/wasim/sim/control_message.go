package sim

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
)

// maxWait bounds how long a request waits for a bot's message, maxCount how many messages one request sends.
const (
	maxWait  = 60
	maxCount = 20_000
)

type sayBody struct {
	// JID is who gets it: a bot, a number, or a group. From is the number of the sender, Name its push name.
	JID  string `json:"jid"`
	From string `json:"from"`
	Text string `json:"text"`
	Name string `json:"name"`
	// Count sends so many texts, numbered from 1.
	Count int `json:"count"`
	// ReplyTo, Edit and Revoke name a message by its id, React and Emoji a reaction to one (no emoji: taken back).
	ReplyTo string  `json:"replyTo"`
	Edit    string  `json:"edit"`
	Revoke  string  `json:"revoke"`
	React   string  `json:"react"`
	Emoji   string  `json:"emoji"`
	Forward uint32  `json:"forwarded"`
	Message Content `json:"message"`
	// Media is a file of the sender.
	Media *Media `json:"media"`
	// Poll is a poll of the sender.
	Poll *pollBody `json:"poll"`
	// FromMe is true if the message that is named is the sender's; Author is its sender in a group.
	FromMe bool   `json:"fromMe"`
	Author string `json:"author"`
	// ID, Bad, Twice and Unavailable are the fields of Delivery.
	ID          string `json:"id"`
	Bad         int    `json:"bad"`
	Twice       bool   `json:"twice"`
	Unavailable string `json:"unavailable"`
}

func (s *Server) postSay(_ *http.Request, body *sayBody) (any, error) {
	to, err := parseDevice(body.JID)
	if err != nil {
		return nil, err
	}
	if body.Count < 0 || body.Count > maxCount {
		return nil, fmt.Errorf("%w: count %d, it must be at most %d", ErrInvalid, body.Count, maxCount)
	}
	person := s.Person(parsePhone(body.From))
	how := Delivery{ID: body.ID, Name: body.Name, Bad: body.Bad, Twice: body.Twice, Unavailable: body.Unavailable}
	if body.Count > 0 {
		ids := make([]string, body.Count)
		for i := range ids {
			how.ID = ""
			if ids[i], err = person.Send(to, Text(body.Text+" "+strconv.Itoa(i+1)), how); err != nil {
				return nil, err
			}
		}
		return map[string][]string{"ids": ids}, nil
	}
	var m *waE2E.Message
	if body.Media != nil {
		m, err = s.Attach(*body.Media)
	} else {
		m, err = body.message(to)
	}
	if err != nil {
		return nil, err
	}
	id, err := person.Send(to, m, how)
	return map[string]string{"id": id}, err
}

type pollBody struct {
	Name    string   `json:"name"`
	Options []string `json:"options"`
	// Selectable is how many options one may choose, 0 for any number.
	Selectable uint32 `json:"selectable"`
}

func (b *sayBody) message(to types.JID) (*waE2E.Message, error) {
	ref := Ref{Chat: to.ToNonAD(), FromMe: b.FromMe}
	if b.Author != "" {
		author, err := parseDevice(b.Author)
		if err != nil {
			return nil, err
		}
		ref.Sender = author
	}
	switch {
	case b.Message.Message != nil:
		return b.Message.Message, nil
	case b.Poll != nil:
		return Poll(b.Poll.Name, b.Poll.Selectable, b.Poll.Options...), nil
	case b.ReplyTo != "":
		ref.ID = b.ReplyTo
		return Reply(ref, nil, b.Text), nil
	case b.Edit != "":
		ref.ID = b.Edit
		return Edit(ref, b.Text), nil
	case b.Revoke != "":
		ref.ID = b.Revoke
		return Revoke(ref), nil
	case b.React != "":
		ref.ID = b.React
		return Reaction(ref, b.Emoji), nil
	case b.Forward > 0:
		return Forward(b.Text, b.Forward), nil
	default:
		return Text(b.Text), nil
	}
}

type receiptBody struct {
	// JID is the bot or its number, From the number of the person, IDs the messages, Type delivered, read or played.
	JID  string   `json:"jid"`
	From string   `json:"from"`
	IDs  []string `json:"ids"`
	Type string   `json:"type"`
}

func (s *Server) postReceipt(_ *http.Request, body *receiptBody) (any, error) {
	to, err := parseDevice(body.JID)
	if err != nil {
		return nil, err
	}
	kind := body.Type
	if kind == "delivered" {
		kind = Delivered
	}
	return done, s.Person(parsePhone(body.From)).Receipt(to, kind, body.IDs...)
}

type askAgainBody struct {
	// JID is the bot or its number, From the number of the person, ID the message, Count how often it asked. Group is
	// the group that the message is in, empty for a person.
	JID   string `json:"jid"`
	From  string `json:"from"`
	Group string `json:"group"`
	ID    string `json:"id"`
	Count int    `json:"count"`
}

func (s *Server) postAskAgain(_ *http.Request, body *askAgainBody) (any, error) {
	bot, err := parseDevice(body.JID)
	if err != nil {
		return nil, err
	}
	var chat types.JID
	if body.Group != "" {
		if chat, err = parseDevice(body.Group); err != nil {
			return nil, err
		}
	}
	return done, s.Person(parsePhone(body.From)).AskAgainIn(chat, bot, body.ID, body.Count)
}

type personBody struct {
	Phone string `json:"phone"`
	// Aliases are numbers that lead to the person when they are looked up.
	Aliases []string `json:"aliases"`
	// Profile, if given, is what the person shows from now on.
	Profile *Profile `json:"profile"`
	PersonState
}

func (s *Server) putPerson(_ *http.Request, body *personBody) (any, error) {
	person := s.Person(parsePhone(body.Phone))
	for _, number := range parsePhones(body.Aliases) {
		if err := person.Alias(number); err != nil {
			return nil, err
		}
	}
	if f := body.Profile; f != nil {
		if err := person.Show(f.Name, f.About, f.Business); err != nil {
			return nil, err
		}
	}
	return done, person.Set(body.PersonState)
}

// getOutbox answers with the messages after ?since; with ?wait it waits so many seconds for one.
func (s *Server) getOutbox(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	since, err := sinceOf(query.Get("since"))
	if err != nil {
		replyError(w, err)
		return
	}
	seconds := 0
	if text := query.Get("wait"); text != "" {
		if seconds, err = strconv.Atoi(text); err != nil || seconds < 0 || seconds > maxWait {
			replyError(w, fmt.Errorf("%w: wait is %q, it must be 0 to %d seconds", ErrInvalid, text, maxWait))
			return
		}
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	}
	limit := time.NewTimer(time.Duration(seconds) * time.Second)
	defer limit.Stop()
	for {
		msgs, changed := s.WatchOutbox(since)
		if len(msgs) > 0 || seconds == 0 {
			reply(w, http.StatusOK, msgs)
			return
		}
		select {
		case <-changed:
		case <-limit.C:
			seconds = 0
		case <-r.Context().Done():
			return
		case <-s.done:
			seconds = 0
		}
	}
}

func (s *Server) getSignals(w http.ResponseWriter, r *http.Request) {
	since, err := sinceOf(r.URL.Query().Get("since"))
	if err != nil {
		replyError(w, err)
		return
	}
	reply(w, http.StatusOK, s.Signals(since))
}

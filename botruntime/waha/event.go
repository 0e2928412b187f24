package waha

import (
	"encoding/json"
	"slices"

	"sesi.dev/sesi/api/bot"
)

// names are WAHA's events and the types that they come of. Those of no type never happen here; they are known, so that
// a list of events that works with WAHA works here.
var names = map[string][2]bot.EventType{
	"session.status": {bot.EventSession}, "message": {bot.EventMessage}, "message.any": {bot.EventMessage, bot.EventMessageSent},
	"message.reaction": {bot.EventReaction}, "message.ack": {bot.EventMessageState}, "message.ack.group": {bot.EventMessageState},
	"message.waiting": {bot.EventMessageUndecryptable}, "message.edited": {bot.EventMessageEdited}, "message.revoked": {bot.EventMessageRevoked},
	"poll.vote": {bot.EventPoll}, "poll.vote.failed": {bot.EventPoll}, "presence.update": {bot.EventPresence},
	"call.received": {bot.EventCall}, "call.accepted": {bot.EventCall}, "call.rejected": {bot.EventCall},
	"group.v2.join": {bot.EventGroup}, "group.v2.leave": {bot.EventGroup}, "group.v2.update": {bot.EventGroup}, "group.v2.participants": {bot.EventGroup},
	"label.upsert": {bot.EventLabel}, "label.deleted": {bot.EventLabel}, "label.chat.added": {bot.EventLabel}, "label.chat.deleted": {bot.EventLabel},
	"chat.archive": {bot.EventChat}, "event.response": {bot.EventAppointment}, "event.response.failed": {bot.EventAppointment},
	"state.change": {}, "group.join": {}, "group.leave": {}, "engine.event": {},
}

// Types are the types of events that WAHA's events come of. It reports the first name that WAHA does not have. "*" means
// all.
func Types(wanted []string) (types []bot.EventType, unknown string) {
	for _, name := range wanted {
		of, known := names[name]
		switch {
		case name == "*":
			for _, all := range names {
				types = append(types, all[:]...)
			}
		case !known:
			return nil, name
		}
		types = append(types, of[:]...)
	}
	slices.Sort(types)
	types = slices.Compact(types)
	if len(types) > 0 && types[0] == "" {
		types = types[1:]
	}
	return types, ""
}

// Told is an event as WAHA's clients get it.
type Told struct {
	Name string
	ID   string
	Body []byte
}

// Event makes WAHA's events of one of the bot's: those that are wanted, or all for "*". id must give a new id for each
// name.
func (t Teller) Event(e bot.Event, wanted []string, id func(name string) string) []Told {
	var out []Told
	for _, one := range t.payloads(e) {
		if !slices.Contains(wanted, one.name) && !slices.Contains(wanted, "*") {
			continue
		}
		told := Told{Name: one.name, ID: e.ID}
		if one.name == "message.any" && e.Type == bot.EventMessage {
			told.ID = id(one.name) // the event message has the id
		}
		told.Body = t.Envelope(one.name, told.ID, e.Timestamp, one.payload)
		out = append(out, told)
	}
	return out
}

// Envelope is the body of an event.
func (t Teller) Envelope(name, id string, at bot.Time, payload any) []byte {
	body, err := json.Marshal(bot.WAHAEvent{
		ID: id, Timestamp: at.UnixMilli(), Event: name, Session: t.Session, Me: t.Me, Payload: payload, Engine: Engine,
		Environment: Environment(t.Version),
	})
	if err != nil {
		return nil // every payload can be marshalled
	}
	return body
}

// named is a payload under the name of its event.
type named struct {
	name    string
	payload any
}

func (t Teller) payloads(e bot.Event) []named {
	d := e.Data
	switch {
	case e.Type == bot.EventMessage && d.Message != nil:
		m := t.Message(*d.Message)
		return []named{{"message", m}, {"message.any", m}}
	case e.Type == bot.EventMessageSent && d.Message != nil:
		return []named{{"message.any", t.Message(*d.Message)}}
	case e.Type == bot.EventMessageUndecryptable && d.Message != nil:
		return []named{{"message.waiting", t.Message(*d.Message)}}
	case d.Edit != nil:
		return []named{{"message.edited", t.edited(d.Edit)}}
	case d.Revoke != nil:
		return []named{{"message.revoked", t.revoked(d.Revoke)}}
	case d.Reaction != nil:
		return []named{{"message.reaction", t.reaction(d.Reaction)}}
	case d.State != nil:
		return t.acks(d.State)
	case d.Session != nil:
		return []named{{"session.status", t.status(d.Session)}}
	case d.Poll != nil:
		return []named{t.vote(d.Poll)}
	case d.Appointment != nil:
		return []named{t.answer(d.Appointment)}
	case d.Call != nil:
		return t.call(d.Call)
	case d.Presence != nil:
		return []named{{"presence.update", Presences(*d.Presence)}}
	case d.Label != nil:
		return labelChange(d.Label)
	case d.Group != nil:
		return t.group(d.Group)
	case d.ChatChange != nil:
		return []named{{"chat.archive", archive(d.ChatChange)}}
	}
	return nil
}

func archive(c *bot.ChatChange) bot.WAHAChatArchive {
	return bot.WAHAChatArchive{ID: ChatID(c.Chat.ID), Archived: c.Change == bot.ChatArchived, Timestamp: c.At.Unix()}
}

func (t Teller) edited(e *bot.Edit) bot.WAHAEdited {
	m := bot.Message{ID: e.ID, Chat: e.Chat, From: e.From, FromMe: e.FromMe, Kind: bot.KindText, Timestamp: e.At, Text: e.Text, EditedAt: e.At}
	return bot.WAHAEdited{WAHAMessage: t.Message(m), EditedMessageID: e.ID}
}

func (t Teller) revoked(r *bot.Revoke) bot.WAHARevoked {
	m := t.Message(bot.Message{ID: r.ID, Chat: r.Chat, From: r.From, FromMe: r.FromMe, Kind: bot.KindRevoke, Timestamp: r.At, RevokedAt: r.At})
	return bot.WAHARevoked{After: m, RevokedMessageID: r.ID, Data: m.Data}
}

func (t Teller) reaction(r *bot.Reaction) bot.WAHAReaction {
	p := t.place(r.Chat, r.From, r.FromMe, "")
	return bot.WAHAReaction{
		ID: MessageID(r.FromMe, r.Chat, r.ID, r.From), Timestamp: r.At.Unix(), From: p.from, FromMe: r.FromMe, Source: p.source,
		To: p.to, Participant: p.participant, Reaction: bot.WAHAReactionText{Text: r.Emoji, MessageID: t.subject(r.Chat, r.MessageID)},
	}
}

// subject is the id of the message that something is about: whole where the message is known, else bare.
func (t Teller) subject(chat bot.Party, id string) string {
	for _, address := range []string{chat.ID, chat.LID} { // the number may have become known after the message
		if t.Find == nil || address == "" {
			continue
		}
		if m, found := t.Find(address, id); found {
			return MessageID(m.FromMe, m.Chat, m.ID, m.From)
		}
	}
	return id
}

// acks are those of a message that was sent; one that waits has none.
func (t Teller) acks(s *bot.StateChange) []named {
	number, name := ackOf(s.State)
	if name == "PENDING" || s.State == bot.MessageCancelled {
		return nil
	}
	me := bot.Party{}
	if t.Me != nil {
		me.ID = t.Me.ID
	}
	p := t.place(s.Chat, me, true, bot.OriginAPI)
	ack := bot.WAHAAck{
		ID: MessageID(true, s.Chat, s.ID, me), From: p.from, To: p.to, Participant: p.participant, FromMe: true,
		Ack: number, AckName: name, Error: s.Problem,
	}
	if s.Chat.Kind == bot.PartyGroup {
		return []named{{"message.ack.group", ack}}
	}
	return []named{{"message.ack", ack}}
}

func (t Teller) status(s *bot.SessionChange) bot.WAHASessionStatus {
	out := bot.WAHASessionStatus{Name: t.Session, Statuses: []bot.WAHAStatusAt{}}
	for _, one := range append(slices.Clone(s.Earlier), s.SessionState) {
		at := bot.WAHAStatusAt{Status: bot.WAHAStatusOf(one.State, one.Reason, one.UserAction, one.Code), Timestamp: one.At.UnixMilli()}
		out.Status, out.Statuses = at.Status, append(out.Statuses, at)
	}
	return out
}

// destination is a message in its chat, as the place of another one that is about it.
func (p place) destination(id string, fromMe bool) bot.WAHAVotePoll {
	if named, ok := ParseMessageID(id); ok && named.Chat != "" {
		fromMe = named.FromMe
	}
	return bot.WAHAVotePoll{ID: id, From: p.from, To: p.to, FromMe: fromMe, Participant: p.participant}
}

var comings = map[bot.Coming]string{bot.ComingYes: "GOING", bot.ComingNo: "NOT_GOING", bot.ComingMaybe: "MAYBE", bot.ComingUnknown: "UNKNOWN"}

// answer is an answer to an appointment.
func (t Teller) answer(a *bot.AppointmentAnswer) named {
	p := t.place(a.Chat, a.From, a.FromMe, "")
	out := bot.WAHAEventResponse{
		ID: MessageID(a.FromMe, a.Chat, a.ID, a.From), Timestamp: a.At.Unix(), From: p.from, FromMe: a.FromMe, Source: p.source, To: p.to,
		Participant: p.participant, EventCreationKey: p.destination(t.subject(a.Chat, a.MessageID), a.FromMe),
	}
	if a.Unreadable {
		return named{"event.response.failed", out}
	}
	out.EventResponse = &bot.WAHAAnswer{Response: comings[a.Coming], TimestampMs: a.At.UnixMilli(), ExtraGuestCount: a.Guests}
	return named{"event.response", out}
}

func (t Teller) vote(v *bot.PollUpdate) named {
	p := t.place(v.Chat, v.From, v.FromMe, "")
	out := bot.WAHAPollVote{
		Vote: bot.WAHAVote{
			WAHAVotePoll:    p.destination(MessageID(v.FromMe, v.Chat, v.ID, v.From), v.FromMe),
			SelectedOptions: v.Options, Timestamp: v.At.UnixMilli(),
		},
		Poll: p.destination(t.subject(v.Chat, v.MessageID), v.FromMe),
	}
	if out.Vote.SelectedOptions == nil {
		out.Vote.SelectedOptions = []string{}
	}
	if v.Unreadable {
		return named{"poll.vote.failed", out}
	}
	return named{"poll.vote", out}
}

func (t Teller) call(c *bot.Call) []named {
	name := map[bot.CallState]string{
		bot.CallOffered: "call.received", bot.CallAccepted: "call.accepted", bot.CallRejected: "call.rejected", bot.CallEnded: "call.rejected",
	}[c.State]
	return []named{{name, bot.WAHACall{ID: c.ID, From: ChatID(c.From.ID), Timestamp: c.At.Unix(), IsVideo: c.Video, IsGroup: c.Group}}}
}

// Presences is what is known of the people of a chat, in WAHA's words.
func Presences(p bot.Presence) bot.WAHAPresences {
	out := bot.WAHAPresences{ID: ChatID(p.Chat.ID), Presences: []bot.WAHAPresence{}}
	for _, one := range p.People {
		word := "offline"
		switch {
		case one.Typing == bot.TypingComposing:
			word = "typing"
		case one.Typing == bot.TypingRecording:
			word = "recording"
		case one.Typing == bot.TypingPaused:
			word = "paused"
		case one.Presence == bot.Available:
			word = "online"
		}
		presence := bot.WAHAPresence{Participant: ChatID(one.From.ID), LastKnownPresence: word}
		if !one.LastSeen.IsZero() {
			presence.LastSeen = one.LastSeen.Unix()
		}
		out.Presences = append(out.Presences, presence)
	}
	return out
}

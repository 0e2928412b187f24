package webhook

import (
	"encoding/json"
	"slices"
	"strings"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
)

// read reads a helping of events, of some chats or of all, and leaves out those that the target does not want.
func (t *turn) read(chats []string, after, to uint64) ([]journal.Event, uint64, error) {
	q := journal.Query{After: after, To: to, Chats: chats, Types: t.target.Events, Limit: helping}
	events, next, err := t.Journal.Events(t.ctx, q)
	return slices.DeleteFunc(events, func(e journal.Event) bool { return !t.wants(e) }), next, err
}

// chooseChats finds the current id of each chat that the target names: a number may have become known since.
func (t *turn) chooseChats() {
	if len(t.target.Chats) == 0 {
		return
	}
	t.only = map[string]bool{}
	for _, chat := range t.target.Chats {
		if jid, ok := message.Address(chat); ok {
			for _, id := range message.Forms(t.Names.Party(jid, types.EmptyJID, "")) {
				t.only[id] = true
			}
		}
	}
}

// wants reports whether an event is one that the target asked for.
func (t *turn) wants(e journal.Event) bool {
	if t.only != nil && !t.only[e.Chat] {
		return false
	}
	if !t.target.Groups && strings.HasSuffix(e.Chat, "@g.us") {
		return false
	}
	if !t.target.FromMe && ofAccount(e) {
		return false
	}
	if t.target.WAHA == nil {
		return true
	}
	told, err := t.told(e)
	return len(told) > 0 || err != nil // one that cannot be read becomes a dead letter
}

// ofAccount reports whether the account itself did what the event reports.
func ofAccount(e journal.Event) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(e.Data, &members) != nil {
		return false
	}
	for _, member := range members {
		var who struct {
			FromMe bool `json:"fromMe"`
		}
		if json.Unmarshal(member, &who) == nil && who.FromMe {
			return true
		}
	}
	return false
}

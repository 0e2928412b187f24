package messenger

import (
	"context"
	"slices"
	"sync"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
	"sesi.dev/sesi/botruntime/turn"
)

// maxCalls bounds the calls that are remembered.
const maxCalls = 64

// offered is a call as its offer described it: later stanzas name only its id.
type offered struct {
	creator types.JID
	call    bot.Call
}

// calls are the newest calls, the oldest first.
type calls struct {
	mu  sync.Mutex
	all []offered
}

func (c *calls) find(id string) (offered, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := slices.IndexFunc(c.all, func(one offered) bool { return one.call.ID == id })
	if at < 0 {
		return offered{}, false
	}
	return c.all[at], true
}

func (c *calls) add(one offered) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.all) >= maxCalls {
		c.all = slices.Delete(c.all, 0, 1)
	}
	c.all = append(c.all, one)
}

// takeCall writes the event of a call. whatsmeow acknowledges a call even when the sink refuses it, so the event is
// owed.
func (m *Messenger) takeCall(evt any, in turn.Turn) bool {
	switch evt := evt.(type) {
	case *events.CallOffer:
		return m.called(in, evt.BasicCallMeta, bot.CallOffered, hasVideo(evt.Data), false)
	case *events.CallOfferNotice:
		return m.called(in, evt.BasicCallMeta, bot.CallOffered, evt.Media == "video", evt.Type == "group")
	case *events.CallAccept:
		return m.called(in, evt.BasicCallMeta, bot.CallAccepted, false, false)
	case *events.CallReject:
		return m.called(in, evt.BasicCallMeta, bot.CallRejected, false, false)
	case *events.CallTerminate:
		return m.called(in, evt.BasicCallMeta, bot.CallEnded, false, false)
	}
	return true
}

// hasVideo reports whether the offer of a call names a video stream.
func hasVideo(offer *waBinary.Node) bool {
	if offer == nil {
		return false
	}
	_, video := offer.GetOptionalChildByTag("video")
	return video
}

func (m *Messenger) called(in turn.Turn, meta types.BasicCallMeta, state bot.CallState, video, group bool) bool {
	creator := meta.CallCreator
	if creator.IsEmpty() {
		creator = meta.From
	}
	from := m.Names.Party(creator, meta.CallCreatorAlt, "")
	call := bot.Call{ID: meta.CallID, Chat: from, From: from, Video: video, Group: group || !meta.GroupJID.IsEmpty()}
	if !meta.GroupJID.IsEmpty() {
		call.Chat = m.Names.Party(meta.GroupJID, types.EmptyJID, "")
	}
	if known, ok := m.calls.find(meta.CallID); ok {
		call = known.call
	} else if state == bot.CallOffered {
		m.calls.add(offered{creator.ToNonAD(), call})
	}
	call.At = bot.At(meta.Timestamp)
	return m.writeCall(in, call, state)
}

// writeCall writes one state of a call, once: an offer can come twice, and a rejection of the bot's comes back.
func (m *Messenger) writeCall(in turn.Turn, call bot.Call, state bot.CallState) bool {
	call.State = state
	return m.takeOnce(in, func(t *journal.Tx) error {
		key := journal.KeyOf(string(bot.EventCall), call.ID, string(state))
		fresh, err := t.Append([]journal.Key{key}, bot.EventCall, call.Chat.ID, bot.EventData{Call: &call})
		t.After(func() { m.Meter.Received(bot.EventCall, !fresh) })
		return err
	})
}

// RejectCall rejects a call that rings. from is the caller. WhatsApp does not say whether the call still rang.
func (m *Messenger) RejectCall(ctx context.Context, id, from string) error {
	caller, ok := message.Address(from)
	if !ok || caller.Server != types.DefaultUserServer && caller.Server != types.HiddenUserServer {
		return &Refusal{Kind: bot.ProblemBadRecipient}
	}
	if id == "" || len(id) > 128 {
		return badField("id", "the id of a call")
	}
	known, found := m.calls.find(id)
	if found {
		caller = known.creator // WhatsApp knows the caller by the address of the offer
	}
	client, err := m.client()
	if err != nil {
		return err
	}
	if err := client.RejectCall(ctx, caller, id); err != nil {
		return refuseLost(err)
	}
	if !found {
		party := m.Names.Party(caller, types.EmptyJID, "")
		known.call = bot.Call{ID: id, Chat: party, From: party}
	}
	known.call.At = bot.At(m.Journal.Now())
	m.writeCall(turn.Turn{}, known.call, bot.CallRejected)
	return nil
}

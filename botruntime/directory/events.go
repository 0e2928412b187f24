package directory

import (
	"fmt"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/hook"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
	"sesi.dev/sesi/botruntime/turn"
)

// readReceipts are the receipts by which another device of the account says what its owner has seen.
var readReceipts = map[types.ReceiptType]bool{
	types.ReceiptTypeRead: true, types.ReceiptTypeReadSelf: true, types.ReceiptTypePlayed: true, types.ReceiptTypePlayedSelf: true,
}

// Take writes an event about groups, contacts and what was read. concerned is false for any other event; kept is true
// when the event is on disk, and only then may it be acknowledged.
func (d *Directory) Take(evt any, in turn.Turn) (concerned, kept bool) {
	switch evt := evt.(type) {
	case *events.Receipt:
		if evt.IsFromMe && readReceipts[evt.Type] {
			return true, d.takeRead(evt, in)
		}
	case *events.JoinedGroup:
		return true, d.write(in, false, d.joined(evt))
	case *events.GroupInfo:
		return true, d.write(in, false, d.changesIn(evt)...)
	case *events.Picture:
		return true, d.write(in, true, d.picture(evt))
	case *events.UserAbout:
		return true, d.write(in, true, d.about(evt))
	case *events.PushName:
		return true, d.write(in, true, d.pushName(evt))
	case *events.BusinessName:
		return true, d.write(in, true, d.businessName(evt))
	case *events.Contact:
		return true, d.write(in, true, d.contactName(evt))
	case *hook.NumberChanged:
		return true, d.write(in, false, d.numberChanged(evt))
	case *events.LabelEdit:
		return true, d.write(in, true, d.labelEdit(evt))
	case *events.LabelAssociationChat:
		return true, d.write(in, true, d.labelChat(evt))
	case *events.Archive:
		return true, d.write(in, true, d.archived(evt))
	case *events.Blocklist:
		return true, d.write(in, true, d.blocklist(evt)...)
	}
	return false, true
}

// takeRead notes what the owner of the phone has read.
func (d *Directory) takeRead(evt *events.Receipt, in turn.Turn) bool {
	chat := d.Names.Party(evt.Chat, evt.RecipientAlt, "")
	return d.Inbox.Take(journal.Arrival{Turn: in, Write: func(t *journal.Tx) error { return t.MarkRead(message.Forms(chat), evt.MessageIDs...) }})
}

// entry is an event to write. Its name is the same when WhatsApp tells it again; without one there is nothing to write.
type entry struct {
	name  []string
	kind  bot.EventType
	chat  string
	data  bot.EventData
	names map[string]string // of people and groups, by their id
}

// key names the event in the journal.
func (e entry) key() journal.Key {
	return journal.KeyOf(append([]string{string(e.kind)}, e.name...)...)
}

// bare is a change of a group without what changed.
func (e entry) bare() entry {
	if was := e.data.Group; was != nil {
		e.data.Group = &bot.GroupChange{Chat: bot.Party{Kind: was.Chat.Kind, ID: was.Chat.ID}, At: was.At, Change: was.Change}
	}
	e.names = nil
	return e
}

// write writes events in one transaction. once says that WhatsApp does not tell them again.
func (d *Directory) write(in turn.Turn, once bool, entries ...entry) bool {
	var named []entry
	for _, e := range entries {
		if len(e.name) > 0 {
			named = append(named, e)
		}
	}
	if len(named) == 0 {
		return true
	}
	write := func(t *journal.Tx, form func(entry) entry) error {
		for _, e := range named {
			fresh, err := form(e).append(t)
			if err != nil {
				return err
			}
			t.After(func() { d.Meter.Received(e.kind, !fresh) })
		}
		return nil
	}
	arrival := journal.Arrival{
		Turn:    in,
		Write:   func(t *journal.Tx) error { return write(t, func(e entry) entry { return e }) },
		Instead: func(t *journal.Tx) error { return write(t, entry.bare) },
	}
	if !once {
		arrival.Key = named[0].key()
	}
	return d.Inbox.Take(arrival)
}

// append writes an event with the names that it tells; fresh is false for a repeat.
func (e entry) append(t *journal.Tx) (fresh bool, err error) {
	if fresh, err = t.Append([]journal.Key{e.key()}, e.kind, e.chat, e.data); err != nil {
		return false, fmt.Errorf("append an event: %w", err)
	}
	for id, name := range e.names {
		if err := t.SetName(id, name); err != nil {
			return false, err
		}
	}
	return fresh, nil
}

package directory

import (
	"fmt"
	"slices"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
)

// readReceipts are the receipts by which another device of the account says what its owner has seen.
var readReceipts = map[types.ReceiptType]bool{
	types.ReceiptTypeRead: true, types.ReceiptTypeReadSelf: true, types.ReceiptTypePlayed: true, types.ReceiptTypePlayedSelf: true,
}

// Take writes an event about groups, contacts and what was read. concerned is false for any other event; kept is true
// when the event is on disk, and only then may it be acknowledged.
func (d *Directory) Take(evt any) (concerned, kept bool) {
	switch evt := evt.(type) {
	case *events.Receipt:
		if evt.IsFromMe && readReceipts[evt.Type] {
			return true, d.takeRead(evt)
		}
		return false, true
	case *events.JoinedGroup:
		return true, d.write(false, d.joined(evt))
	case *events.GroupInfo:
		return true, d.write(false, d.changesIn(evt)...)
	case *events.Picture:
		return true, d.write(true, d.picture(evt))
	case *events.UserAbout:
		return true, d.write(true, d.about(evt))
	case *events.PushName:
		return true, d.write(true, d.pushName(evt))
	case *events.BusinessName:
		return true, d.write(true, d.businessName(evt))
	case *events.Contact:
		return true, d.write(true, d.contactName(evt))
	case *events.Blocklist:
		return true, d.write(true, d.blocklist(evt)...)
	}
	return false, true
}

// takeRead notes what the owner of the phone has read.
func (d *Directory) takeRead(evt *events.Receipt) bool {
	chat := d.Names.Party(evt.Chat, evt.RecipientAlt, "")
	return d.Commit(func(t *journal.Tx) error { return t.MarkRead(chat.ID, evt.MessageIDs...) }, true)
}

// entry is an event to write. Its name is the same when WhatsApp tells it again; without one there is nothing to write.
type entry struct {
	name  []string
	kind  bot.EventType
	chat  string
	data  bot.EventData
	names map[string]string // of people and groups, by their id
}

// write writes events in one transaction. once says that WhatsApp does not tell them again.
func (d *Directory) write(once bool, entries ...entry) bool {
	entries = slices.DeleteFunc(entries, func(e entry) bool { return len(e.name) == 0 })
	if len(entries) == 0 {
		return true
	}
	fresh := make([]bool, len(entries))
	kept := d.Commit(func(t *journal.Tx) (err error) {
		for i, e := range entries {
			key := journal.KeyOf(append([]string{string(e.kind)}, e.name...)...)
			if fresh[i], err = t.Append([]journal.Key{key}, e.kind, e.chat, e.data); err != nil {
				return fmt.Errorf("append an event: %w", err)
			}
			for id, name := range e.names {
				if err := t.SetName(id, name); err != nil {
					return err
				}
			}
		}
		return nil
	}, once)
	if kept {
		for i, e := range entries {
			d.Meter.Received(e.kind, !fresh[i])
		}
	}
	return kept
}

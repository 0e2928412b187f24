package directory

import (
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/botruntime/journal"
)

// readReceipts are the receipts by which another device of the account says what its owner has seen.
var readReceipts = map[types.ReceiptType]bool{
	types.ReceiptTypeRead: true, types.ReceiptTypeReadSelf: true, types.ReceiptTypePlayed: true, types.ReceiptTypePlayedSelf: true,
}

// Take writes an event about groups, contacts and what was read. concerned is false for any other event; kept is true
// when the event is on disk, and only then may it be acknowledged.
func (d *Directory) Take(evt any) (concerned, kept bool) {
	if evt, ok := evt.(*events.Receipt); ok && evt.IsFromMe && readReceipts[evt.Type] {
		return true, d.takeRead(evt)
	}
	return false, true
}

// takeRead notes what the owner of the phone has read.
func (d *Directory) takeRead(evt *events.Receipt) bool {
	chat := d.Names.Party(evt.Chat, evt.RecipientAlt, "")
	return d.Commit(func(t *journal.Tx) error { return t.MarkRead(chat.ID, evt.MessageIDs...) }, true)
}

package directory

import (
	"strconv"

	waBinary "go.mau.fi/whatsmeow/binary"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/hook"
)

// numberChanged is the event of a contact who has another phone number.
func (d *Directory) numberChanged(evt *hook.NumberChanged) entry {
	return numberEntry(bot.NumberChange{
		Old: d.Names.Party(evt.Old, evt.OldLID, ""), New: d.Names.Party(evt.New, evt.NewLID, ""), At: bot.At(evt.At),
	})
}

// renumbered are the events of a group's participant who has another phone number. By is the participant under the old one.
func (d *Directory) renumbered(in bot.GroupChange, node *waBinary.Node) (all []entry) {
	if in.By == nil {
		return nil
	}
	for _, now := range d.peopleIn(node) {
		all = append(all, numberEntry(bot.NumberChange{Old: *in.By, New: now, Group: &in.Chat, At: in.At}))
	}
	return all
}

func numberEntry(c bot.NumberChange) entry {
	chat := c.New.ID
	if c.Group != nil {
		chat = c.Group.ID
	}
	return entry{
		name: []string{chat, c.Old.ID, c.New.ID, strconv.FormatInt(c.At.Unix(), 10)}, kind: bot.EventContactNumber, chat: chat,
		data: bot.EventData{Number: &c},
	}
}

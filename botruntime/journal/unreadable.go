package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/message"
)

// The disk or another version of the bot may change a row so that its content cannot be read. Such a row must not keep out
// the others. It is read as far as its columns tell, and stays as long as it would.

// Unreadable is the UnsupportedType of a message whose content cannot be read.
const Unreadable = "unreadable"

// maxNoted bounds the rows that are remembered because the log names them.
const maxNoted = 1000

// noteUnreadable logs once for each row that its content cannot be read. The log has only the type of cause: its text may
// hold what people wrote.
func (j *Journal) noteUnreadable(table string, row any, cause error) {
	key := fmt.Sprint(table, " ", row)
	j.mu.Lock()
	known := j.noted[key] || len(j.noted) >= maxNoted
	if !known {
		j.noted[key] = true
	}
	j.mu.Unlock()
	if !known {
		j.options.Log.Error("a row of the journal cannot be read; the others are not affected", "table", table, "row", row, "cause", fmt.Sprintf("%T", cause))
	}
}

// errOther says that a row holds the content of another one, errNoObject that the data of an event is no object of JSON.
var errOther, errNoObject = errors.New("the content belongs to another row"), errors.New("the data is no JSON object")

// columns are what the columns of a message tell of it.
type columns struct {
	id, chat, sender string
	atMillis         int64
}

// decode reads a message. An error comes with the message as far as its columns tell.
func (c columns) decode(body []byte) (bot.Message, error) {
	var m bot.Message
	err := json.Unmarshal(body, &m)
	if err == nil && m.ID != c.id {
		err = errOther
	}
	if err == nil {
		return m, nil
	}
	return bot.Message{
		ID: c.id, Chat: partyOf(c.chat, nil), From: partyOf(c.sender, nil), FromMe: bytes.Contains(body, ownMark),
		Kind: bot.KindUnsupported, UnsupportedType: Unreadable, Timestamp: bot.At(moment(c.atMillis)),
	}, err
}

// decodeSend is decode for an entry of the outbox, whose column says how far it has come.
func (c columns) decodeSend(body []byte, state bot.MessageState) (bot.Message, error) {
	m, err := c.decode(body)
	if err == nil {
		return m, nil
	}
	m.FromMe, m.Origin, m.State = true, bot.OriginAPI, state
	switch state {
	case bot.MessageQueued, bot.MessageHeld, bot.MessageFailed, bot.MessageCancelled:
	default: // it was handed to WhatsApp, and a receipt may come
		m.History = []bot.StateAt{{State: bot.MessageSending, At: m.Timestamp}}
	}
	return m, err
}

// partyOf is what an address tells of a party, with the other address that names finds.
func partyOf(id string, names message.Names) bot.Party {
	jid, err := types.ParseJID(id)
	if err != nil {
		return bot.Party{ID: id}
	}
	return names.Party(jid, types.EmptyJID, "")
}

// extract is the part of the column body at a path of JSON; NULL where the content cannot be read.
func extract(path string) string {
	const body = `CAST(body AS TEXT)`
	return `CASE WHEN json_valid(` + body + `) THEN json_extract(` + body + `, '` + path + `') END`
}

package journal

import (
	"encoding/json"
	"fmt"

	"sesi.dev/sesi/api/bot"
)

// UpdateSend changes an entry: change edits it and returns false to leave it as it is. A new state is written into
// the message's history. It returns the entry as it is now, nil when there is none.
func (t *Tx) UpdateSend(id string, change func(*Send) bool) (*Send, error) {
	s, err := scanSend(t.tx.QueryRowContext(t.ctx, selectSend+` WHERE id = ?`, id))
	if err != nil || s == nil {
		return s, err
	}
	return s, t.change(s, change)
}

// change is UpdateSend for an entry that was read in this transaction.
func (t *Tx) change(s *Send, change func(*Send) bool) error {
	was := *s
	if !change(s) {
		return nil
	}
	if s.Message.State != was.Message.State {
		s.Message.History = append(s.Message.History, bot.StateAt{State: s.Message.State, At: bot.At(t.now)})
		if more := len(s.Message.History) - maxHistory; more > 0 {
			s.Message.History = append(s.Message.History[:1], s.Message.History[1+more:]...)
		}
	}
	body, err := json.Marshal(s.Message)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	return t.writeSend(&was, s, body)
}

// writeSend writes a changed entry. SQLite rewrites the index of each column that a statement names, so the usual
// changes name few.
func (t *Tx) writeSend(was, s *Send, body []byte) error {
	var err error
	t.notePending(was.Pending, s.Pending)
	switch id := s.Message.ID; {
	case s.Message.Chat.ID != was.Message.Chat.ID || s.Target != was.Target:
		_, err = t.tx.ExecContext(t.ctx, `UPDATE sends SET target = ?, chat = ?, state = ?, pending = ?, due = ?, ends = ?, attempts = ?, body = ? WHERE id = ?`,
			s.Target, s.Message.Chat.ID, string(s.Message.State), s.Pending, millis(s.Due), millis(s.Ends), s.Attempts, string(body), id)
	case s.Pending != was.Pending || !s.Due.Equal(was.Due) && s.Pending || !s.Ends.Equal(was.Ends):
		_, err = t.tx.ExecContext(t.ctx, `UPDATE sends SET state = ?, pending = ?, due = ?, ends = ?, attempts = ?, body = ? WHERE n = ?`,
			string(s.Message.State), s.Pending, millis(s.Due), millis(s.Ends), s.Attempts, string(body), s.N)
	default:
		_, err = t.tx.ExecContext(t.ctx, `UPDATE sends SET state = ?, attempts = ?, body = ? WHERE n = ?`, string(s.Message.State), s.Attempts, string(body), s.N)
	}
	if err != nil || !s.Listed {
		return err
	}
	if s.Message.Chat.ID != was.Message.Chat.ID {
		_, err = t.tx.ExecContext(t.ctx, `UPDATE messages SET chat = ?, body = ? WHERE id = ? AND chat = ? AND sender = ?`,
			s.Message.Chat.ID, body, s.Message.ID, was.Message.Chat.ID, s.Message.From.ID)
		return err
	}
	_, err = t.tx.ExecContext(t.ctx, `UPDATE messages SET body = ? WHERE id = ? AND chat = ? AND sender = ?`, body, s.Message.ID, s.Message.Chat.ID, s.Message.From.ID)
	return err
}

// Readdress gives what waits to be sent to a chat another target and chat.
func (t *Tx) Readdress(from, target string, to bot.Party) error {
	rows, err := t.tx.QueryContext(t.ctx, `SELECT id FROM sends WHERE pending AND chat = ? ORDER BY n`, from)
	if err != nil {
		return err
	}
	ids, err := scanTexts(rows)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := t.UpdateSend(id, func(s *Send) bool {
			s.Target, s.Message.Chat = target, to
			return true
		}); err != nil {
			return err
		}
	}
	return nil
}

// maxHistory bounds the history of a message that is tried again and again; its first step stays.
const maxHistory = 20

// ReplaceRaw makes a sent message's bytes those of its newer text, or removes them with nil.
func (t *Tx) ReplaceRaw(id string, newer []byte) error {
	_, err := t.tx.ExecContext(t.ctx, `UPDATE sends SET raw = ? WHERE id = ?`, newer, id)
	return err
}

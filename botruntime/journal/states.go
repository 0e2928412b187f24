package journal

import (
	"encoding/json"
	"fmt"

	"sesi.dev/sesi/api/bot"
)

// UpdateSend changes an entry: change edits it and returns false to leave it as it is. A new state is written into
// the message's history. It returns the entry as it is now, nil when there is none.
func (t *Tx) UpdateSend(id string, change func(*Send) bool) (*Send, error) {
	s, err := t.j.scanSend(t.tx.QueryRowContext(t.ctx, selectSend+` WHERE id = ?`, id))
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
	if s.Unreadable {
		return t.writeUnreadable(&was, s)
	}
	body, err := json.Marshal(s.Message)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	if err := t.writeSend(&was, s, body); err != nil || !s.Listed {
		return err
	}
	return t.writeListed(&was, s, body)
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
	return err
}

// writeListed writes a changed entry into the list of messages.
func (t *Tx) writeListed(was, s *Send, body []byte) (err error) {
	if s.Message.Chat.ID != was.Message.Chat.ID {
		_, err = t.tx.ExecContext(t.ctx, `UPDATE messages SET chat = ?, body = ? WHERE id = ? AND chat = ? AND sender = ?`,
			s.Message.Chat.ID, body, s.Message.ID, was.Message.Chat.ID, s.Message.From.ID)
		return err
	}
	_, err = t.tx.ExecContext(t.ctx, `UPDATE messages SET body = ? WHERE id = ? AND chat = ? AND sender = ?`, body, s.Message.ID, s.Message.Chat.ID, s.Message.From.ID)
	return err
}

// writeUnreadable writes a changed entry whose content cannot be read. Its content stays while it is pending, and is set
// aside after that. The list of messages keeps what it can read of the message.
func (t *Tx) writeUnreadable(was, s *Send) error {
	body := s.body
	if !s.Pending {
		_, err := t.tx.ExecContext(t.ctx, `UPDATE sends SET aside = body WHERE n = ?`, s.N)
		if err != nil {
			return err
		}
		if body, err = json.Marshal(s.Message); err != nil {
			return fmt.Errorf("encode a message: %w", err)
		}
	}
	if err := t.writeSend(was, s, body); err != nil || !s.Listed {
		return err
	}
	if _, err := t.tx.ExecContext(t.ctx, `UPDATE messages SET chat = ? WHERE id = ? AND chat = ? AND sender = ?`,
		s.Message.Chat.ID, s.Message.ID, was.Message.Chat.ID, s.Account); err != nil {
		return err
	}
	_, err := t.ChangeMessage(s.Message.Chat.ID, s.Message.ID, s.Account, func(r *Record) {
		is := s.Message
		r.Message.Chat, r.Message.Origin, r.Message.State, r.Message.History = is.Chat, is.Origin, is.State, is.History
		r.Message.Hold, r.Message.Problem = is.Hold, is.Problem
	})
	return err
}

// Readdress gives what waits to be sent to a chat another chat, and another target unless that is "".
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
			if s.Message.Chat = to; target != "" {
				s.Target = target
			}
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

package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"sesi.dev/sesi/api/bot"
)

// maxEarly bounds the votes that wait for their poll.
const maxEarly = 1000

// pollSchema holds the votes of the polls that are in the list of messages, and those that came before their poll. A
// poll's author is the address under which it came.
const pollSchema = `
CREATE TABLE IF NOT EXISTS polls (id TEXT NOT NULL, chat TEXT NOT NULL, author TEXT NOT NULL, PRIMARY KEY (id, chat)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS votes (
	poll TEXT NOT NULL, chat TEXT NOT NULL, voter TEXT NOT NULL, chosen INTEGER NOT NULL, body BLOB NOT NULL,
	PRIMARY KEY (poll, chat, voter)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS early_votes (
	n INTEGER PRIMARY KEY AUTOINCREMENT, poll TEXT NOT NULL, chat TEXT NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS early_votes_poll ON early_votes (poll, chat);
CREATE INDEX IF NOT EXISTS events_presence ON events (at) WHERE type = 'presence';
`

// Vote is what someone chose in a poll.
type Vote struct {
	From    bot.Party `json:"from"`
	Options []string  `json:"options"`
}

// Votes are the votes of one poll, the first one first.
type Votes []Vote

// All ranges over the voters and what they chose.
func (v Votes) All() iter.Seq2[bot.Party, []string] {
	return func(yield func(bot.Party, []string) bool) {
		for _, vote := range v {
			if !yield(vote.From, vote.Options) {
				return
			}
		}
	}
}

// PutPoll remembers the address under which a poll came. A poll that takes the id of an earlier one changes nothing.
func (t *Tx) PutPoll(id, chat, author string) error {
	_, err := t.tx.ExecContext(t.ctx, `INSERT OR IGNORE INTO polls (id, chat, author) VALUES (?, ?, ?)`, id, chat, author)
	return err
}

// PollAuthor is the address under which a poll came; "" when it is not known.
func (j *Journal) PollAuthor(ctx context.Context, id, chat string) (author string, err error) {
	err = j.db.QueryRowContext(ctx, `SELECT author FROM polls WHERE id = ? AND chat = ?`, id, chat).Scan(&author)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return author, err
}

// Message returns the message with that id in one of the chats, nil when there is none.
func (t *Tx) Message(id string, chats ...string) (*Record, error) {
	for _, chat := range chats {
		rows, err := t.tx.QueryContext(t.ctx, selectRecord+`, raw`+fromMessages+` WHERE id = ? AND chat = ? ORDER BY n LIMIT 1`, id, chat)
		if err != nil {
			return nil, err
		}
		records, err := t.j.scanRecords(rows, true)
		if err != nil || len(records) > 0 {
			return first(records), err
		}
	}
	return nil, nil //nolint:nilnil // no such message is no error
}

func first(records []Record) *Record {
	if len(records) == 0 {
		return nil
	}
	return &records[0]
}

// PutVote writes a vote in place of the voter's earlier one. forms are the voter's addresses, the id first. It reports
// false, and changes nothing, when the earlier one was chosen later.
func (t *Tx) PutVote(poll, chat string, forms []string, chosenMillis int64, vote Vote) (counted bool, err error) {
	for _, form := range forms {
		var later bool
		if err := t.tx.QueryRowContext(t.ctx, `SELECT EXISTS (SELECT 1 FROM votes WHERE poll = ? AND chat = ? AND voter = ? AND chosen > ?)`,
			poll, chat, form, chosenMillis).Scan(&later); err != nil || later {
			return false, err
		}
	}
	for _, form := range forms {
		if _, err := t.tx.ExecContext(t.ctx, `DELETE FROM votes WHERE poll = ? AND chat = ? AND voter = ?`, poll, chat, form); err != nil {
			return false, err
		}
	}
	body, err := json.Marshal(vote)
	if err != nil {
		return false, fmt.Errorf("encode a vote: %w", err)
	}
	_, err = t.tx.ExecContext(t.ctx, `INSERT INTO votes (poll, chat, voter, chosen, body) VALUES (?, ?, ?, ?, ?)`, poll, chat, forms[0], chosenMillis, body)
	return err == nil, err
}

const selectVotes = `SELECT body FROM votes WHERE poll = ? AND chat = ? ORDER BY chosen, voter`

// Votes returns the votes of a poll.
func (t *Tx) Votes(poll, chat string) (Votes, error) {
	rows, err := t.tx.QueryContext(t.ctx, selectVotes, poll, chat)
	if err != nil {
		return nil, err
	}
	return t.j.scanVotes(poll, rows)
}

// Votes returns the votes of a poll.
func (j *Journal) Votes(ctx context.Context, poll, chat string) (Votes, error) {
	rows, err := j.db.QueryContext(ctx, selectVotes, poll, chat)
	if err != nil {
		return nil, err
	}
	return j.scanVotes(poll, rows)
}

// scanVotes leaves out votes that cannot be read.
func (j *Journal) scanVotes(poll string, rows *sql.Rows) (votes Votes, err error) {
	bodies, err := scanBodies(rows)
	for _, body := range bodies {
		var vote Vote
		if err := json.Unmarshal(body, &vote); err != nil {
			j.noteUnreadable("votes", poll, err)
			continue
		}
		votes = append(votes, vote)
	}
	return votes, err
}

func scanBodies(rows *sql.Rows) (bodies [][]byte, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	return bodies, rows.Err()
}

// KeepEarlyVote keeps a vote until its poll comes. The oldest one goes when there are too many.
func (t *Tx) KeepEarlyVote(poll, chat string, vote []byte) error {
	if _, err := t.tx.ExecContext(t.ctx, `INSERT INTO early_votes (poll, chat, at, body) VALUES (?, ?, ?, ?)`, poll, chat, millis(t.now), vote); err != nil {
		return err
	}
	_, err := t.remove(`DELETE FROM early_votes WHERE n <= (SELECT max(n) FROM early_votes) - ?`, maxEarly)
	return err
}

// TakeEarlyVotes removes and returns the votes that came before a poll, in their order.
func (t *Tx) TakeEarlyVotes(poll string, chats ...string) (votes [][]byte, err error) {
	for _, chat := range chats {
		rows, err := t.tx.QueryContext(t.ctx, `SELECT body FROM early_votes WHERE poll = ? AND chat = ? ORDER BY n`, poll, chat)
		if err != nil {
			return nil, err
		}
		some, err := scanBodies(rows)
		if err != nil {
			return nil, err
		}
		votes = append(votes, some...)
		if _, err := t.remove(`DELETE FROM early_votes WHERE poll = ? AND chat = ?`, poll, chat); err != nil {
			return nil, err
		}
	}
	return votes, nil
}

// ForgetPoll removes a poll's votes.
func (t *Tx) ForgetPoll(id, chat string) error {
	if _, err := t.remove(`DELETE FROM votes WHERE poll = ? AND chat = ?`, id, chat); err != nil {
		return err
	}
	_, err := t.remove(`DELETE FROM polls WHERE id = ? AND chat = ?`, id, chat)
	return err
}

// erasePolls removes a chat's votes.
func (t *Tx) erasePolls(chat string) error {
	for _, statement := range []string{
		`DELETE FROM votes WHERE chat = ?`, `DELETE FROM polls WHERE chat = ?`, `DELETE FROM early_votes WHERE chat = ?`,
	} {
		if _, err := t.remove(statement, chat); err != nil {
			return err
		}
	}
	return nil
}

// expirePolls removes one helping of polls whose message is gone, and votes that waited too long for their poll. It
// reports whether there may be more.
func (t *Tx) expirePolls(keepMillis int64) (more bool, err error) {
	const gone = `SELECT id, chat FROM polls p WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = p.id AND m.chat = p.chat) ORDER BY id, chat LIMIT ?`
	if _, err := t.remove(`DELETE FROM votes WHERE (poll, chat) IN (`+gone+`)`, sweep); err != nil {
		return false, err
	}
	polls, err := t.remove(`DELETE FROM polls WHERE (id, chat) IN (`+gone+`)`, sweep)
	if err != nil {
		return false, err
	}
	early, err := t.remove(`DELETE FROM early_votes WHERE n IN (SELECT n FROM early_votes WHERE at < ? LIMIT ?)`, keepMillis, sweep)
	return polls == sweep || early == sweep, err
}

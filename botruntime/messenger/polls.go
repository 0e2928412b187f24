package messenger

import (
	"context"
	"encoding/json"
	"fmt"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
)

// maxNamedVoters is how many voters a poll may have for an event to name them: each vote is an event with the tally.
const maxNamedVoters = 100

// ballot is the ballot of a stored poll: its key and its author's addresses, as far as they are known now.
func (m *Messenger) ballot(poll *journal.Record) (message.Ballot, error) {
	return message.ReadBallot(poll.Message.ID, poll.Raw, m.addresses(poll.Message.From)...)
}

// addresses are those under which a party may be known.
func (m *Messenger) addresses(of bot.Party) (all []types.JID) {
	for _, form := range m.forms(of) {
		if jid, err := types.ParseJID(form); err == nil {
			all = append(all, jid)
		}
	}
	return all
}

// forms are a party's addresses; one that was learned later is among them.
func (m *Messenger) forms(p bot.Party) []string {
	jid, err := types.ParseJID(p.ID)
	if err != nil || p.LID != "" {
		return message.Forms(p)
	}
	return message.Forms(m.Names.Party(jid, types.EmptyJID, ""))
}

// formsOf are the addresses under which messages of a chat may have come; none for "".
func (m *Messenger) formsOf(chat string) []string {
	if chat == "" {
		return nil
	}
	return m.forms(bot.Party{ID: chat})
}

// earlyVote is a vote that waits for its poll.
type earlyVote struct {
	Vote   message.Vote
	Update bot.PollUpdate
}

// writeVote counts a vote and writes its event. A vote whose poll is missing waits for it; its event says so.
func (m *Messenger) writeVote(t *journal.Tx, r message.Received) error {
	ids := keys(bot.EventPoll, r)
	if seen, err := t.Seen(ids...); err != nil || seen {
		t.After(func() { m.Meter.Received(bot.EventPoll, seen) })
		return err
	}
	update := *r.Data.Poll
	outcome, err := m.count(t, *r.Vote, &update)
	if err != nil || outcome == voteLate {
		return err
	}
	if outcome == voteEarly {
		body, err := json.Marshal(earlyVote{*r.Vote, update})
		if err != nil {
			return fmt.Errorf("encode a vote: %w", err)
		}
		if err := t.KeepEarlyVote(r.Vote.Poll, r.Chat.ID, body); err != nil {
			return err
		}
	}
	_, err = t.Append(ids, bot.EventPoll, r.Chat.ID, bot.EventData{Poll: &update})
	t.After(func() { m.Meter.Received(bot.EventPoll, false) })
	return err
}

// voteOutcome says what became of a vote.
type voteOutcome uint8

const (
	voteCounted    voteOutcome = iota
	voteEarly                  // its poll is not there
	voteUnreadable             // its poll is there, but no key fits
	voteLate                   // the voter chose again later, and that vote came first
)

// count reads a vote with its poll and counts it. It fills in the options and the tally.
func (m *Messenger) count(t *journal.Tx, vote message.Vote, update *bot.PollUpdate) (voteOutcome, error) {
	poll, err := t.Message(vote.Poll, m.forms(update.Chat)...)
	if err != nil {
		return voteEarly, err
	}
	if poll == nil {
		return voteEarly, nil
	}
	ballot, err := m.ballot(poll)
	if err != nil {
		return voteUnreadable, nil //nolint:nilerr // the event says that the vote cannot be read
	}
	vote.Voters = m.forms(update.From)
	chosen, ok := vote.Open(ballot)
	if !ok {
		return voteUnreadable, nil
	}
	counted, err := t.PutVote(vote.Poll, poll.Message.Chat.ID, vote.Voters, vote.CastMillis, journal.Vote{From: update.From, Options: chosen})
	if err != nil || !counted {
		return voteLate, err
	}
	votes, err := t.Votes(vote.Poll, poll.Message.Chat.ID)
	update.Options, update.Unreadable, update.Tally = chosen, false, message.Tally(ballot.Options, votes.All())
	if len(votes) > maxNamedVoters {
		for i := range update.Tally {
			update.Tally[i].Voters = []bot.Party{}
		}
	}
	return voteCounted, err
}

// beginPoll remembers the address under which a poll came, and counts the votes that came before it.
func (m *Messenger) beginPoll(t *journal.Tx, r message.Received) error {
	if err := t.PutPoll(r.ID, r.Chat.ID, r.Sender.String()); err != nil {
		return err
	}
	early, err := t.TakeEarlyVotes(r.ID, m.forms(r.Chat)...)
	if err != nil {
		return err
	}
	for _, body := range early {
		var kept earlyVote
		if err := json.Unmarshal(body, &kept); err != nil {
			t.After(func() {
				m.Log.Error("a vote that came before its poll cannot be read, and is not counted", "poll", r.ID, "cause", causeOf(err))
			})
			continue
		}
		outcome, err := m.count(t, kept.Vote, &kept.Update)
		if err != nil {
			return err
		}
		if outcome != voteCounted {
			continue // the event of the vote said that it cannot be read
		}
		// The vote had an event already, so this one has a name of its own.
		key := journal.KeyOf(string(bot.EventPoll), "read", kept.Update.From.ID, kept.Update.ID)
		if _, err := t.Append([]journal.Key{key}, bot.EventPoll, r.Chat.ID, bot.EventData{Poll: &kept.Update}); err != nil {
			return err
		}
	}
	return nil
}

// voted counts a vote of the bot, once WhatsApp's server has accepted it.
func (m *Messenger) voted(t *journal.Tx, s *journal.Send) error {
	content := &waE2E.Message{}
	if err := proto.Unmarshal(s.Raw, content); err != nil {
		return fmt.Errorf("read a vote of the outbox: %w: %w", journal.ErrUnreadable, err)
	}
	if content.PollUpdateMessage == nil {
		return fmt.Errorf("read a vote of the outbox: %w: it holds no vote", journal.ErrUnreadable)
	}
	r := message.Received{Type: bot.EventPoll, Chat: s.Message.Chat, From: s.Message.From, ID: s.Message.ID}
	r.ReadVote(content.PollUpdateMessage, true, bot.At(t.Now()))
	return m.writeVote(t, r)
}

// keepPollAuthor remembers the address under which recipients know a poll of the bot. It does so before the poll is
// sent: a recipient's receipt settles a message, and the bot may vote then, before WhatsApp's server has answered.
// Without the address, only the bot's own vote in that poll may be unreadable for recipients.
func (m *Messenger) keepPollAuthor(ctx context.Context, client *whatsmeow.Client, s *journal.Send, to types.JID) {
	author, err := senderTo(ctx, client, to)
	if err != nil {
		return // whatsmeow asks the same when it sends the poll, and fails too
	}
	ctx, cancel := commitContext()
	defer cancel()
	err = m.Journal.Commit(ctx, func(t *journal.Tx) error { return t.PutPoll(s.Message.ID, s.Message.Chat.ID, author.String()) })
	if err != nil {
		m.Log.Error("the address of a poll's author could not be written", "error", err)
	}
}

// senderTo is the address of the account under which whatsmeow sends a message to someone.
func senderTo(ctx context.Context, client *whatsmeow.Client, to types.JID) (types.JID, error) {
	own := client.DangerousInternals() //nolint:staticcheck // there is no public call
	byLID := to.Server == types.HiddenUserServer || to.Server == types.DefaultUserServer && client.Store.LIDMigrationTimestamp > 0
	if to.Server == types.GroupServer {
		group, err := own.GetCachedGroupData(ctx, to)
		if err != nil {
			return types.EmptyJID, err
		}
		byLID = group.AddressingMode == types.AddressingModeLID
	}
	if byLID {
		return own.GetOwnLID().ToNonAD(), nil
	}
	return own.GetOwnID().ToNonAD(), nil
}

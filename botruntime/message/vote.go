package message

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"slices"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/gcmutil"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
)

// Ballot is what it takes to read the votes of a poll, and to cast one.
type Ballot struct {
	// ID is the poll's message id.
	ID string
	// Secret is the poll's.
	Secret []byte
	// Authors are the addresses of the poll's author: the key of a vote is derived from one of them.
	Authors []types.JID
	Options []string
}

// ErrNoBallot says that a message's bytes hold no poll, or a poll without its secret.
var ErrNoBallot = errors.New("the message is no poll, or its secret is gone")

// ReadBallot reads a poll's bytes. authors are the addresses of its author.
func ReadBallot(id string, raw []byte, authors ...types.JID) (Ballot, error) {
	secret, m, err := readSecret(raw)
	if err != nil {
		return Ballot{}, fmt.Errorf("read a poll: %w", err)
	}
	b := Ballot{ID: id, Authors: authors, Secret: secret}
	poll := pollOf(m)
	if poll == nil || len(b.Secret) == 0 {
		return Ballot{}, ErrNoBallot
	}
	for _, option := range poll.GetOptions() {
		b.Options = append(b.Options, option.GetOptionName())
	}
	return b, nil
}

func (b Ballot) sealing() sealing { return sealing{id: b.ID, secret: b.Secret, use: "Poll Vote"} }

// Open reads a vote, under every address of the author and of the voter: which of them the voter's phone took cannot
// be seen. It reports false when none fits. An option that the poll does not have is left out.
func (b Ballot) Open(payload, nonce []byte, voters ...types.JID) (options []string, ok bool) {
	ok = b.sealing().open(payload, nonce, b.Authors, voters, func(plain []byte) bool {
		var vote waE2E.PollVoteMessage
		if proto.Unmarshal(plain, &vote) != nil {
			return false
		}
		options = b.named(vote.GetSelectedOptions())
		return true
	})
	return options, ok
}

// named finds the options of hashes, in the poll's order.
func (b Ballot) named(hashes [][]byte) []string {
	options := []string{}
	for _, option := range b.Options {
		sum := sha256.Sum256([]byte(option))
		if slices.ContainsFunc(hashes, func(hash []byte) bool { return bytes.Equal(hash, sum[:]) }) && !slices.Contains(options, option) {
			options = append(options, option)
		}
	}
	return options
}

// Cast makes a vote of the account. author is the address under which the poll came, voter the account's address of the
// same kind. nonce must be random.
func (b Ballot) Cast(poll Subject, author, voter types.JID, options []string, nonce []byte, atMillis int64) (*waE2E.Message, error) {
	vote := &waE2E.PollVoteMessage{}
	for _, option := range options {
		sum := sha256.Sum256([]byte(option))
		vote.SelectedOptions = append(vote.SelectedOptions, sum[:])
	}
	plain, err := proto.Marshal(vote)
	if err != nil {
		return nil, fmt.Errorf("encode a vote: %w", err)
	}
	key, vouched := b.sealing().key(author, voter)
	sealed, err := gcmutil.Encrypt(key, nonce, plain, vouched)
	if err != nil {
		return nil, fmt.Errorf("encrypt a vote: %w", err)
	}
	poll.Sender = author
	return &waE2E.Message{PollUpdateMessage: &waE2E.PollUpdateMessage{
		PollCreationMessageKey: poll.voteKey(), Vote: &waE2E.PollEncValue{EncPayload: sealed, EncIV: nonce}, SenderTimestampMS: &atMillis,
	}}, nil
}

// voteKey names the poll; in a group the author is part of its name also where it is the account.
func (s Subject) voteKey() *waCommon.MessageKey {
	key := s.key()
	if s.Chat.Server == types.GroupServer {
		key.Participant = proto.String(s.Sender.ToNonAD().String())
	}
	return key
}

// Vote is a vote that came, still encrypted.
type Vote struct {
	// Poll is the poll's message id.
	Poll string `json:"poll"`
	// Payload and Nonce are the encrypted choice.
	Payload []byte `json:"payload"`
	Nonce   []byte `json:"nonce"`
	// Voters are the addresses of the voter.
	Voters []string `json:"voters"`
	// CastMillis is when the voter chose, by the voter's clock.
	CastMillis int64 `json:"cast"`
}

// Open reads the vote of a poll.
func (v Vote) Open(b Ballot) ([]string, bool) {
	var voters []types.JID
	for _, text := range v.Voters {
		if jid, err := types.ParseJID(text); err == nil {
			voters = append(voters, jid)
		}
	}
	return b.Open(v.Payload, v.Nonce, voters...)
}

// ReadVote reads what a vote says without its poll: who votes in which one.
func (r *Received) ReadVote(update *waE2E.PollUpdateMessage, fromMe bool, at bot.Time) {
	r.Type = bot.EventPoll
	cast := update.GetSenderTimestampMS()
	if cast == 0 {
		cast = at.UnixMilli()
	}
	r.Vote = &Vote{
		Poll: update.GetPollCreationMessageKey().GetID(), Payload: update.GetVote().GetEncPayload(), Nonce: update.GetVote().GetEncIV(),
		Voters: Forms(r.From), CastMillis: cast,
	}
	r.Data.Poll = &bot.PollUpdate{
		ID: r.ID, MessageID: r.Vote.Poll, Chat: r.Chat, From: r.From, FromMe: fromMe, At: at, Options: []string{}, Tally: []bot.PollCount{}, Unreadable: true,
	}
}

// Tally counts votes, for each option of the poll.
func Tally(options []string, votes iter.Seq2[bot.Party, []string]) []bot.PollCount {
	tally := []bot.PollCount{}
	for _, option := range options {
		count := bot.PollCount{Option: option, Voters: []bot.Party{}}
		for voter, chosen := range votes {
			if slices.Contains(chosen, option) {
				count.Votes++
				count.Voters = append(count.Voters, voter)
			}
		}
		tally = append(tally, count)
	}
	return tally
}

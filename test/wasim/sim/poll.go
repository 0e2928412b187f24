package sim

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// knownPoll is a poll, or an appointment, as a phone knows it: its author under the address by which the phone knows the author.
type knownPoll struct {
	secret  []byte
	options []string
	author  *account
	in      *group // nil between two people
}

// polls are the polls and the appointments that a phone knows.
type polls struct {
	mu    sync.Mutex
	known map[string]knownPoll
}

func (p *polls) find(id string) (knownPoll, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	poll, ok := p.known[id]
	return poll, ok
}

// learn remembers the poll or the appointment of a message that the phone wrote or could read.
func (p *polls) learn(id string, author *account, in *group, m *waE2E.Message) {
	told, ok := summarizeKind(m)
	if !ok || told.kind != KindPoll && told.kind != KindAppointment {
		return
	}
	poll := knownPoll{secret: m.GetMessageContextInfo().GetMessageSecret(), author: author, in: in}
	for _, option := range pollOf(m).GetOptions() { // an appointment has none
		poll.options = append(poll.options, option.GetOptionName())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || len(p.known) >= maxArchive {
		p.known = map[string]knownPoll{}
	}
	p.known[id] = poll
}

// shown is the address under which people see an account in the poll's chat.
func (s *Server) shown(a *account, in *group) types.JID {
	if in == nil {
		return s.addressOf(a)
	}
	info := in.snapshot()
	jid, _ := info.address(a)
	return jid
}

// pollVote and eventResponse are WhatsApp's words for what is encrypted with a message's secret.
const (
	pollVote      = "Poll Vote"
	eventResponse = "Event Response"
)

// box is the cipher of a vote or of an answer, and what it vouches for.
func (p knownPoll) box(use, id string, author, voter types.JID) (cipher.AEAD, []byte, error) {
	key, err := hkdf.Key(sha256.New, p.secret, nil, id+author.String()+voter.String()+use, 32)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	sealed, err := cipher.NewGCM(block)
	return sealed, []byte(id + "\x00" + voter.String()), err
}

// VoteForm says by which addresses a phone derives the key of a vote: AddrPN or AddrLID, or empty for those under which
// it knows the people.
type VoteForm struct{ Author, Voter string }

func (s *Server) voteAddress(a *account, in *group, form string) types.JID {
	switch form {
	case AddrPN:
		return a.jid()
	case AddrLID:
		return a.lidJID()
	}
	return s.shown(a, in)
}

// Vote chooses options of a poll that the person's phone knows, in place of what it chose before.
func (p Person) Vote(to types.JID, poll string, form VoteForm, options ...string) (string, error) {
	s := p.server
	voter, err := s.account(p.phone)
	if err != nil {
		return "", err
	}
	known, ok := voter.polls.find(poll)
	if !ok {
		return "", fmt.Errorf("%w: %s has no poll %s", ErrUnknown, p.phone, poll)
	}
	vote := &waE2E.PollVoteMessage{}
	for _, option := range options {
		if !slices.Contains(known.options, option) {
			return "", fmt.Errorf("%w: the poll has no option %q", ErrInvalid, option)
		}
		sum := sha256.Sum256([]byte(option))
		vote.SelectedOptions = append(vote.SelectedOptions, sum[:])
	}
	plain, err := proto.Marshal(vote)
	if err != nil {
		return "", fmt.Errorf("make a vote: %w", err)
	}
	sealed, vouched, err := known.box(pollVote, poll, s.voteAddress(known.author, known.in, form.Author), s.voteAddress(voter, known.in, form.Voter))
	if err != nil {
		return "", fmt.Errorf("make a vote: %w", err)
	}
	nonce := make([]byte, sealed.NonceSize())
	_, _ = rand.Read(nonce)
	ref := Ref{ID: poll, Chat: to.ToNonAD(), FromMe: known.author == voter}
	if known.in != nil && !ref.FromMe {
		ref.Sender = s.shown(known.author, known.in)
	}
	return p.Send(to, &waE2E.Message{PollUpdateMessage: &waE2E.PollUpdateMessage{
		PollCreationMessageKey: ref.key(), SenderTimestampMS: proto.Int64(time.Now().UnixMilli()),
		Vote: &waE2E.PollEncValue{EncPayload: sealed.Seal(nil, nonce, plain, vouched), EncIV: nonce},
	}}, Delivery{})
}

// readVote is a phone that reads a companion's vote. It knows the voter, and the poll's author, under one address each.
func (s *Server) readVote(a, voter *account, m *waE2E.PollUpdateMessage) (summary, bool) {
	id := m.GetPollCreationMessageKey().GetID()
	known, ok := a.polls.find(id)
	if !ok {
		return summary{}, false
	}
	sealed, vouched, err := known.box(pollVote, id, s.shown(known.author, known.in), s.shown(voter, known.in))
	if err != nil || len(m.GetVote().GetEncIV()) != sealed.NonceSize() {
		return summary{}, false
	}
	plain, err := sealed.Open(nil, m.GetVote().GetEncIV(), m.GetVote().GetEncPayload(), vouched)
	var vote waE2E.PollVoteMessage
	if err != nil || proto.Unmarshal(plain, &vote) != nil {
		return summary{}, false
	}
	chosen := []string{}
	for _, option := range known.options {
		sum := sha256.Sum256([]byte(option))
		if slices.ContainsFunc(vote.GetSelectedOptions(), func(hash []byte) bool { return string(hash) == string(sum[:]) }) {
			chosen = append(chosen, option)
		}
	}
	return summary{KindVote, strings.Join(chosen, "\n"), id}, true
}

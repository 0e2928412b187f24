package sim

import (
	"crypto/rand"
	"fmt"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// The answers to an appointment.
const (
	Going    = waE2E.EventResponseMessage_GOING
	NotGoing = waE2E.EventResponseMessage_NOT_GOING
	Maybe    = waE2E.EventResponseMessage_MAYBE
)

// Answer answers an appointment that the person's phone knows, in place of what it answered before.
func (p Person) Answer(to types.JID, appointment string, form VoteForm, said waE2E.EventResponseMessage_EventResponseType, guests int32) (string, error) {
	s := p.server
	writer, err := s.account(p.phone)
	if err != nil {
		return "", err
	}
	known, ok := writer.polls.find(appointment)
	if !ok || len(known.options) > 0 {
		return "", fmt.Errorf("%w: %s has no appointment %s", ErrUnknown, p.phone, appointment)
	}
	plain, err := proto.Marshal(&waE2E.EventResponseMessage{Response: &said, TimestampMS: proto.Int64(time.Now().UnixMilli()), ExtraGuestCount: &guests})
	if err != nil {
		return "", fmt.Errorf("make an answer: %w", err)
	}
	sealed, vouched, err := known.box(eventResponse, appointment, s.voteAddress(known.author, known.in, form.Author), s.voteAddress(writer, known.in, form.Voter))
	if err != nil {
		return "", fmt.Errorf("make an answer: %w", err)
	}
	nonce := make([]byte, sealed.NonceSize())
	_, _ = rand.Read(nonce)
	ref := Ref{ID: appointment, Chat: to.ToNonAD(), FromMe: known.author == writer}
	if known.in != nil && !ref.FromMe {
		ref.Sender = s.shown(known.author, known.in)
	}
	return p.Send(to, &waE2E.Message{EncEventResponseMessage: &waE2E.EncEventResponseMessage{
		EventCreationMessageKey: ref.key(), EncPayload: sealed.Seal(nil, nonce, plain, vouched), EncIV: nonce,
	}}, Delivery{})
}

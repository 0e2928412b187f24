package messenger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/media"
	"sesi.dev/sesi/botruntime/message"
)

// defaultTTL is how long the bot tries when the request does not say.
const defaultTTL = 24 * time.Hour

// draft is a message on its way into the outbox.
type draft struct {
	m       *Messenger
	account types.JID
	to      types.JID
	shown   bot.Message
	content *waE2E.Message
	listed  bool
	look    *bot.StatusOptions // of a status post, else nil
	// upload is the file that WhatsApp must get first, "" for none; held keeps it on the disk until the outbox does.
	upload string
	held   *media.Held
	// id is the message's id, where the caller chose it.
	id string
}

// draft begins a message to a chat from the account that is linked now.
func (m *Messenger) draft(to types.JID) (*draft, error) {
	snap := m.snapshot()
	account, err := types.ParseJID(bot.Account(snap.JID))
	if snap.JID == "" || err != nil {
		return nil, &Refusal{Kind: bot.ProblemNotLinked}
	}
	lid, err := types.ParseJID(bot.Account(snap.LID))
	if err != nil {
		lid = types.EmptyJID
	}
	return &draft{m: m, account: account, to: to, listed: true, shown: bot.Message{
		Chat: m.Names.Party(to, types.EmptyJID, ""), From: m.Names.Party(account, lid, snap.PushName), FromMe: true,
		Origin: bot.OriginAPI, State: bot.MessageQueued,
	}}, nil
}

// check refuses a request that contradicts itself.
func (d *draft) check(request bot.SendRequest) error {
	if err := onlyOne(request); err != nil {
		return err
	}
	if err := d.status(request); err != nil {
		return err
	}
	if err := d.channel(request); err != nil {
		return err
	}
	if request.TTL > bot.MaxTTL {
		return badField("ttl", fmt.Sprintf("at most %d seconds", bot.MaxTTL))
	}
	if time.Until(request.SendAt.Time) > bot.MaxSendAhead*time.Second {
		return badField("sendAt", "within a year")
	}
	return nil
}

// compose makes the content that a request asks for.
func (d *draft) compose(ctx context.Context, request bot.SendRequest) error {
	switch {
	case request.Reaction != nil:
		return d.react(ctx, *request.Reaction)
	case request.Forward != nil:
		return d.forward(ctx, *request.Forward, request.ExpiresIn)
	case request.Location != nil:
		return d.place(ctx, request)
	case len(request.Contacts) > 0:
		return d.contacts(ctx, request)
	case request.Poll != nil:
		return d.poll(ctx, request)
	case request.Appointment != nil:
		return d.appointment(ctx, request)
	case request.Vote != nil:
		return d.vote(ctx, *request.Vote)
	}
	return d.text(ctx, request)
}

// onlyOne checks that a request asks for one thing, and for nothing that does not go with it.
func onlyOne(request bot.SendRequest) error {
	asked := 0
	for _, one := range []bool{
		request.Text != "", request.Location != nil, len(request.Contacts) > 0, request.Poll != nil, request.Vote != nil, request.Appointment != nil,
		request.Reaction != nil, request.Forward != nil, request.Image != nil, request.Video != nil, request.Audio != nil,
		request.Voice != nil, request.Document != nil, request.Sticker != nil,
	} {
		if one {
			asked++
		}
	}
	if asked != 1 {
		return badField("text", "given, or else one of image, video, audio, voice, document, sticker, location, contacts, poll, appointment, vote, reaction and forward")
	}
	acts := request.Vote != nil || request.Reaction != nil || request.Forward != nil
	if acts && (request.ReplyTo != "" || len(request.Mentions) > 0) {
		return badField("replyTo", "left out, and mentions too, with vote, reaction and forward")
	}
	if request.Text == "" && request.LinkPreview != nil {
		return badField("text", "given with linkPreview")
	}
	return nil
}

// set puts a composed message into the draft, and what people see of it.
func (d *draft) set(content *waE2E.Message, err error) error {
	if err != nil {
		return err
	}
	seen := d.m.Names.Shown(content)
	seen.Chat, seen.From, seen.FromMe, seen.Origin, seen.State = d.shown.Chat, d.shown.From, true, bot.OriginAPI, bot.MessageQueued
	if d.look != nil {
		if seen.Status == nil {
			seen.Status = &bot.StatusOptions{}
		}
		seen.Status.Contacts = d.look.Contacts
	}
	d.shown, d.content = seen, content
	return nil
}

// subject finds the message of the chat that another one refers to.
func (d *draft) subject(ctx context.Context, id string) (*journal.Record, error) {
	found, err := d.m.Journal.Message(ctx, id, d.m.forms(d.shown.Chat)...)
	if err != nil {
		return nil, err
	}
	if found == nil || !found.Message.RevokedAt.IsZero() {
		return nil, &Refusal{Kind: bot.ProblemNoSuchMessage}
	}
	return found, nil
}

// add writes the draft into the outbox.
func (d *draft) add(ctx context.Context, key string, request any, sendAt time.Time, ttl uint32) (bot.Message, error) {
	if len(key) > bot.MaxKeyBytes {
		return bot.Message{}, badField(bot.HeaderIdempotencyKey, fmt.Sprintf("at most %d bytes", bot.MaxKeyBytes))
	}
	raw, err := proto.Marshal(d.content)
	if err != nil {
		return bot.Message{}, fmt.Errorf("encode a message: %w", err)
	}
	now := d.m.Journal.Now()
	s := journal.Send{
		Message: d.shown, Key: key, Account: d.account.String(), Target: d.to.String(), Raw: raw, Pending: true, Listed: d.listed,
		File: d.upload,
	}
	if s.Sum, err = sumOf(request); err != nil {
		return bot.Message{}, err
	}
	life := time.Duration(ttl) * time.Second
	if ttl == 0 {
		life = defaultTTL
	}
	s.Ends = now.Add(life)
	// A message without a time of its own has none: with that of now it would wait where the clock is set back.
	if sendAt.After(now) {
		s.Due, s.Message.SendAt, s.Ends = sendAt, bot.At(sendAt), sendAt.Add(life)
	}
	s.Message.ID, s.Message.Timestamp, s.Message.ExpiresAt = d.messageID(), bot.At(now), bot.At(s.Ends)
	message.Locate(&s.Message)
	got, fresh, err := d.m.Journal.AddSend(ctx, s)
	if errors.Is(err, journal.ErrIDUsed) {
		return bot.Message{}, badField("id", "one that no other message has; the one with this id came with another Idempotency-Key")
	}
	if err != nil {
		return bot.Message{}, err
	}
	if fresh {
		d.m.nudge()
	} else {
		d.m.Meter.KeyRepeated()
	}
	return got.Message, nil
}

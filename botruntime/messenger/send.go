package messenger

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/media"
	"sesi.dev/sesi/botruntime/message"
)

const (
	// defaultTTL is how long the bot tries when the request does not say.
	defaultTTL = 24 * time.Hour
	// editTime is how long WhatsApp accepts an edit of a message, revokeTime how long a revocation.
	editTime, revokeTime = 15 * time.Minute, 60 * time.Hour
)

// Refusal says why a request to send is not put into the outbox.
type Refusal struct {
	Kind bot.ProblemKind
	// Field is the field that is wrong, and Want says what it must be; both may be empty.
	Field, Want string
}

// Error implements error.
func (r *Refusal) Error() string {
	if r.Field == "" {
		return string(r.Kind)
	}
	return r.Field + ": must be " + r.Want
}

func badField(name, want string) error { return &Refusal{bot.ProblemBadParameter, name, want} }

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

// Send puts a message into the outbox, and returns it with its current state. A request whose key is known creates no
// second message: it returns the first one. The error is a *Refusal, or journal.ErrKeyReused or ErrOutboxFull.
func (m *Messenger) Send(ctx context.Context, key string, request bot.SendRequest) (bot.Message, error) {
	if _, file := request.File(); file != nil {
		return m.SendFile(ctx, key, request, nil)
	}
	return m.sendWith(ctx, key, request, request, func(ctx context.Context, d *draft) error { return d.compose(ctx, request) }, func() {})
}

// sendWith puts the message that compose makes into the outbox, unless the key is known. stamp stands for the request
// where a repeat is recognised; unused is called when compose is not.
func (m *Messenger) sendWith(ctx context.Context, key string, request bot.SendRequest, stamp any,
	compose func(context.Context, *draft) error, unused func(),
) (bot.Message, error) {
	defer unused()
	if request.ID != "" {
		if !validID(request.ID) {
			return bot.Message{}, badField("id", "8 to 64 digits and letters A to Z, such as an id that the bot made")
		}
		if key == "" {
			key = idKey + request.ID
		}
	}
	if known, err := m.known(ctx, key, stamp); err != nil || known != nil {
		return settledOr(known, err)
	}
	to, ok := message.Address(request.To)
	if !ok {
		return bot.Message{}, &Refusal{Kind: bot.ProblemBadRecipient}
	}
	if to.Server != types.DefaultUserServer && to.Server != types.HiddenUserServer && to.Server != types.GroupServer &&
		to.Server != types.NewsletterServer && to != types.StatusBroadcastJID {
		return bot.Message{}, &Refusal{Kind: bot.ProblemUnsupported}
	}
	d, err := m.draft(to)
	if err != nil {
		return bot.Message{}, err
	}
	d.id = request.ID
	defer func() { d.held.Release() }()
	if err := d.check(request); err != nil {
		return bot.Message{}, err
	}
	if err := compose(ctx, d); err != nil {
		return bot.Message{}, err
	}
	return d.add(ctx, key, stamp, request.SendAt.Time, request.TTL)
}

// idKey begins the key of a request that names its message's id.
const idKey = "id:"

func validID(id string) bool {
	return len(id) >= 8 && len(id) <= 64 && strings.Trim(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// known returns the message of an earlier request with the key; nil when there is none.
func (m *Messenger) known(ctx context.Context, key string, request any) (*journal.Send, error) {
	if key == "" {
		return nil, nil //nolint:nilnil // no such message is no error
	}
	sum, err := sumOf(request)
	if err != nil {
		return nil, err
	}
	s, err := m.Journal.SendByKey(ctx, key, sum)
	if s != nil {
		m.Meter.KeyRepeated()
	}
	return s, err
}

func settledOr(s *journal.Send, err error) (bot.Message, error) {
	if err != nil {
		return bot.Message{}, err
	}
	return s.Message, nil
}

func sumOf(request any) ([]byte, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encode a request: %w", err)
	}
	sum := sha256.Sum256(fmt.Appendf(body, "%T", request))
	return sum[:], nil
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

// messageID is the id that the caller chose, else a new one.
func (d *draft) messageID() string {
	if d.id != "" {
		return d.id
	}
	return NewMessageID(d.account.String())
}

// NewMessageID makes a message id as WhatsApp's web client does for a JID.
func NewMessageID(account string) string {
	user, _, _ := strings.Cut(bot.Account(account), "@")
	data := fmt.Appendf(nil, "%08d%s@c.us", time.Now().Unix(), user)
	random := make([]byte, 16)
	_, _ = rand.Read(random) // it never fails
	sum := sha256.Sum256(append(data, random...))
	return whatsmeow.WebMessageIDPrefix + strings.ToUpper(hex.EncodeToString(sum[:9]))
}

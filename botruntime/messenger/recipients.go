package messenger

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
)

// lookTime bounds a query about who is on WhatsApp.
const lookTime = 15 * time.Second

// look asks WhatsApp who has these addresses, and returns the address that WhatsApp uses for each; an address that
// nobody has is missing. It also learns the LIDs.
func look(ctx context.Context, client *whatsmeow.Client, people []types.JID) (map[types.JID]types.JID, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	found := map[types.JID]types.JID{}
	numbers, byNumber, known := []string{}, map[string]types.JID{}, []types.JID{}
	for _, jid := range people {
		if jid.Server == types.DefaultUserServer {
			numbers = append(numbers, "+"+jid.User)
			byNumber[jid.User] = jid
		} else {
			known = append(known, jid)
		}
	}
	if len(numbers) > 0 {
		answers, err := client.IsOnWhatsApp(ctx, numbers)
		if err != nil {
			return nil, err
		}
		for _, answer := range answers {
			asked, ok := byNumber[trimPlus(answer.Query)]
			if !ok {
				asked = answer.JID // the answer may leave the question out
			}
			if answer.IsIn {
				found[asked] = answer.JID.ToNonAD()
				known = append(known, answer.JID.ToNonAD())
			}
		}
	}
	if len(known) == 0 {
		return found, nil
	}
	infos, err := client.GetUserInfo(ctx, known)
	if err != nil {
		return nil, err
	}
	for _, jid := range people {
		if _, ok := infos[jid]; ok && jid.Server == types.HiddenUserServer {
			found[jid] = jid
		}
	}
	return found, nil
}

func trimPlus(number string) string {
	if number != "" && number[0] == '+' {
		return number[1:]
	}
	return number
}

// admit decides whether a message may go to a person now. The first message to someone goes only to a number that was
// found on WhatsApp, and waits while the account may not begin chats. It returns nil when the message may go.
func (m *Messenger) admit(ctx context.Context, client *whatsmeow.Client, s *journal.Send) *verdict {
	to, err := types.ParseJID(s.Target)
	if err != nil || s.Message.Chat.Kind != bot.PartyPerson || s.Target == s.Account {
		return nil
	}
	if _, met := m.met[s.Message.Chat.ID]; met {
		return nil
	}
	known, err := m.Journal.KnownChat(ctx, message.Forms(m.Names.Party(to, types.EmptyJID, ""))...)
	if known || err != nil {
		return nil // what cannot be read is no reason to keep a message back
	}
	found, err := look(ctx, client, []types.JID{to})
	now := m.Journal.Now()
	if err != nil {
		v := attempted{err: err, attempts: s.Attempts, now: now}.classify()
		if v.state == bot.MessageUnknown || v.state == bot.MessageFailed && s.Attempts+1 < maxFailures {
			// Only the question went out.
			v = verdict{state: bot.MessageQueued, due: now.Add(slowPause), attempt: v.state == bot.MessageFailed}
		}
		return &v
	}
	canonical, ok := found[to]
	if !ok {
		v := notOnWhatsApp(0)
		return &v
	}
	if err := m.readdress(s, canonical); err != nil {
		return &verdict{state: bot.MessageQueued, due: now.Add(retryPause)}
	}
	if again, err := m.Journal.KnownChat(ctx, message.Forms(s.Message.Chat)...); again && err == nil {
		return nil // it was known under another number
	}
	if v := m.newChat(ctx, client, now); v != nil {
		return v
	}
	m.findSalt(ctx, client, s.Account, false)
	return nil
}

// readdress writes the address that WhatsApp uses, before the message is sent: a receipt can come before the answer. The
// messages that wait behind it get it too, or they would not be of the same chat any more, and could pass it.
func (m *Messenger) readdress(s *journal.Send, to types.JID) error {
	chat := m.Names.Party(to, types.EmptyJID, "")
	if to.String() == s.Target && chat == s.Message.Chat {
		return nil
	}
	from := s.Message.Chat.ID
	s.Target, s.Message.Chat = to.String(), chat
	ctx, cancel := commitContext()
	defer cancel()
	return m.Journal.Commit(ctx, func(t *journal.Tx) error { return t.Readdress(from, s.Target, chat) })
}

// newChat decides whether a chat may begin now.
func (m *Messenger) newChat(ctx context.Context, client *whatsmeow.Client, now time.Time) *verdict {
	hold := m.freshLimits(ctx, client, limitsFresh).hold(now)
	if pace := m.pace.Load(); hold == nil && pace.NewChats > 0 {
		if m.begun < 0 {
			begun, err := m.Journal.NewChats(ctx, m.today())
			if err != nil {
				return &verdict{state: bot.MessageQueued, due: now.Add(retryPause)}
			}
			m.begun = begun
		}
		if m.begun >= pace.NewChats {
			hold = &bot.Hold{Reason: bot.HoldBudget, Until: bot.At(midnight(pace.clock(now)))}
		}
	}
	if hold == nil {
		m.begun++
		return nil
	}
	return &verdict{state: bot.MessageHeld, due: hold.Until.Time, hold: hold}
}

// Check finds out who is on WhatsApp, and whether a message to them could be sent now. The error is a *Refusal, or the
// session's.
func (m *Messenger) Check(ctx context.Context, contacts []string) ([]bot.CheckedContact, error) {
	if len(contacts) == 0 || len(contacts) > bot.MaxChecked {
		return nil, badField("contacts", "1 to 50 numbers or addresses")
	}
	people := []types.JID{}
	for _, contact := range contacts {
		jid, ok := message.Address(contact)
		if !ok || jid.Server != types.DefaultUserServer && jid.Server != types.HiddenUserServer {
			return nil, &Refusal{Kind: bot.ProblemBadRecipient}
		}
		people = append(people, jid)
	}
	client, err := m.client()
	if err != nil {
		return nil, err
	}
	found, err := look(ctx, client, people)
	if err != nil {
		return nil, refuseLost(err)
	}
	hold := m.freshLimits(ctx, client, limitsFresh).hold(m.Journal.Now())
	checked := []bot.CheckedContact{}
	for i, jid := range people {
		one := bot.CheckedContact{Query: contacts[i]}
		if canonical, ok := found[jid]; ok {
			party := m.Names.Party(canonical, types.EmptyJID, "")
			known, err := m.Journal.KnownChat(ctx, message.Forms(party)...)
			if err != nil {
				return nil, err
			}
			one.OnWhatsApp, one.Contact, one.NewChat = true, &party, !known
			if one.Sendable = known || hold == nil; !one.Sendable {
				one.Hold = hold
			}
		}
		checked = append(checked, one)
	}
	return checked, nil
}

// MarkRead tells the sender that a message was read. The error is a *Refusal, or the session's.
func (m *Messenger) MarkRead(ctx context.Context, chat, id string) error {
	found, err := m.Journal.Message(ctx, id, m.formsOf(chat)...)
	switch {
	case journal.IsAmbiguous(err):
		return &Refusal{Kind: bot.ProblemAmbiguousMessage}
	case err != nil:
		return err
	case found == nil || found.Message.FromMe:
		return &Refusal{Kind: bot.ProblemNoSuchMessage}
	}
	_, err = m.MarkAllRead(ctx, found.Message.Chat.ID, []string{id})
	return err
}

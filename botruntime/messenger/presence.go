package messenger

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
)

// maxPeople bounds the members of a group of whom a presence is remembered.
const maxPeople = 64

// presences are the chats whose presence someone asked for, and what is known of them. They live as long as the process.
type presences struct {
	mu        sync.Mutex
	available bool
	// name is the account's name, as its phone's messages show it.
	name  string
	chats map[string]*bot.Presence
}

// of finds the presence of a chat. Its number may have become known since it was asked for.
func (p *presences) of(chat bot.Party) *bot.Presence {
	for _, form := range message.Forms(chat) {
		if known := p.chats[form]; known != nil {
			return known
		}
	}
	return nil
}

// chatOf reads a chat's address.
func chatOf(text string) (types.JID, error) {
	jid, ok := message.Address(text)
	if !ok {
		return types.EmptyJID, &Refusal{Kind: bot.ProblemBadRecipient}
	}
	switch jid.Server {
	case types.DefaultUserServer, types.HiddenUserServer, types.GroupServer:
		return jid, nil
	}
	return types.EmptyJID, &Refusal{Kind: bot.ProblemUnsupported}
}

// Typing shows a chat that the account types or records, or that it no longer does.
func (m *Messenger) Typing(ctx context.Context, chat string, state bot.TypingState) error {
	to, err := chatOf(chat)
	if err != nil {
		return err
	}
	shown, media := types.ChatPresenceComposing, types.ChatPresenceMediaText
	switch state {
	case bot.TypingComposing:
	case bot.TypingRecording:
		media = types.ChatPresenceMediaAudio
	case bot.TypingPaused:
		shown = types.ChatPresencePaused
	default:
		return badField("state", "composing, recording or paused")
	}
	client, err := m.client()
	if err != nil {
		return err
	}
	return refuseLost(client.SendChatPresence(ctx, to, shown, media))
}

// Announce shows the account as online or as offline, also after a reconnection; a new process begins offline.
func (m *Messenger) Announce(ctx context.Context, presence bot.Availability) error {
	if presence != bot.Available && presence != bot.Unavailable {
		return badField("presence", "available or unavailable")
	}
	client, err := m.client()
	if err != nil {
		return err
	}
	m.lendName(client)
	err = client.SendPresence(ctx, types.Presence(presence))
	if errors.Is(err, whatsmeow.ErrNoPushName) {
		return &Refusal{Kind: bot.ProblemNotReady}
	}
	if err == nil {
		m.presences.mu.Lock()
		m.presences.available = presence == bot.Available
		m.presences.mu.Unlock()
	}
	return refuseLost(err)
}

// noteName remembers the account's name from a message of its phone.
func (m *Messenger) noteName(info types.MessageInfo) {
	if info.IsFromMe && info.PushName != "" && info.PushName != "-" {
		m.presences.mu.Lock()
		m.presences.name = info.PushName
		m.presences.mu.Unlock()
	}
}

// lendName gives the client the account's name where WhatsApp has not told it: a presence without a name is refused.
func (m *Messenger) lendName(client *whatsmeow.Client) {
	m.presences.mu.Lock()
	defer m.presences.mu.Unlock()
	if client.Store.PushName == "" {
		client.Store.PushName = m.presences.name
	}
}

// Subscribe asks WhatsApp for the presence of a chat from now on, also after a reconnection.
func (m *Messenger) Subscribe(ctx context.Context, chat string) (bot.Presence, error) {
	to, err := chatOf(chat)
	if err != nil {
		return bot.Presence{}, err
	}
	client, err := m.client()
	if err != nil {
		return bot.Presence{}, err
	}
	party := m.Names.Party(to, types.EmptyJID, "")
	p := &m.presences
	p.mu.Lock()
	if p.of(party) == nil && len(p.chats) >= bot.MaxPresences {
		p.mu.Unlock()
		return bot.Presence{}, &Refusal{Kind: bot.ProblemTooManyPresences}
	}
	p.mu.Unlock()
	if err := client.SubscribePresence(ctx, to); err != nil {
		return bot.Presence{}, refuseLost(err)
	}
	p.mu.Lock()
	if p.chats == nil {
		p.chats = map[string]*bot.Presence{}
	}
	if p.of(party) == nil {
		p.chats[party.ID] = &bot.Presence{Chat: party, Subscribed: true, People: []bot.PersonPresence{}}
	}
	p.mu.Unlock()
	return m.PresenceOf(chat)
}

// Unsubscribe ends the events of a chat's presence.
func (m *Messenger) Unsubscribe(chat string) (bot.Presence, error) {
	to, err := chatOf(chat)
	if err != nil {
		return bot.Presence{}, err
	}
	m.presences.mu.Lock()
	for _, form := range message.Forms(m.Names.Party(to, types.EmptyJID, "")) {
		delete(m.presences.chats, form)
	}
	m.presences.mu.Unlock()
	return m.PresenceOf(chat)
}

// PresenceOf is what is known of a chat's presence; nothing, unless it is subscribed to.
func (m *Messenger) PresenceOf(chat string) (bot.Presence, error) {
	to, err := chatOf(chat)
	if err != nil {
		return bot.Presence{}, err
	}
	party := m.Names.Party(to, types.EmptyJID, "")
	m.presences.mu.Lock()
	defer m.presences.mu.Unlock()
	known := m.presences.of(party)
	if known == nil {
		return bot.Presence{Chat: party, People: []bot.PersonPresence{}}, nil
	}
	return shownPresence(known), nil
}

// shownPresence is a copy that later changes leave alone.
func shownPresence(known *bot.Presence) bot.Presence {
	shown := *known
	shown.People = slices.Clone(known.People)
	return shown
}

// Presences is what is known of every chat that is subscribed to, by its id.
func (m *Messenger) Presences() []bot.Presence {
	m.presences.mu.Lock()
	defer m.presences.mu.Unlock()
	all := []bot.Presence{}
	for _, id := range slices.Sorted(maps.Keys(m.presences.chats)) {
		all = append(all, shownPresence(m.presences.chats[id]))
	}
	return all
}

// renewPresence tells a new connection what WhatsApp forgets with the old one.
func (m *Messenger) renewPresence(client *whatsmeow.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), lookTime)
	defer cancel()
	p := &m.presences
	p.mu.Lock()
	available, chats := p.available, []string{}
	for id := range p.chats {
		chats = append(chats, id)
	}
	p.mu.Unlock()
	if available {
		m.lendName(client)
		if err := client.SendPresence(ctx, types.PresenceAvailable); err != nil {
			m.Log.Warn("the account could not be shown as online again", "cause", causeOf(err))
		}
	}
	for _, id := range chats {
		jid, err := types.ParseJID(id)
		if err == nil {
			err = client.SubscribePresence(ctx, jid)
		}
		if err != nil {
			m.Log.Warn("a subscription to presence could not be renewed", "cause", causeOf(err))
			return
		}
	}
}

// takePresence notes that someone came online or left.
func (m *Messenger) takePresence(evt *events.Presence) {
	person := bot.PersonPresence{From: m.Names.Party(evt.From, types.EmptyJID, ""), Presence: bot.Available, LastSeen: bot.At(evt.LastSeen)}
	if evt.Unavailable {
		person.Presence = bot.Unavailable
	}
	m.notePresence(person.From, person)
}

// takeTyping notes that someone types, or no longer does.
func (m *Messenger) takeTyping(evt *events.ChatPresence) {
	if evt.IsFromMe {
		return
	}
	person := bot.PersonPresence{From: m.Names.Party(evt.Sender, evt.SenderAlt, ""), Typing: bot.TypingPaused}
	if evt.State == types.ChatPresenceComposing {
		person.Presence, person.Typing = bot.Available, bot.TypingComposing
		if evt.Media == types.ChatPresenceMediaAudio {
			person.Typing = bot.TypingRecording
		}
	}
	chat := person.From
	if evt.IsGroup {
		chat = m.Names.Party(evt.Chat, types.EmptyJID, "")
	}
	m.notePresence(chat, person)
}

// notePresence remembers a presence that was asked for, and writes an event when it is new. An event that cannot be
// written is left out: WhatsApp does not tell it again, and it would be old.
func (m *Messenger) notePresence(chat bot.Party, person bot.PersonPresence) {
	person.At = bot.At(m.Journal.Now())
	if !m.presences.note(chat, &person) {
		return
	}
	data := bot.EventData{Presence: &bot.Presence{Chat: chat, Subscribed: true, People: []bot.PersonPresence{person}}}
	ctx, cancel := commitContext()
	defer cancel()
	err := m.Journal.CommitTogether(ctx, func(t *journal.Tx) error { return t.AppendFresh(bot.EventPresence, chat.ID, data) })
	if err != nil {
		m.Log.Warn("an event of presence could not be written to the journal", "error", err)
		return
	}
	m.Meter.Received(bot.EventPresence, false)
}

// note remembers a presence, and completes it with what was known. It reports whether it was asked for and is new.
func (p *presences) note(chat bot.Party, person *bot.PersonPresence) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.of(chat)
	if known == nil {
		return false
	}
	at := slices.IndexFunc(known.People, func(one bot.PersonPresence) bool { return one.From.ID == person.From.ID })
	if at < 0 {
		if len(known.People) >= maxPeople {
			known.People = slices.Delete(known.People, 0, 1) // the one that was noted first
		}
		known.People = append(known.People, *person)
		return true
	}
	was := known.People[at]
	if person.Presence == "" {
		person.Presence = was.Presence
	}
	if person.LastSeen.IsZero() {
		person.LastSeen = was.LastSeen
	}
	if person.Typing == "" && person.Presence == bot.Available {
		person.Typing = was.Typing
	}
	known.People[at] = *person
	return was.Presence != person.Presence || was.Typing != person.Typing || !was.LastSeen.Equal(person.LastSeen.Time)
}

package httpapi

import (
	"context"
	"net/http"
	"strings"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/waha"
)

func (c *call) wahaSendLocation() error {
	var asked bot.WAHASendLocation
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	reply, err := c.wahaReply(asked.ReplyTo)
	if err != nil {
		return err
	}
	place := &bot.Location{Latitude: asked.Latitude, Longitude: asked.Longitude, Name: asked.Title}
	return c.wahaSend(bot.SendRequest{To: asked.ChatID, Location: place, ReplyTo: reply, ID: asked.ID})
}

func (c *call) wahaSendContacts() error {
	var asked bot.WAHASendContacts
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	reply, err := c.wahaReply(asked.ReplyTo)
	if err != nil {
		return err
	}
	request := bot.SendRequest{To: asked.ChatID, ReplyTo: reply, ID: asked.ID}
	for _, one := range asked.Contacts {
		shared := bot.SendContact{VCard: one.VCard}
		if one.VCard == "" {
			shared = bot.SendContact{Name: one.FullName, Phone: one.PhoneNumber, Organization: one.Organization}
		}
		request.Contacts = append(request.Contacts, shared)
	}
	return c.wahaSend(request)
}

func (c *call) wahaSendPoll() error {
	var asked bot.WAHASendPoll
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	reply, err := c.wahaReply(asked.ReplyTo)
	if err != nil {
		return err
	}
	poll := &bot.Poll{Name: asked.Poll.Name, Options: asked.Poll.Options, Selectable: 1}
	if asked.Poll.MultipleAnswers {
		poll.Selectable = 0
	}
	return c.wahaSend(bot.SendRequest{To: asked.ChatID, Poll: poll, ReplyTo: reply, ID: asked.ID})
}

func (c *call) wahaVote() error {
	var asked bot.WAHASendVote
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	_, id, err := c.wahaID("pollMessageId", asked.PollMessageID)
	if err != nil {
		return err
	}
	return c.wahaSend(bot.SendRequest{To: asked.ChatID, Vote: &bot.SendVote{MessageID: id, Options: asked.Votes}})
}

func (c *call) wahaTextStatus() error {
	var asked bot.WAHATextStatus
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	return c.wahaSend(bot.SendRequest{To: "status", Text: asked.Text, ID: asked.ID, StatusOptions: &bot.StatusOptions{
		BackgroundColor: asked.BackgroundColor, Font: asked.Font, Contacts: asked.Contacts,
	}})
}

func (c *call) wahaDeleteStatus() error {
	var asked bot.WAHADeleteStatus
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	_, id, err := c.wahaID("id", asked.ID)
	if err != nil {
		return err
	}
	sender, err := c.wahaWorking()
	if err != nil {
		return err
	}
	chat, err := c.chat("status")
	if err != nil {
		return err
	}
	queued, err := sender.Delete(c.r.Context(), "", chat, id)
	return c.wahaSent(sender, queued, err, http.StatusCreated)
}

// wahaNow does something that needs WhatsApp at once, and answers that it is done.
func (c *call) wahaNow(do func(context.Context, Sender) error) error {
	sender, err := c.wahaWorking()
	if err != nil {
		return err
	}
	ctx, cancel := c.sessionContext()
	defer cancel()
	if err := do(ctx, sender); err != nil {
		return classifySend(err)
	}
	return c.json(http.StatusCreated, bot.WAHADone{Success: true})
}

func (c *call) wahaTyping(state bot.TypingState) error {
	var asked bot.WAHAChat
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	return c.wahaNow(func(ctx context.Context, s Sender) error { return s.Typing(ctx, asked.ChatID, state) })
}

func (c *call) wahaStartTyping() error { return c.wahaTyping(bot.TypingComposing) }
func (c *call) wahaStopTyping() error  { return c.wahaTyping(bot.TypingPaused) }

func (c *call) wahaSetPresence() error {
	var asked bot.WAHASetPresence
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	everywhere := map[string]bot.Availability{"online": bot.Available, "offline": bot.Unavailable}[asked.Presence]
	inChat := map[string]bot.TypingState{"typing": bot.TypingComposing, "recording": bot.TypingRecording, "paused": bot.TypingPaused}[asked.Presence]
	switch {
	case everywhere != "":
		return c.wahaNow(func(ctx context.Context, s Sender) error { return s.Announce(ctx, everywhere) })
	case inChat == "":
		return badParameter("presence", "offline, online, typing, recording or paused")
	case asked.ChatID == "":
		return badParameter("chatId", "given with typing, recording and paused")
	}
	return c.wahaNow(func(ctx context.Context, s Sender) error { return s.Typing(ctx, asked.ChatID, inChat) })
}

// wahaPresences answers with what is known of every chat that was subscribed to.
func (c *call) wahaPresences() error {
	sender, err := c.wahaWorking()
	if err != nil {
		return err
	}
	all := []bot.WAHAPresences{}
	for _, known := range sender.Presences() {
		all = append(all, waha.Presences(known))
	}
	return c.json(http.StatusOK, all)
}

// wahaPresence subscribes to a chat's presence and answers with what is known.
func (c *call) wahaPresence() error {
	sender, err := c.wahaWorking()
	if err != nil {
		return err
	}
	ctx, cancel := c.sessionContext()
	defer cancel()
	known, err := sender.Subscribe(ctx, c.r.PathValue("chat"))
	if err != nil {
		return classifySend(err)
	}
	return c.json(http.StatusOK, waha.Presences(known))
}

func (c *call) wahaSubscribe() error {
	return c.wahaNow(func(ctx context.Context, s Sender) error {
		_, err := s.Subscribe(ctx, c.r.PathValue("chat"))
		return err
	})
}

func (c *call) wahaRejectCall() error {
	var asked bot.WAHARejectCall
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	return c.wahaNow(func(ctx context.Context, s Sender) error { return s.RejectCall(ctx, asked.ID, asked.From) })
}

// wahaOverview lists chats with their last message.
func (c *call) wahaOverview() error {
	limit, err := c.number("limit", 20, 1, maxChats)
	if err != nil {
		return err
	}
	offset, err := c.number("offset", 0, 0, 1<<20)
	if err != nil {
		return err
	}
	var ids []string
	for _, some := range c.r.URL.Query()["ids"] {
		ids = append(ids, strings.Split(some, ",")...)
	}
	return c.wahaChatsOf(int(limit), int(offset), ids, http.StatusOK)
}

func (c *call) wahaOverviewOf() error {
	var asked bot.WAHAOverview
	asked.Pagination.Limit = 20
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	if asked.Pagination.Limit < 1 || asked.Pagination.Limit > maxChats || asked.Pagination.Offset < 0 {
		return badParameter("pagination", "a limit from 1 to 100 and an offset from 0")
	}
	return c.wahaChatsOf(asked.Pagination.Limit, asked.Pagination.Offset, asked.Filter.IDs, http.StatusCreated)
}

// wahaChats lists chats in the form of the library.
func (c *call) wahaChats() error {
	limit, err := c.number("limit", maxChats, 1, maxChats)
	if err != nil {
		return err
	}
	offset, err := c.number("offset", 0, 0, 1<<20)
	if err != nil {
		return err
	}
	return c.wahaChatsOf(int(limit), int(offset), nil, http.StatusOK)
}

const (
	// mostChats bounds how many chats are looked at to find those that a request names.
	mostChats = 10_000
	// maxLook is how many are looked at in one step: each finds all chats first, and takes as long for one as for many.
	maxLook = 1000
)

func (c *call) wahaChatsOf(limit, offset int, ids []string, status int) error {
	book, err := c.journal()
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, id := range ids {
		chat, err := c.chat(id)
		if err != nil {
			return err
		}
		wanted[chat] = true
	}
	tell, before, seen, left := c.teller(), int64(0), 0, limit
	return c.inParts(status, parts{"[", "]", func() (some []any, err error) {
		for seen < mostChats && left > 0 && len(some) == 0 {
			most := offset + left
			if len(wanted) > 0 {
				most = maxLook
			}
			found, next, err := book.Chats(c.r.Context(), before, min(most, maxLook), c.Names)
			if err != nil {
				return nil, err
			}
			for _, chat := range found {
				switch {
				case len(wanted) > 0 && !wanted[chat.ID] || left == 0:
				case offset > 0:
					offset--
				default:
					some = append(some, wahaChat(tell, chat))
					left--
				}
			}
			seen += len(found)
			if before = next; next == 0 {
				seen = mostChats
			}
		}
		return some, nil
	}})
}

func wahaChat(tell waha.Teller, chat bot.Chat) bot.WAHAChatSummary {
	out := bot.WAHAChatSummary{ID: waha.ChatID(chat.ID)}
	if chat.Name != "" {
		out.Name = &chat.Name
	}
	if chat.LastMessage != nil {
		out.LastMessage = tell.Message(*chat.LastMessage)
	}
	out.Chat = bot.WAHAChatOf{ID: out.ID, UnreadCount: chat.Unread, ConversationTimestamp: chat.Timestamp.Unix()}
	return out
}

package httpapi

import (
	"net/http"
	"slices"
	"strconv"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
)

// Faults of the message routes.
var (
	faultMessagesOff = fault{status: http.StatusConflict, kind: bot.ProblemMessagesOff,
		title:  text{"Fitur pesan dimatikan", "Messages are off"},
		detail: text{"Bot ini berjalan dengan MESSAGES=off.", "This bot runs with MESSAGES=off."}}
	faultNoMessage = fault{status: http.StatusNotFound, kind: bot.ProblemNoSuchMessage,
		title:  text{"Pesan tidak ditemukan", "Message not found"},
		detail: text{"Bot tidak menyimpan pesan dengan id ini.", "The bot has no message with this id."}}
	faultAmbiguous = fault{status: http.StatusConflict, kind: bot.ProblemAmbiguousMessage,
		title:  text{"Id ada di beberapa chat", "The id is in several chats"},
		detail: text{"Tambahkan parameter chat.", "Add the parameter chat."}}
	faultNoGroup = fault{status: http.StatusNotFound, kind: bot.ProblemNoSuchGroup,
		title:  text{"Grup tidak ditemukan", "No such group"},
		detail: text{"Grup ini tidak ada, atau akun ini bukan anggotanya.", "There is no such group, or the account is not in it."}}
	faultParameter = fault{status: http.StatusBadRequest, kind: bot.ProblemBadParameter,
		title: text{"Parameter tidak valid", "Invalid parameter"}}
	faultRecipient = fault{status: http.StatusUnprocessableEntity, kind: bot.ProblemBadRecipient,
		title: text{"Alamat tidak valid", "Invalid address"},
		detail: text{"Pakai nomor dengan kode negara, misalnya +6281234567890, atau alamat WhatsApp.",
			"Use a number with its country code, such as +6281234567890, or an address of WhatsApp."}}
)

// badParameter names a parameter and its allowed values.
func badParameter(name, want string) error {
	return faultParameter.about(text{name + ": harus " + want, name + ": must be " + want})
}

const (
	defaultPage = 50
	maxPage     = 500
)

// messageRoutes are the routes of messages and events.
func messageRoutes() []route {
	return []route{
		{"GET", bot.PathEvents, withToken, (*call).journalEvents},
		{"GET", bot.PathMessages, withToken, (*call).listMessages},
		{"GET", bot.PathMessage, withToken, (*call).getMessage},
		{"GET", bot.PathMessageMedia, withToken, (*call).messageFile},
		{"DELETE", bot.PathChatMessages, withToken, (*call).eraseChat},
	}
}

// journal returns the bot's journal. It fails while messages are off.
func (c *call) journal() (*journal.Journal, error) {
	if c.Journal == nil {
		return nil, faultMessagesOff
	}
	return c.Journal, nil
}

// number reads a numeric parameter.
func (c *call) number(name string, fallback, least, most uint64) (uint64, error) {
	value := c.r.URL.Query().Get(name)
	if value == "" {
		return fallback, nil
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil || n < least || n > most {
		return 0, badParameter(name, "a number, "+strconv.FormatUint(least, 10)+" to "+strconv.FormatUint(most, 10))
	}
	return n, nil
}

// chat reads an address and returns the id of its chat, or "" if the parameter is missing.
func (c *call) chat(value string) (string, error) {
	if value == "" {
		return "", nil
	}
	jid, ok := message.Address(value)
	if !ok {
		return "", faultRecipient
	}
	return c.Names.Party(jid, noAddress, "").ID, nil
}

// formsOf are the addresses under which messages of a chat may have come; none for "". A person's number may have become
// known since.
func (c *call) formsOf(chat string) []string {
	if chat == "" {
		return nil
	}
	jid, ok := message.Address(chat)
	if !ok {
		return []string{chat}
	}
	return message.Forms(c.Names.Party(jid, noAddress, ""))
}

func (c *call) listMessages() error {
	if c.r.URL.Query().Has("chatId") {
		return c.wahaOldMessages()
	}
	book, err := c.journal()
	if err != nil {
		return err
	}
	limit, err := c.number("limit", defaultPage, 1, maxPage)
	if err != nil {
		return err
	}
	before, err := c.number("before", 0, 0, 1<<62)
	if err != nil {
		return err
	}
	chat, err := c.chat(c.r.URL.Query().Get("chat"))
	if err != nil {
		return err
	}
	records, next, err := book.Messages(c.r.Context(), int64(before), int(limit), c.formsOf(chat)...)
	if err != nil {
		return err
	}
	answer := bot.Messages{Messages: []bot.Message{}, Before: uint64(next)}
	for _, r := range records {
		answer.Messages = append(answer.Messages, c.current(r.Message))
	}
	return c.json(http.StatusOK, answer)
}

// record returns the message that the path names.
func (c *call) record() (*journal.Record, error) {
	book, err := c.journal()
	if err != nil {
		return nil, err
	}
	chat, err := c.chat(c.r.URL.Query().Get("chat"))
	if err != nil {
		return nil, err
	}
	found, err := book.Message(c.r.Context(), c.r.PathValue("id"), c.formsOf(chat)...)
	if journal.IsAmbiguous(err) {
		return nil, faultAmbiguous
	}
	if err == nil && found == nil {
		return c.outgoing(book, chat)
	}
	return found, err
}

// outgoing is the entry of the outbox that the path names: a reaction or an edit is in no list of messages.
func (c *call) outgoing(book *journal.Journal, chat string) (*journal.Record, error) {
	found, err := book.Send(c.r.Context(), c.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if found == nil || chat != "" && !slices.Contains(c.formsOf(chat), found.Message.Chat.ID) {
		return nil, faultNoMessage
	}
	return &journal.Record{Message: found.Message, Raw: found.Raw}, nil
}

func (c *call) getMessage() error {
	found, err := c.record()
	if err != nil {
		return err
	}
	if poll := found.Message.Poll; poll != nil {
		votes, err := c.Journal.Votes(c.r.Context(), found.Message.ID, found.Message.Chat.ID)
		if err != nil {
			return err
		}
		found.Message.Tally = message.Tally(poll.Options, votes.All())
	}
	return c.json(http.StatusOK, c.current(found.Message))
}

// current gives a message's chat and author the number that became known after it came.
func (c *call) current(m bot.Message) bot.Message {
	for _, of := range []*bot.Party{&m.Chat, &m.From} {
		if of.Kind != bot.PartyPerson || of.Phone != "" {
			continue
		}
		if jid, ok := message.Address(of.ID); ok {
			*of = c.Names.Party(jid, noAddress, of.Name)
		}
	}
	return m
}

func (c *call) eraseChat() error {
	chat, err := c.chat(c.r.PathValue("chat"))
	if err != nil {
		return err
	}
	switch c.r.URL.Query().Get("devices") {
	case "", "false":
	case "true":
		if err := c.clearDevices(chat); err != nil {
			return err
		}
	default:
		return badParameter("devices", "true or false")
	}
	erased, err := c.erase(chat)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, bot.Erased{Messages: erased})
}

// clearDevices removes a chat's messages from the account's devices. The bot's own go later, because the change names the
// last one.
func (c *call) clearDevices(chat string) error {
	if c.Directory == nil {
		return faultMessagesOff
	}
	ctx, cancel := c.sessionContext()
	defer cancel()
	if _, err := c.Directory.ClearChat(ctx, chat); err != nil {
		return classifyDirectory(err)
	}
	return nil
}

// erase removes what the bot keeps of a chat, and returns how many messages that were.
func (c *call) erase(chat string) (int64, error) {
	book, err := c.journal()
	if err != nil {
		return 0, err
	}
	forms := c.formsOf(chat)
	files, err := book.ChatFiles(c.r.Context(), forms...)
	if err != nil {
		return 0, err
	}
	erased, err := book.EraseChat(c.r.Context(), forms...)
	if err != nil {
		return 0, err
	}
	for _, hash := range files {
		if c.Files == nil {
			break
		}
		if err := c.Files.Drop(c.r.Context(), hash); err != nil {
			return 0, err
		}
	}
	return erased, nil
}

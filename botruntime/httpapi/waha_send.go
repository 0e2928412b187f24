package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
	"sesi.dev/sesi/botruntime/messenger"
	"sesi.dev/sesi/botruntime/waha"
)

// wahaRead decodes the request's JSON body into v, and checks the session that it names. As in WAHA, fields that v does
// not have are ignored.
func (c *call) wahaRead(v any) error {
	var body json.RawMessage
	if err := c.read(&body); err != nil {
		return err
	}
	return c.wahaDecode(body, v)
}

func (c *call) wahaDecode(body []byte, v any) error {
	var named struct {
		Session *string `json:"session"`
	}
	err := json.Unmarshal(body, &named)
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(body)).Decode(v)
	}
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return badParameter(wrong.Field, "another type than "+wrong.Value)
	case err != nil:
		return faultJSON
	case named.Session != nil:
		return c.wahaIsMine(*named.Session)
	}
	return nil
}

// teller tells what WAHA's clients are told of the session.
func (c *call) teller() waha.Teller {
	scheme := "http://"
	if c.overTLS() {
		scheme = "https://"
	}
	return waha.Teller{Session: c.ClientID, Base: scheme + throughProxy(c.r).Host + c.prefix(), Version: c.Version, Me: waha.Me(c.snapshot())}
}

// wahaWorking fails unless the session works: WAHA's clients wait, or restart the session, when they are told so.
func (c *call) wahaWorking() (Sender, error) {
	sender, err := c.sender()
	if err != nil {
		return nil, err
	}
	if status := classifyWAHA(c.snapshot()); status != bot.WAHAWorking {
		return nil, wrongStatus(status)
	}
	return sender, nil
}

// wrongStatus says that the session does not work.
type wrongStatus bot.WAHAStatus

// Error implements error.
func (s wrongStatus) Error() string { return bot.WAHAWrongStatusText + " (" + string(s) + ")" }

// wahaID reads the id of a message in WAHA's form, and the chat that it names, "" for a bare id.
func (c *call) wahaID(field, text string) (chat, id string, err error) {
	named, ok := waha.ParseMessageID(text)
	if !ok {
		return "", "", badParameter(field, "the id of a message, such as false_6281234567890@c.us_3EB0C767D26A1D8B")
	}
	if chat, err = c.chat(named.Chat); err != nil {
		return "", "", err
	}
	return chat, named.ID, nil
}

// wahaReply reads the id of the message that another one answers; "" for none.
func (c *call) wahaReply(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	_, id, err := c.wahaID("reply_to", text)
	return id, err
}

// wahaSend sends a message, waits for WhatsApp's server, and answers as WAHA does.
func (c *call) wahaSend(request bot.SendRequest) error {
	return c.wahaSendWith(request, http.StatusCreated)
}

func (c *call) wahaSendWith(request bot.SendRequest, status int) error {
	sender, err := c.wahaWorking()
	if err != nil {
		return err
	}
	if request.To == "" {
		return badParameter("chatId", "given")
	}
	queued, err := sender.Send(c.r.Context(), c.r.Header.Get(bot.HeaderIdempotencyKey), request)
	return c.wahaSent(sender, queued, err, status)
}

// wahaSent waits for a message that was put into the outbox, and answers with it.
func (c *call) wahaSent(sender Sender, m bot.Message, err error, status int) error {
	if m, err = c.wahaWait(sender, m, err); err != nil {
		return err
	}
	return c.json(status, c.teller().Message(m))
}

// wahaWait waits for a message that was put into the outbox, and returns it as it is then.
func (c *call) wahaWait(sender Sender, m bot.Message, err error) (bot.Message, error) {
	if err != nil {
		return m, classifySend(err)
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), sendWait)
	defer cancel()
	if m, err = sender.Await(ctx, m.ID); err != nil {
		return m, classifySend(err)
	}
	if m.State == bot.MessageFailed {
		return m, c.wahaFailed(m)
	}
	return m, nil
}

// wahaFailed says why a message was not sent. What WhatsApp refused is an exception of WAHA's, with the text that its
// clients look for.
func (c *call) wahaFailed(m bot.Message) error {
	err := failedSend(m)
	var f fault
	if m.Problem == nil || m.Problem.Code == 0 || !errors.As(err, &f) {
		return err
	}
	f.code = m.Problem.Code
	if f.kind == bot.ProblemRestricted && c.Sender != nil {
		ctx, cancel := c.sessionContext()
		defer cancel()
		if limits, err := c.Sender.Limits(ctx); err == nil {
			f.until = latest(limits.TimelockedUntil.Time, limits.CappedUntil.Time)
		}
	}
	return f
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (c *call) wahaSendText() error {
	var asked bot.WAHASendText
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	return c.wahaText(asked, nil)
}

func (c *call) wahaSendPreview() error {
	var asked bot.WAHASendPreview
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	p := asked.Preview
	return c.wahaText(asked.WAHASendText, &bot.LinkPreview{URL: p.URL, Title: p.Title, Description: p.Description})
}

func (c *call) wahaSendLink() error {
	var asked bot.WAHASendLink
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	text := bot.WAHASendText{ChatID: asked.ChatID, Text: asked.Title + "\n" + asked.URL, ID: asked.ID}
	return c.wahaText(text, &bot.LinkPreview{URL: asked.URL, Title: asked.Title})
}

func (c *call) wahaText(asked bot.WAHASendText, preview *bot.LinkPreview) error {
	if asked.Text == "" {
		return badParameter("text", "given")
	}
	reply, err := c.wahaReply(asked.ReplyTo)
	if err != nil {
		return err
	}
	return c.wahaSend(bot.SendRequest{To: asked.ChatID, Text: asked.Text, ReplyTo: reply, Mentions: asked.Mentions, ID: asked.ID, LinkPreview: preview})
}

func (c *call) wahaReact() error {
	var asked bot.WAHAReact
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	chat, id, err := c.wahaID("messageId", asked.MessageID)
	if err != nil {
		return err
	}
	if chat == "" {
		kept, err := c.kept(id, "")
		if err != nil {
			return err
		}
		chat = kept.Message.Chat.ID
	}
	return c.wahaSendWith(bot.SendRequest{To: chat, Reaction: &bot.SendReaction{MessageID: id, Emoji: asked.Reaction}}, http.StatusOK)
}

func (c *call) wahaForward() error {
	var asked bot.WAHAForward
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	chat, id, err := c.wahaID("messageId", asked.MessageID)
	if err != nil {
		return err
	}
	return c.wahaSend(bot.SendRequest{To: asked.ChatID, Forward: &bot.SendForward{MessageID: id, Chat: chat}, ID: asked.ID})
}

// kept is a message that the bot keeps.
func (c *call) kept(id, chat string) (*journal.Record, error) {
	book, err := c.journal()
	if err != nil {
		return nil, err
	}
	found, err := book.Message(c.r.Context(), id, c.formsOf(chat)...)
	switch {
	case journal.IsAmbiguous(err):
		return nil, faultAmbiguous
	case err != nil:
		return nil, err
	case found == nil:
		return nil, faultNoMessage
	}
	return found, nil
}

func (c *call) wahaNewID() error {
	return c.json(http.StatusOK, bot.WAHANewID{ID: messenger.NewMessageID(c.snapshot().JID)})
}

// wahaCheck says whether a number is on WhatsApp.
func (c *call) wahaCheck() error {
	phone := strings.TrimSpace(c.r.URL.Query().Get("phone"))
	if _, ok := message.Address(phone); !ok {
		return badParameter("phone", "a number with its country code, such as 6281234567890")
	}
	sender, err := c.wahaWorking()
	if err != nil {
		return err
	}
	ctx, cancel := c.sessionContext()
	defer cancel()
	checked, err := sender.Check(ctx, []string{phone})
	if err != nil {
		return classifySend(err)
	}
	answer := bot.WAHANumber{NumberExists: checked[0].OnWhatsApp}
	if who := checked[0].Contact; who != nil {
		answer.ChatID, answer.LID = waha.ChatID(who.ID), who.LID
	}
	return c.json(http.StatusOK, answer)
}

package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/media"
	"sesi.dev/sesi/botruntime/messenger"
)

// sendWait is how long a request to send waits for WhatsApp's answer.
const sendWait = 30 * time.Second

// Sender is the bot's outbox. A refusal is a *messenger.Refusal, or one of the journal's errors.
type Sender interface {
	// Send puts a message into the outbox. The same key makes one message.
	Send(ctx context.Context, key string, request bot.SendRequest) (bot.Message, error)
	// SendFile is Send with a file that came with the request. It releases the file.
	SendFile(ctx context.Context, key string, request bot.SendRequest, file *media.Held) (bot.Message, error)
	// File gets the file of a message, which the caller releases.
	File(ctx context.Context, of *journal.Record) (*media.Held, error)
	// Edit gives a message of the account another text, by a message of its own.
	Edit(ctx context.Context, key, chat, id string, request bot.EditRequest) (bot.Message, error)
	// Delete cancels a message that WhatsApp cannot have yet, and else takes it back, by a message of its own.
	Delete(ctx context.Context, key, chat, id string) (bot.Message, error)
	// Pin shows a message at the top of its chat, Unpin ends that, each by a message of its own.
	Pin(ctx context.Context, key, chat, id string, request bot.PinRequest) (bot.Message, error)
	Unpin(ctx context.Context, key, chat, id string) (bot.Message, error)
	// MarkRead tells the sender that a message was read.
	MarkRead(ctx context.Context, chat, id string) error
	// MarkAllRead tells the senders that messages of a chat were read, and returns those that it knows.
	MarkAllRead(ctx context.Context, chat string, ids []string) ([]bot.Message, error)
	// Check finds out who is on WhatsApp.
	Check(ctx context.Context, contacts []string) ([]bot.CheckedContact, error)
	// Typing shows a chat that the account types, or that it no longer does.
	Typing(ctx context.Context, chat string, state bot.TypingState) error
	// Announce shows the account as online or as offline.
	Announce(ctx context.Context, presence bot.Availability) error
	// Subscribe asks for the presence of a chat, Unsubscribe ends that, and PresenceOf is what is known.
	Subscribe(ctx context.Context, chat string) (bot.Presence, error)
	Unsubscribe(chat string) (bot.Presence, error)
	PresenceOf(chat string) (bot.Presence, error)
	// Presences is what is known of every chat that is subscribed to.
	Presences() []bot.Presence
	// RejectCall rejects a call.
	RejectCall(ctx context.Context, id, from string) error
	// Limits are what the account may do.
	Limits(ctx context.Context) (bot.AccountLimits, error)
	// Activity is what came of messages since the start.
	Activity() messenger.Activity
	// Await returns the message once it is no longer on its way, or as it stands when ctx ends.
	Await(ctx context.Context, id string) (bot.Message, error)
}

// tryAgain and giveUp are values of the field retryable: whether it helps to repeat a request.
var tryAgain, giveUp = true, false

// sendFaults say each reason not to send in both languages, before or after it was tried.
var sendFaults = []fault{
	{kind: bot.ProblemNotLinked, status: http.StatusConflict,
		title:  text{"Sesi belum tertaut", "The session is not linked"},
		detail: text{"Sesi belum tertaut ke ponsel; pindai kode QR lebih dulu.", "The session is not linked to a phone; scan a code first."}},
	faultParameter,
	faultRecipient,
	faultNoMessage,
	faultAmbiguous,
	{kind: bot.ProblemUnsupported, status: http.StatusUnprocessableEntity,
		title:  text{"Tidak didukung", "Unsupported"},
		detail: text{"Bot tidak dapat mengirim pesan seperti ini, atau ke alamat ini.", "The bot cannot send such a message, or not to this address."}},
	{kind: bot.ProblemNotReady, status: http.StatusConflict,
		title: text{"Sesi belum siap", "The session is not ready"},
		detail: text{"WhatsApp belum memberi tahu nama akun ini. Kirim satu pesan dari ponsel, lalu coba lagi.",
			"WhatsApp has not told the account's name yet. Send a message from the phone, and try again."}},
	{kind: bot.ProblemTooManyPresences, status: http.StatusConflict,
		title: text{"Langganan terlalu banyak", "Too many subscriptions"},
		detail: text{"Bot sudah berlangganan kehadiran 256 chat; akhiri salah satunya dengan DELETE.",
			"The bot is subscribed to the presence of 256 chats; end one with DELETE."}},
	{kind: bot.ProblemKeyReused, status: http.StatusUnprocessableEntity,
		title: text{"Kunci sudah dipakai", "The key was used before"},
		detail: text{"Idempotency-Key ini sudah dipakai untuk permintaan lain; pakai kunci baru.",
			"This Idempotency-Key came with another request before; use a new key."}},
	{kind: bot.ProblemOutboxFull, status: http.StatusServiceUnavailable,
		title: text{"Antrean kirim penuh", "The outbox is full"},
		detail: text{"Terlalu banyak pesan menunggu dikirim; coba lagi nanti.",
			"Too many messages wait to be sent; try again later."}},
	{kind: bot.ProblemNotChangeable, status: http.StatusConflict,
		title: text{"Pesan tidak dapat diubah", "The message cannot be changed"},
		detail: text{"Hanya pesan teks akun ini yang dapat diubah, 15 menit sesudah dikirim; pesan akun ini dapat ditarik selama 60 jam.",
			"Only texts of this account can be edited, for 15 minutes; its messages can be taken back for 60 hours."}},
	{kind: bot.ProblemNotOnWhatsApp, status: http.StatusUnprocessableEntity,
		title:  text{"Tidak ada di WhatsApp", "Not on WhatsApp"},
		detail: text{"Nomor ini tidak terdaftar di WhatsApp. Tidak ada yang dikirim.", "Nobody has this number at WhatsApp. Nothing was sent."}},
	{kind: bot.ProblemRestricted, status: http.StatusForbidden,
		title: text{"Dibatasi oleh WhatsApp", "Restricted by WhatsApp"},
		detail: text{"WhatsApp tidak mengizinkan akun ini menulis lebih dulu ke orang ini. Setelah orang itu menulis, pengiriman berhasil.",
			"WhatsApp does not let this account write first to this person. Once the person has written, it works."}},
	faultNoGroup,
	{kind: bot.ProblemNotAllowed, status: http.StatusForbidden,
		title:  text{"Tidak boleh menulis di sini", "Not allowed to write here"},
		detail: text{"Akun ini tidak boleh menulis di chat ini; mungkin hanya admin yang boleh.", "The account may not write in this chat; maybe only admins may."}},
	{kind: bot.ProblemRefused, status: http.StatusBadGateway,
		title:  text{"Ditolak oleh WhatsApp", "Refused by WhatsApp"},
		detail: text{"Server WhatsApp menolak pesan ini.", "WhatsApp's server refused the message."}},
	{kind: bot.ProblemExpired, status: http.StatusGatewayTimeout,
		title:  text{"Waktu habis", "Not sent in time"},
		detail: text{"Pesan tidak dapat dikirim dalam waktunya (ttl).", "The message could not be sent within its ttl."}},
	{kind: bot.ProblemOtherAccount, status: http.StatusConflict,
		title:  text{"Akun lain tertaut", "Another account is linked"},
		detail: text{"Akun lain ditautkan sebelum pesan ini dikirim.", "Another account was linked before the message could be sent."}},
	{kind: bot.ProblemUnreadable, status: http.StatusInternalServerError,
		title: text{"Pesan tidak terbaca", "The message cannot be read"},
		detail: text{"Bot tidak bisa lagi membaca pesan ini di antreannya; pesan tidak dikirim. Kirim lagi.",
			"The bot can no longer read this message in its outbox, so it was not sent; send it again."}},
	{kind: bot.ProblemFileTooLarge, status: http.StatusRequestEntityTooLarge, title: titleFileTooLarge,
		detail: text{"WhatsApp tidak menerima berkas sebesar ini.", "WhatsApp does not take a file of this size."}},
	{kind: bot.ProblemUploadFailed, status: http.StatusBadGateway,
		title:  text{"Berkas tidak terkirim", "The file was not taken"},
		detail: text{"Server media WhatsApp tidak menerima berkas ini; coba lagi nanti.", "WhatsApp's media hosts did not take the file; try again later."}},
	{kind: bot.ProblemFileLost, status: http.StatusInternalServerError,
		title:  text{"Berkas hilang", "The file is lost"},
		detail: text{"Berkas ini tidak ada lagi di disk bot; kirim lagi.", "The file is no longer on the bot's disk; send it again."}},
	{kind: bot.ProblemNoFile, status: http.StatusNotFound,
		title:  text{"Pesan tanpa berkas", "The message has no file"},
		detail: text{"Pesan ini tidak memuat berkas.", "This message has no file."}},
	{kind: bot.ProblemFileGone, status: http.StatusGone, retryable: &giveUp,
		title: text{"Berkas sudah tidak ada", "The file is gone"},
		detail: text{"Berkas ini tidak ada lagi di WhatsApp dan di ponsel. Mencoba lagi tidak membantu.",
			"Neither WhatsApp nor the phone has this file. Trying again does not help."}},
	{kind: bot.ProblemPhoneSilent, status: http.StatusGatewayTimeout, retryable: &tryAgain,
		title: text{"Ponsel tidak menjawab", "The phone does not answer"},
		detail: text{"Berkas ini tidak ada lagi di WhatsApp, dan ponsel belum mengunggahnya lagi. Buka WhatsApp di ponsel, lalu coba lagi.",
			"WhatsApp no longer has this file, and the phone has not uploaded it again. Open WhatsApp on the phone, then try again."}},
	{kind: bot.ProblemFileDamaged, status: http.StatusBadGateway, retryable: &giveUp,
		title:  text{"Berkas rusak", "The file is damaged"},
		detail: text{"Berkas di WhatsApp bukan yang disebut pesan ini.", "The file at WhatsApp is not the one that the message describes."}},
	{kind: bot.ProblemDownloadFailed, status: http.StatusBadGateway, retryable: &tryAgain,
		title:  text{"Berkas belum terambil", "The file was not fetched"},
		detail: text{"Berkas ini belum dapat diambil dari WhatsApp; coba lagi nanti.", "The file could not be fetched from WhatsApp now; try again later."}},
	{kind: bot.ProblemInternal, status: http.StatusInternalServerError,
		title:  titleInternal,
		detail: text{"Pesan tidak dapat diserahkan ke WhatsApp; lihat log bot.", "The message could not be handed to WhatsApp; see the bot's log."}},
}

// sendFault says why a message does not go.
func sendFault(kind bot.ProblemKind) fault {
	if f, known := findFault(sendFaults, kind); known {
		return f
	}
	return faultInternal
}

// classifySend turns an error of the outbox into a fault.
func classifySend(err error) error {
	var refused *messenger.Refusal
	switch {
	case errors.As(err, &refused) && refused.Field != "":
		return badParameter(refused.Field, refused.Want)
	case errors.As(err, &refused):
		return sendFault(refused.Kind)
	case errors.Is(err, journal.ErrKeyReused):
		return sendFault(bot.ProblemKeyReused)
	case errors.Is(err, journal.ErrOutboxFull):
		return sendFault(bot.ProblemOutboxFull).retryAfter(10)
	}
	return classifyFile(err)
}

func sendRoutes() []route {
	return []route{
		{"POST", bot.PathMessages, withToken, (*call).sendMessage},
		{"POST", bot.PathMessageRead, withToken, (*call).readMessage},
		{"POST", bot.PathContactsCheck, withToken, (*call).checkContacts},
		{"GET", bot.PathAccountLimits, withToken, (*call).accountLimits},
		{"GET", bot.PathActivity, withToken, (*call).activity},
	}
}

// sender is the bot's outbox; it fails while messages are off.
func (c *call) sender() (Sender, error) {
	if c.Sender == nil {
		return nil, faultMessagesOff
	}
	return c.Sender, nil
}

func (c *call) sendMessage() error {
	sender, err := c.sender()
	if err != nil {
		return err
	}
	request, file, err := c.readSend()
	if err != nil {
		return err
	}
	queued, err := c.send(sender, request, file)
	return c.answerSend(sender, queued, err)
}

// send puts a message into the outbox, with the file that came with the request; nil for none.
func (c *call) send(sender Sender, request bot.SendRequest, file *media.Held) (bot.Message, error) {
	key := c.r.Header.Get(bot.HeaderIdempotencyKey)
	if file != nil {
		return sender.SendFile(c.r.Context(), key, request, file)
	}
	return sender.Send(c.r.Context(), key, request)
}

func (c *call) readMessage() error {
	sender, chat, id, err := c.named()
	if err != nil {
		return err
	}
	ctx, cancel := c.sessionContext()
	defer cancel()
	if err := sender.MarkRead(ctx, chat, id); err != nil {
		return classifySend(err)
	}
	return c.json(http.StatusOK, bot.MarkedRead{ID: id})
}

func (c *call) checkContacts() error {
	sender, err := c.sender()
	if err != nil {
		return err
	}
	var request bot.CheckRequest
	if err := c.readExactly(&request); err != nil {
		return err
	}
	ctx, cancel := c.sessionContext()
	defer cancel()
	checked, err := sender.Check(ctx, request.Contacts)
	if err != nil {
		return classifySend(err)
	}
	return c.json(http.StatusOK, bot.CheckedContacts{Contacts: checked})
}

func (c *call) accountLimits() error {
	sender, err := c.sender()
	if err != nil {
		return err
	}
	ctx, cancel := c.sessionContext()
	defer cancel()
	limits, err := sender.Limits(ctx)
	if err != nil {
		return classifySend(err)
	}
	return c.json(http.StatusOK, limits)
}

// answerSend waits for a message that was put into the outbox, unless the caller does not want to wait.
func (c *call) answerSend(sender Sender, m bot.Message, err error) error {
	if err != nil {
		return classifySend(err)
	}
	if wait := waitOf(c.r.Header.Values("Prefer")); wait > 0 {
		ctx, cancel := context.WithTimeout(c.r.Context(), wait)
		defer cancel()
		if m, err = sender.Await(ctx, m.ID); err != nil {
			return classifySend(err)
		}
	}
	c.w.Header().Set("Location", strings.Replace(bot.PathMessage, "{id}", url.PathEscape(m.ID), 1))
	switch m.State {
	case bot.MessageFailed:
		return failedSend(m)
	case bot.MessageQueued, bot.MessageHeld, bot.MessageSending, bot.MessageUnknown:
		return c.json(http.StatusAccepted, m)
	}
	return c.json(http.StatusOK, m)
}

// failedSend is the fault of a message that was not sent.
func failedSend(m bot.Message) error {
	if m.Problem == nil {
		return faultInternal
	}
	f := sendFault(bot.Problem{Type: m.Problem.Type}.Kind())
	f.message, f.retryable = m.ID, &m.Problem.Retryable
	if m.Problem.Code != 0 {
		code := " (" + strconv.Itoa(m.Problem.Code) + ")"
		f = f.about(text{f.detail.id + code, f.detail.en + code})
	}
	return f
}

// waitOf reads RFC 7240's Prefer: respond-async does not wait, wait=10 waits that many seconds.
func waitOf(preferences []string) time.Duration {
	wait := sendWait
	for _, preference := range strings.Split(strings.Join(preferences, ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(preference), "=")
		switch {
		case strings.EqualFold(name, "respond-async"):
			return 0
		case strings.EqualFold(name, "wait"):
			if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 {
				wait = min(time.Duration(seconds)*time.Second, sendWait)
			}
		}
	}
	return wait
}

// readExactly decodes the request's JSON body into v, and refuses a field that v does not have: a misspelt field of a
// message would be left out of it.
func (c *call) readExactly(v any) error {
	var body json.RawMessage
	if err := c.read(&body); err != nil {
		return err
	}
	return decodeExactly(body, v)
}

func decodeExactly(body []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(v)
	if err == nil {
		_, err = decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		return faultJSON
	}
	if field, found := strings.CutPrefix(err.Error(), "json: unknown field "); found {
		return badParameter(strings.Trim(field, `"`), "left out; there is no such field")
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return badParameter(wrong.Field, "another type than "+wrong.Value)
	}
	return faultJSON
}

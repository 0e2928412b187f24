package messenger

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waMmsRetry"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/media"
	"sesi.dev/sesi/botruntime/message"
)

// phoneTime bounds the wait for a phone to give a file to WhatsApp again.
const phoneTime = 25 * time.Second

// file makes a message of a file that is on the disk.
func (d *draft) file(ctx context.Context, request bot.SendRequest, kind bot.MessageKind, asked bot.SendFile, ready media.Ready) error {
	about := ready.Media
	about.Animated = about.Animated || asked.Animated
	about.Note = asked.Note
	out := message.File{Kind: kind, Caption: asked.Caption, ViewOnce: asked.ViewOnce, Media: about, Thumbnail: ready.Thumbnail}
	var err error
	if out.Context, err = d.context(ctx, request); err != nil {
		return err
	}
	d.upload = ready.SHA256
	return d.set(out.Compose())
}

// checkFile refuses what a request for a file cannot have.
func checkFile(kind bot.MessageKind, f bot.SendFile, inRequest bool) error {
	name := string(kind)
	moves := kind == bot.KindVideo
	switch {
	case inRequest && f.URL != "":
		return badField(name+".url", "left out, because the request has the file itself")
	case !inRequest && f.URL == "":
		return badField(name+".url", "given, or else the file as "+name+".data or as a part of the request")
	case len(f.Caption) > bot.MaxTextBytes:
		return badField(name+".caption", fmt.Sprintf("at most %d bytes of UTF-8", bot.MaxTextBytes))
	case f.Caption != "" && (kind == bot.KindAudio || kind == bot.KindVoice || kind == bot.KindSticker):
		return badField(name+".caption", "left out: WhatsApp shows none here")
	case f.Mimetype != "" && !media.IsType(f.Mimetype):
		return badField(name+".mimetype", "a type such as application/pdf")
	case len(f.Filename) > bot.MaxFilename:
		return badField(name+".filename", fmt.Sprintf("at most %d bytes", bot.MaxFilename))
	case f.ViewOnce && kind != bot.KindImage && kind != bot.KindVideo && kind != bot.KindVoice:
		return badField(name+".viewOnce", "left out: only an image, a video or a voice message can be seen once")
	case f.Note && !moves || f.Animated && !moves && kind != bot.KindSticker:
		return badField(name+".note", "left out, and animated too, unless it is a video")
	}
	return nil
}

// SendFile is Send for a request whose file came with it. The file is released.
func (m *Messenger) SendFile(ctx context.Context, key string, request bot.SendRequest, given *media.Held) (bot.Message, error) {
	kind, asked := request.File()
	if asked == nil {
		given.Release()
		return bot.Message{}, badField("image", "given, or another kind of message with a file")
	}
	asked.Data = nil
	stamp := fileRequest{SendRequest: request}
	if given != nil {
		stamp.SHA256 = given.SHA256
	}
	return m.sendWith(ctx, key, request, stamp, func(ctx context.Context, d *draft) error {
		if err := checkFile(kind, *asked, given != nil); err != nil {
			return err
		}
		ready, err := m.ready(ctx, kind, *asked, given)
		given = nil
		if err != nil {
			return err
		}
		d.held = ready.Held
		return d.file(ctx, request, kind, *asked, ready)
	}, func() { given.Release() })
}

// fileRequest stands for a request with a file where a repeat is recognised: the hash stands for the file.
type fileRequest struct {
	bot.SendRequest
	SHA256 string
}

// ready gets the file of a request, and makes it one that the kind of message can have.
func (m *Messenger) ready(ctx context.Context, kind bot.MessageKind, asked bot.SendFile, given *media.Held) (media.Ready, error) {
	about := media.Given{Kind: kind, Name: media.CleanName(asked.Filename), Mimetype: asked.Mimetype}
	if given == nil {
		got, err := m.Files.Fetch(ctx, asked.URL)
		if err != nil {
			return media.Ready{}, err
		}
		given, about.Served = got.Held, got.Mimetype
		if about.Name == "" {
			about.Name = got.Name
		}
	}
	return m.Files.Prepare(ctx, given, about)
}

// RunUploads gives the files of the outbox to WhatsApp, one after the other, until ctx ends.
func (m *Messenger) RunUploads(ctx context.Context, session Session) error {
	for ctx.Err() == nil {
		_, changed := session.Watch()
		pause := time.Duration(0)
		if client, err := session.Client(); err == nil {
			pause = m.uploadDue(ctx, client)
		}
		m.rest(ctx, changed, m.files, pause)
	}
	return nil
}

// uploadDue uploads what is due, and returns how long to wait for more; 0 when only a change can bring more.
func (m *Messenger) uploadDue(ctx context.Context, client *whatsmeow.Client) time.Duration {
	for ctx.Err() == nil {
		next, err := m.Journal.NextUpload(ctx)
		if err != nil {
			m.Log.Error("the outbox cannot be read", "error", err)
			return retryPause
		}
		if next == nil {
			break
		}
		if !m.uploadOne(ctx, client, next) {
			return retryPause
		}
	}
	next, err := m.Journal.NextDue(ctx)
	if err != nil {
		return retryPause
	}
	if next.IsZero() {
		return 0
	}
	return max(next.Sub(m.Journal.Now()), time.Millisecond)
}

// uploadOne gives one file to WhatsApp and writes where it is, so that the message can be sent. It reports false when
// the result could not be written, or when the connection is gone.
func (m *Messenger) uploadOne(ctx context.Context, client *whatsmeow.Client, s *journal.Send) bool {
	if !m.Journal.Now().Before(s.Ends) {
		return m.settleUpload(s, expired(s))
	}
	file := m.Files.Hold(s.File)
	if file == nil {
		return m.settleUpload(s, failed(bot.ProblemFileLost, "The file is no longer on the bot's disk.", 0, true))
	}
	defer file.Release()
	up, err := m.Files.Upload(ctx, client, s.Message.Kind, file, s.Message.Chat.Kind == bot.PartyNewsletter)
	if ctx.Err() != nil {
		return false // the next process uploads it again
	}
	if err == nil {
		raw, putErr := up.Put(s.Raw)
		if putErr != nil {
			return m.settleUpload(s, failed(bot.ProblemInternal, "The message of the file cannot be read.", 0, false))
		}
		commit, cancel := commitContext()
		defer cancel()
		if err := m.Journal.Commit(commit, func(t *journal.Tx) error { return t.Uploaded(s, raw, up.Handle) }); err != nil {
			m.Log.Error("where a file is at WhatsApp could not be written", "error", err)
			return false
		}
		m.nudge()
		return true
	}
	m.Log.Warn("a file was not given to WhatsApp at this attempt", "id", s.Message.ID, "attempt", s.Attempts+1, "cause", causeOf(err))
	return m.settleUpload(s, attempted{err: err, attempts: s.Attempts, now: m.Journal.Now(), dice: rand.Float64()}.classifyUpload()) && client.IsLoggedIn()
}

// classifyUpload says what the end of an upload means. Nothing was sent yet.
func (a attempted) classifyUpload() verdict {
	switch {
	case errors.Is(a.err, whatsmeow.ErrNotConnected), errors.Is(a.err, whatsmeow.ErrNotLoggedIn), errors.Is(a.err, whatsmeow.ErrClientIsNil):
		return verdict{state: bot.MessageQueued, due: a.now.Add(retryPause)}
	case errors.Is(a.err, media.ErrTooLargeForWhatsApp):
		return failed(bot.ProblemFileTooLarge, "WhatsApp does not take a file of this size.", 0, false)
	case a.attempts+1 >= maxFailures:
		return failed(bot.ProblemUploadFailed, "The file could not be given to WhatsApp; the bot's log says why.", 0, true)
	}
	return verdict{state: bot.MessageQueued, due: a.again(firstPause), attempt: true}
}

// settleUpload writes what became of a file that WhatsApp did not get.
func (m *Messenger) settleUpload(s *journal.Send, v verdict) bool {
	ctx, cancel := commitContext()
	defer cancel()
	var now *journal.Send
	err := m.Journal.Commit(ctx, func(t *journal.Tx) (err error) {
		now, err = m.settle(t, result{*s, v})
		return err
	})
	if err != nil {
		m.Log.Error("what became of a file could not be written", "error", err)
		return false
	}
	if now != nil {
		m.settled(now.Message)
	}
	return true
}

// File gets the file of a message: from the disk where it is, else from WhatsApp, else from the phone by way of
// WhatsApp. The caller releases it. The error is a *Refusal, one of media's or the session's.
func (m *Messenger) File(ctx context.Context, of *journal.Record) (*media.Held, error) {
	if of.Message.Media == nil {
		return nil, &Refusal{Kind: bot.ProblemNoFile}
	}
	if held := m.Files.Hold(of.Message.Media.SHA256); held != nil {
		return held, nil
	}
	if len(of.Raw) == 0 {
		return nil, &Refusal{Kind: bot.ProblemFileGone}
	}
	part, err := message.AttachmentOf(of.Raw)
	if err != nil {
		return nil, err
	}
	if part == nil {
		return nil, &Refusal{Kind: bot.ProblemNoFile}
	}
	hash := hex.EncodeToString(part.GetFileSHA256())
	done, err := m.Files.Alone(ctx, hash)
	if err != nil {
		return nil, err
	}
	defer done()
	if held := m.Files.Hold(hash); held != nil {
		return held, nil
	}
	client, err := m.client()
	if err != nil {
		return nil, err
	}
	held, err := m.Files.Download(ctx, client, part)
	if !errors.Is(err, media.ErrGone) {
		return held, err
	}
	if len(part.GetMediaKey()) == 0 { // of a channel: no phone has it
		return nil, &Refusal{Kind: bot.ProblemFileGone}
	}
	return m.fileFromPhone(ctx, client, of, part)
}

// fileFromPhone asks the phone to give the file of a message to WhatsApp again, once, and gets it.
func (m *Messenger) fileFromPhone(ctx context.Context, client *whatsmeow.Client, of *journal.Record, part message.Attachment) (*media.Held, error) {
	path, err := m.askPhone(ctx, client, of.Message, part.GetMediaKey())
	if err != nil {
		return nil, err
	}
	raw, err := message.Moved(of.Raw, path)
	if err != nil {
		return nil, err
	}
	if err := m.Journal.Commit(ctx, func(t *journal.Tx) error { return t.FileMoved(of.Message.ID, of.Message.Chat.ID, raw) }); err != nil {
		m.Log.Warn("the new place of a file could not be written", "error", err) // the next request asks the phone again
	}
	if part, err = message.AttachmentOf(raw); err != nil {
		return nil, err
	}
	held, err := m.Files.Download(ctx, client, part)
	if errors.Is(err, media.ErrGone) {
		return nil, &Refusal{Kind: bot.ProblemFileGone}
	}
	return held, err
}

// askPhone asks the phone for the file of a message, and returns its new place at WhatsApp.
func (m *Messenger) askPhone(ctx context.Context, client *whatsmeow.Client, of bot.Message, key []byte) (path string, err error) {
	chat, err := types.ParseJID(of.Chat.ID)
	if err != nil {
		return "", fmt.Errorf("read the chat of a message: %w", err)
	}
	sender, err := types.ParseJID(of.From.ID)
	if err != nil {
		return "", fmt.Errorf("read the author of a message: %w", err)
	}
	answer, forget := m.phones.expect(of.ID)
	defer forget()
	ctx, cancel := context.WithTimeout(ctx, phoneTime)
	defer cancel()
	// whatsmeow names the author where the chat is a group; a status has one, too.
	about := types.MessageInfo{ID: of.ID, MessageSource: types.MessageSource{
		Chat: chat, Sender: sender, IsFromMe: of.FromMe, IsGroup: chat.Server == types.GroupServer || chat.Server == types.BroadcastServer,
	}}
	if err := client.SendMediaRetryReceipt(ctx, &about, key); err != nil {
		return "", err
	}
	select {
	case evt := <-answer:
		return readPhone(evt, key)
	case <-ctx.Done():
		return "", &Refusal{Kind: bot.ProblemPhoneSilent}
	}
}

// readPhone reads what the phone says of a file.
func readPhone(evt *events.MediaRetry, key []byte) (path string, err error) {
	said, err := whatsmeow.DecryptMediaRetryNotification(evt, key)
	switch {
	case errors.Is(err, whatsmeow.ErrMediaNotAvailableOnPhone):
		return "", &Refusal{Kind: bot.ProblemFileGone}
	case err != nil:
		return "", &Refusal{Kind: bot.ProblemPhoneSilent}
	case said.GetResult() == waMmsRetry.MediaRetryNotification_SUCCESS && said.GetDirectPath() != "":
		return said.GetDirectPath(), nil
	case said.GetResult() == waMmsRetry.MediaRetryNotification_NOT_FOUND:
		return "", &Refusal{Kind: bot.ProblemFileGone}
	}
	return "", &Refusal{Kind: bot.ProblemPhoneSilent}
}

// phones holds who waits for an answer of the phone about a file, by the message's id.
type phones struct {
	mu      sync.Mutex
	waiting map[string][]chan *events.MediaRetry
}

// expect returns a channel that gets the phone's next answer about a message. forget must be called.
func (p *phones) expect(id string) (answer <-chan *events.MediaRetry, forget func()) {
	mine := make(chan *events.MediaRetry, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == nil {
		p.waiting = map[string][]chan *events.MediaRetry{}
	}
	p.waiting[id] = append(p.waiting[id], mine)
	return mine, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		var rest []chan *events.MediaRetry
		for _, other := range p.waiting[id] {
			if other != mine {
				rest = append(rest, other)
			}
		}
		if p.waiting[id] = rest; len(rest) == 0 {
			delete(p.waiting, id)
		}
	}
}

// tell hands an answer to those who wait for it.
func (p *phones) tell(evt *events.MediaRetry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, waiting := range p.waiting[evt.MessageID] {
		select {
		case waiting <- evt:
		default: // it has an answer
		}
	}
}

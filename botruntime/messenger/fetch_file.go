package messenger

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
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
		return "", refuseLost(err)
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

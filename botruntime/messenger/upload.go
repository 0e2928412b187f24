package messenger

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"go.mau.fi/whatsmeow"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/media"
)

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
			m.complain(ctx, "the outbox cannot be read", err)
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
	ended := func(v verdict) bool { return m.writeResults(ctx, []result{{send: *s, verdict: v}}) }
	if s.Unreadable {
		return ended(unreadable(s))
	}
	if !m.Journal.Now().Before(s.Ends) {
		return ended(expired(s))
	}
	file := m.Files.Hold(s.File)
	if file == nil {
		return ended(failed(bot.ProblemFileLost, "The file is no longer on the bot's disk.", 0, true))
	}
	defer file.Release()
	up, err := m.Files.Upload(ctx, client, s.Message.Kind, file, s.Message.Chat.Kind == bot.PartyNewsletter)
	if ctx.Err() != nil {
		return false // the next process uploads it again
	}
	if err != nil {
		m.Log.Warn("a file was not given to WhatsApp at this attempt", "id", s.Message.ID, "attempt", s.Attempts+1, "cause", causeOf(err))
		return ended(attempted{err: err, attempts: s.Attempts, now: m.Journal.Now(), dice: rand.Float64()}.classifyUpload()) && client.IsLoggedIn()
	}
	raw, err := up.Put(s.Raw)
	if err != nil {
		return ended(failed(bot.ProblemInternal, "The message of the file cannot be read.", 0, false))
	}
	for err = m.uploaded(s, raw, up.Handle); err != nil; err = m.uploaded(s, raw, up.Handle) {
		if journal.AboutContent(err) {
			return ended(notKept())
		}
		if !m.waitForDisk(ctx, err) {
			return false
		}
	}
	m.nudge()
	return true
}

// uploaded writes the bytes of a message whose file WhatsApp has.
func (m *Messenger) uploaded(s *journal.Send, raw []byte, handle string) error {
	ctx, cancel := commitContext()
	defer cancel()
	return m.Journal.Commit(ctx, func(t *journal.Tx) error { return t.Uploaded(s, raw, handle) })
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

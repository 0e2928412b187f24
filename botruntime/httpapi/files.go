package httpapi

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/media"
	"sesi.dev/sesi/botruntime/messenger"
	"sesi.dev/sesi/botruntime/session"
)

// messageFile answers with the file of a message, of which a client may ask for a part.
func (c *call) messageFile() error {
	found, err := c.record()
	if err != nil {
		return err
	}
	if c.Sender == nil || c.Files == nil {
		return faultMessagesOff
	}
	about := found.Message.Media
	if about == nil {
		return sendFault(bot.ProblemNoFile)
	}
	c.fileHeaders(about)
	if about.SHA256 != "" && c.r.Header.Get("If-None-Match") == etag(about.SHA256) {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	control := http.NewResponseController(c.w)
	_ = control.SetWriteDeadline(time.Now().Add(c.limits.responseTime + fetchTime))
	held, err := c.file(found)
	if err != nil {
		return err
	}
	defer held.Release()
	return c.serveFile(held)
}

// file gets the file of a message.
func (c *call) file(of *journal.Record) (*media.Held, error) {
	ctx, cancel := context.WithTimeout(c.r.Context(), fetchTime)
	defer cancel()
	held, err := c.Sender.File(ctx, of)
	if err != nil {
		for _, name := range []string{"Etag", "Content-Type", "Content-Disposition", "Cache-Control"} {
			c.w.Header().Del(name)
		}
		secureHeaders(c.w.Header())
		return nil, c.classifyDownload(err)
	}
	return held, nil
}

// classifyDownload turns an error of a download into a fault.
func (c *call) classifyDownload(err error) error {
	var refused *messenger.Refusal
	var known fault
	var waits *session.Refusal
	if errors.As(err, &refused) || errors.As(err, &waits) {
		return classifySend(err)
	}
	if errors.As(classifyFile(err), &known) {
		return known
	}
	c.Log.Warn("the file of a message could not be fetched", "error", err)
	return sendFault(bot.ProblemDownloadFailed).retryAfter(10)
}

func etag(hash string) string { return `"` + hash + `"` }

// fileHeaders say what a file is. A browser shows pictures, films and recordings, and saves everything else: a page
// among the files would run as the bot's own.
func (c *call) fileHeaders(about *bot.Media) {
	kind, params, err := mime.ParseMediaType(about.Mimetype)
	if err != nil || strings.Count(kind, "/") != 1 {
		kind, params = "application/octet-stream", nil
	}
	shown := "attachment"
	if major, _, _ := strings.Cut(kind, "/"); kind != "image/svg+xml" && (major == "image" || major == "video" || major == "audio") {
		shown = "inline"
	}
	if about.Filename != "" {
		shown = mime.FormatMediaType(shown, map[string]string{"filename": media.CleanName(about.Filename)})
	}
	h := c.w.Header()
	h.Set("Content-Type", mime.FormatMediaType(kind, params))
	h.Set("Content-Disposition", shown)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	h.Set("Cache-Control", "private, no-cache")
	if about.SHA256 != "" {
		h.Set("Etag", etag(about.SHA256))
	}
}

// serveFile sends a file, or the part of it that the client wants.
func (c *call) serveFile(held *media.Held) error {
	file, err := held.Open()
	if err != nil {
		return err
	}
	defer file.Close()
	out := &patientWriter{ResponseWriter: c.w, control: http.NewResponseController(c.w)}
	http.ServeContent(out, c.r, "", time.Time{}, file)
	return nil
}

// patientWriter lets a client take its time as long as it reads.
type patientWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

// Write implements http.ResponseWriter.
func (w *patientWriter) Write(p []byte) (int, error) {
	if err := w.control.SetWriteDeadline(time.Now().Add(fileSilence)); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(p)
}

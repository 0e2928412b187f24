package httpapi

import (
	"context"
	"io"
	"net/http"
	"time"

	"sesi.dev/sesi/api/bot"
)

// backup streams a fresh copy of the store. Anyone who has it controls the account, so every listener requires the
// token.
func (c *call) backup() error {
	select {
	case c.backups <- struct{}{}:
		defer func() { <-c.backups }()
	default:
		return faultBackupBusy.retryAfter(10)
	}
	ctx, cancel := context.WithCancel(c.r.Context())
	defer cancel()
	out := &backupWriter{call: c, control: http.NewResponseController(c.w)}
	err := c.Session.Backup(ctx, out)
	if err == nil || !out.begun {
		return err
	}
	// The status is already sent: only a broken connection tells the client that the copy is incomplete.
	c.Log.Error("backup was aborted", "error", err)
	panic(http.ErrAbortHandler)
}

// backupWriter starts the answer with the first bytes of a verified copy. It limits the time for each write, not for
// the whole backup.
type backupWriter struct {
	*call
	control *http.ResponseController
	begun   bool
}

var _ io.Writer = (*backupWriter)(nil)

// Write implements io.Writer.
func (b *backupWriter) Write(p []byte) (int, error) {
	if !b.begun {
		name := bot.SessionDirectory(b.ClientID) + "-" + time.Now().UTC().Format("20060102T150405Z") + ".db.zst"
		b.w.Header().Set("Content-Type", "application/zstd")
		b.w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
		b.begun = true
	}
	if err := b.control.SetWriteDeadline(time.Now().Add(b.limits.backupSilence)); err != nil {
		return 0, err
	}
	return b.w.Write(p)
}

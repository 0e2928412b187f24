package httpapi

import (
	"context"
	"io"
	"net/http"
	"time"

	"sesi.dev/sesi/api/bot"
)

// backup streams a fresh copy of the store. Whoever holds it holds the account, so the token is needed on
// every listener.
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
	// The status is out: only a broken connection tells the client that the copy is not whole.
	c.Log.Error("backup broke off", "error", err)
	panic(http.ErrAbortHandler)
}

// backupWriter begins the answer with the first bytes of a copy that is known to be good, and gives the client
// time for each piece instead of for the whole.
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

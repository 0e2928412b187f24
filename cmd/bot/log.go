package main

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"syscall"

	"golang.org/x/term"

	"sesi.dev/sesi/botruntime/config"
)

// newLog writes text for people or JSON for machines to the standard error.
func newLog(p program) *slog.Logger {
	options := &slog.HandlerOptions{Level: p.cfg.LogLevel}
	w := &logWriter{Writer: p.stderr, unread: p.unread}
	if p.cfg.LogFormat == config.LogText || p.cfg.LogFormat == config.LogAuto && isTerminal(p.stderr) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options)).With("clientId", p.cfg.ClientID)
}

// logWriter calls unread when the reader of the log is gone: slog drops the errors of writes.
type logWriter struct {
	io.Writer
	unread func()
}

func (w *logWriter) Write(line []byte) (int, error) {
	n, err := w.Writer.Write(line)
	if w.unread != nil && errors.Is(err, syscall.EPIPE) {
		w.unread()
	}
	return n, err
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

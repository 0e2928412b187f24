package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"sync"
	"syscall"
	"time"

	signal "go.mau.fi/libsignal/logger"
	waLog "go.mau.fi/whatsmeow/util/log"
)

// quietLog passes whatsmeow's warnings on. Its debug lines hold whole protocol nodes with codes and keys, so they are
// dropped at any log level.
type quietLog struct {
	log   *slog.Logger
	level slog.Level
}

func (l quietLog) Debugf(string, ...any)          {}
func (l quietLog) Infof(format string, a ...any)  { l.say(slog.LevelDebug, format, a) }
func (l quietLog) Warnf(format string, a ...any)  { l.say(l.level, format, a) }
func (l quietLog) Errorf(format string, a ...any) { l.say(l.level, format, a) }

// Sub names a part of whatsmeow. Its socket warns of lost connections, which the supervisor logs with their meaning.
func (l quietLog) Sub(module string) waLog.Logger {
	if module == "Socket" {
		l.level = slog.LevelDebug
	}
	return l
}

func (l quietLog) say(level slog.Level, format string, a []any) {
	l.log.Log(context.Background(), level, "whatsmeow: "+redact(format, a))
}

// verb finds the verbs of a format.
var verb = regexp.MustCompile(`%[-+# 0-9.]*[a-zA-Z]`)

// redact fills a format with those of its values that cannot identify anyone. whatsmeow's warnings hold the numbers of
// senders, whole protocol nodes and the texts of codes; whatsmeow's own words stay; they say what happened.
func redact(format string, a []any) string {
	next := 0
	return verb.ReplaceAllStringFunc(format, func(string) string {
		if next >= len(a) {
			return "…"
		}
		value := a[next]
		next++
		return harmless(value)
	})
}

// harmless is a value in words, or an ellipsis for one that may hold a number, a key or a text.
func harmless(value any) string {
	switch v := value.(type) {
	case bool, int, int8, int16, int32, uint8, uint16, uint32, time.Duration:
		return fmt.Sprint(v)
	case error:
		var errno syscall.Errno
		switch {
		case errors.Is(v, context.Canceled), errors.Is(v, context.DeadlineExceeded), errors.Is(v, io.EOF), errors.Is(v, io.ErrUnexpectedEOF):
			return root(v).Error()
		case errors.As(v, &errno):
			return errno.Error()
		}
	}
	return "…"
}

// root is the innermost cause of err.
func root(err error) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}

// silentSignal is a libsignal logger that writes nothing. The default one prints to standard output, and its errors
// are messages that cannot be decrypted, which whatsmeow reports and the metrics count.
type silentSignal struct{}

func (silentSignal) Debug(string, string)   {}
func (silentSignal) Info(string, string)    {}
func (silentSignal) Warning(string, string) {}
func (silentSignal) Error(string, string)   {}
func (silentSignal) Configure(string)       {}

// silenceSignal runs once, because libsignal keeps its logger in a variable without a lock.
var silenceSignal = sync.OnceFunc(func() {
	var out signal.Loggable = silentSignal{}
	signal.Setup(&out)
})

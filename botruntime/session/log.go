package session

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

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
	l.log.Log(context.Background(), level, "whatsmeow: "+fmt.Sprintf(format, a...))
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

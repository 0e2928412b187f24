package session

import (
	"context"
	"fmt"
	"log/slog"

	waLog "go.mau.fi/whatsmeow/util/log"
)

// quietLog passes whatsmeow's warnings on. Its debug lines hold whole protocol nodes, with codes and keys in
// them, so they are dropped whatever the log level.
type quietLog struct {
	log   *slog.Logger
	level slog.Level
}

func (l quietLog) Debugf(string, ...any)          {}
func (l quietLog) Infof(format string, a ...any)  { l.say(slog.LevelDebug, format, a) }
func (l quietLog) Warnf(format string, a ...any)  { l.say(l.level, format, a) }
func (l quietLog) Errorf(format string, a ...any) { l.say(l.level, format, a) }

// Sub names a part of whatsmeow. What its socket warns of, a lost connection, the supervisor says better.
func (l quietLog) Sub(module string) waLog.Logger {
	if module == "Socket" {
		l.level = slog.LevelDebug
	}
	return l
}

func (l quietLog) say(level slog.Level, format string, a []any) {
	l.log.Log(context.Background(), level, "whatsmeow: "+fmt.Sprintf(format, a...))
}

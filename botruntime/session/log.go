package session

import (
	"fmt"
	"log/slog"

	waLog "go.mau.fi/whatsmeow/util/log"
)

// quietLog passes whatsmeow's warnings on. Its debug lines hold whole protocol nodes, with codes and keys in
// them, so they are dropped whatever the log level.
type quietLog struct{ log *slog.Logger }

func (l quietLog) Debugf(string, ...any) {}
func (l quietLog) Infof(format string, a ...any) {
	l.log.Debug("whatsmeow: " + fmt.Sprintf(format, a...))
}
func (l quietLog) Warnf(format string, a ...any) {
	l.log.Warn("whatsmeow: " + fmt.Sprintf(format, a...))
}
func (l quietLog) Errorf(format string, a ...any) {
	l.log.Warn("whatsmeow: " + fmt.Sprintf(format, a...))
}
func (l quietLog) Sub(string) waLog.Logger { return l }

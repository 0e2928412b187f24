package session

import (
	"time"

	"sesi.dev/sesi/api/bot"
)

// Meter counts what happens to the session.
type Meter interface {
	Reconnect(bot.Reason)
	CodeIssued()
	Paired()
	LoggedOut(bot.Reason)
	TakenOver()
	MessageReceived()
	MessageUndecryptable()
	BackupFailed()
	WebVersion(fetched time.Time)
}

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
	// BackedUp: at that time a backup held all that the store holds.
	BackedUp(at time.Time)
	BackupFailed()
	// BackupInterval is the time between backups, 0 when they are off.
	BackupInterval(time.Duration)
	// WebVersion gives the age of the web version in use.
	WebVersion(at time.Time)
}

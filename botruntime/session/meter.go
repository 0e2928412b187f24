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
	// BackedUp: a backup of all that the store holds is known since then.
	BackedUp(at time.Time)
	BackupFailed()
	// BackupInterval is the time between backups, 0 when they are off.
	BackupInterval(time.Duration)
	// WebVersion says of when the web version in use is.
	WebVersion(at time.Time)
}

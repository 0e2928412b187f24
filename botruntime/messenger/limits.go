package messenger

import (
	"time"

	"sesi.dev/sesi/api/bot"
)

// limits are what WhatsApp does not let the account do, as far as it said so.
type limits struct {
	// timelockedUntil is when the account may write to new people again; zero when it may.
	timelockedUntil time.Time
	// cappedUntil is when the account gets a new quota of new people; zero while it has one.
	cappedUntil time.Time
}

// hold says why a first message to someone must wait; nil when it need not.
func (l limits) hold(now time.Time) *bot.Hold {
	switch {
	case now.Before(l.timelockedUntil):
		return &bot.Hold{Reason: bot.HoldTimelocked, Until: bot.At(l.timelockedUntil)}
	case now.Before(l.cappedUntil):
		return &bot.Hold{Reason: bot.HoldCapped, Until: bot.At(l.cappedUntil)}
	}
	return nil
}

// limits are those of the account, as far as they are known.
func (m *Messenger) limits() limits { return limits{} }

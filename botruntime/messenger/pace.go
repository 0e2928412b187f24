package messenger

import (
	"fmt"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
)

// Pace limits how fast the bot sends, to protect the account. The zero Pace has no limits.
type Pace struct {
	// PerMinute is how many messages are sent in a minute, 0 for no limit; Burst is how many are sent at once.
	PerMinute, Burst int
	// NewChats is how many new people the bot writes to in a day, 0 for no limit.
	NewChats int
	// Quiet is the time of day at which nothing is sent.
	Quiet QuietHours
	// Zone is the time zone of Quiet, and of the day that NewChats counts; nil is the machine's.
	Zone *time.Location
}

// clock returns a moment in the zone of the pace.
func (p Pace) clock(now time.Time) time.Time {
	if p.Zone == nil {
		return now.Local()
	}
	return now.In(p.Zone)
}

// quietUntil is when the quiet hours end; zero outside of them.
func (p Pace) quietUntil(now time.Time) time.Time { return p.Quiet.until(p.clock(now)) }

// SetPace changes the pace. What the old one held is tried again at once.
func (m *Messenger) SetPace(p Pace) error {
	if *m.pace.Swap(&p) == p {
		return nil
	}
	ctx, cancel := commitContext()
	defer cancel()
	defer m.nudge()
	return m.Journal.Commit(ctx, func(t *journal.Tx) error { return t.ReleaseHeld(bot.HoldQuietHours, bot.HoldBudget) })
}

// Held is why no message, or no first message to anyone, is sent now, as far as the bot knows; nil when all are.
func (m *Messenger) Held() *bot.Hold {
	now := m.Journal.Now()
	if hold := m.knownLimits().hold(now); hold != nil {
		return hold
	}
	if until := m.pace.Load().quietUntil(now); !until.IsZero() {
		return &bot.Hold{Reason: bot.HoldQuietHours, Until: bot.At(until)}
	}
	return nil
}

// QuietHours are a time of day, from From to To, in minutes after midnight. They may span midnight. Equal ends mean none.
type QuietHours struct{ From, To int }

// until is when the quiet hours end, zero outside of them.
func (q QuietHours) until(now time.Time) time.Time {
	if q.From == q.To {
		return time.Time{}
	}
	minute := now.Hour()*60 + now.Minute()
	quiet := minute >= q.From && minute < q.To
	if q.From > q.To {
		quiet = minute >= q.From || minute < q.To
	}
	if !quiet {
		return time.Time{}
	}
	end := time.Date(now.Year(), now.Month(), now.Day(), q.To/60, q.To%60, 0, 0, now.Location())
	switch {
	case end.After(now):
		return end
	case minute < q.To: // an hour that comes twice, for the second time
		return now.Truncate(time.Minute).Add(time.Duration(q.To-minute) * time.Minute)
	}
	return end.AddDate(0, 0, 1)
}

// bucket counts the messages that may be sent now.
type bucket struct {
	left float64
	at   time.Time
}

// wait is how long the next message must wait; 0 takes it out of the bucket. The bucket fills at the pace, randomly up
// to a half faster or slower, so that messages are sent at irregular intervals.
func (b *bucket) wait(p Pace, now time.Time, dice float64) time.Duration {
	if p.PerMinute <= 0 {
		return 0
	}
	interval := time.Minute / time.Duration(p.PerMinute)
	if b.at.IsZero() {
		b.left, b.at = float64(max(p.Burst, 1)), now
	}
	b.left = min(b.left+float64(now.Sub(b.at))/float64(interval), float64(max(p.Burst, 1)))
	b.at = now
	if b.left >= 1 {
		b.left -= 0.5 + dice
		return 0
	}
	return max(time.Duration((1-b.left)*float64(interval)), time.Millisecond)
}

// midnight is the end of the day that budgets count.
func midnight(now time.Time) time.Time {
	return time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, now.Location())
}

// String writes quiet hours as the setting has them, "" for none.
func (q QuietHours) String() string {
	if q.From == q.To {
		return ""
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", q.From/60, q.From%60, q.To/60, q.To%60)
}

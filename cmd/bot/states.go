package main

import (
	"context"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
)

const (
	// earlierStates is how many states an event of the session tells besides the new one.
	earlierStates = 2
	// recordPause is the pause after an event of the session could not be written.
	recordPause = time.Second
	// recordTime bounds one write.
	recordTime = 10 * time.Second
)

// recordSession writes an event for each state that the session comes into. A state that lasts shorter than a write
// may be left out; the newest never is.
func (m *messages) recordSession(ctx context.Context) error {
	var earlier []bot.SessionState
	for {
		snap, changed := (*m.watch.Load())()
		now := bot.SessionState{
			State: snap.State, Reason: snap.Reason, UserAction: snap.UserAction, Code: !snap.QRExpiresAt.IsZero(), At: snap.ChangedAt,
		}
		if len(earlier) > 0 && sameState(earlier[len(earlier)-1], now) {
			select {
			case <-changed:
				continue
			case <-ctx.Done():
				return nil
			}
		}
		change := bot.SessionChange{SessionState: now, Earlier: earlier}
		write, cancel := context.WithTimeout(ctx, recordTime)
		err := m.journal.Commit(write, func(t *journal.Tx) error {
			key := journal.KeyOf(string(bot.EventSession), snap.Instance, bot.At(t.Now()).String(), string(now.State), string(now.Reason))
			_, err := t.Append([]journal.Key{key}, bot.EventSession, "", bot.EventData{Session: &change})
			return err
		})
		cancel()
		if err == nil {
			earlier = append(earlier, now)
			earlier = earlier[max(0, len(earlier)-earlierStates):]
			continue
		}
		select { // the journal's own log says why
		case <-time.After(recordPause):
		case <-ctx.Done():
			return nil
		}
	}
}

func sameState(a, b bot.SessionState) bool {
	return a.State == b.State && a.Reason == b.Reason && a.UserAction == b.UserAction && a.Code == b.Code
}

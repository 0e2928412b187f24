package messenger

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"

	"sesi.dev/sesi/api/bot"
)

func TestClassify(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	server := func(code int) error { return fmt.Errorf("%w %d", whatsmeow.ErrServerReturnedError, code) }
	locked := limits{timelockedUntil: now.Add(time.Hour)}
	cases := map[string]struct {
		err       error
		attempts  int
		limits    limits
		want      bot.MessageState
		problem   bot.ProblemKind
		hold      bot.HoldReason
		again     bool
		retryable bool
	}{
		"sent":                          {want: bot.MessageSent},
		"no connection":                 {err: whatsmeow.ErrNotConnected, want: bot.MessageQueued},
		"no answer":                     {err: whatsmeow.ErrMessageTimedOut, want: bot.MessageUnknown, again: true},
		"no answer before the deadline": {err: context.DeadlineExceeded, want: bot.MessageUnknown, again: true},
		"disconnected in between":       {err: &whatsmeow.DisconnectedError{Action: "message send"}, want: bot.MessageUnknown, again: true},
		"restricted":                    {err: server(463), want: bot.MessageFailed, problem: bot.ProblemRestricted, retryable: true},
		"restricted until":              {err: server(463), limits: locked, want: bot.MessageHeld, hold: bot.HoldTimelocked, again: true},
		"capped until":                  {err: server(463), limits: limits{cappedUntil: now.Add(time.Hour)}, want: bot.MessageHeld, hold: bot.HoldCapped, again: true},
		"too fast":                      {err: server(429), want: bot.MessageHeld, hold: bot.HoldRateLimited, again: true},
		"old devices":                   {err: server(479), want: bot.MessageQueued, again: true},
		"old devices at last":           {err: server(479), attempts: 2, want: bot.MessageFailed, problem: bot.ProblemRefused},
		"server unwell at last":         {err: server(503), attempts: 2, want: bot.MessageFailed, problem: bot.ProblemRefused, retryable: true},
		"not allowed":                   {err: server(403), want: bot.MessageFailed, problem: bot.ProblemNotAllowed},
		"no group":                      {err: server(404), want: bot.MessageFailed, problem: bot.ProblemNoSuchGroup},
		"group unknown":                 {err: fmt.Errorf("failed to get group members: %w", whatsmeow.ErrNotInGroup), want: bot.MessageFailed, problem: bot.ProblemNoSuchGroup},
		"no LID":                        {err: errors.New("no LID found for 62@s.whatsapp.net from server"), want: bot.MessageFailed, problem: bot.ProblemNotOnWhatsApp},
		"a code without a number":       {err: whatsmeow.ErrServerReturnedError, want: bot.MessageFailed, problem: bot.ProblemRefused},
		"not encrypted":                 {err: errors.New("no"), want: bot.MessageQueued, again: true},
		"never encrypted":               {err: errors.New("no"), attempts: 7, want: bot.MessageFailed, problem: bot.ProblemInternal, retryable: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			v := attempted{err: c.err, attempts: c.attempts, now: now, dice: 0.5, limits: c.limits}.classify()
			if v.state != c.want || v.due.IsZero() == c.again {
				t.Errorf("state %s, due %v", v.state, v.due)
			}
			if c.again && !v.due.After(now) {
				t.Errorf("due %v is not after now", v.due)
			}
			if (v.problem == nil) != (c.problem == "") || v.problem != nil && (v.problem.Type != c.problem.Type() || v.problem.Retryable != c.retryable) {
				t.Errorf("problem %+v", v.problem)
			}
			if (v.hold == nil) != (c.hold == "") || v.hold != nil && (v.hold.Reason != c.hold || !v.hold.Until.Equal(v.due.Truncate(time.Millisecond))) {
				t.Errorf("hold %+v, due %v", v.hold, v.due)
			}
		})
	}
}

func TestPausesGrowAndEnd(t *testing.T) {
	now := time.Unix(0, 0)
	last := time.Duration(0)
	for attempts := range 40 {
		pause := attempted{attempts: attempts, now: now, dice: 1}.again(firstPause).Sub(now)
		if pause < last || pause > longestPause {
			t.Errorf("after %d attempts: %v", attempts, pause)
		}
		last = pause
	}
	if last != longestPause {
		t.Errorf("the longest pause is %v", last)
	}
}

func TestPace(t *testing.T) {
	p := Pace{PerMinute: 60, Burst: 3}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	end, sent := now.Add(10*time.Minute), 0
	var b bucket
	for now.Before(end) {
		wait := b.wait(p, now, float64(sent%3)/2)
		if wait == 0 {
			sent++
			continue
		}
		if wait > 2*time.Second {
			t.Fatalf("a wait of %v", wait)
		}
		now = now.Add(wait)
	}
	if sent < 590 || sent > 615 {
		t.Errorf("%d messages in ten minutes, want about 600", sent)
	}
	if wait := (&bucket{}).wait(Pace{}, now, 0); wait != 0 {
		t.Errorf("without a pace: %v", wait)
	}
}

func TestQuietHours(t *testing.T) {
	night, noon := QuietHours{21 * 60, 7 * 60}, QuietHours{12 * 60, 13 * 60}
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.DateTime, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for _, c := range []struct {
		q         QuietHours
		now, want string
	}{
		{night, "2026-01-31 20:59:59", ""},
		{night, "2026-01-31 21:00:00", "2026-02-01 07:00:00"},
		{night, "2026-02-01 06:59:59", "2026-02-01 07:00:00"},
		{night, "2026-02-01 07:00:00", ""},
		{noon, "2026-02-01 12:30:00", "2026-02-01 13:00:00"},
		{noon, "2026-02-01 13:00:00", ""},
		{QuietHours{}, "2026-02-01 00:00:00", ""},
	} {
		got := ""
		if until := c.q.until(at(c.now)); !until.IsZero() {
			got = until.Format(time.DateTime)
		}
		if got != c.want {
			t.Errorf("%s at %s: until %q, want %q", c.q, c.now, got, c.want)
		}
	}
}

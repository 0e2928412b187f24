package messenger

import (
	"testing"
	"time"
)

// Quiet hours and the day that the budget counts are those of the zone, wherever the machine is.
func TestPaceInAZone(t *testing.T) {
	t.Parallel()
	jakarta, err := time.LoadLocation("Asia/Jakarta")
	if err != nil {
		t.Fatal(err)
	}
	p := Pace{Quiet: QuietHours{From: 21 * 60, To: 7 * 60}, Zone: jakarta}
	evening := time.Date(2026, 3, 1, 15, 0, 0, 0, time.UTC) // 22:00 in Jakarta
	if until, want := p.quietUntil(evening), time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC); !until.Equal(want) {
		t.Errorf("at 22:00 it is quiet until %s, want %s", until, want)
	}
	noon := time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC)
	if until := p.quietUntil(noon); !until.IsZero() {
		t.Errorf("at noon it is quiet until %s", until)
	}
	late := time.Date(2026, 3, 1, 17, 30, 0, 0, time.UTC) // half past midnight in Jakarta
	if day, want := p.clock(late).Format(time.DateOnly), "2026-03-02"; day != want {
		t.Errorf("the day is %s, want %s", day, want)
	}
	if end, want := midnight(p.clock(late)), time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC); !end.Equal(want) {
		t.Errorf("the day ends at %s, want %s", end, want)
	}
}

// Clocks are set back by an hour in autumn. Quiet hours that end in the hour that comes twice end in its second one.
func TestQuietHoursInTheHourThatComesTwice(t *testing.T) {
	t.Parallel()
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	p := Pace{Quiet: QuietHours{From: 22 * 60, To: 60 + 30}, Zone: newYork}
	second := time.Date(2026, 11, 1, 6, 10, 0, 0, time.UTC) // 01:10, for the second time
	if until, want := p.quietUntil(second), second.Add(20*time.Minute); !until.Equal(want) {
		t.Errorf("quiet until %s, want %s", until, want)
	}
	first := second.Add(-time.Hour)
	if until := p.quietUntil(first); until.IsZero() || until.After(second.Add(20*time.Minute)) {
		t.Errorf("quiet until %s", until)
	}
}

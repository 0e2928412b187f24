package session

import (
	"errors"
	"log/slog"
	"slices"
	"testing"

	wastore "go.mau.fi/whatsmeow/store"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/botruntime/store"
)

// TestWhatIsTriedAfterAVersionWasRefused: first the fetched version, then another bot's cached one, then the built-in
// one; never the refused one again, and only newer ones while all is well.
func TestWhatIsTriedAfterAVersionWasRefused(t *testing.T) {
	older, builtIn, newer, newest := wastore.WAVersionContainer{2, 3000, 1}, wastore.WAVersionContainer{2, 3000, 2}, wastore.WAVersionContainer{2, 3000, 3}, wastore.WAVersionContainer{2, 3000, 4}
	none := wastore.WAVersionContainer{}
	broken := errors.New("404")
	cases := map[string]struct {
		state     bot.State
		presented wastore.WAVersionContainer
		next      wastore.WAVersionContainer // already known for the next connection
		cached    wastore.WAVersionContainer
		fetched   wastore.WAVersionContainer
		err       error
		want      wastore.WAVersionContainer
		changed   bool
	}{
		"fetched":                             {bot.StateOutdated, builtIn, builtIn, none, newer, nil, newer, true},
		"fetched the refused one":             {bot.StateOutdated, newer, newer, newer, newer, nil, newer, false},
		"fetched while it was being refused":  {bot.StateOutdated, builtIn, newer, newer, newer, nil, newer, true},
		"cached by another bot":               {bot.StateOutdated, builtIn, builtIn, newer, none, broken, newer, true},
		"the cached one is the refused one":   {bot.StateOutdated, newer, newer, newer, none, broken, builtIn, true},
		"nothing is known but what failed":    {bot.StateOutdated, builtIn, builtIn, none, none, broken, builtIn, false},
		"an old cache is no news":             {bot.StateOutdated, builtIn, builtIn, older, none, broken, builtIn, false},
		"all is well":                         {bot.StateConnected, newer, newer, newer, newest, nil, newest, true},
		"all is well, and nothing is fetched": {bot.StateConnected, newer, newer, newer, none, broken, newer, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.cached != none {
				if err := store.WriteWebVersion(dir, store.WebVersion{Version: c.cached, FetchedAt: epoch}); err != nil {
					t.Fatal(err)
				}
			}
			s := &Supervisor{cfg: config.Config{WebVersionCachePath: dir}, meter: &countingMeter{}, log: slog.New(slog.DiscardHandler), builtIn: builtIn}
			in := inVersion{version: c.fetched, err: c.err}
			if c.err != nil {
				in.version, in.at = s.knownVersion()
			}
			m := model{state: c.state, version: versions{builtIn: builtIn, next: c.next, presented: c.presented}}
			m, actions := step(m, epoch, 0, in)
			dials := slices.Contains(actions, action(actDial{c.want}))
			if m.version.next != c.want || dials != (c.changed && c.state == bot.StateOutdated) {
				t.Errorf("next is %v, dials %v; want %v, %v", m.version.next, dials, c.want, c.changed)
			}
		})
	}
}

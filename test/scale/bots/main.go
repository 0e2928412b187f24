// Command bots measures what real bot processes cost with one simulated WhatsApp, next to peers in the same run. It
// only measures; run.sh builds what it needs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"sesi.dev/sesi/test/scale/internal/command"
)

// settings are the flags of a measurement.
type settings struct {
	bots    int
	program string
	wasim   string
	baileys string
	peers   int
	window  time.Duration
	settle  time.Duration
	outage  time.Duration
	out     string
}

func main() {
	var s settings
	flag.IntVar(&s.bots, "bots", 200, "number of bots")
	flag.StringVar(&s.program, "program", "bot", "the bot's program, built with the tag simulator")
	flag.StringVar(&s.wasim, "wasim", "wasim", "the simulator's program")
	flag.StringVar(&s.baileys, "baileys", "", "folder that Baileys was installed into; empty goes without it")
	flag.IntVar(&s.peers, "peers", 3, "number of Baileys processes")
	flag.DurationVar(&s.window, "window", time.Minute, "how long idle bots and busy bots are each watched")
	flag.DurationVar(&s.settle, "settle", 90*time.Second, "how long bots are left alone first; their first backup comes after 60 s")
	flag.DurationVar(&s.outage, "outage", 30*time.Second, "how long WhatsApp is away in the last part")
	flag.StringVar(&s.out, "out", ".", "folder that takes the pictures")
	flag.Parse()
	if s.bots < 1 || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "bots: at least one bot, and there are only flags")
		os.Exit(2)
	}
	command.Main("bots", func(ctx context.Context) error { return run(ctx, s) })
}

// run measures, and ends every process that it started.
func run(ctx context.Context, s settings) (err error) {
	dir, err := os.MkdirTemp("", "sesi-bots")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	wa, err := startWhatsApp(ctx, s.wasim, dir)
	if err != nil {
		return err
	}
	defer wa.end()

	all := &fleet{wa: wa}
	defer all.end()
	say("linking %d bots", s.bots)
	if err := all.link(ctx, s, dir); err != nil {
		return err
	}
	peers, err := startPeers(ctx, s, wa, dir)
	defer func() {
		for _, p := range peers {
			p.end()
		}
	}()
	if err != nil {
		return err
	}
	result, err := measure(ctx, s, all, peers)
	result.print(os.Stdout) // even what was measured before an error
	return errors.Join(err, result.draw(s.out))
}

// measure takes the measurements in order; with an error it returns what was measured before. The peers end before
// connections are dropped, because theirs do not come back.
func measure(ctx context.Context, s settings, all *fleet, peers []*process) (*result, error) {
	r := &result{settings: s, linked: all.linkTimes()}
	say("%v until bots have done what follows a login", s.settle)
	if err := command.Pause(ctx, s.settle); err != nil {
		return r, err
	}
	say("%v idle", s.window)
	watched := newWatch(all, peers)
	if err := command.Pause(ctx, s.window); err != nil {
		return r, err
	}
	r.idle = watched.done()

	say("%v with a message a second for each", s.window)
	watched = newWatch(all, peers)
	sent, received, err := all.converse(ctx, s.window, len(peers) > 0)
	if err != nil {
		return r, err
	}
	r.busy, r.sent, r.received = watched.done(), sent, received
	for _, p := range peers {
		p.end()
	}

	say("all connections are reset at once")
	if r.dropped, err = all.drop(ctx); err != nil {
		return r, err
	}
	if err := command.Pause(ctx, 15*time.Second); err != nil { // a login that lasts resets the backoff
		return r, err
	}
	say("WhatsApp is away for %v", s.outage)
	r.returned, err = all.outage(ctx, s.outage)
	return r, err
}

func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
}

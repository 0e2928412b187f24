// Command bot runs one WhatsApp session: it keeps the linked device on disk, stays connected, and serves the session
// API, the QR page, health and metrics. It wires botruntime together and decides nothing.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"sesi.dev/sesi/botruntime/config"
)

// version is set at link time.
var version = "dev"

const usage = `bot holds one WhatsApp session and serves its API.

Usage:
  bot                run
  bot healthcheck    exit 0 if the bot with these settings answers, otherwise 1
  bot backup [FILE]  write a fresh backup of the session to FILE, or into the backup directory
  bot restore FILE   restore a backup, - reads standard input; the bot must not be running
  bot version        print the version
  bot --help         print this

`

// Exit codes. Bad settings have their own, so that a supervisor need not restart the bot into them.
const (
	exitOK       = 0
	exitFailed   = 1
	exitSettings = 2
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	command := "run"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "help", "--help", "-h":
		fmt.Fprint(stdout, usage, config.Help())
		return exitOK
	case "version", "--version":
		fmt.Fprintln(stdout, version)
		return exitOK
	case copyCommand:
		return copyDatabase(stdout, stderr)
	}
	todo, known := commands[command]
	if !known || len(args) > todo.args {
		fmt.Fprintf(stderr, "bot: unknown command %q; try bot --help\n", command)
		return exitSettings
	}
	cfg, err := config.Load(os.Environ(), ".")
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitSettings
	}
	for name, value := range cfg.Exports {
		if err := os.Setenv(name, value); err != nil {
			fmt.Fprintln(stderr, err)
			return exitSettings
		}
	}
	if err := trustSimulator(); err != nil {
		fmt.Fprintln(stderr, err)
		return exitSettings
	}
	// The signals are caught to the end of the process: one that comes twice must not kill it in the last moment of a stop.
	ctx, _ := signal.NotifyContext(context.Background(), endings()...)
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	p := program{cfg: cfg, args: args, stdout: stdout, stderr: stderr}
	if !signal.Ignored(syscall.SIGPIPE) {
		signal.Ignore(syscall.SIGPIPE)
		p.unread = leave
	}
	err = todo.do(ctx, p)
	if errors.Is(err, errSettings) {
		fmt.Fprintln(stderr, err)
		return exitSettings
	}
	if err != nil {
		fmt.Fprintln(stderr, "bot: "+err.Error())
		return exitFailed
	}
	return exitOK
}

// endings are the signals on which the bot leaves WhatsApp and closes its store. Go would let SIGHUP (the terminal is
// gone) kill it at once. A program that starts the bot with it ignored, as nohup does, wants it to continue. SIGPIPE is
// not among them: every write to a socket that its peer closed raises it.
func endings() []os.Signal {
	var caught []os.Signal
	for _, one := range []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		if !signal.Ignored(one) {
			caught = append(caught, one)
		}
	}
	return caught
}

// errSettings marks an error in the settings.
var errSettings = errors.New("settings")

// program is what a command needs.
type program struct {
	cfg            config.Config
	args           []string
	stdout, stderr io.Writer
	// unread ends the command when nobody reads its log any more. It is nil if the command was started with SIGPIPE
	// ignored, as a service manager does, and so continues without a log.
	unread func()
}

var commands = map[string]struct {
	args int
	do   func(context.Context, program) error
}{
	"run":         {0, serve},
	"healthcheck": {0, healthcheck},
	"backup":      {1, backup},
	"restore":     {1, restore},
}

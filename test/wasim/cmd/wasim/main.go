// Command wasim runs the simulated WhatsApp as a program. It never reaches the real WhatsApp.
package main

import (
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"go.mau.fi/whatsmeow/store"

	"sesi.dev/sesi/test/wasim/sim"
)

// stopWait bounds how long requests in flight hold up the end.
const stopWait = 300 * time.Millisecond

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, sim.ErrInvalid):
		fmt.Fprintln(os.Stderr, "wasim:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "wasim:", err)
		os.Exit(1)
	}
}

// run serves until the context ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	cfg, control, err := parse(args, stderr)
	if err != nil {
		return err
	}
	setSignalLog(cfg.Logger)
	server, err := sim.New(cfg)
	if err != nil {
		return err
	}
	if err = server.Start(); err != nil {
		server.Close()
		return err
	}
	defer server.Close()
	listener, err := net.Listen("tcp", control)
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	web := server.ControlServer()
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	root := server.NoiseRootPub()
	fmt.Fprintf(stdout, "wasim ready ws=%s control=http://%s ca=%s noise_root=%s\n",
		server.Addr(), listener.Addr(), filepath.Join(cfg.Dir, sim.CAFile), hex.EncodeToString(root[:]))
	select {
	case err = <-failed:
		return fmt.Errorf("control: %w", err)
	case <-ctx.Done():
	}
	server.Close() // ends the event streams too
	late, cancel := context.WithTimeout(context.Background(), stopWait)
	defer cancel()
	if err = web.Shutdown(late); err != nil {
		_ = web.Close()
	}
	if err = <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("control: %w", err)
	}
	return nil
}

// parse reads the flags.
func parse(args []string, stderr io.Writer) (cfg sim.Config, control string, err error) {
	flags := flag.NewFlagSet("wasim", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&cfg.Addr, "addr", "127.0.0.1:7443", "TLS and websocket listener")
	flags.StringVar(&control, "control", "127.0.0.1:7080", "control API, web page and CONNECT proxy")
	flags.StringVar(&cfg.Dir, "dir", "wasim-data", "directory of the keys; made if it has none")
	flags.StringVar(&cfg.StateFile, "state", "", "file that keeps accounts, devices and sessions over a restart")
	flags.DurationVar(&cfg.QRFirst, "qr-first", time.Minute, "lifetime of the first QR code")
	flags.DurationVar(&cfg.QRNext, "qr-next", 20*time.Second, "lifetime of each next QR code")
	flags.DurationVar(&cfg.ReadIdle, "read-idle", 5*time.Minute, "end connections that sent nothing for so long")
	closeDelay := flags.Duration("close-delay", 100*time.Millisecond, "between a stream:error or failure and the close; 0 closes at once")
	flags.TextVar((*version)(&cfg.MinVer), "min-version", version{}, "oldest client version let in; older ones get failure 405")
	flags.TextVar((*version)(&cfg.ServedVer), "served-version", version{}, "version the web page names (default: whatsmeow's own)")
	flags.StringVar(&cfg.AddrMode, "addressing", sim.AddrPN, "how contacts' messages are addressed: pn or lid")
	verbose := flags.Bool("v", false, "log every node")
	if err = flags.Parse(args); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			err = fmt.Errorf("%w: %w", sim.ErrInvalid, err)
		}
		return cfg, "", err
	}
	if flags.NArg() > 0 {
		return cfg, "", fmt.Errorf("%w: argument %q, there are only flags", sim.ErrInvalid, flags.Arg(0))
	}
	if cfg.CloseDelay = *closeDelay; cfg.CloseDelay == 0 {
		cfg.CloseDelay = -1
	}
	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	cfg.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	return cfg, control, nil
}

// version is a flag of three numbers with dots.
type version store.WAVersionContainer

func (v version) MarshalText() ([]byte, error) {
	return []byte(store.WAVersionContainer(v).String()), nil
}

func (v *version) UnmarshalText(text []byte) error {
	parsed, err := store.ParseVersion(string(text))
	if err != nil {
		return errors.New("must be three numbers with dots, such as 2.3000.1031080782")
	}
	*v = version(parsed)
	return nil
}

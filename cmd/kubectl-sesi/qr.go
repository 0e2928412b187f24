package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/botruntime/qr"
)

// clearScreen moves the cursor home and clears what is below it.
const clearScreen = "\x1b[H\x1b[2J"

func (t *tool) qr() *cobra.Command {
	var file string
	var open bool
	var timeout time.Duration
	cmd := t.forSession("qr", "Show the QR code in the terminal until the phone has scanned it", func(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		b, err := c.bot(ctx, s)
		if err != nil {
			return err
		}
		defer b.close()
		switch {
		case open:
			return t.openPage(ctx, b)
		case file != "":
			return b.savePNG(ctx, s.Name, file)
		default:
			return t.showCodes(ctx, s.Name, b)
		}
	})
	cmd.Flags().StringVar(&file, "png", "", "write the current code to this PNG file and exit")
	cmd.Flags().BoolVar(&open, "open", false, "open the bot's page in a browser, through a port of this machine that closes with the command")
	cmd.Flags().DurationVar(&timeout, "timeout", 15*time.Minute, "give up after this long")
	cmd.MarkFlagsMutuallyExclusive("png", "open")
	return cmd
}

// showCodes draws each code as it comes, and ends when the session is connected.
func (t *tool) showCodes(ctx context.Context, name string, b *botAPI) error {
	shown, said := "", ""
	return b.watchUntil(ctx, "no phone scanned the code in time; run the command again", func(snap bot.Snapshot) (bool, error) {
		if snap.Connected {
			fmt.Fprintln(t.out, "Connected as "+snap.JID+".")
			return false, nil
		}
		if err := refuseStopped(name, snap); err != nil {
			return false, err
		}
		code, live, err := b.code(ctx)
		if err != nil {
			return false, err
		}
		if live && code.Code != shown {
			shown = code.Code
			if isTerminal(t.out) {
				fmt.Fprint(t.out, clearScreen)
			}
			fmt.Fprintln(t.out, "Scan this code with WhatsApp on the phone: menu ⋮ (Android) or Settings (iPhone), Linked devices, Link a device.")
			return true, qr.Terminal(t.out, code.Code)
		}
		if !live && snap.Message != said {
			said = snap.Message
			fmt.Fprintln(t.err, said)
		}
		return true, nil
	})
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// refuseStopped returns an error for a session that a person stopped: it gets no code until it is restarted.
func refuseStopped(name string, snap bot.Snapshot) error {
	if snap.State == bot.StateStopped {
		return fmt.Errorf("%s was stopped by a person; run kubectl sesi restart %s", name, name)
	}
	return nil
}

// savePNG writes the current code as a picture. It waits for a code if there is none.
func (b *botAPI) savePNG(ctx context.Context, name, path string) error {
	return b.watchUntil(ctx, "there was no code in time, so no picture is written; kubectl sesi status "+name+" says what the session waits for", func(snap bot.Snapshot) (bool, error) {
		if snap.Exists {
			return false, errors.New("the session is already linked; there is no code to scan")
		}
		if err := refuseStopped(name, snap); err != nil {
			return false, err
		}
		code, live, err := b.code(ctx)
		if err != nil || !live {
			return true, err
		}
		picture, err := qr.PNG(code.Code)
		if err != nil {
			return false, err
		}
		return false, writeSecret(path, picture)
	})
}

// writeSecret writes a file that only its owner can read. It replaces an existing file, because a file that is overwritten
// keeps its mode.
func writeSecret(path string, data []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".sesi-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

// openPage serves the bot's page on a free port of this machine and opens it in a browser, until the session is
// connected.
func (t *tool) openPage(ctx context.Context, b *botAPI) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	door := newDoor(b.client.Transport)
	server := &http.Server{Handler: door, ReadHeaderTimeout: requestTimeout}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	page := "http://" + listener.Addr().String() + door.path
	fmt.Fprintln(t.out, "Open "+page+" (it works once, and closes when the session is connected)")
	if err := browse(ctx, page); err != nil {
		fmt.Fprintln(t.err, "cannot open a browser: "+err.Error())
	}
	return b.watchUntil(ctx, "the session did not connect in time, and the page is closed; run the command again", func(snap bot.Snapshot) (bool, error) {
		if snap.Connected {
			fmt.Fprintln(t.out, "Connected as "+snap.JID+".")
		}
		return !snap.Connected, nil
	})
}

// browse opens a page in the user's browser.
func browse(ctx context.Context, page string) error {
	command := []string{"xdg-open"}
	switch runtime.GOOS {
	case "darwin":
		command = []string{"open"}
	case "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler"}
	}
	return exec.CommandContext(ctx, command[0], append(command[1:], page)...).Start()
}

func (t *tool) pair() *cobra.Command {
	var phone string
	cmd := t.forSession("pair", "Link with a code that is typed on the phone, instead of a scan", func(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) error {
		b, err := c.bot(ctx, s)
		if err != nil {
			return err
		}
		defer b.close()
		code, err := b.pair(ctx, phone)
		if err != nil {
			return err
		}
		fmt.Fprintf(t.out, "On the phone %s: Linked devices, Link a device, Link with phone number instead. Enter\n\n    %s\n\n",
			strings.TrimSpace(phone), printable(code.PairingCode))
		return b.watchUntil(ctx, s.Name+" is not connected yet; kubectl sesi status "+s.Name+" shows when it is", func(snap bot.Snapshot) (bool, error) {
			if snap.Connected {
				fmt.Fprintln(t.out, "Connected as "+snap.JID+".")
			}
			return !snap.Connected, nil
		})
	})
	cmd.Flags().StringVar(&phone, "phone", "", "the phone's number with its country code, such as +6281234567890")
	_ = cmd.MarkFlagRequired("phone")
	return cmd
}

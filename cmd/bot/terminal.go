package main

import (
	"context"
	"fmt"
	"io"

	"sesi.dev/sesi/botruntime/qr"
	"sesi.dev/sesi/botruntime/session"
)

// showCodes draws each live code for the person at the terminal, and says when the session is connected.
func showCodes(ctx context.Context, w io.Writer, sup *session.Supervisor, page string) {
	shown, connected := "", false
	for {
		snap, changed := sup.Watch()
		if code, live := sup.Peek(); live && code.Code != shown {
			shown = code.Code
			fmt.Fprintf(w, "\nScan with WhatsApp (Linked devices), or open %s\n\n", page)
			if err := qr.Terminal(w, code.Code); err != nil {
				fmt.Fprintln(w, "no picture of the code: "+err.Error())
			}
		}
		if snap.Connected != connected {
			if connected = snap.Connected; connected {
				fmt.Fprintln(w, "Connected as "+snap.JID)
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/botruntime/qr"
	"sesi.dev/sesi/botruntime/session"
)

// drawsCodes reports whether QR codes are drawn on stdout. A pod's output goes to the cluster's logs, which must not
// contain a code that can be scanned, even if the pod has a terminal.
func drawsCodes(setting config.TerminalQR, stdout io.Writer) bool {
	if setting == config.TerminalAuto {
		_, inPod := os.LookupEnv("KUBERNETES_SERVICE_HOST")
		return isTerminal(stdout) && !inPod
	}
	return setting == config.TerminalOn
}

// showCodes draws each current code at the terminal, and prints when the session is connected.
func showCodes(ctx context.Context, w io.Writer, sup *session.Supervisor, page string) {
	shown, connected := "", false
	for {
		snap, changed := sup.Watch()
		if code, live := sup.Peek(); live && code.Code != shown {
			shown = code.Code
			fmt.Fprintf(w, "\nScan with WhatsApp (Linked devices), or open %s\n\n", page)
			if err := qr.Terminal(w, code.Code); err != nil {
				fmt.Fprintln(w, "cannot draw the code: "+err.Error())
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

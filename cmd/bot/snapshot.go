package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"sesi.dev/sesi/botruntime/store"
)

// snapshot is the process that a running bot starts for each backup; it is nothing for people. It ends with its bot,
// and by nothing else: a terminal and systemd send their signals to both, and the bot decides.
func snapshot(stdout, stderr io.Writer) int {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
	if err := store.ServeSnapshot(os.Stdin, stdout); err != nil {
		fmt.Fprintln(stderr, "bot "+store.SnapshotCommand+": "+err.Error())
		return exitFailed
	}
	return exitOK
}

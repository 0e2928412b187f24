package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"sesi.dev/sesi/botruntime/store"
)

// copyCommand makes this program run as the copier of a running bot. It is not for people.
const copyCommand = "copy-database"

// copier returns the command that copies the database for a backup.
func copier(ctx context.Context) *exec.Cmd {
	program, err := ownProgram()
	if err != nil {
		program = os.Args[0]
	}
	command := exec.CommandContext(ctx, program, copyCommand)
	command.Args[0] = os.Args[0]
	return command
}

// ownProgram returns the file that this process runs. On Linux it still exists after an upgrade has replaced the file.
func ownProgram() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}

// copyDatabase runs as the copier. It ends when its bot ends, and ignores signals: a terminal and systemd send them
// to both processes, and the bot decides.
func copyDatabase(stdout, stderr io.Writer) int {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGPIPE)
	if err := store.ServeCopy(os.Stdin, stdout); err != nil {
		fmt.Fprintln(stderr, "bot "+copyCommand+": "+err.Error())
		return exitFailed
	}
	return exitOK
}

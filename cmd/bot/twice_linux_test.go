package main

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
)

// twice has this program run the command of its value, and get a signal at its very end.
const twice = "SESI_TEST_TWICE"

func init() {
	command := os.Getenv(twice)
	if command == "" {
		return
	}
	code := run([]string{command}, os.Stdout, os.Stderr)
	runtime.LockOSThread() // the signal arrives before the call returns
	_, _, failed := syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(os.Getpid()), uintptr(syscall.Gettid()), uintptr(syscall.SIGTERM))
	if failed != 0 {
		code = -int(failed)
	}
	os.Exit(code)
}

// A supervisor may send its signal twice, and the second one may come when all is done. The exit code tells how the bot ended
// all the same.
func TestASignalInTheLastMomentDoesNotChangeTheExitCode(t *testing.T) {
	t.Parallel()
	c := exec.Command(os.Args[0])
	c.Dir = t.TempDir()
	c.Env = append(settings(nil, c.Dir), twice+"=healthcheck") // nobody answers, which is the code 1
	out, err := c.CombinedOutput()
	if code := c.ProcessState.ExitCode(); code != exitFailed {
		t.Errorf("exit code %d (-1 is a signal), want %d: %v, %s", code, exitFailed, err, out)
	}
}

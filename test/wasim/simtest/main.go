package simtest

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"go.mau.fi/libsignal/logger"
)

// whatsmeowRaces are the data races inside whatsmeow that its clients run into whatever they do: when a
// socket ends, FrameSocket.Close writes conn, closed and OnDisconnect under a lock that IsConnected,
// SendFrame, readPump and NoiseSocket.Stop do not take; and when a group changes, updateGroupParticipantCache writes
// the cached group under a lock that SendMessage gives back before it reads it. Other races are reported.
const whatsmeowRaces = "race:go.mau.fi/whatsmeow/socket.(*FrameSocket).Close\n" +
	"race:go.mau.fi/whatsmeow.(*Client).updateGroupParticipantCache\n"

// suppressedEnv tells the second run of Main where the suppressions of the first are.
const suppressedEnv = "SIMTEST_RACE_SUPPRESSIONS"

// Main runs the tests of a package that uses whatsmeow, from its TestMain. Under the race detector it starts
// the test program again, because the detector reads its suppressions from the environment only at the start.
func Main(m *testing.M) {
	var silent logger.Loggable = mute{}
	logger.Setup(&silent) // libsignal prints to standard output, and races for its default
	if !underRace {
		os.Exit(m.Run())
	}
	if file := os.Getenv(suppressedEnv); file != "" {
		// Programs that a test starts must find the environment as it was: the file is gone.
		_ = os.Setenv("GORACE", strings.TrimSuffix(os.Getenv("GORACE"), suppressions(file)))
		_ = os.Unsetenv(suppressedEnv)
		_ = os.Remove(file)
		os.Exit(m.Run())
	}
	fmt.Fprintln(os.Stderr, "simtest:", startSuppressed())
	os.Exit(1)
}

func suppressions(file string) string { return " suppressions=" + file }

// startSuppressed only returns if it fails.
func startSuppressed() error {
	file, err := os.CreateTemp("", "whatsmeow-races-*")
	if err != nil {
		return err
	}
	if _, err = file.WriteString(whatsmeowRaces); err != nil {
		return err
	}
	if err = file.Close(); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	race := "GORACE=" + os.Getenv("GORACE") + suppressions(file.Name())
	return syscall.Exec(program, os.Args, append(os.Environ(), race, suppressedEnv+"="+file.Name()))
}

// mute is a logger of libsignal that writes nothing.
type mute struct{}

func (mute) Debug(string, string)   {}
func (mute) Info(string, string)    {}
func (mute) Warning(string, string) {}
func (mute) Error(string, string)   {}
func (mute) Configure(string)       {}

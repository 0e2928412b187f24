package refuse_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"sesi.dev/sesi/test/refuse"
)

// lines is how many lines the program writes into the file that LINES names, each with a write of its own.
const lines = 5000

func TestMain(m *testing.M) {
	refuse.Become()
	if path := os.Getenv("LINES"); path != "" {
		if err := write(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func write(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	for n := range lines {
		if _, err := fmt.Fprintln(file, n); err != nil {
			fmt.Println(n)
		}
	}
	return file.Close()
}

// Each write is decided once, also where signals come meanwhile: the write that is to fail does.
func TestASignalRepeatsNoWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lines")
	var asked atomic.Int32
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "LINES="+path)
	cmd.Stderr = os.Stderr
	var failed strings.Builder
	cmd.Stdout = &failed
	writes, err := refuse.Wrap(cmd, func(to string) syscall.Errno {
		if to == path && asked.Add(1)%1000 == 0 {
			return syscall.ENOSPC
		}
		return 0
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for running := true; running; {
		select {
		case err := <-ended:
			if running = false; err != nil {
				t.Error(err)
			}
		default:
			_ = cmd.Process.Signal(syscall.SIGURG) // which Go's scheduler uses, and which does nothing else
		}
	}
	if err := writes.End(); err != nil {
		t.Fatal(err)
	}
	if n := asked.Load(); n != lines || failed.String() != "999\n1999\n2999\n3999\n4999\n" {
		t.Errorf("%d writes were decided %d times, and these failed: %q", lines, n, failed.String())
	}
}

// A program that ends before it is watched is an error, and nobody waits for it.
func TestAProgramThatIsNotThere(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), filepath.Join(t.TempDir(), "nothing"))
	writes, err := refuse.Wrap(cmd, func(string) syscall.Errno { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	cmd.Path = cmd.Path + "-gone"
	if err := cmd.Start(); err == nil {
		t.Fatal("it started")
	}
	if err := writes.End(); err == nil || !strings.Contains(err.Error(), "the filter") {
		t.Errorf("%v", err)
	}
}

package chromium

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sesi.dev/sesi/test/poll"
	"sesi.dev/sesi/test/proc"
)

func TestABrowserThatCrashesAtItsStart(t *testing.T) {
	real, err := path()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nif mkdir %s/crashed 2>/dev/null; then echo 'no stack mapping' >&2; exit 133; fi\nexec %s \"$@\"\n", dir, real)
	if err := os.WriteFile(filepath.Join(dir, names[0]), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	tab := Start(t)
	if sum, err := chromedp.Run(tab, chromedp.Evaluate[int]("1 + 1")); err != nil || sum != 2 {
		t.Errorf("the page answers %d, %v", sum, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "crashed")); err != nil {
		t.Errorf("the first browser did not crash: %v", err)
	}
}

// A browser's processes may outlive the first of them, and write into the profile while a test removes it.
func TestEndLeavesNoProcessBehind(t *testing.T) {
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nsleep 60 &\necho $! >%[1]s/new && mv %[1]s/new %[1]s/child\nwait\n", dir)
	if err := os.WriteFile(filepath.Join(dir, names[0]), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	cmd, err := Command(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	child := 0
	if !poll.Until(func() bool {
		text, _ := os.ReadFile(filepath.Join(dir, "child"))
		child, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return child != 0
	}, time.Minute, nil) {
		t.Fatal("the browser started no other process")
	}
	End(cmd)
	if held := proc.MemoryOf([]int{child}).Resident; held != 0 {
		t.Errorf("a process of the browser still runs, with %d bytes", held)
	}
}

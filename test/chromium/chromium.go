// Package chromium starts the browser for tests and measurements of the bot's page. The browser connects only to this
// machine.
package chromium

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"sesi.dev/sesi/test/proc"
)

// names are the program's names on the systems we know.
var names = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}

// quiet are flags that keep a browser from connecting to its vendor.
var quiet = []string{
	"no-first-run", "disable-quic", "disable-background-networking", "disable-component-update", "disable-sync",
	"disable-domain-reliability",
}

// path returns where the program is.
func path() (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("install Chromium: none of %s is in PATH", strings.Join(names, ", "))
}

// Command returns a headless browser with an empty page, which nobody drives. End ends it.
func Command(ctx context.Context, profile string) (*exec.Cmd, error) {
	program, err := path()
	if err != nil {
		return nil, err
	}
	flags := []string{"--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--user-data-dir=" + profile}
	for _, flag := range quiet {
		flags = append(flags, "--"+flag)
	}
	cmd := exec.CommandContext(ctx, program, append(flags, "about:blank")...)
	cmd.Stderr = io.Discard // a pipe, which all processes of the browser hold: see End
	return cmd, nil
}

// End kills all processes of a browser that Command returned and its caller started. It returns when none of them is
// left, so that nobody writes into the profile while it is removed: Wait reads the pipe until the last one has closed it.
func End(cmd *exec.Cmd) {
	for _, pid := range proc.Processes().Family(cmd.Process.Pid) {
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill()
		}
	}
	_ = cmd.Wait()
}

// starts is how many times Start tries: Chromium sometimes crashes before it listens, which says nothing about a page.
const starts = 3

// Start starts a new browser that ends with the test, and returns its first tab; chromedp.NewContext opens others.
func Start(t testing.TB, options ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	program, err := path()
	if err != nil {
		t.Fatal(err)
	}
	for attempt := 1; ; attempt++ {
		tab, err := start(t, program, options)
		if err == nil {
			return tab
		}
		if attempt == starts {
			t.Fatalf("Chromium does not start, tried %d times: %v", starts, err)
		}
		t.Logf("Chromium does not start, try again: %v", err)
	}
}

func start(t testing.TB, program string, options []chromedp.ExecAllocatorOption) (context.Context, error) {
	t.Helper()
	scratch, err := os.MkdirTemp("", "chromium-") // with a short path: a socket of the browser lies in it
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = os.RemoveAll(scratch) })
	all := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.Env("TMPDIR="+scratch), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"))
	for _, flag := range quiet {
		all = append(all, chromedp.Flag(flag, true))
	}
	alloc, end := chromedp.NewExecAllocator(context.Background(), append(all, options...)...)
	t.Cleanup(end)
	tab, closed := chromedp.NewContext(alloc)
	t.Cleanup(closed)
	return tab, chromedp.Do(tab)
}

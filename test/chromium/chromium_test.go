package chromium

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
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

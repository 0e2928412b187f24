package wwebjs

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// noNode is install.sh's exit code where there is no Node 20 or no npm.
const noNode = 3

// The tests of the package and of its example pass, against the programs that they start.
func TestThePackage(t *testing.T) {
	programs := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "simulator", "-ldflags", "-s -w", "-o", programs+"/",
		"../../cmd/bot", "../../test/wasim/cmd/wasim")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the programs: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), "./install.sh").CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == noNode {
		t.Skip(strings.TrimSpace(string(out)))
	}
	if err != nil {
		t.Fatalf("install the dependencies: %v\n%s", err, out)
	}
	var files []string
	for _, pattern := range []string{"test/*.test.js", "../../examples/finance-bot-js/test/*.test.js"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no tests in %s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	node := exec.CommandContext(t.Context(), "node", append([]string{"--test", "--test-reporter", "spec"}, files...)...)
	node.Env = append(os.Environ(), "SESI_PROGRAMS="+programs)
	out, err = node.CombinedOutput()
	if err != nil {
		t.Fatalf("node --test: %v\n%s", err, out)
	}
	t.Logf("%s", out)
}

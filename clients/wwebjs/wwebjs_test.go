package wwebjs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// noNode is install.sh's exit code where there is no Node 20 or no npm.
const noNode = 3

// sideBySide is how many of the files run at once. They wait for each other's processes more than they compute.
const sideBySide = "6"

// files are the tests, those that take longest first.
var files = []string{
	"../../examples/finance-bot-js/test/kill.test.js", "test/restart.test.js", "test/types.test.js", "test/messages.test.js",
}

// The tests of the package and of its example pass, against the programs that they start.
func TestThePackage(t *testing.T) {
	programs := t.TempDir()
	built := make(chan error, 1)
	go func() {
		build := exec.CommandContext(t.Context(), "go", "build", "-tags", "simulator", "-ldflags", "-s -w", "-o", programs+"/",
			"../../cmd/bot", "../../test/wasim/cmd/wasim")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		built <- run(build)
	}()
	installed := run(exec.CommandContext(t.Context(), "./install.sh"))
	if err := <-built; err != nil {
		t.Fatalf("build the programs: %v", err)
	}
	var exit *exec.ExitError
	if errors.As(installed, &exit) && exit.ExitCode() == noNode {
		t.Skip(installed)
	}
	if installed != nil {
		t.Fatalf("install the dependencies: %v", installed)
	}
	args := append([]string{"--test", "--test-reporter", "spec", "--test-concurrency", sideBySide}, files...)
	for _, pattern := range []string{"test/*.test.js", "../../examples/finance-bot-js/test/*.test.js"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no tests in %s: %v", pattern, err)
		}
		for _, file := range found {
			if !slices.Contains(files, file) {
				args = append(args, file)
			}
		}
	}
	environment := append(os.Environ(), "SESI_PROGRAMS="+programs, "SESI_SEEN="+t.TempDir())
	node := exec.CommandContext(t.Context(), "node", args...)
	node.Env = environment
	out, err := node.CombinedOutput()
	if err != nil {
		t.Fatalf("node --test: %v\n%s", err, out)
	}
	t.Logf("%s", out)
	seen := exec.CommandContext(t.Context(), "node", "test/seen.js")
	seen.Env = environment
	if err := run(seen); err != nil {
		t.Error(err)
	}
}

// run returns what a command printed as a part of its error.
func run(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// page is a page of the documentation whose shell commands are run, in a shell of their own at the top of the tree.
type page struct {
	name   string
	blocks []string
	shell  *shell
	// adapt puts what is true of this cluster in the place of the page's examples.
	adapt *strings.Replacer
}

// readPage reads the shell commands of a page, and fails the test at its end if some of them were not run.
func readPage(t *testing.T, name string, shell *shell, adapt ...string) *page {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + name)
	must(t, err)
	p := &page{name: name, shell: shell, adapt: strings.NewReplacer(adapt...)}
	var block []string
	inside := false
	for line := range strings.Lines(string(text)) {
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "```sh":
			inside, block = true, nil
		case trimmed == "```" && inside:
			inside = false
			p.blocks = append(p.blocks, strings.Join(block, ""))
		case inside:
			block = append(block, line)
		}
	}
	t.Cleanup(func() {
		if !t.Failed() && len(p.blocks) > 0 {
			t.Errorf("these commands of %s were not run:\n%s", name, strings.Join(p.blocks, "\n"))
		}
	})
	return p
}

// take returns the next commands of the page, adapted. They must contain these words.
func (p *page) take(t *testing.T, words string) string {
	t.Helper()
	if len(p.blocks) == 0 || !strings.Contains(p.blocks[0], words) {
		t.Fatalf("%s has no commands with %q where they are expected", p.name, words)
	}
	block := p.adapt.Replace(p.blocks[0])
	p.blocks = slices.Delete(p.blocks, 0, 1)
	return block
}

// run runs the next commands of the page, and returns what they printed.
func (p *page) run(t *testing.T, words string) string {
	t.Helper()
	return p.shell.run(t, p.take(t, words))
}

// shell is a shell that a person types into: variables and background jobs stay from one command to the next.
type shell struct {
	in      io.Writer
	out     *bufio.Reader
	process *os.Process
}

func newShell(t *testing.T, environment ...string) *shell {
	t.Helper()
	program := exec.Command("bash")
	program.Dir = "../.."
	program.Env = append(os.Environ(), environment...)
	in, err := program.StdinPipe()
	must(t, err)
	out, err := program.StdoutPipe()
	must(t, err)
	program.Stderr = program.Stdout
	program.WaitDelay = 10 * time.Second
	must(t, program.Start())
	t.Cleanup(func() {
		_, _ = io.WriteString(in, "kill $(jobs -p)\nwait\nexit\n")
		_ = program.Wait()
	})
	return &shell{in, bufio.NewReader(out), program.Process}
}

const shellMark = "-- the commands ended with "

// run fails the test if the last command fails, or one of a pipe. Commands have no input: a question fails them.
func (s *shell) run(t *testing.T, commands string) string {
	t.Helper()
	t.Logf("$ %s", strings.TrimSpace(commands))
	_, err := fmt.Fprintf(s.in, "set -o pipefail\n{\n%s\n} </dev/null\nprintf '\\n%s%%d\\n' $?\n", commands, shellMark)
	must(t, err)
	defer time.AfterFunc(2*patience, func() { _ = s.process.Kill() }).Stop()
	var said strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			t.Fatalf("the shell ended: %v\n%s", err, said.String())
		}
		if status, ended := strings.CutPrefix(line, shellMark); ended {
			if code, err := strconv.Atoi(strings.TrimSpace(status)); err != nil || code != 0 {
				t.Fatalf("status %s\n%s", status, said.String())
			}
			return said.String()
		}
		said.WriteString(line)
	}
}

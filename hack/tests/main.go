// Command tests runs the Go tests that need the same things of the machine, and says which packages it left out and
// which command runs those. It prints what `go test` prints, then how long each package and the slowest tests took.
//
//	tests machine [GO-TEST-FLAGS...]     the packages that need no Kubernetes program
//	tests race [GO-TEST-FLAGS...]        those of them with goroutines, with the race detector
//	tests apiserver [GO-TEST-FLAGS...]   the packages that need a real API server; KUBEBUILDER_ASSETS names its folder
//	tests cluster [GO-TEST-FLAGS...]     the end-to-end tests; test/e2e/run.sh calls it
//	tests report FILE                    the times of all runs whose SESI_TEST_RECORD named that file
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tests:", err)
		os.Exit(1)
	}
}

// command is one way to run tests.
type command struct {
	name  string
	need  need
	plain bool // packages without the race detector
	race  bool // packages with it
	make  string
}

var commands = []command{
	{"machine", machine, true, false, "make test"},
	{"race", machine, false, true, "make test-race"},
	{"apiserver", apiServer, true, true, "make test-cluster"},
	{"cluster", wholeCluster, true, false, "make e2e"},
}

// packages are those that the command runs.
func (c command) packages(all packages) (paths []string) {
	for _, part := range choose(all, c) {
		paths = append(paths, part.packages...)
	}
	return paths
}

func run(args []string, out io.Writer) error {
	if len(args) == 2 && args[0] == "report" {
		return report(args[1], out)
	}
	which := -1
	if len(args) > 0 {
		which = slices.IndexFunc(commands, func(c command) bool { return c.name == args[0] })
	}
	if which < 0 {
		return errors.New("usage: tests machine|race|apiserver|cluster [GO-TEST-FLAGS...], or tests report FILE")
	}
	wanted := commands[which]
	all, err := readPackages()
	if err != nil {
		return err
	}
	verbose := slices.Contains(args, "-v")
	seen, failed, began := results{verbose: verbose}, false, time.Now()
	var ran, raced []string
	var beside [2][]pass // the large pass with the race detector waits a lot; the others run in its pauses
	for _, part := range choose(all, wanted) {
		large := 0
		ran = append(ran, part.packages...)
		if part.race {
			raced = append(raced, part.packages...)
			if part.only == "" {
				large = 1
			}
		}
		if len(part.packages) > 0 {
			beside[large] = append(beside[large], part)
		}
	}
	flags := args[1:]
	if len(beside[0]) == 0 || len(beside[1]) == 0 { // nothing else runs in the pauses of this pass
		flags = append([]string{"-p", strconv.Itoa(runtime.NumCPU() + 1)}, flags...)
	}
	shared := &lockedWriter{out: out}
	var outcomes [len(beside)]outcome
	var running sync.WaitGroup
	for n, passes := range beside {
		running.Go(func() { outcomes[n] = runPasses(shared, passes, flags, verbose) })
	}
	running.Wait()
	for _, one := range outcomes {
		if one.err != nil {
			return one.err
		}
		failed = failed || one.failed
		seen.add(one.seen)
	}
	seen.wall = time.Since(began)
	if record := os.Getenv("SESI_TEST_RECORD"); record != "" {
		if err := seen.append(record); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(out, "\n%.0f s, and %.0f s of processor time with compiling\n", seen.wall.Seconds(), seen.processor.Seconds())
		seen.print(out)
	}
	if len(raced) > 0 {
		fmt.Fprintf(out, "\nwith the race detector: %s\n", strings.Join(short(raced), " "))
	}
	for _, other := range commands {
		left, what := other.packages(all), "not run here"
		if other.need != wanted.need || wanted.race {
			left = slices.DeleteFunc(left, func(path string) bool { return slices.Contains(ran, path) })
		} else {
			what = "not run here with the race detector"
		}
		if other != wanted && len(left) > 0 {
			fmt.Fprintf(out, "%s, but by `%s`: %s\n", what, other.make, strings.Join(short(left), " "))
		}
	}
	if failed {
		return errors.New("some tests failed; their output is above")
	}
	return nil
}

// outcome is what came of some passes.
type outcome struct {
	seen   results
	failed bool
	err    error
}

// runPasses runs passes one after the other.
func runPasses(out io.Writer, passes []pass, flags []string, verbose bool) (all outcome) {
	all.seen.verbose = verbose
	for _, part := range passes {
		ok, err := goTest(out, part, flags, &all.seen)
		if err != nil {
			all.err = err
			return all
		}
		all.failed = all.failed || !ok
	}
	return all
}

// lockedWriter lets several write to one place, each write whole.
type lockedWriter struct {
	mu  sync.Mutex
	out io.Writer
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(p)
}

// bare are flags that leave out the race detector's and checkptr's calls in what only computes, for one goroutine at a
// time: SQLite, which is translated C, with its memory, and the arithmetic of keys, compression and pictures. They made
// a pairing take several times the processor time, and what they can find there is not ours.
var bare = func() (flags []string) {
	for _, path := range []string{"modernc.org/sqlite/lib", "modernc.org/libc/...", "crypto/internal/...", "golang.org/x/crypto/...", "filippo.io/edwards25519/...",
		"compress/...", "image/...", "github.com/makiuchi-d/gozxing/..."} {
		flags = append(flags, "-gcflags="+path+"=-race=false -d=checkptr=0")
	}
	return flags
}()

// goTest runs one pass, and reports whether all passed. Most tests wait, for a deadline or for a program that starts: so
// more of them run at once than there are processors. `make vet` looks at the code, so that no dependency is read twice.
// No result is taken from Go's cache, which does not know of the programs that tests build, nor of what Node reads.
func goTest(out io.Writer, part pass, flags []string, seen *results) (bool, error) {
	args := []string{"test", "-json", "-vet=off", "-count=1", "-timeout", "12m", "-parallel", strconv.Itoa(2 * runtime.NumCPU())}
	env := append(os.Environ(), "KUBE_CACHE_MUTATION_DETECTOR=true")
	if part.race {
		args = append(append(args, "-race"), bare...)
		env = append(env, "CGO_ENABLED=1") // the race detector of Linux is C
	}
	if part.only != "" {
		args = append(args, "-run", part.only)
	}
	cmd := exec.Command("go", append(append(args, flags...), part.packages...)...)
	cmd.Env, cmd.Stderr = env, os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := cmd.Start(); err != nil {
		return false, fmt.Errorf("start go test: %w", err)
	}
	readErr := seen.read(events, out)
	err = cmd.Wait()
	if state := cmd.ProcessState; state != nil {
		seen.processor += state.UserTime() + state.SystemTime()
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return false, fmt.Errorf("go test: %w", err)
	}
	return err == nil, readErr
}

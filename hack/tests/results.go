package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// event is one line of `go test -json`.
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

// result is a package or a test that has ended.
type result struct {
	Package, Test string
	Seconds       float64
}

// results are what the tests took.
type results struct {
	packages, tests []result
	wall, processor time.Duration
	verbose         bool // print all output as it comes
}

// add takes over what another run took.
func (r *results) add(other results) {
	r.packages = append(r.packages, other.packages...)
	r.tests = append(r.tests, other.tests...)
	r.processor += other.processor
}

// read takes the events of one run. It prints the line of each package, and all output of what failed.
func (r *results) read(events io.Reader, out io.Writer) error {
	output := map[string]*strings.Builder{} // by package and test
	at := func(e event) *strings.Builder {
		name := e.Package + " " + e.Test
		if output[name] == nil {
			output[name] = &strings.Builder{}
		}
		return output[name]
	}
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the output of go test: %w", err)
		}
		var e event
		if json.Unmarshal(line, &e) != nil {
			fmt.Fprintf(out, "%s", line) // a test that writes past its own output
			continue
		}
		switch e.Action {
		case "build-output":
			fmt.Fprint(out, e.Output)
		case "output":
			if r.verbose {
				fmt.Fprint(out, e.Output)
			} else {
				at(e).WriteString(e.Output)
			}
		case "pass", "fail", "skip":
			if e.Action == "fail" && e.Test == "" {
				printUnended(output, e.Package, out)
			}
			r.end(e, at(e).String(), out)
			delete(output, e.Package+" "+e.Test)
		}
	}
}

// printUnended prints the output of a failed package's tests that have not ended: the process was killed, or a test
// brought it down, and the stacks are in the output of one of them.
func printUnended(output map[string]*strings.Builder, path string, out io.Writer) {
	for _, name := range slices.Sorted(maps.Keys(output)) {
		if test, of := strings.CutPrefix(name, path+" "); of && test != "" {
			fmt.Fprintf(out, "%s has not ended; its output:\n%s", test, output[name])
			delete(output, name)
		}
	}
}

// end notes what has ended.
func (r *results) end(e event, output string, out io.Writer) {
	if e.Test != "" {
		r.tests = append(r.tests, result{e.Package, e.Test, e.Elapsed})
		if e.Action != "pass" {
			fmt.Fprint(out, output)
		}
		return
	}
	r.packages = append(r.packages, result{e.Package, "", e.Elapsed})
	if e.Action == "fail" {
		fmt.Fprint(out, output)
		return
	}
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "ok ") || strings.HasPrefix(line, "? ") {
			fmt.Fprint(out, line)
		}
	}
}

// shown is how many of the slowest tests are listed.
const shown = 10

// print prints the tables. Of a test with subtests only the whole counts.
func (r *results) print(out io.Writer) {
	slowest := func(a, b result) int { return -cmp.Compare(a.Seconds, b.Seconds) }
	slices.SortFunc(r.packages, slowest)
	fmt.Fprintln(out, "\nwhere the time went, by package")
	for _, p := range r.packages {
		if p.Seconds >= 1 {
			fmt.Fprintf(out, "  %7.1f s  %s\n", p.Seconds, strings.TrimPrefix(p.Package, module))
		}
	}
	top := slices.DeleteFunc(slices.Clone(r.tests), func(t result) bool { return strings.Contains(t.Test, "/") })
	slices.SortFunc(top, slowest)
	fmt.Fprintln(out, "\nthe slowest tests, and what they wait for")
	for _, t := range top[:min(shown, len(top))] {
		path := strings.TrimPrefix(t.Package, module)
		fmt.Fprintf(out, "  %7.1f s  %s %s: %s\n", t.Seconds, path, t.Test, cmp.Or(waits[path+" "+t.Test], "not known yet; add it to hack/tests/waits.go"))
	}
}

// append adds the results to a file, for a report over several runs.
func (r *results) append(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the record: %w", err)
	}
	out := json.NewEncoder(file)
	for _, t := range append(slices.Clone(r.packages), r.tests...) {
		if err := out.Encode(t); err != nil {
			return errors.Join(fmt.Errorf("write the record: %w", err), file.Close())
		}
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("write the record: %w", err)
	}
	return nil
}

// report prints the tables of all that was recorded in a file.
func report(path string, out io.Writer) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open the record: %w", err)
	}
	defer file.Close()
	var all results
	for in := json.NewDecoder(file); ; {
		var t result
		if err := in.Decode(&t); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("read the record: %w", err)
		}
		if t.Test == "" {
			all.packages = append(all.packages, t)
		} else {
			all.tests = append(all.tests, t)
		}
	}
	all.print(out)
	return nil
}

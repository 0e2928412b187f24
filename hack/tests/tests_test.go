package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func list(t *testing.T) packages {
	t.Helper()
	t.Chdir("../..")
	all, err := readPackages()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Every package with tests is run by exactly one of the commands, apart from the one that repeats some with the race
// detector.
func TestEveryPackageIsRunBySomeCommand(t *testing.T) {
	all := list(t)
	var run []string
	for _, c := range commands {
		if c.plain {
			run = append(run, c.packages(all)...)
		}
	}
	slices.Sort(run)
	var tested []string
	for path, p := range all {
		if len(p.TestGoFiles)+len(p.XTestGoFiles) > 0 {
			tested = append(tested, path)
		}
	}
	slices.Sort(tested)
	if !slices.Equal(run, tested) {
		t.Errorf("run are %q, want %q", run, tested)
	}
}

func TestNeeds(t *testing.T) {
	all := list(t)
	for path, want := range map[string]need{
		"api/v1alpha1":       apiServer,
		"controllers":        apiServer, // through a double
		"botruntime/session": machine,
		"test/e2e":           wholeCluster,
	} {
		if got := all.needs(module + path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	runs := func(name, path string) bool {
		which := slices.IndexFunc(commands, func(c command) bool { return c.name == name })
		return slices.Contains(commands[which].packages(all), module+path)
	}
	for path, raced := range map[string]bool{"botruntime/qr": false, "botruntime/session": true, "botruntime/store": true} {
		if !runs("machine", path) || runs("race", path) != raced {
			t.Errorf("%s: runs %v, with the race detector %v", path, runs("machine", path), runs("race", path))
		}
	}
}

// The patterns of the packages that run partly with the race detector name tests that exist.
func TestPartlyRacedNamesTests(t *testing.T) {
	for path, only := range partlyRaced {
		for name := range strings.SplitSeq(strings.Trim(only, "^()$"), "|") {
			if !hasTest(t, path, name) {
				t.Errorf("there is no test %s in %s", name, path)
			}
		}
	}
}

// The packages that the lists name exist, and those that run without the race detector could run with it.
func TestListsNamePackages(t *testing.T) {
	all := list(t)
	for _, path := range longest {
		if _, known := all[module+path]; !known {
			t.Errorf("there is no package %s", path)
		}
	}
	for _, path := range notRaced {
		if p, known := all[module+path]; !known || !p.hasGoroutines() {
			t.Errorf("%s needs no place in the list: it has no goroutines", path)
		}
	}
}

// The tests that waits.go names exist.
func TestWaitsNamesTests(t *testing.T) {
	for name := range waits {
		if path, test, _ := strings.Cut(name, " "); !hasTest(t, path, test) {
			t.Errorf("there is no test %s", name)
		}
	}
}

func hasTest(t *testing.T, path, test string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", path, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "func "+test+"(") {
			return true
		}
	}
	return false
}

func TestReadPrintsPackagesAndFailures(t *testing.T) {
	const events = `{"Action":"run","Package":"a","Test":"TestGood"}
{"Action":"output","Package":"a","Test":"TestGood","Output":"chatter\n"}
{"Action":"pass","Package":"a","Test":"TestGood","Elapsed":2.5}
{"Action":"output","Package":"a","Output":"PASS\n"}
{"Action":"output","Package":"a","Output":"ok  \ta\t2.6s\n"}
{"Action":"pass","Package":"a","Elapsed":2.6}
{"Action":"output","Package":"b","Test":"TestBad","Output":"b_test.go:3: broken\n"}
{"Action":"fail","Package":"b","Test":"TestBad","Elapsed":1.5}
{"Action":"output","Package":"b","Output":"FAIL\tb\t1.6s\n"}
{"Action":"fail","Package":"b","Elapsed":1.6}
{"Action":"output","Package":"c","Test":"TestKilled","Output":"SIGQUIT: quit\n"}
{"Action":"output","Package":"c","Output":"FAIL\tc\t9.6s\n"}
{"Action":"fail","Package":"c","Elapsed":9.6}
`
	var out strings.Builder
	var seen results
	if err := seen.read(strings.NewReader(events), &out); err != nil {
		t.Fatal(err)
	}
	if want := "ok  \ta\t2.6s\nb_test.go:3: broken\nFAIL\tb\t1.6s\n" +
		"TestKilled has not ended; its output:\nSIGQUIT: quit\nFAIL\tc\t9.6s\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	out.Reset()
	seen.print(&out)
	text := out.String()
	if first, second := strings.Index(text, "TestGood"), strings.Index(text, "TestBad"); first < 0 || second < first {
		t.Errorf("the slowest test is not first:\n%s", text)
	}
}

func TestReportIsOverAllRecords(t *testing.T) {
	record := filepath.Join(t.TempDir(), "record")
	for _, one := range []results{
		{packages: []result{{module + "a", "", 3}}, tests: []result{{module + "a", "TestOne", 3}, {module + "a", "TestOne/part", 2}}},
		{packages: []result{{module + "b", "", 9}}, tests: []result{{module + "b", "TestTwo", 8}}},
	} {
		if err := one.append(record); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if err := run([]string{"report", record}, &out); err != nil {
		t.Fatal(err)
	}
	want := `
where the time went, by package
      9.0 s  b
      3.0 s  a

the slowest tests, and what they wait for
      8.0 s  b TestTwo: not known yet; add it to hack/tests/waits.go
      3.0 s  a TestOne: not known yet; add it to hack/tests/waits.go
`
	if out.String() != want {
		t.Errorf("got:\n%s", out.String())
	}
}

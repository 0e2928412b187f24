package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// module is the path that all of the project's packages begin with.
const module = "sesi.dev/sesi/"

// need is what a package's tests need of the machine.
type need string

const (
	machine      need = "machine"
	apiServer    need = "apiserver"
	wholeCluster need = "cluster"
)

// pkg is a package as `go list` describes it.
type pkg struct {
	ImportPath, Dir                    string
	GoFiles, TestGoFiles, XTestGoFiles []string
	Imports, TestImports, XTestImports []string
}

type packages map[string]pkg

// readPackages reads the packages of the module that the working directory is in.
func readPackages() (packages, error) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports", "./...")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil, fmt.Errorf("go list: %w: %s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("go list: %w", err)
	}
	all := packages{}
	for in := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := in.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("read what go list prints: %w", err)
		}
		all[p.ImportPath] = p
	}
}

// needs says what the package's tests need: a whole cluster if it is the end-to-end tests, an API server if they import
// the package that starts one, directly or through a double.
func (all packages) needs(path string) need {
	p := all[path]
	if path == module+"test/e2e" {
		return wholeCluster
	}
	visited := map[string]bool{}
	var starts func(imports []string) bool
	starts = func(imports []string) bool {
		for _, path := range imports {
			p, ours := all[path]
			if path == module+"test/apiserver" {
				return true
			}
			if ours && !visited[path] {
				visited[path] = true
				if starts(p.Imports) {
					return true
				}
			}
		}
		return false
	}
	if starts(p.TestImports) || starts(p.XTestImports) {
		return apiServer
	}
	return machine
}

// that are the packages with tests of one need, sorted.
func (all packages) that(wanted need) (found []string) {
	for path, p := range all {
		if len(p.TestGoFiles)+len(p.XTestGoFiles) > 0 && all.needs(path) == wanted {
			found = append(found, path)
		}
	}
	slices.Sort(found)
	return found
}

// partlyRaced are packages of whose tests few have goroutines, and the race detector makes the others much slower: those
// that the pattern names run with it.
var partlyRaced = map[string]string{
	"botruntime/store": "^(TestManyUsersAtOnce|TestManyStartAtOnce|TestOpenWaitsForALockThatEndsSoon|TestASecondOpenInTheSameProcessIsRefused|" +
		"TestWriteBackup|TestFailedBackupLeavesEverything|TestClear|TestClearWithoutRoomIsUndone|TestDiskFillsUpWhileRunning)$",
}

// notRaced are packages with goroutines in which the race detector finds nothing: their tests watch programs that run as
// processes of their own, or their goroutines share nothing that a test touches.
var notRaced = []string{"clients/wwebjs", "cmd/bot", "cmd/gateway", "examples/finance-bot", "hack/demo", "hack/tests", "test/apiserver", "test/monitoring", "test/wasim/cmd/wasim"}

// longest are the packages whose tests take longest, the longest first. They are compiled and run before the others, or
// at the end one processor waits for the other.
var longest = []string{"botruntime/session", "cmd/bot", "botruntime/httpapi", "test/wasim/sim", "clients/wwebjs", "botruntime/store", "controllers", "charts"}

// pass is one run of `go test`.
type pass struct {
	packages []string
	race     bool
	only     string // a pattern of tests' names, or all
}

// choose makes the passes of a command. The race detector needs C, and everything compiled once more: `make test` leaves it
// to a command of its own. The packages that need an API server run once, with it where it can find something. The
// end-to-end tests run without: their goroutines only watch the cluster, whose programs are other processes.
func choose(all packages, wanted command) (passes []pass) {
	var plain, raced pass
	raced.race = true
	for _, path := range longestFirst(all.that(wanted.need)) {
		name := strings.TrimPrefix(path, module)
		only := partlyRaced[name]
		switch {
		case wanted.race && only != "":
			passes = append(passes, pass{[]string{path}, true, only})
		case wanted.race && !slices.Contains(notRaced, name) && all[path].hasGoroutines():
			raced.packages = append(raced.packages, path)
		case wanted.plain:
			plain.packages = append(plain.packages, path)
		}
	}
	return append([]pass{plain, raced}, passes...)
}

// longestFirst orders packages by how long their tests take.
func longestFirst(paths []string) []string {
	place := func(path string) int {
		if n := slices.Index(longest, strings.TrimPrefix(path, module)); n >= 0 {
			return n
		}
		return len(longest)
	}
	return slices.SortedStableFunc(slices.Values(paths), func(a, b string) int { return cmp.Compare(place(a), place(b)) })
}

// hasGoroutines says that the package or its tests start goroutines, or guard values that goroutines share. Only there
// the race detector can find something that is ours.
func (p pkg) hasGoroutines() bool {
	if slices.ContainsFunc(p.Imports, func(path string) bool { return path == "sync" || path == "sync/atomic" }) {
		return true
	}
	for _, name := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return true // the compiler will say what is wrong
		}
		found := false
		ast.Inspect(file, func(node ast.Node) bool {
			_, is := node.(*ast.GoStmt)
			found = found || is
			return !found
		})
		if found {
			return true
		}
	}
	return false
}

// short are the paths without the module's.
func short(paths []string) []string {
	names := make([]string, len(paths))
	for i, path := range paths {
		names[i] = strings.TrimPrefix(path, module)
	}
	return names
}

package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// entry is one variable of a .env file and the line it stands on (0 when that is not known).
type entry struct {
	value string
	file  string
	line  int
}

func (e entry) where() string {
	if e.line == 0 {
		return " in " + e.file
	}
	return fmt.Sprintf(" in %s line %d", e.file, e.line)
}

// readDotenv reads dir/.env. The file is the bot's alone, so a name in it that nobody reads is a mistake.
func readDotenv(dir string) (map[string]entry, []string) {
	if dir == "" {
		return nil, nil
	}
	file := filepath.Join(dir, ".env")
	data, err := readable(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, []string{fmt.Sprintf("%s: cannot be read: %v", file, err)}
	}
	return parseDotenv(file, data)
}

// parseDotenv never repeats a line of the file: any of them may hold a secret.
func parseDotenv(file string, data []byte) (map[string]entry, []string) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, []string{file + ": not a text file; save it as UTF-8, one NAME=value a line"}
	}
	values, err := godotenv.UnmarshalBytes(data)
	if err != nil {
		return nil, []string{fmt.Sprintf("%s line %d: not NAME=value, or a quote that is never closed",
			file, brokenLine(data))}
	}
	entries := make(map[string]entry, len(values))
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		e := entry{value: values[name], file: file, line: lineOf(data, name)}
		switch {
		case known(name) || exports(name):
			entries[name] = e
		case !namePattern.MatchString(name):
			problems = append(problems, fmt.Sprintf("%s: holds a line that is not NAME=value", file))
		default:
			problems = append(problems, fmt.Sprintf("%s%s: unknown variable%s; see --help", name, e.where(), didYouMean(name)))
		}
	}
	return entries, problems
}

var namePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// brokenLine finds where the parser gave up: behind the last line up to which the file parses, statement by
// statement, for a quoted value may go on over several lines.
func brokenLine(data []byte) int {
	lines := bytes.SplitAfter(data, []byte("\n"))
	good := 0
	for n := 1; n <= len(lines); n++ {
		if _, err := godotenv.UnmarshalBytes(bytes.Join(lines[good:n], nil)); err == nil {
			good = n
		}
	}
	return min(good+1, len(lines))
}

// lineOf finds the last line that sets name, which is the one that counts.
func lineOf(data []byte, name string) int {
	found := 0
	for n, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "export"); ok && strings.TrimLeft(rest, " \t") != rest {
			line = strings.TrimLeft(rest, " \t")
		}
		rest, ok := strings.CutPrefix(line, name)
		rest = strings.TrimLeft(rest, " \t")
		if ok && (strings.HasPrefix(rest, "=") || strings.HasPrefix(rest, ":")) {
			found = n + 1
		}
	}
	return found
}

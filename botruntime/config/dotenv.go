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

// entry is one variable of a .env file and its line; 0 if the line is unknown.
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

const dotenvName = ".env"

// readDotenv reads dir/.env.
func readDotenv(dir string, c *Config) (map[string]entry, []string) {
	if dir == "" {
		return nil, nil
	}
	file := filepath.Join(dir, dotenvName)
	data, err := readable(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, []string{fmt.Sprintf("%s: cannot be read: %v", file, err)}
	}
	return parseDotenv(file, data, c)
}

// dollar replaces every $ while the file is parsed. The parser would expand $NAME, and silently change a secret that
// contains a $.
const dollar = "\ue000"

// parseDotenv never repeats a line of the file, because any line may hold a secret. It expands nothing. A misspelt
// setting is an error, an unknown name a warning: people put the variables of several programs into one file.
func parseDotenv(file string, data []byte, c *Config) (map[string]entry, []string) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if bytes.IndexByte(data, 0) >= 0 || bytes.Contains(data, []byte(dollar)) {
		return nil, []string{file + ": not a text file; save it as UTF-8, one NAME=value a line"}
	}
	values, err := godotenv.UnmarshalBytes(bytes.ReplaceAll(data, []byte("$"), []byte(dollar)))
	if err != nil {
		return nil, []string{fmt.Sprintf("%s line %d: not NAME=value, or a quote that is not closed",
			file, brokenLine(data))}
	}
	entries := make(map[string]entry, len(values))
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		e := entry{value: strings.ReplaceAll(values[name], dollar, "$"), file: file, line: lineOf(data, name)}
		switch {
		case known(name) || exports(name):
			entries[name] = e
		case !namePattern.MatchString(name):
			problems = append(problems, fmt.Sprintf("%s: holds a line that is not NAME=value", file))
		case nearMiss(name) || typo(name):
			problems = append(problems, fmt.Sprintf("%s%s: unknown variable%s; see --help", name, e.where(), didYouMean(name)))
		default:
			c.Warnings = append(c.Warnings, foreign(name))
		}
	}
	return entries, problems
}

// typo reports whether a name in the file is one letter away from a setting's. This would be too strict for the
// environment, which holds the names of other programs.
func typo(name string) bool {
	return slices.ContainsFunc(variables, func(v variable) bool { return distance(strings.ToUpper(name), v.name) <= 1 })
}

var namePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// brokenLine finds where the parser gave up: after the last line up to which the file parses. It tries whole
// statements, because a quoted value may span several lines.
func brokenLine(data []byte) int {
	lines := bytes.SplitAfter(data, []byte("\n"))
	good := 0
	for n := 1; n <= len(lines); n++ {
		if _, err := godotenv.UnmarshalBytes(bytes.ReplaceAll(bytes.Join(lines[good:n], nil), []byte("$"), []byte(dollar))); err == nil {
			good = n
		}
	}
	return min(good+1, len(lines))
}

// lineOf finds the last line that sets name; the last one counts.
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

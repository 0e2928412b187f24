package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sesi.dev/sesi/hack/internal/module"
)

// TestPagesAreCurrent: the committed pages match their sources.
func TestPagesAreCurrent(t *testing.T) {
	root, err := module.Root()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := build(root)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range pages {
		got, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from its sources: run make generate", path)
		}
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fenced  = regexp.MustCompile("(?s)```.*?```")
	quoted  = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N}_\- ]`)
	command = regexp.MustCompile(`\bmake ([a-z][a-z0-9-]*)`)
	target  = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):`)
)

// pages returns the documentation by path.
func pages(t *testing.T) map[string][]byte {
	t.Helper()
	root, err := module.Root()
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string][]byte{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "hack/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range found {
			if texts[page], err = os.ReadFile(page); err != nil {
				t.Fatal(err)
			}
		}
	}
	return texts
}

// places returns what a link may name after #: the page's headings, in the form of their anchors.
func places(page []byte) map[string]bool {
	names := map[string]bool{}
	for _, found := range heading.FindAllSubmatch(fenced.ReplaceAll(page, nil), -1) {
		name := dropped.ReplaceAllString(strings.ToLower(string(found[1])), "")
		names[strings.ReplaceAll(name, " ", "-")] = true
	}
	return names
}

// TestLinksLead: every link to a file of the project, or to a heading of a page, has a target.
func TestLinksLead(t *testing.T) {
	all := pages(t)
	for page, text := range all {
		for _, found := range link.FindAllSubmatch(quoted.ReplaceAll(text, nil), -1) {
			to := string(found[1])
			if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
				continue
			}
			file, place, _ := strings.Cut(to, "#")
			path := page
			if file != "" {
				path = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(path); err != nil || place != "" && !places(all[path])[place] {
				t.Errorf("%s links to %s, which is not there", page, to)
			}
		}
	}
}

// TestCommandsExist: every make command in the pages exists in the Makefile.
func TestCommandsExist(t *testing.T) {
	root, err := module.Root()
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{}
	for _, found := range target.FindAllSubmatch(makefile, -1) {
		targets[string(found[1])] = true
	}
	for page, text := range pages(t) {
		for _, code := range quoted.FindAll(text, -1) {
			for _, found := range command.FindAllSubmatch(code, -1) {
				if !targets[string(found[1])] {
					t.Errorf("%s says make %s, which is no target", page, found[1])
				}
			}
		}
	}
}

// TestLanguagesHaveTheSameParts: a page and its Indonesian form have the same headings, in number and depth.
func TestLanguagesHaveTheSameParts(t *testing.T) {
	all := pages(t)
	for page, text := range all {
		english, translated := strings.CutSuffix(page, ".id.md")
		if !translated {
			continue
		}
		if got, want := outline(text), outline(all[english+".md"]); got != want {
			t.Errorf("%s has the headings %s, the English page %s", page, got, want)
		}
	}
}

// outline returns the depth of each heading.
func outline(page []byte) string {
	var depths strings.Builder
	for _, found := range heading.FindAll(fenced.ReplaceAll(page, nil), -1) {
		fmt.Fprint(&depths, bytes.IndexByte(found, ' '))
	}
	return depths.String()
}

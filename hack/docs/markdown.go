package main

import (
	"regexp"
	"strings"
)

// generated heads every page, so that nobody edits it.
const generated = "<!-- Written by hack/docs (make generate): edit the source that it names, not this page. -->\n\n"

var (
	spaces = regexp.MustCompile(`\s+`)
	items  = regexp.MustCompile(`\n\s*- `)
	escape = strings.NewReplacer("|", `\|`, "<", "&lt;", ">", "&gt;", "*", `\*`, "\n", " ")
)

// cell escapes text for a table.
func cell(text string) string {
	return escape.Replace(spaces.ReplaceAllString(strings.TrimSpace(text), " "))
}

// listed escapes text for a table whose list has one line for each entry.
func listed(text string) string {
	parts := items.Split(text, -1)
	for i, part := range parts {
		parts[i] = cell(part)
	}
	return strings.Join(parts, "<br>• ")
}

// code formats a value for a table; "" stays empty.
func code(value string) string {
	if value == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(value, "|", `\|`) + "`"
}

func row(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |\n" }

func head(names ...string) string {
	return row(names...) + "|" + strings.Repeat(" --- |", len(names)) + "\n"
}

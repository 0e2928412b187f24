package main

import (
	"errors"
	"regexp"
	"strings"

	"sesi.dev/sesi/botruntime/config"
)

// settings are the bot's environment variables, as `bot --help` prints them.
type settings struct{ own, honoured []setting }

type setting struct{ name, help, allowed, fallback string }

var (
	variableLine = regexp.MustCompile(`^  ([A-Z_]+)$`)
	allowedLine  = regexp.MustCompile(`^(.*?)(?: \(default (.*)\))?$`)
)

func readSettings() (settings, error) {
	var s settings
	list := &s.own
	var current *setting
	for line := range strings.Lines(config.Help()) {
		line = strings.TrimRight(line, "\n")
		found := variableLine.FindStringSubmatch(line)
		text := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "Also honoured"):
			list = &s.honoured
		case found != nil:
			*list = append(*list, setting{name: found[1]})
			current = &(*list)[len(*list)-1]
		case text == "" || current == nil:
		case current.help == "":
			current.help = text
		default:
			parts := allowedLine.FindStringSubmatch(text)
			current.allowed, current.fallback = parts[1], parts[2]
		}
	}
	if len(s.own) == 0 || len(s.honoured) == 0 {
		return settings{}, errors.New("bot --help has another form than this program knows")
	}
	return s, nil
}

func (s settings) page() string {
	var b strings.Builder
	b.WriteString(generated)
	b.WriteString("# Settings of a bot\n\nEnvironment variables, or lines of a `.env` file in the working directory; the environment wins. ")
	b.WriteString("A value that is not allowed ends the bot with exit code 2 and one line that names the variable. ")
	b.WriteString("`bot --help` prints the same. In a pod the operator sets them from the [spec](session.md), and no `.env` file is read.\n\n")
	b.WriteString(head("variable", "default", "allowed", "what it is"))
	for _, v := range s.own {
		b.WriteString(row(code(v.name), code(v.fallback), cell(v.allowed), cell(v.help)))
	}
	b.WriteString("\n## Also honoured\n\n")
	b.WriteString(head("variable", "what it is"))
	for _, v := range s.honoured {
		b.WriteString(row(code(v.name), cell(v.help)))
	}
	return b.String()
}

package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// changeable are the settings that MESSAGES_FILE may hold: a running bot takes a new value over.
var changeable = []string{
	"MESSAGES_RETENTION", "MESSAGES_MAX_SIZE", "MESSAGES_RECEIPTS", "MESSAGES_PACE", "MESSAGES_BURST", "MESSAGES_NEW_CHATS", "MESSAGES_QUIET_HOURS", "MESSAGES_TIME_ZONE",
	"MEDIA_MAX_FILE", "MEDIA_MAX_SIZE", "MEDIA_RETENTION", "MEDIA_ALLOW",
}

// Reread returns the settings with those of MESSAGES_FILE over them. Where the file leaves a setting out, c's own holds.
// All problems are returned as one *Error.
func (c Config) Reread() (Config, error) {
	if c.MessagesFile == "" {
		return c, nil
	}
	data, err := readable(c.MessagesFile)
	if err != nil {
		return c, &Error{Problems: []string{fmt.Sprintf("MESSAGES_FILE: cannot be read: %v", err)}}
	}
	next := c
	var unknown Config // of its warnings each is a problem here
	entries, problems := parseDotenv(c.MessagesFile, data, &unknown)
	problems = append(problems, unknown.Warnings...)
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		if !slices.Contains(changeable, name) {
			problems = append(problems, fmt.Sprintf("%s%s: not a setting of this file, which may have %s; set it in the environment",
				name, entries[name].where(), strings.Join(changeable, ", ")))
		}
	}
	for _, v := range variables {
		if value := strings.TrimSpace(entries[v.name].value); value != "" && !v.accepts(&next, value) {
			problems = append(problems, v.problem(value, entries[v.name].where()))
		}
	}
	if problem := mediaConflict(&next); len(problems) == 0 && problem != "" {
		problems = append(problems, problem)
	}
	if len(problems) > 0 {
		return c, &Error{Problems: problems}
	}
	return next, nil
}

package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

func known(name string) bool {
	return slices.ContainsFunc(variables, func(v variable) bool { return v.name == name })
}

func exports(name string) bool {
	return slices.ContainsFunc(exported, func(v variable) bool { return v.name == name })
}

// nearMisses names the variables of the environment that were almost certainly meant for the bot. The
// environment is everyone's, so a name that could be another program's passes.
func nearMisses(environ map[string]string) []string {
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(environ)) {
		if environ[name] == "" || known(name) || !nearMiss(name) {
			continue
		}
		problems = append(problems, fmt.Sprintf("%s: unknown variable%s; see --help", plain(name), didYouMean(name)))
	}
	return problems
}

// ours are beginnings that no other program is likely to use.
var ours = []string{"TAKEOVER_", "BACKUP_SYNC_", "QR_MAX_", "WEB_VERSION_CACHE_", "PAIRING_PHONE_"}

// families are first words of our names of which a part can be left out without meaning something else:
// BACKUP_INTERVAL_MS is ours, BACKUP_DIR is not.
var families = []string{"TAKEOVER", "BACKUP", "QR", "CLIENT", "WEB", "PAIRING"}

func nearMiss(name string) bool {
	if serviceLink(name) {
		return false
	}
	if slices.ContainsFunc(ours, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
		return true
	}
	words := strings.Split(name, "_")
	return slices.ContainsFunc(variables, func(v variable) bool {
		// Short names are typos of too much: HOST and HOME, PORT and PWD.
		allowed := 0
		switch {
		case len(v.name) >= 14:
			allowed = 2
		case len(v.name) >= 10:
			allowed = 1
		}
		return strings.Contains(v.name, "_") && squash(name) == squash(v.name) ||
			allowed > 0 && distance(name, v.name) <= allowed ||
			len(words) > 1 && slices.Contains(families, words[0]) && subset(words, strings.Split(v.name, "_"))
	})
}

// serviceLink recognises what Kubernetes and Docker put into a container for every service around it
// (BACKUP_SERVICE_HOST, METRICS_PORT_80_TCP): nobody typed those.
func serviceLink(name string) bool {
	return strings.Contains(name, "_SERVICE_") || strings.HasSuffix(name, "_PORT") || strings.Contains(name, "_PORT_")
}

// didYouMean suggests the closest variable, if one is close.
func didYouMean(name string) string {
	best, least := "", len(name)/2+1
	for _, v := range variables {
		far := distance(strings.ToUpper(name), v.name)
		if subset(strings.Split(name, "_"), strings.Split(v.name, "_")) {
			far = min(far, 1)
		}
		if far < least {
			best, least = v.name, far
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

var separators = strings.NewReplacer("_", "", "-", "", ".", "")

// squash reduces a name to what the ear hears: takeoverOnConflict is TAKEOVER_ON_CONFLICT.
func squash(name string) string {
	return strings.ToUpper(separators.Replace(name))
}

// subset reports whether every word of part is one of whole.
func subset(part, whole []string) bool {
	return !slices.ContainsFunc(part, func(word string) bool { return !slices.Contains(whole, word) })
}

// distance is how many letters must be added, dropped, changed or swapped with their neighbour to turn a
// into b.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	var rows [3][65]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// plain keeps a name that holds line breaks or the like to one line.
func plain(name string) string {
	if namePattern.MatchString(name) {
		return name
	}
	return strconv.Quote(shorten(name))
}

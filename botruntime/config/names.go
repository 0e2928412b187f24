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

// exports reports whether Go's libraries read the variable. Proxy variables exist in upper and lower case.
func exports(name string) bool {
	if slices.Contains(everyonesProxies, name) || name == "no_proxy" {
		return true
	}
	return slices.ContainsFunc(exported, func(v variable) bool { return v.name == name })
}

// nearMisses refuses variables of the environment that were almost certainly meant for the bot, and warns about those
// that other WhatsApp bots use. It ignores every other name.
func nearMisses(environ map[string]string, c *Config) []string {
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(environ)) {
		switch {
		case environ[name] == "" || known(name):
		case elsewhere[name] != "":
			c.Warnings = append(c.Warnings, foreign(name))
		case nearMiss(name):
			problems = append(problems, fmt.Sprintf("%s: unknown variable%s; see --help", plain(name), didYouMean(name)))
		}
	}
	return problems
}

// elsewhere are other WhatsApp bots' names for the bot's settings.
var elsewhere = map[string]string{
	"WWEBJS_AUTH_PATH": "AUTH_PATH", "WWEBJS_CACHE_PATH": "WEB_VERSION_CACHE_PATH", "SESSION_ID": "CLIENT_ID",
	"SESSION_NAME": "CLIENT_ID", "SESSION_PATH": "AUTH_PATH", "SESSIONS_PATH": "AUTH_PATH", "SESSION_DIR": "AUTH_PATH",
	"WAHA_API_KEY": "API_TOKEN", "WHATSAPP_API_KEY": "API_TOKEN", "AUTHENTICATION_API_KEY": "API_TOKEN",
	"WHATSAPP_API_PORT": "PORT", "WHATSAPP_API_HOSTNAME": "HOST", "WAHA_LOCAL_STORE_BASE_DIR": "AUTH_PATH",
	"WHATSAPP_START_SESSION": "CLIENT_ID", "WAHA_LOG_LEVEL": "LOG_LEVEL", "WAHA_LOG_FORMAT": "LOG_FORMAT",
	"WHATSAPP_PROXY_SERVER": "PROXY_URL",
}

// foreign returns the warning about a variable that the bot does not read.
func foreign(name string) string {
	if ours := elsewhere[name]; ours != "" {
		return fmt.Sprintf("%s is ignored: another bot's name for %s; set %s", name, ours, ours)
	}
	return plain(name) + " is ignored: the bot does not know it"
}

// ours are prefixes that no other program is likely to use.
var ours = []string{"TAKEOVER_", "BACKUP_SYNC_", "QR_MAX_", "WEB_VERSION_CACHE_", "PAIRING_PHONE_"}

// families are first words of the settings' names. A name that starts with one and has only words of the settings is a
// shortened setting: BACKUP_INTERVAL_MS is one, BACKUP_DIR is not.
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
		// Short names are one letter away from too many others: HOST and HOME, PORT and PWD.
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

// serviceLink recognises the variables that Kubernetes and Docker set for every service nearby (BACKUP_SERVICE_HOST,
// METRICS_PORT_80_TCP). Nobody typed those.
func serviceLink(name string) bool {
	return strings.Contains(name, "_SERVICE_") || strings.HasSuffix(name, "_PORT") || strings.Contains(name, "_PORT_")
}

// didYouMean suggests the closest variable if it is close enough.
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

// squash reduces a name to its letters and digits: takeoverOnConflict becomes TAKEOVERONCONFLICT.
func squash(name string) string {
	return strings.ToUpper(separators.Replace(name))
}

// subset reports whether every word of part is one of whole.
func subset(part, whole []string) bool {
	return !slices.ContainsFunc(part, func(word string) bool { return !slices.Contains(whole, word) })
}

// distance returns how many letters must be added, dropped, changed or swapped with their neighbour to turn a into b.
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

// plain keeps a name with line breaks or control characters on one line.
func plain(name string) string {
	if namePattern.MatchString(name) {
		return name
	}
	return strconv.Quote(shorten(name))
}

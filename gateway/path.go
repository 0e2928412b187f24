package gateway

import (
	"net/url"
	"regexp"
	"strings"
)

// maxPath bounds a path.
const maxPath = 2048

var (
	namespacePattern = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	namePattern      = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,58}[a-z0-9])?$`)
)

// cleanPath returns the path of an address, decoded. It refuses what a proxy, the gateway and a bot could read
// differently, because rights are decided by the path.
func cleanPath(address *url.URL) (string, bool) {
	escaped, path := strings.ToLower(address.EscapedPath()), address.Path
	if len(path) > maxPath || !strings.HasPrefix(path, "/") || strings.Contains(path, "//") {
		return "", false
	}
	for _, code := range []string{"%2f", "%2e"} {
		if strings.Contains(escaped, code) {
			return "", false
		}
	}
	for i := range len(path) {
		if path[i] < ' ' || path[i] == 0x7f || path[i] == '\\' {
			return "", false
		}
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return "", false
		}
	}
	return path, true
}

// segmentsOf splits a path; a slash at its end changes nothing.
func segmentsOf(path string) []string {
	trimmed := strings.Trim(path, "/")
	if trimmed == "" {
		return nil
	}
	return strings.Split(trimmed, "/")
}

// sessionKey names a session.
type sessionKey struct{ namespace, name string }

func (k sessionKey) String() string { return k.namespace + "/" + k.name }

// parseName reads a session's name as WAHA's clients write it: name, in the given namespace, or namespace.name. A
// namespace has no dot, and neither has a name.
func parseName(given, namespace string) (sessionKey, bool) {
	key := sessionKey{namespace, given}
	if before, after, found := strings.Cut(given, "."); found {
		key = sessionKey{before, after}
	}
	return key, namespacePattern.MatchString(key.namespace) && namePattern.MatchString(key.name)
}

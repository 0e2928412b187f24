package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// mux are the routes of a listener. It is searched from the beginning, which takes a few microseconds. http.ServeMux
// would take 190 kB of memory for them on each listener of each bot, and it refuses paths of WAHA's that overlap with the
// bot's own.
type mux []entry

// entry is a route, and whether it is one of WAHA's.
type entry struct {
	route
	waha bool
}

// find returns the route for r, or nil. If several routes match, the more specific one wins: the paths are compared from
// the left, and a fixed segment goes before a parameter.
func (m mux) find(r *http.Request) (found *entry) {
	path := r.URL.EscapedPath()
	for i := range m {
		e := &m[i]
		if e.method != r.Method && (e.method != http.MethodGet || r.Method != http.MethodHead) {
			continue
		}
		if matches(e.path, path) && (found == nil || closer(e.path, found.path)) {
			found = e
		}
	}
	return found
}

// methods lists the methods that a path has, in order.
func (m mux) methods(path string) (all []string) {
	for _, e := range m {
		if matches(e.path, path) && !slices.Contains(all, e.method) {
			all = append(all, e.method)
		}
	}
	slices.Sort(all)
	return all
}

// fill gives a request the values of the names in the path of its route.
func (e *entry) fill(r *http.Request) {
	eachPart(e.path, r.URL.EscapedPath(), func(want, got string) bool {
		if name, ok := nameOf(want); ok {
			r.SetPathValue(name, got)
		}
		return true
	})
}

// matches reports whether an escaped path is one that the path of a route stands for.
func matches(route, path string) bool {
	return eachPart(route, path, func(want, got string) bool {
		_, named := nameOf(want)
		return named || want == got
	})
}

// closer reports whether one of two paths of routes says more than the other.
func closer(one, other string) bool {
	oneSaysMore := false
	eachPart(one, other, func(a, b string) bool {
		_, named := nameOf(a)
		_, otherNamed := nameOf(b)
		oneSaysMore = !named && otherNamed
		return named == otherNamed
	})
	return oneSaysMore
}

// nameOf returns the name that a part of a route's path stands for.
func nameOf(part string) (name string, ok bool) {
	if strings.HasPrefix(part, "{") {
		return strings.Trim(part, "{}"), true
	}
	return "", false
}

// eachPart calls each with the parts of two paths, side by side, those of the second one unescaped. It reports whether
// both have as many, and each was always true.
func eachPart(one, other string, each func(a, b string) bool) bool {
	for {
		a, oneRest := firstPart(one)
		b, otherRest := firstPart(other)
		if a == "" || b == "" {
			return a == b
		}
		if strings.Contains(b, "%") {
			plain, err := url.PathUnescape(b)
			if err != nil {
				return false
			}
			b = plain
		}
		if !each(a, b) {
			return false
		}
		one, other = oneRest, otherRest
	}
}

// firstPart splits the first part off a path. Slashes that follow each other are one.
func firstPart(path string) (part, rest string) {
	part, rest, _ = strings.Cut(strings.TrimLeft(path, "/"), "/")
	return part, rest
}

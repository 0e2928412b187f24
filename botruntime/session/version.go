package session

import (
	"context"
	"errors"
	"io/fs"
	"regexp"
	"runtime/debug"
	"time"

	wastore "go.mau.fi/whatsmeow/store"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/store"
)

// firstVersion returns the web version for the first connection.
func (s *Supervisor) firstVersion() wastore.WAVersionContainer {
	if at, known := builtInAt(debug.ReadBuildInfo()); known {
		s.meter.WebVersion(at)
	}
	return s.knownVersion()
}

// knownVersion is the cached web version, unless the one that is built in is newer. Other bots may share the
// cache, so it is read each time.
func (s *Supervisor) knownVersion() wastore.WAVersionContainer {
	cached, err := store.ReadWebVersion(s.cfg.WebVersionCachePath)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn("the cached web version cannot be used", "error", err)
		}
		return s.builtIn
	}
	if v := cached.Version; s.builtIn.LessThan(v) {
		s.meter.WebVersion(cached.FetchedAt)
		return v
	}
	return s.builtIn
}

// pseudoVersionTime finds the time of the commit in a version that is no release's.
var pseudoVersionTime = regexp.MustCompile(`\b[0-9]{14}\b`)

// builtInAt is when the library was made that the built-in version came with: the time in its module's version.
func builtInAt(build *debug.BuildInfo, ok bool) (at time.Time, known bool) {
	if !ok {
		return time.Time{}, false
	}
	for _, module := range build.Deps {
		if module.Path == "go.mau.fi/whatsmeow" {
			if module.Replace != nil {
				module = module.Replace
			}
			at, err := time.Parse("20060102150405", pseudoVersionTime.FindString(module.Version))
			return at, err == nil
		}
	}
	return time.Time{}, false
}

// fetchVersion asks for the current web version and caches it. A cache that cannot be written costs the next
// start a refused login, no more.
func (s *Supervisor) fetchVersion(ctx context.Context) {
	version, err := fetchVersion(ctx, s.http)
	if err == nil {
		if err := store.WriteWebVersion(s.cfg.WebVersionCachePath, store.WebVersion{Version: version, FetchedAt: time.Now()}); err != nil {
			s.log.Warn("the web version could not be cached", "error", err)
		}
	}
	s.post(envelope{input: inVersion{version: version, err: err}})
}

// learn makes a fetched version the next connection's, and reports whether it is another than the last
// connection presented. When none could be fetched it falls back to the cache, and after a refusal from there
// to the built-in one.
func (s *Supervisor) learn(in inVersion) bool {
	if in.err != nil {
		s.log.Warn("the current web version could not be fetched", "error", in.err)
		s.version = s.knownVersion()
		if s.model.state == bot.StateOutdated && s.version == s.presented {
			s.version = s.builtIn
		}
	} else {
		s.meter.WebVersion(time.Now())
		s.version = in.version
	}
	return s.version != s.presented
}

package session

import (
	"context"
	"errors"
	"io/fs"
	"regexp"
	"runtime/debug"
	"time"

	wastore "go.mau.fi/whatsmeow/store"

	"sesi.dev/sesi/botruntime/store"
)

// firstVersions are the web versions that are known before the first connection.
func (s *Supervisor) firstVersions() versions {
	s.builtIn = wastore.GetWAVersion()
	if at, known := builtInAt(debug.ReadBuildInfo()); known {
		s.meter.WebVersion(at)
	}
	next, at := s.knownVersion()
	if !at.IsZero() {
		s.meter.WebVersion(at)
	}
	return versions{builtIn: s.builtIn, next: next}
}

// knownVersion is the cached web version and its age, or the built-in one when that is newer. Other bots may share
// the cache, so it is read each time.
func (s *Supervisor) knownVersion() (version wastore.WAVersionContainer, at time.Time) {
	cached, err := store.ReadWebVersion(s.cfg.WebVersionCachePath)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn("the cached web version cannot be used", "error", err)
		}
		return s.builtIn, time.Time{}
	}
	if s.builtIn.LessThan(cached.Version) {
		return cached.Version, cached.FetchedAt
	}
	return s.builtIn, time.Time{}
}

// pseudoVersionTime finds the time of the commit in a version that is not a release.
var pseudoVersionTime = regexp.MustCompile(`\b[0-9]{14}\b`)

// builtInAt is the age of the library that the built-in version comes from: the time in its module's version.
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

// fetchVersion asks for the current web version and caches it. A cache that cannot be written costs the next start
// one refused login.
func (s *Supervisor) fetchVersion(ctx context.Context) {
	version, err := fetchVersion(ctx, s.via.version)
	if err != nil {
		s.log.Warn("the current web version could not be fetched", "error", err)
		known, at := s.knownVersion()
		s.post(envelope{input: inVersion{version: known, at: at, err: err}})
		return
	}
	now := time.Now()
	if err := store.WriteWebVersion(s.cfg.WebVersionCachePath, store.WebVersion{Version: version, FetchedAt: now}); err != nil {
		s.log.Warn("the web version could not be cached", "error", err)
	}
	s.post(envelope{input: inVersion{version: version, at: now}})
}

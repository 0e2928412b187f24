package session

import (
	"context"
	"errors"
	"io/fs"
	"time"

	wastore "go.mau.fi/whatsmeow/store"

	"sesi.dev/sesi/botruntime/store"
)

// firstVersion returns the web version for the first connection: the cached one, unless the one that is built
// in is newer.
func (s *Supervisor) firstVersion() wastore.WAVersionContainer {
	builtIn := wastore.GetWAVersion()
	cached, err := store.ReadWebVersion(s.cfg.WebVersionCachePath)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn("the cached web version cannot be used", "error", err)
		}
		return builtIn
	}
	s.meter.WebVersion(cached.FetchedAt)
	if v := cached.Version; builtIn.LessThan(v) {
		return v
	}
	return builtIn
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

// learn makes a fetched version the next connection's, and reports whether it is another than before.
func (s *Supervisor) learn(in inVersion) bool {
	if in.err != nil {
		s.log.Warn("the current web version could not be fetched", "error", in.err)
		return false
	}
	s.meter.WebVersion(time.Now())
	changed := in.version != s.version
	s.version = in.version
	return changed
}

// Package media keeps files of messages on the disk and moves them: from a request or an address, to WhatsApp, and from
// it. It streams; no file is ever whole in memory. It never decides who may have a file, and never logs a name.
package media

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"
)

// DirectoryName is the folder of files in the session directory.
const DirectoryName = "media"

const (
	// newPrefix begins the name of a file that is not whole; a start removes what a crash left.
	newPrefix = "new-"
	dirMode   = 0o700
	fileMode  = 0o600
	// spareBytes stay free on the disk: the journal must always be able to write.
	spareBytes = 16 << 20
)

// Limits bound what is kept.
type Limits struct {
	// File is the size of one file, Total that of all, in bytes.
	File, Total int64
	// Age is how long a file stays that nobody reads.
	Age time.Duration
}

// Options are the parts of a Store.
type Options struct {
	// Directory is the session directory.
	Directory string
	Limits    Limits
	// Needed lists the files that must stay, by the hash in hexadecimal: messages wait to be sent with them.
	Needed func(context.Context) ([]string, error)
	// Fetcher gets files from addresses.
	Fetcher *Fetcher
	// Converter is the program ffmpeg; "" for none.
	Converter string
	// Meter may be nil.
	Meter Meter
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Meter counts what happens to files.
type Meter interface {
	// Moved counts a file by its way (upload, download, fetch, convert), its outcome and its bytes.
	Moved(way, outcome string, bytes int64)
}

// ErrFull says that there is no room for a file. Nothing was kept of it.
var ErrFull = errors.New("there is no room for the file")

// TooLargeError says that a file is larger than the bot takes.
type TooLargeError struct{ Most int64 }

// Error implements error.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the file is larger than %d MiB", e.Most>>20)
}

// Store is the folder of files. A file's name is its SHA-256, so that the same file is kept once. Its methods may be
// called from any goroutine.
type Store struct {
	Options
	dir string

	mu     sync.Mutex
	limits Limits
	used   int64            // bytes of kept files and of those that are being written
	held   map[string]int   // how often a file is in use
	sizes  map[string]int64 // of kept files
	alone  map[string]chan struct{}
	moving chan struct{} // one place for each file on its way
}

// parallel is how many files are on their way at once: each costs some buffers.
const parallel = 3

// Open opens the folder, and makes it when there is none.
func Open(o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{
		Options: o, dir: filepath.Join(o.Directory, DirectoryName), limits: o.Limits, held: map[string]int{}, sizes: map[string]int64{},
		alone: map[string]chan struct{}{}, moving: make(chan struct{}, parallel),
	}
	if err := os.MkdirAll(s.dir, dirMode); err != nil {
		return nil, fmt.Errorf("make the folder of files: %w", err)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("read the folder of files: %w", err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		switch {
		case err != nil || !info.Mode().IsRegular():
		case strings.HasPrefix(entry.Name(), newPrefix):
			os.Remove(filepath.Join(s.dir, entry.Name()))
		case isHash(entry.Name()):
			s.sizes[entry.Name()] = info.Size()
			s.used += info.Size()
		}
	}
	return s, nil
}

func isHash(name string) bool {
	raw, err := hex.DecodeString(name)
	return err == nil && len(raw) == 32 && strings.ToLower(name) == name
}

func (s *Store) path(hash string) string { return filepath.Join(s.dir, hash) }

// SetLimits changes what is kept; the next Tidy goes by it.
func (s *Store) SetLimits(l Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits = l
}

// Bounds are the limits as they are now.
func (s *Store) Bounds() Limits {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limits
}

// Usage is how many bytes the files take, and how many there are.
func (s *Store) Usage() (bytes int64, files int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used, len(s.sizes)
}

// Held is a file that stays in the folder until Release.
type Held struct {
	// SHA256 is its hash in hexadecimal.
	SHA256 string
	Size   int64
	store  *Store
	once   sync.Once
}

// Hold finds a file; nil when it is not there.
func (s *Store) Hold(hash string) *Held {
	s.mu.Lock()
	defer s.mu.Unlock()
	size, kept := s.sizes[hash]
	if !kept {
		return nil
	}
	// Only a file that is not there is lost: the disk may not answer for a moment.
	if _, err := os.Lstat(s.path(hash)); errors.Is(err, fs.ErrNotExist) {
		s.forget(hash)
		return nil
	}
	s.held[hash]++
	return &Held{SHA256: hash, Size: size, store: s}
}

// Open opens the file to be read, and notes that it was used.
func (h *Held) Open() (*os.File, error) {
	now := h.store.Now()
	_ = os.Chtimes(h.store.path(h.SHA256), now, now) // a wrong time costs at most an early end
	return os.Open(h.store.path(h.SHA256))
}

// Path is where the file is.
func (h *Held) Path() string { return h.store.path(h.SHA256) }

// Release lets the file go when room is needed.
func (h *Held) Release() {
	if h == nil {
		return
	}
	h.once.Do(func() {
		h.store.mu.Lock()
		defer h.store.mu.Unlock()
		if h.store.held[h.SHA256]--; h.store.held[h.SHA256] <= 0 {
			delete(h.store.held, h.SHA256)
		}
	})
}

// forget takes a file out of the books. The caller holds mu.
func (s *Store) forget(hash string) {
	s.used -= s.sizes[hash]
	delete(s.sizes, hash)
}

// Drop removes a file unless it is in use or needed.
func (s *Store) Drop(ctx context.Context, hash string) error {
	needed, err := s.needed(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if needed[hash] {
		return nil
	}
	return s.drop(hash)
}

// drop removes a file that is not in use. The caller holds mu.
func (s *Store) drop(hash string) error {
	if _, kept := s.sizes[hash]; !kept || s.held[hash] > 0 {
		return nil
	}
	if err := os.Remove(s.path(hash)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.forget(hash)
	return nil
}

func (s *Store) needed(ctx context.Context) (map[string]bool, error) {
	needed := map[string]bool{}
	if s.Needed == nil {
		return needed, nil
	}
	all, err := s.Needed(ctx)
	for _, hash := range all {
		needed[hash] = true
	}
	return needed, err
}

// Tidy removes the files that are too old, and the oldest of those that are too much.
func (s *Store) Tidy(ctx context.Context) error { return s.makeRoom(ctx, 0) }

// makeRoom removes files until more bytes fit.
func (s *Store) makeRoom(ctx context.Context, more int64) error {
	needed, err := s.needed(ctx)
	if err != nil {
		return err
	}
	type old struct {
		hash string
		used time.Time
	}
	var all []old
	s.mu.Lock()
	defer s.mu.Unlock()
	for hash := range s.sizes {
		info, err := os.Lstat(s.path(hash))
		if errors.Is(err, fs.ErrNotExist) {
			s.forget(hash)
			continue
		}
		if err != nil {
			return err
		}
		if !needed[hash] && s.held[hash] == 0 {
			all = append(all, old{hash, info.ModTime()})
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].used.Before(all[j].used) })
	now := s.Now()
	for _, one := range all {
		if now.Sub(one.used) < s.limits.Age && s.used+more <= s.limits.Total && s.diskFits(more) {
			break
		}
		if err := s.drop(one.hash); err != nil {
			return err
		}
	}
	return nil
}

// diskFits reports whether more bytes leave the disk enough for the rest of the bot.
func (s *Store) diskFits(more int64) bool {
	free, known := freeBytes(s.dir)
	return !known || free-more >= spareBytes
}

// reserve books more bytes, and makes room for them where it can.
func (s *Store) reserve(ctx context.Context, more int64) error {
	for range 2 {
		s.mu.Lock()
		if s.used+more <= s.limits.Total && s.diskFits(more) {
			s.used += more
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		if err := s.makeRoom(ctx, more); err != nil {
			return err
		}
	}
	return ErrFull
}

func (s *Store) unreserve(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= bytes
}

// Alone waits until nobody else works on a file, so that it is fetched once. done must be called.
func (s *Store) Alone(ctx context.Context, hash string) (done func(), err error) {
	for {
		s.mu.Lock()
		busy, taken := s.alone[hash]
		if !taken {
			mine := make(chan struct{})
			s.alone[hash] = mine
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				delete(s.alone, hash)
				s.mu.Unlock()
				close(mine)
			}, nil
		}
		s.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// move waits for a place among the files on their way. done must be called.
func (s *Store) move(ctx context.Context) (done func(), err error) {
	select {
	case s.moving <- struct{}{}:
		return func() { <-s.moving }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *Store) count(way string, err error, bytes int64) {
	if s.Meter == nil {
		return
	}
	outcome := "done"
	if err != nil {
		outcome, bytes = "failed", 0
	}
	s.Meter.Moved(way, outcome, bytes)
}

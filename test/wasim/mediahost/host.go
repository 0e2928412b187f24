package mediahost

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The names of the hosts. Clients try them in this order; URLs in messages name the last, those of pictures their own.
const (
	Primary  = "media-sim1-1.cdn.whatsapp.net"
	Fallback = "mmg.whatsapp.net"
	Pictures = "pps.whatsapp.net"
)

// Names are the hosts to which clients upload and from which they download.
var Names = []string{Primary, Fallback}

// Serves reports whether a name is a media host's.
func Serves(name string) bool { return name == Pictures || slices.Contains(Names, name) }

// The limits of what the host keeps. What is older is forgotten first.
const (
	maxFile   = 2 << 30
	maxPlaces = 20_000
	maxMemory = 256 << 20
	maxDisk   = 2 << 30
	maxAuths  = 4_000
	// inMemory is the size from which an upload is kept on the disk.
	inMemory = 256 << 10
)

// AuthTTL is how long a permission to upload holds, ConnTTL how long a client may use the list of hosts.
const (
	AuthTTL = 6 * time.Hour
	ConnTTL = 5 * time.Minute
)

// Host keeps files and serves them.
type Host struct {
	// Faults, if set, is asked at each request how it goes wrong.
	Faults func(r *http.Request) Fault
	// Uploads, Downloads and Refused count requests; Sent counts bytes of files.
	Uploads, Downloads, Refused, Sent atomic.Int64

	mu     sync.Mutex
	dir    string // made for the first large file
	closed bool
	places map[string]*place
	order  []string
	memory int64
	disk   int64
	auths  map[string]time.Time
}

// place is where a file is, and what is the matter with it.
type place struct {
	file     *File
	mimetype string
	handle   string // of a newsletter's file, empty for others
	gone     int    // the status with which it is refused, 0 while it is there
}

// New makes a host without files. Close removes what it keeps on the disk.
func New() *Host {
	return &Host{places: map[string]*place{}, auths: map[string]time.Time{}}
}

// Close removes the files that are on the disk.
func (h *Host) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.dir == "" {
		return nil
	}
	return os.RemoveAll(h.dir)
}

// Grant makes a permission to upload.
func (h *Host) Grant() string {
	auth := random(24)
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.auths) >= maxAuths {
		clear(h.auths)
	}
	h.auths[auth] = time.Now().Add(AuthTTL)
	return auth
}

// Revoke ends a permission to upload, "" all of them: clients have to ask for a new one.
func (h *Host) Revoke(auth string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if auth == "" {
		clear(h.auths)
	}
	delete(h.auths, auth)
}

func (h *Host) granted(auth string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Now().Before(h.auths[auth])
}

// Put keeps a file under a new path, and returns the path as messages carry it: with a query behind it.
func (h *Host) Put(kind Kind, file *File) string { return h.PutAs(kind, kind.Mimetype(), file) }

// PutAs is Put for a file that is served with the given type.
func (h *Host) PutAs(kind Kind, mimetype string, file *File) string {
	name := fmt.Sprintf("/%s/%s_n.enc", kinds[kind].folder, random(12))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.places[name] = &place{file: file, mimetype: mimetype}
	h.order = append(h.order, name)
	if file.places++; file.places == 1 {
		h.memory += file.held
		h.disk += file.stored
	}
	for len(h.order) > 1 && (len(h.order) > maxPlaces || h.memory > maxMemory || h.disk > maxDisk) {
		h.forgetLocked(h.order[0])
		h.order = h.order[1:]
	}
	expires := time.Now().Add(14 * 24 * time.Hour).Unix()
	return fmt.Sprintf("%s?ccb=11-4&oh=01_%s&oe=%X&_nc_sid=5e03e0", name, random(8), expires)
}

// forgetLocked forgets a path, and the file with its last one.
func (h *Host) forgetLocked(name string) {
	file := h.places[name].file
	delete(h.places, name)
	if file.places--; file.places > 0 {
		return
	}
	h.memory -= file.held
	h.disk -= file.stored
	if file.path != "" {
		_ = os.Remove(file.path)
	}
}

// ErrNotFound says that the host has no such file.
var ErrNotFound = errors.New("the media host has no such file")

// Find returns the file under a path, whether or not it is gone for clients.
func (h *Host) Find(path string) (*File, error) {
	found := h.find(path)
	if found == nil {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, path)
	}
	return found.file, nil
}

func (h *Host) find(path string) *place {
	name, _, _ := strings.Cut(path, "?")
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.places[name]
}

// End makes the host refuse a path from now on, with a status: 403, 404 and 410 are what clients know as expired. With
// status 0 the file is back.
func (h *Host) End(path string, status int) error {
	found := h.find(path)
	if found == nil {
		return fmt.Errorf("%w: %s", ErrNotFound, path)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	found.gone = status
	return nil
}

// handle gives a file a handle, by which a message to a newsletter names it.
func (h *Host) handle(path string) string {
	found, made := h.find(path), random(16)
	h.mu.Lock()
	defer h.mu.Unlock()
	if found != nil {
		found.handle = made
	}
	return made
}

// HandleIs reports whether a file of a newsletter has the given handle.
func (h *Host) HandleIs(path, handle string) bool {
	found := h.find(path)
	if found == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return found.handle != "" && found.handle == handle
}

func (h *Host) gone(p *place) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return p.gone
}

// URL is a path at a host.
func URL(host, path string) string { return "https://" + host + path }

// PathOf is the path of a URL at one of the hosts, or of a path.
func PathOf(text string) (string, error) {
	parsed, err := url.Parse(text)
	if err != nil {
		return "", err
	}
	if parsed.Host != "" && !Serves(parsed.Host) {
		return "", fmt.Errorf("%w: %s is not a media host", ErrNotFound, parsed.Host)
	}
	return parsed.Path, nil
}

// keep reads what is uploaded: into memory, or to the disk if it is large.
func (h *Host) keep(in io.Reader) (*File, error) {
	hash := sha256.New()
	in = io.TeeReader(io.LimitReader(in, maxFile+1), hash)
	head, err := io.ReadAll(io.LimitReader(in, inMemory))
	if err != nil {
		return nil, err
	}
	if len(head) < inMemory {
		return Bytes(head), nil
	}
	out, err := h.create()
	if err != nil {
		return nil, err
	}
	size, err := io.Copy(out, io.MultiReader(strings.NewReader(string(head)), in))
	if closing := out.Close(); err == nil {
		err = closing
	}
	if err == nil && size > maxFile {
		err = errTooLarge
	}
	if err != nil {
		_ = os.Remove(out.Name())
		return nil, err
	}
	return stored(out.Name(), size, [sha256.Size]byte(hash.Sum(nil))), nil
}

var (
	errTooLarge = errors.New("the file is too large")
	errClosed   = errors.New("the media host is closed")
)

func (h *Host) create() (*os.File, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errClosed
	}
	if h.dir == "" {
		dir, err := os.MkdirTemp("", "wasim-media-")
		if err != nil {
			return nil, err
		}
		h.dir = dir
	}
	return os.CreateTemp(h.dir, "")
}

// random is a text of n random bytes.
func random(n int) string {
	raw := make([]byte, n)
	_, _ = rand.Read(raw)
	return hex.EncodeToString(raw)
}

// token is how clients write a hash in an address; they differ about the padding.
func token(sum [sha256.Size]byte) string { return base64.RawURLEncoding.EncodeToString(sum[:]) }

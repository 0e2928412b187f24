package mediahost

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// The limits of a request.
const (
	headerWait = 30 * time.Second
	idleWait   = 2 * time.Minute
	hangWait   = 10 * time.Minute
)

// Serve answers requests on one connection until it ends.
func (h *Host) Serve(conn net.Conn) {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: headerWait, IdleTimeout: idleWait, ErrorLog: log.New(io.Discard, "", 0),
	}
	only := &single{conn: conn, ended: make(chan struct{})}
	_ = server.Serve(only) // its error is that the connection ended
}

// single is a listener with one connection.
type single struct {
	conn  net.Conn
	taken bool
	ended chan struct{}
	end   sync.Once
}

func (s *single) Accept() (net.Conn, error) {
	if s.taken {
		<-s.ended
		return nil, net.ErrClosed
	}
	s.taken = true
	return &watched{s.conn, s}, nil
}

func (s *single) Close() error   { return nil }
func (s *single) Addr() net.Addr { return s.conn.LocalAddr() }

// watched tells its listener when it ends.
type watched struct {
	net.Conn
	of *single
}

func (w *watched) Close() error {
	err := w.Conn.Close()
	w.of.end.Do(func() { close(w.of.ended) })
	return err
}

// NetConn leads to the TCP connection.
func (w *watched) NetConn() net.Conn { return w.Conn }

// ServeHTTP takes uploads (POST /mms/<type>/<token>, and for newsletters /newsletter/newsletter-<type>/<token>), and
// serves downloads at every other path.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var wrong Fault
	if h.Faults != nil {
		wrong = h.Faults(r)
	}
	if wrong.Hang {
		select {
		case <-r.Context().Done():
		case <-time.After(hangWait):
		}
		panic(http.ErrAbortHandler)
	}
	if wrong.Auth {
		h.Revoke(r.URL.Query().Get("auth"))
	}
	if wrong.Code != 0 {
		h.refuse(w, wrong.Code, "as the fault demands")
		return
	}
	switch r.Method {
	case http.MethodPost, http.MethodPut:
		h.upload(w, r, wrong)
	case http.MethodGet, http.MethodHead:
		h.download(w, r, wrong)
	default:
		h.refuse(w, http.StatusMethodNotAllowed, "only uploads and downloads")
	}
}

func (h *Host) refuse(w http.ResponseWriter, status int, why string) {
	h.Refused.Add(1)
	http.Error(w, why, status)
}

// uploaded is what a client is told of an upload.
type uploaded struct {
	URL        string `json:"url"`
	DirectPath string `json:"direct_path"`
	Handle     string `json:"handle,omitempty"` // of a newsletter's file
}

func (h *Host) upload(w http.ResponseWriter, r *http.Request, wrong Fault) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) != 3 {
		h.refuse(w, http.StatusNotFound, "an upload goes to /mms/<type>/<token>")
		return
	}
	name, newsletter := parts[1], parts[0] == "newsletter"
	if newsletter {
		name = strings.TrimPrefix(name, "newsletter-")
	}
	kind, known := uploads[name]
	if !known || parts[0] != "mms" && !newsletter {
		h.refuse(w, http.StatusNotFound, "no such type of file")
		return
	}
	query := r.URL.Query()
	if !h.granted(query.Get("auth")) {
		h.refuse(w, http.StatusUnauthorized, "the auth is unknown or expired")
		return
	}
	want := strings.TrimRight(parts[2], "=")
	if sum, err := base64.RawURLEncoding.DecodeString(want); err != nil || len(sum) != 32 || strings.TrimRight(query.Get("token"), "=") != want {
		h.refuse(w, http.StatusBadRequest, "the token is not the file's SHA-256, the same in the path and the query")
		return
	}
	file, err := h.keep(wrong.reading(r))
	switch {
	case errors.Is(err, errTooLarge):
		h.refuse(w, http.StatusRequestEntityTooLarge, err.Error())
		return
	case err != nil:
		h.refuse(w, http.StatusInternalServerError, err.Error())
		return
	case token(file.SHA256) != want:
		h.refuse(w, http.StatusBadRequest, "the file is not the one that the token names")
		return
	}
	h.Uploads.Add(1)
	path := h.Put(kind, file)
	answer := uploaded{URL: URL(Fallback, path), DirectPath: path}
	if newsletter {
		answer.Handle = h.handle(path)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func (h *Host) download(w http.ResponseWriter, r *http.Request, wrong Fault) {
	found := h.find(r.URL.Path)
	if found == nil {
		h.refuse(w, http.StatusNotFound, "no such file")
		return
	}
	if status := h.gone(found); status != 0 {
		h.refuse(w, status, "the file is gone")
		return
	}
	if hash := strings.TrimRight(r.URL.Query().Get("hash"), "="); hash != "" && hash != token(found.file.SHA256) {
		h.refuse(w, http.StatusForbidden, "the hash is another file's")
		return
	}
	content := &reader{file: found.file}
	defer content.Close()
	h.Downloads.Add(1)
	w.Header().Set("Content-Type", found.mimetype)
	w.Header().Set("ETag", `"`+token(found.file.SHA256)+`"`)
	w.Header().Set("Cache-Control", "private, max-age=1209600")
	http.ServeContent(&counted{ResponseWriter: w, host: h}, r, "", time.Time{}, wrong.damaging(r.Context(), content))
}

// counted counts what is sent.
type counted struct {
	http.ResponseWriter
	host *Host
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.host.Sent.Add(int64(n))
	return n, err
}

// Unwrap leads to the writer behind it.
func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }

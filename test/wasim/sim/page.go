package sim

import (
	"fmt"
	"net"
	"net/http"
	"sync"

	"go.mau.fi/whatsmeow/store"
	"io"
)

// versions are the client version demanded and the one the web page names.
type versions struct {
	mu          sync.Mutex
	min, served store.WAVersionContainer
}

func (v *versions) get() (minimum, served store.WAVersionContainer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.min, v.served
}

func (v *versions) set(minimum, served *store.WAVersionContainer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if minimum != nil {
		v.min = *minimum
	}
	if served != nil {
		v.served = *served
	}
}

// Versions returns the oldest client version let in, and the one the web page names.
func (s *Server) Versions() (minimum, served store.WAVersionContainer) { return s.versions.get() }

// SetVersions changes one or both; nil leaves a version as it is. Clients that are logged in stay so: an
// outdated one is refused when it connects next.
func (s *Server) SetVersions(minimum, served *store.WAVersionContainer) {
	s.versions.set(minimum, served)
	now, page := s.versions.get()
	s.event(EventVersion, "", fmt.Sprintf("demanded %s, served %s", now, page))
}

// servePage answers what is not a websocket: GET / carries the version as https://web.whatsapp.com/ does.
// False ends the connection.
func (s *Server) servePage(raw net.Conn, w io.Writer, r *http.Request) bool {
	if r.URL.Path != "/" {
		return respond(w, http.StatusNotFound, "not found", false) == nil
	}
	s.Stats.PageViews.Add(1)
	if f := s.hit(FaultHangPage, ""); f != nil {
		hold(raw, f.until)
		return false
	}
	if f := s.hit(FaultPage, ""); f != nil {
		return respond(w, f.Code, "<html>the version is not here</html>", false) == nil
	}
	_, served := s.versions.get()
	body := fmt.Sprintf(`<html><script>{"server_revision":%d,"client_revision":%d,"tier":"sim"}</script></html>`, served[2], served[2])
	return respond(w, http.StatusOK, body, false) == nil
}

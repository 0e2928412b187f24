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

// webPage and webHeaders play https://web.whatsapp.com/ in a browser: a page that names its version, replaces its own
// content while it starts, runs only its own scripts and styles, connects to no other host, and does not know which
// page opened it.
const (
	webPage = `<!doctype html><html><head><title>WhatsApp</title>` +
		`<script type="application/json">{"server_revision":%d,"client_revision":%d,"tier":"sim"}</script></head><body>` +
		`<script nonce="sim">addEventListener('load', () => { document.body = document.createElement('body'); document.body.textContent = 'WhatsApp Web'; });</script>` +
		`</body></html>`
	webHeaders = "Content-Security-Policy: default-src 'self'; script-src 'nonce-sim'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'\r\n" +
		"Cross-Origin-Opener-Policy: same-origin\r\n"
)

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
	body := fmt.Sprintf(webPage, served[2], served[2])
	_, err := fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\nConnection: keep-alive\r\n%s\r\n%s",
		len(body), webHeaders, body)
	return err == nil
}

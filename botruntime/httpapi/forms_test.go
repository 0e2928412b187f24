package httpapi

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
)

// TestNoFormOfARequestOpensTheDoor: however a stranger writes the path, the method or the request line, only public
// routes answer, and the session is not called.
func TestNoFormOfARequestOpensTheDoor(t *testing.T) {
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	f.show(testCode, time.Hour)
	_, port, err := net.SplitHostPort(serve(t, New(testConfig(f)), Addresses{Plain: "0.0.0.0:0"}).PlainAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	forms := []string{
		"%s", "/%s", "//%s", "/.%s", "/x/..%s", "/qr/..%s", "%s/", "%s//", "%s/.", "%s/..", "%s;x", "%s%%20", "%s%%00", "%s%%2f", "%s?x",
		"%s#x", "http://localhost%s", "https://127.0.0.1:1%s", "%%2f%s", "/%%2e%s", "/ping/..%s", "/ping%%2f..%s",
	}
	methods := []string{"GET", "HEAD", "POST", "DELETE", "get", "PUT", "OPTIONS", "CONNECT", "TRACE", "PRI"}
	type kind struct {
		method string
		access access
	}
	tried := map[kind]bool{} // one route of each kind is tried in every way, the others in every form of their path
	for _, r := range apiRoutes() {
		if r.access == forAll || r.access == forPeople {
			continue
		}
		path := strings.ReplaceAll(r.path, "{name}", "default")
		paths, by := []string{path}, []string{r.method}
		if of := (kind{r.method, r.access}); !tried[of] {
			tried[of] = true
			paths = append(paths, strings.ToUpper(path), strings.Replace(path, "a", "%61", 1), strings.Replace(path, "/", "%2F", 1)+"/")
			by = append(by, methods...)
		}
		for _, form := range forms {
			for i, p := range paths {
				for _, method := range by {
					if i > 0 && method != r.method {
						continue
					}
					target := fmt.Sprintf(form, p)
					line := method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
					status := sayRaw(t, "127.0.0.1:"+port, line)
					if status != 0 && status < 300 {
						t.Errorf("%s %q: %d", method, target, status)
					}
				}
			}
		}
	}
	if did := f.done(); len(did) > 0 || f.lookCount() > 0 {
		t.Errorf("the session was asked for %v, and looked at %d times", did, f.lookCount())
	}
}

// sayRaw sends bytes and returns the answer's status, or 0 if there was none.
func sayRaw(t *testing.T, address, request string) int {
	t.Helper()
	conn := dial(t, address)
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		return 0
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

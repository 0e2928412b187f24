package session

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestASilentProxyIsGivenUp: a dial ends even if the proxy accepts the connection and never answers.
func TestASilentProxyIsGivenUp(t *testing.T) {
	for _, scheme := range []string{"http", "https", "socks5"} {
		t.Run(scheme, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			client := newTransports(&url.URL{Scheme: scheme, Host: l.Addr().String()}).socket
			client.Transport.(*bounded).patience = 50 * time.Millisecond
			ended := make(chan error, 1)
			go func() {
				_, _, err := websocket.Dial(t.Context(), "wss://web.whatsapp.com/ws/chat", &websocket.DialOptions{HTTPClient: client})
				ended <- err
			}()
			select {
			case err := <-ended:
				if !errors.Is(err, errNoAnswer) {
					t.Errorf("the dial ended with: %v", err)
				}
			case <-time.After(patience):
				t.Fatal("the dial does not end")
			}
		})
	}
}

// TestABoundDialLeavesItsSocketAlone: the time limit of a dial must not end a connection that was made.
func TestABoundDialLeavesItsSocketAlone(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		_, got, err := c.Read(r.Context())
		if err == nil {
			err = c.Write(r.Context(), websocket.MessageText, got)
		}
		if err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	client := newTransports(nil).socket
	limit := 200 * time.Millisecond
	client.Transport.(*bounded).patience = limit
	c, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http"), &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	<-time.After(2 * limit) // the limit itself has to pass
	if err := c.Write(t.Context(), websocket.MessageText, []byte("still here")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.Read(t.Context()); err != nil || string(got) != "still here" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestTheLimitOfAnAnswerEndsWithItsHead: an answer that has begun may take longer than the limit.
func TestTheLimitOfAnAnswerEndsWithItsHead(t *testing.T) {
	limit := 200 * time.Millisecond
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-time.After(2 * limit) // the limit itself has to pass
		_, _ = io.WriteString(w, "late")
	}))
	defer server.Close()
	client := newTransports(nil).version
	client.Transport.(*bounded).patience = limit
	answer, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if got, err := io.ReadAll(answer.Body); err != nil || string(got) != "late" {
		t.Errorf("%q, %v", got, err)
	}
}

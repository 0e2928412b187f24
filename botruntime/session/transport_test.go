package session

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
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

// inMemory serves handler, and leads what client dials to it. In a bubble of synctest the clock then stands still while
// anything is done, so that a limit passes only where the test waits for it.
func inMemory(t *testing.T, client *http.Client, handler http.HandlerFunc) {
	t.Helper()
	dialled := pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(dialled) }()
	transport := client.Transport.(*bounded).next.(*http.Transport)
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		dialled.conns <- theirs
		return ours, nil
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
	})
}

// pipes are a listener.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestABoundDialLeavesItsSocketAlone: the time limit of a dial must not end a connection that was made.
func TestABoundDialLeavesItsSocketAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newTransports(nil).socket
		inMemory(t, client, func(w http.ResponseWriter, r *http.Request) {
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
		})
		c, _, err := websocket.Dial(t.Context(), "ws://whatsapp.test", &websocket.DialOptions{HTTPClient: client})
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		<-time.After(2 * answerLimit)
		if err := c.Write(t.Context(), websocket.MessageText, []byte("still here")); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.Read(t.Context()); err != nil || string(got) != "still here" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// TestTheLimitOfAnAnswerEndsWithItsHead: an answer that has begun may take longer than the limit.
func TestTheLimitOfAnAnswerEndsWithItsHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newTransports(nil).version
		inMemory(t, client, func(w http.ResponseWriter, _ *http.Request) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			<-time.After(2 * answerLimit)
			_, _ = io.WriteString(w, "late")
		})
		answer, err := client.Get("http://whatsapp.test")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if got, err := io.ReadAll(answer.Body); err != nil || string(got) != "late" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

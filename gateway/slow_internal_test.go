package gateway

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sesi.dev/sesi/api/bot"
)

// pipes are connections in memory, whose deadlines go by the bubble's clock.
type pipes struct {
	made  chan net.Conn
	close func()
}

func (p pipes) Accept() (net.Conn, error) {
	if conn, open := <-p.made; open {
		return conn, nil
	}
	return nil, net.ErrClosed
}
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }
func (p pipes) Close() error   { p.close(); return nil }

// piped is one connection to a server, and what its goroutines do with it.
type piped struct {
	net.Conn
	sync.WaitGroup
}

// over serves a handler behind the gateway's limits of time, on one connection, and returns the client's end.
func over(t *testing.T, handler http.Handler) *piped {
	t.Helper()
	there := pipes{made: make(chan net.Conn, 1)}
	there.close = sync.OnceFunc(func() { close(there.made) })
	server := &http.Server{Handler: handler}
	Configure(server)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(there) }()
	near, far := net.Pipe()
	there.made <- far
	c := &piped{Conn: near}
	t.Cleanup(func() {
		near.Close()
		server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		c.Wait()
	})
	return c
}

// guarded is a handler as the gateway's are.
func guarded(do func(w http.ResponseWriter, r *http.Request)) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w := newAnswer(out)
		guardBody(r, w, 1<<30)
		do(w, r)
	})
}

// A body that is announced and never comes ends the connection soon, with or without a credential, and whether or not a handler reads it.
func TestABodyThatNeverComesEndsTheConnection(t *testing.T) {
	discard := func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }
	for name, handler := range map[string]http.Handler{
		"unread, by the gateway": &Gateway{now: time.Now},
		"unread, by the probes":  http.NotFoundHandler(),
		"read":                   guarded(discard),
	} {
		for _, length := range []string{"Content-Length: 1000", "Content-Length: 1000000", "Transfer-Encoding: chunked"} {
			t.Run(name+", "+length, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, began := over(t, handler), time.Now()
					c.Go(func() { _, _ = io.WriteString(c, "POST /nothing HTTP/1.1\r\nHost: x\r\n"+length+"\r\n\r\n") })
					if _, err := io.Copy(io.Discard, c); err != nil {
						t.Fatal(err)
					}
					if took := time.Since(began); took > requestTime+time.Second {
						t.Errorf("the connection ended after %s", took)
					}
				})
			})
		}
	}
}

// A body may be slow for a while and be as long as it likes, but not slow without end. Its sender is told so.
func TestASlowBodyEnds(t *testing.T) {
	for name, body := range map[string]struct {
		pieces, size int
		pause        time.Duration
		ends         bool
	}{
		"a byte now and then":         {1000, 1, readTime - time.Second, true},
		"half as fast as must be":     {1000, slowest / 2, time.Second, true},
		"as fast as must be":          {1000, slowest, time.Second, false},
		"with pauses":                 {100, 15 * slowest, 15 * time.Second, false},
		"fast, then a byte at a time": {1000, 0, readTime - time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				read, first := make(chan error, 1), 0
				if body.size == 0 {
					body.size, first = 1, 16<<20
				}
				c := over(t, guarded(func(_ http.ResponseWriter, r *http.Request) {
					_, err := io.Copy(io.Discard, r.Body)
					read <- err
				}))
				c.Go(func() {
					fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", first+body.pieces*body.size)
					_, _ = io.WriteString(c, strings.Repeat("x", first))
					for range body.pieces {
						<-time.After(body.pause) // the bubble's time
						if _, err := io.WriteString(c, strings.Repeat("x", body.size)); err != nil {
							return
						}
					}
				})
				c.Go(func() { _, _ = io.Copy(io.Discard, c) })
				began := time.Now()
				err := <-read
				var known *problem
				if body.ends != errors.As(err, &known) || !body.ends && err != nil {
					t.Fatalf("after %s: %v, want an end: %t", time.Since(began), err, body.ends)
				}
				if body.ends && (known.status != http.StatusRequestTimeout || known.kind != bot.ProblemTimeout || time.Since(began) > 3*bodyTime) {
					t.Errorf("after %s: %d %s", time.Since(began), known.status, known.kind)
				}
			})
		})
	}
}

// A slow bot does not count as a slow client, and a stream lasts.
func TestOnlyTheClientsTimeCounts(t *testing.T) {
	for name, asked := range map[string]struct {
		request string
		do      func(w http.ResponseWriter, r *http.Request) error
	}{
		"a bot that reads slowly": {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789", func(_ http.ResponseWriter, r *http.Request) error {
			for range 10 {
				<-time.After(bodyTime) // the bubble's time, here and below
				if _, err := io.ReadFull(r.Body, make([]byte, 1)); err != nil {
					return err
				}
			}
			return nil
		}},
		"a stream": {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", func(w http.ResponseWriter, r *http.Request) error {
			for range 100 {
				<-time.After(heartbeat)
				if _, err := io.WriteString(w, ":\n\n"); err != nil {
					return err
				}
			}
			return r.Context().Err()
		}},
		"an answer that takes long": {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", func(_ http.ResponseWriter, r *http.Request) error {
			_, err := io.Copy(io.Discard, r.Body)
			<-time.After(answerTime)
			return errors.Join(err, r.Context().Err())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				result := make(chan error, 1)
				c := over(t, guarded(func(w http.ResponseWriter, r *http.Request) { result <- asked.do(w, r) }))
				c.Go(func() {
					_, _ = io.WriteString(c, asked.request)
					_, _ = io.Copy(io.Discard, c)
				})
				if err := <-result; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Who sends a body in WAHA's form too slowly is told the same.
func TestASlowBodyWithoutANameIsToldSo(t *testing.T) {
	slow := io.MultiReader(strings.NewReader(`{"text":"`), readerFunc(func([]byte) (int, error) { return 0, problemSlowBody.about(problemSlowBody.detail) }))
	_, err := readName(slow, &nameScan{}, io.Discard)
	var known *problem
	if !errors.As(err, &known) || known.status != http.StatusRequestTimeout {
		t.Errorf("the answer is %v", err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

package gateway_test

import (
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/gateway"
	"sesi.dev/sesi/test/poll"
)

const base64Piece = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZn"

// fileBody is a body with a file of about the size in Base64, and the session's name before or behind it.
func fileBody(size int, nameFirst bool, name string) (body func() io.Reader, length int64) {
	begin, end := `{"chatId":"628123456789@c.us","file":{"data":"`, `"},"session":"`+name+`"}`
	if nameFirst {
		begin, end = `{"session":"`+name+`","file":{"data":"`, `"}}`
	}
	pieces := size / len(base64Piece)
	return func() io.Reader {
		return io.MultiReader(strings.NewReader(begin), &repeated{pieces: pieces}, strings.NewReader(end))
	}, int64(len(begin) + pieces*len(base64Piece) + len(end))
}

// repeated is a long text that takes no memory.
type repeated struct{ pieces, offset int }

func (r *repeated) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if r.pieces == 0 {
			return n, io.EOF
		}
		copied := copy(p[n:], base64Piece[r.offset:])
		n += copied
		if r.offset += copied; r.offset == len(base64Piece) {
			r.offset, r.pieces = 0, r.pieces-1
		}
	}
	return n, nil
}

func sum(t *testing.T, r io.Reader) string {
	t.Helper()
	hash := crc32.NewIEEE()
	n, err := io.Copy(hash, r)
	must(t, err)
	return fmt.Sprintf("%d bytes, %08x", n, hash.Sum32())
}

// post sends a body of a length, or of one that is not told.
func (s *served) post(path, key string, body io.Reader, length int64) reply {
	s.t.Helper()
	return s.do("POST", path, key, "", func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(body), length
		r.Header.Set("Content-Type", "application/json")
	})
}

// A large file reaches the session that its body names, wherever the name is, and takes next to no memory.
func TestALargeFileInABody(t *testing.T) {
	const size = 64 << 20
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", func(w http.ResponseWriter, r *http.Request) {
		hash := crc32.NewIEEE()
		n, err := io.Copy(hash, r.Body)
		fmt.Fprintf(w, "%d bytes, %08x %v", n, hash.Sum32(), err)
	})
	g := newGateway(t)
	key := newKey(t, namespace, "read,send")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), key, "")
	for _, nameFirst := range []bool{true, false} {
		for _, told := range []bool{true, false} {
			body, length := fileBody(size, nameFirst, "shop")
			want, _ := fileBody(size, nameFirst, "default")
			if !told {
				length = -1
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := g.post("/api/sendFile", key, body(), length)
			runtime.ReadMemStats(&after)
			if got.status != http.StatusOK || got.body != sum(t, want())+" <nil>" {
				t.Errorf("name first %t, length told %t: %d %s, want %s", nameFirst, told, got.status, got.body, sum(t, want()))
			}
			used := (after.TotalAlloc - before.TotalAlloc) >> 20
			t.Logf("name first %t, length told %t: %d MiB of memory for %d MiB", nameFirst, told, used, size>>20)
			if used >= size>>20 { // a copy of it takes that much
				t.Errorf("name first %t, length told %t: it took %d MiB of memory", nameFirst, told, used)
			}
		}
	}
}

// What is kept of bodies is bounded for all callers together, and given back.
func TestKeptBodiesAreBounded(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", echo)
	g := newGateway(t, func(o *gateway.Options) { o.Limits.Held, o.Limits.Spooled = 64<<10, 100<<10 })
	key := newKey(t, namespace, "read,send")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), key, "")
	var writer *io.PipeWriter
	answered := make(chan reply, 1)
	begin := func() {
		var slow *io.PipeReader
		slow, writer = io.Pipe()
		t.Cleanup(func() { _ = slow.Close() }) // the gateway waits for the body, also where the test has failed
		go func() { answered <- g.post("/api/sendFile", key, slow, -1) }()
		_, err := io.WriteString(writer, `{"chatId":"1",`)
		must(t, err)
	}
	finish := func() reply {
		_, _ = io.WriteString(writer, `"session":"shop"}`) // it fails where the answer has come already
		_ = writer.Close()
		return poll.Receive(t, "the answer", answered, patience)
	}
	refused := func() bool {
		return g.do("POST", "/api/sendText", key, `{"session":"shop"}`).status == http.StatusTooManyRequests
	}
	wait(t, "the slow caller to take all the memory", func() bool {
		begin()
		if poll.Until(refused, time.Second, nil) {
			return true
		}
		finish() // it came while the other one was kept, and was refused itself
		return false
	})
	if got := finish(); got.status != http.StatusOK || !strings.HasSuffix(got.body, `{"chatId":"1","session":"default"}`) {
		t.Errorf("the slow caller: %d %s", got.status, got.body)
	}
	for range 3 { // each of them needs most of the bound
		body, length := fileBody(90<<10, false, "shop")
		if got := g.post("/api/sendFile", key, body(), length); got.status != http.StatusOK {
			t.Fatalf("a file: %d %s", got.status, got.body)
		}
	}
	body, length := fileBody(200<<10, false, "shop") // the server reads the rest of it, so the answer arrives
	if got := g.post("/api/sendFile", key, body(), length); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Errorf("more than the disk may hold: %d %s", got.status, got.body)
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
	t.Setenv("TMPDIR", "/nowhere")
	body, length = fileBody(90<<10, false, "shop")
	if got := g.post("/api/sendFile", key, body(), length); got.status != http.StatusInternalServerError || !strings.Contains(g.log.String(), "set TMPDIR") {
		t.Errorf("no disk: %d %s", got.status, got.body)
	}
	body, length = fileBody(900<<10, true, "shop")
	if got := g.post("/api/sendFile", key, body(), length); got.status != http.StatusOK {
		t.Errorf("the name is first and there is no disk: %d %s", got.status, got.body)
	}
}

// A body whose second name comes after the first one was passed on does not reach the bot as a whole.
func TestALateSecondName(t *testing.T) {
	namespace := newNamespace(t)
	read := make(chan error, 1)
	newBot(t, namespace, "shop", func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		read <- err
	})
	g := newGateway(t)
	key := newKey(t, namespace, "read,send")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), key, "")
	for _, end := range []string{`","session":"bank"}`, `","Session":"shop"}`, `"}{}`, `"`} {
		text := `{"session":"shop","data":"` + strings.Repeat(base64Piece, 50_000) + end
		got := g.post("/api/sendFile", key, strings.NewReader(text), int64(len(text)))
		if got.status != http.StatusBadRequest || got.problem().Kind() != bot.ProblemBadJSON {
			t.Errorf("%s: %d %s", end, got.status, got.body)
		}
		if err := poll.Receive(t, "the bot's request", read, patience); err == nil {
			t.Errorf("%s: the bot got a whole body", end)
		}
	}
}

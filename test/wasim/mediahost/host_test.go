package mediahost_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"sesi.dev/sesi/test/wasim/mediahost"
)

var key = bytes.Repeat([]byte{7}, 32)

// sealed is a file of random content, and what is on the host of it.
func sealed(t testing.TB, size int64) (plain *mediahost.File, hosted []byte) {
	t.Helper()
	plain, err := mediahost.MadeUp(mediahost.Video, 1, size)
	if err != nil {
		t.Fatal(err)
	}
	file, err := mediahost.Seal(plain, mediahost.Video, key)
	if err != nil {
		t.Fatal(err)
	}
	in, err := file.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	hosted, err = io.ReadAll(in)
	if err != nil || int64(len(hosted)) != file.Size || sha256.Sum256(hosted) != file.SHA256 {
		t.Fatalf("the encrypted file has %d bytes: %v", len(hosted), err)
	}
	return plain, hosted
}

func TestWhatIsSealedIsRead(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{0, 1, 15, 16, 17, 32<<10 - 1, 32 << 10, 32<<10 + 1, 100_000} {
		plain, hosted := sealed(t, size)
		sum := sha256.New()
		read, err := mediahost.Unseal(bytes.NewReader(hosted), int64(len(hosted)), mediahost.Video, key, sum)
		if err != nil || read != size || !bytes.Equal(sum.Sum(nil), plain.SHA256[:]) {
			t.Errorf("of %d bytes, read %d: %v", size, read, err)
		}
		hosted[len(hosted)/2] ^= 1
		if _, err = mediahost.Unseal(bytes.NewReader(hosted), int64(len(hosted)), mediahost.Video, key, io.Discard); !errors.Is(err, mediahost.ErrSeal) {
			t.Errorf("of %d bytes and one that was changed: %v", size, err)
		}
	}
	_, hosted := sealed(t, 100)
	if _, err := mediahost.Unseal(bytes.NewReader(hosted), int64(len(hosted)), mediahost.Image, key, io.Discard); !errors.Is(err, mediahost.ErrSeal) {
		t.Errorf("as another kind: %v", err)
	}
	if _, err := mediahost.Unseal(bytes.NewReader(hosted), 15, mediahost.Video, key, io.Discard); !errors.Is(err, mediahost.ErrTooShort) {
		t.Errorf("a short one: %v", err)
	}
}

// upload posts a file, and returns the status and the answer.
func upload(h *mediahost.Host, address string, content []byte) (int, string) {
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, address, bytes.NewReader(content)))
	return answer.Code, answer.Body.String()
}

func nameOf(content []byte) string {
	sum := sha256.Sum256(content)
	return base64.URLEncoding.EncodeToString(sum[:])
}

func TestUpload(t *testing.T) {
	t.Parallel()
	h := mediahost.New()
	defer h.Close()
	content := []byte("content")
	auth, name := h.Grant(), nameOf(content)
	for _, test := range []struct {
		address string
		status  int
	}{
		{fmt.Sprintf("/mms/image/%s?auth=%s&token=%s", name, auth, name), 200},
		{fmt.Sprintf("/mms/image/%s?auth=%s&token=%s", strings.TrimRight(name, "="), auth, strings.TrimRight(name, "=")), 200},
		{fmt.Sprintf("/newsletter/newsletter-image/%s?auth=%s&token=%s", name, auth, name), 200},
		{fmt.Sprintf("/mms/image/%s?auth=x&token=%s", name, name), 401},
		{fmt.Sprintf("/mms/image/%s?token=%s", name, name), 401},
		{fmt.Sprintf("/mms/image/%s?auth=%s&token=%s", nameOf(nil), auth, nameOf(nil)), 400},
		{fmt.Sprintf("/mms/image/%s?auth=%s", name, auth), 400},
		{fmt.Sprintf("/mms/image/short?auth=%s&token=short", auth), 400},
		{fmt.Sprintf("/mms/letter/%s?auth=%s&token=%s", name, auth, name), 404},
		{fmt.Sprintf("/other/image/%s?auth=%s&token=%s", name, auth, name), 404},
		{"/mms/image", 404},
	} {
		if status, answer := upload(h, test.address, content); status != test.status {
			t.Errorf("%s: %d %s", test.address, status, answer)
		}
	}
	if got := h.Uploads.Load(); got != 3 {
		t.Errorf("%d uploads", got)
	}
}

// A large upload is kept on the disk, until the host ends.
func TestLargeUploadIsOnTheDisk(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	h := mediahost.New()
	content := make([]byte, 1<<20)
	name := nameOf(content)
	if status, answer := upload(h, fmt.Sprintf("/mms/video/%s?auth=%s&token=%s", name, h.Grant(), name), content); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	if kept, err := os.ReadDir(dir); err != nil || len(kept) != 1 {
		t.Errorf("on the disk are %v: %v", kept, err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadDir(dir); err != nil || len(kept) != 0 {
		t.Errorf("after the end, on the disk are %v: %v", kept, err)
	}
}

func FuzzUnseal(f *testing.F) {
	_, hosted := sealed(f, 100)
	f.Add(hosted, key)
	f.Add(hosted[:20], key[:31])
	f.Fuzz(func(t *testing.T, hosted, key []byte) {
		var out bytes.Buffer
		read, err := mediahost.Unseal(bytes.NewReader(hosted), int64(len(hosted)), mediahost.Video, key, &out)
		if err != nil {
			return
		}
		if read != int64(out.Len()) || read >= int64(len(hosted)) {
			t.Errorf("of %d bytes, %d were written and %d counted", len(hosted), out.Len(), read)
		}
	})
}

func FuzzRequest(f *testing.F) {
	f.Add("POST", "/mms/image/AAAA", "auth=a&token=AAAA", "bytes=0-1", []byte("x"))
	f.Add("GET", "/", "hash=AAAA", "bytes=5-2", []byte(nil))
	f.Fuzz(func(t *testing.T, method, path, query, part string, body []byte) {
		h := mediahost.New()
		defer h.Close()
		hosted := h.Put(mediahost.Picture, mediahost.Bytes([]byte("0123456789")))
		auth := h.Grant()
		for _, target := range []string{path, hosted, "/mms/image/" + nameOf(body)} {
			r, err := http.NewRequest(method, "https://mmg.whatsapp.net", bytes.NewReader(body))
			if err != nil {
				return
			}
			r.URL.Path, _, _ = strings.Cut(target, "?")
			r.URL.RawQuery = query + "&auth=" + auth
			r.Header["Range"] = []string{part}
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, r)
			if answer.Code >= 500 {
				t.Errorf("%s %s: %d %s", method, target, answer.Code, answer.Body)
			}
			if answer.Code == 200 && method == "GET" && target == hosted && answer.Body.String() != "0123456789" {
				t.Errorf("read %q", answer.Body)
			}
		}
	})
}

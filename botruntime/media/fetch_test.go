package media

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sesi.dev/sesi/botruntime/reach"
)

// fetching is a store that may fetch from this machine.
func fetching(t *testing.T, allow string) *Store {
	t.Helper()
	guard, err := reach.New("MEDIA_ALLOW", allow, false)
	if err != nil {
		t.Fatal(err)
	}
	return open(t, func(o *Options) { o.Fetcher = NewFetcher(guard, "test") })
}

func redirector(t *testing.T, to string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }))
	t.Cleanup(server.Close)
	return server.URL
}

// A server to which a permitted address leads on does not learn that address, whose query may be a permission, nor its login.
func TestARedirectTellsNothingOfTheAddressBefore(t *testing.T) {
	t.Parallel()
	last := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			if text := strings.Join(values, " "); strings.Contains(text, "permission") || name == "Authorization" || name == "Referer" {
				t.Errorf("%s: %s", name, text)
			}
		}
		_, _ = w.Write([]byte("the file"))
	}))
	t.Cleanup(last.Close)
	first := strings.Replace(redirector(t, strings.Replace(last.URL, "127.0.0.1", "localhost", 1)), "http://", "http://user:permission@", 1)
	got, err := fetching(t, "127.0.0.0/8,::1").Fetch(t.Context(), first+"/file?key=permission")
	if err != nil || got.Size != int64(len("the file")) {
		t.Fatalf("%+v, %v", got, err)
	}
	got.Release()
}

// Wherever a server leads on, nothing is fetched that the address itself could not reach.
func TestRedirectsLeadNowhereElse(t *testing.T) {
	t.Parallel()
	secret := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("a secret")) }))
	t.Cleanup(secret.Close)
	inner := strings.Replace(secret.URL, "127.0.0.1", "127.0.0.2", 1)
	for name, to := range map[string]string{
		"another address":         inner,
		"metadata":                "http://169.254.169.254/latest/meta-data/",
		"metadata of Azure":       "http://168.63.129.16/machine",
		"metadata, as one number": "http://2852039166/",
		"metadata, mapped":        "http://[::ffff:169.254.169.254]/",
		"metadata behind NAT64":   "http://[64:ff9b::a9fe:a9fe]/",
		"a file":                  "file:///etc/passwd",
		"another protocol":        "gopher://127.0.0.1:6379/_INFO",
		"no host":                 "http:///x",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := fetching(t, "127.0.0.1").Fetch(t.Context(), redirector(t, to))
			var refused *FetchError
			if !errors.As(err, &refused) || got.Held != nil {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	var loop *httptest.Server
	loop = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, loop.URL, http.StatusFound) }))
	t.Cleanup(loop.Close)
	if _, err := fetching(t, "127.0.0.1").Fetch(t.Context(), loop.URL); err == nil || !strings.Contains(err.Error(), "redirects") {
		t.Errorf("a loop: %v", err)
	}
}

// A stop, or a caller who went away, is not the server's fault.
func TestAFetchThatIsCutOffSaysNothingOfTheServer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	_, err := fetching(t, "127.0.0.1").Fetch(ctx, server.URL)
	var told *FetchError
	if !errors.Is(err, context.Canceled) || errors.As(err, &told) || strings.Contains(err.Error(), server.URL) {
		t.Errorf("got %v", err)
	}
}

package gateway

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"net/http"
	"strings"
)

// openAPIDocument describes the gateway's own routes and those of the bots; hack/openapi makes it.
//
//go:generate go run sesi.dev/sesi/hack/openapi
//go:embed openapi.json.gz
var openAPIDocument []byte

// OpenAPI returns the document that describes the gateway's API.
func OpenAPI() ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(openAPIDocument))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// serveOpenAPI answers with the document. It says nothing of any session, so it needs no credential.
func (c *call) serveOpenAPI() error {
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		return methods(http.MethodGet)
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Vary", "Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	document := openAPIDocument
	if acceptsGzip(c.r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
	} else {
		var err error
		if document, err = OpenAPI(); err != nil {
			return err
		}
	}
	_, _ = c.w.Write(document) // it is no failure when the caller has gone
	return nil
}

// acceptsGzip reads an Accept-Encoding header; gzip;q=0 refuses it.
func acceptsGzip(header string) bool {
	for item := range strings.SplitSeq(header, ",") {
		coding, weight, _ := strings.Cut(item, ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			return strings.Trim(strings.TrimPrefix(strings.TrimSpace(weight), "q="), "0.") != "" || weight == ""
		}
	}
	return false
}

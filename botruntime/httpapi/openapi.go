package httpapi

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"net/http"
	"strings"
)

// openAPIDocument describes every route; hack/openapi makes it from Routes and the types of the answers.
//
//go:generate go run sesi.dev/sesi/hack/openapi
//go:embed openapi.json.gz
var openAPIDocument []byte

// openAPI answers with the document. It is stored compressed, and inflated only for clients that cannot decompress.
func (c *call) openAPI() error {
	c.w.Header().Set("Vary", "Accept-Encoding")
	if acceptsGzip(c.r.Header.Get("Accept-Encoding")) {
		c.w.Header().Set("Content-Encoding", "gzip")
		return c.bytes(http.StatusOK, "application/json", openAPIDocument)
	}
	document, err := OpenAPI()
	if err != nil {
		return err
	}
	return c.bytes(http.StatusOK, "application/json", document)
}

// OpenAPI returns the document that describes the API.
func OpenAPI() ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(openAPIDocument))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// acceptsGzip reads an Accept-Encoding header.
func acceptsGzip(header string) bool {
	for item := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(item, ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			return quality(params) > 0
		}
	}
	return false
}

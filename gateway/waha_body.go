package gateway

import (
	"errors"
	"io"
	"net/http"
	"strings"
)

// takeName reads the body up to the session's name, and puts the bot's name there. The rest is passed on while it comes.
// What was read is kept until done is called.
func (c *call) takeName() (name string, done func(), err error) {
	most := c.r.ContentLength
	if most < 0 {
		most = c.options.Limits.Body
	}
	if most > c.options.Limits.Body {
		return "", nil, problemTooLarge.about(problemTooLarge.detail)
	}
	read := &kept{ledger: c.ledger, most: most}
	scan := &nameScan{}
	ended, err := readName(c.r.Body, scan, read)
	if err != nil {
		read.discard()
		return "", nil, err
	}
	var parts []io.Reader
	if scan.found {
		own := `"` + botName + `"`
		parts = append(parts, read.section(0, scan.begin), strings.NewReader(own), read.section(scan.end, read.length))
		if c.r.ContentLength >= 0 {
			c.r.ContentLength += int64(len(own)) - (scan.end - scan.begin)
		}
	} else {
		parts = append(parts, read.section(0, read.length))
	}
	if !ended {
		parts = append(parts, &remainder{c.r.Body, scan})
	}
	c.r.Body = io.NopCloser(io.MultiReader(parts...))
	c.r.TransferEncoding = nil
	c.r.Header.Del("Content-Length")
	return scan.name, read.discard, nil
}

// readName reads a body until the session's name is found, or to its end.
func readName(body io.Reader, scan *nameScan, to io.Writer) (ended bool, err error) {
	piece := make([]byte, copyBuffer)
	for !scan.found {
		n, err := body.Read(piece)
		if failure := scan.feed(piece[:n]); failure != nil {
			return false, badBody(failure)
		}
		if _, failure := to.Write(piece[:n]); failure != nil {
			return false, failure
		}
		var large *http.MaxBytesError
		var known *problem
		switch {
		case errors.Is(err, io.EOF):
			return true, badBody(scan.finish())
		case errors.As(err, &known):
			return false, known
		case errors.As(err, &large):
			return false, problemTooLarge.about(problemTooLarge.detail)
		case err != nil:
			return false, problemBadRequest.about(problemBadRequest.detail)
		}
	}
	return false, nil
}

// remainder is the part of a body behind the session's name. Where a second name comes it fails, so that the bot never gets
// the whole body.
type remainder struct {
	io.Reader
	scan *nameScan
}

// Read implements io.Reader.
func (r *remainder) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	failure := r.scan.feed(p[:n])
	if failure == nil && errors.Is(err, io.EOF) {
		failure = r.scan.finish()
	}
	if failure != nil {
		return 0, badBody(failure)
	}
	return n, err
}

// badBody is the answer to a body in which no name, or more than one, can be found.
func badBody(failure error) error {
	switch {
	case failure == nil:
		return nil
	case errors.Is(failure, errAmbiguous):
		return problemBadJSON.about(text{"Isi menyebut sesi dua kali.", "The body names the session twice."})
	case errors.Is(failure, errNoName):
		return problemBadJSON.about(text{`"session" di isi permintaan harus berupa nama sesi, misalnya "shop".`,
			`"session" in the body must be a session's name, such as "shop".`})
	}
	return problemBadJSON.about(problemBadJSON.detail)
}

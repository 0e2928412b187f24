package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// fieldSession is the field of a body that names the session, in WAHA's API.
const fieldSession = "session"

// errAmbiguous says that two readers of a body could find different sessions in it.
var errAmbiguous = errors.New("the body names the session twice")

// splitBody finds the session's name in a JSON object, and where its value is, so that it can be replaced. Go's decoder
// takes the last of two equal fields and ignores case; others take the first. A body with which readers could disagree
// is refused: the session whose rights are checked must be the session that is used.
func splitBody(body []byte) (name string, begin, end int, err error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	token, err := decoder.Token()
	if err != nil {
		return "", 0, 0, err
	}
	if token != json.Delim('{') {
		return "", 0, 0, errors.New("the body is not a JSON object")
	}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return "", 0, 0, err
		}
		field, _ := token.(string)
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return "", 0, 0, err
		}
		if !strings.EqualFold(field, fieldSession) {
			continue
		}
		if field != fieldSession || end > 0 {
			return "", 0, 0, errAmbiguous
		}
		if err := json.Unmarshal(value, &name); err != nil {
			return "", 0, 0, err
		}
		end = int(decoder.InputOffset())
		begin = end - len(value)
	}
	if _, err := decoder.Token(); err != nil {
		return "", 0, 0, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return "", 0, 0, errors.New("text follows the JSON object; remove it")
	}
	return name, begin, end, nil
}

package gateway

import (
	"encoding/json"
	"errors"
	"strings"
)

const (
	// fieldSession is the field of a body that names the session, in WAHA's API.
	fieldSession = "session"
	// maxField and maxName bound the text of a field and of a name that are read: with every character escaped, the
	// field is 44 bytes, and namespace.name 746.
	maxField, maxName = 64, 1024
)

var (
	// errAmbiguous says that two readers of a body could find different sessions in it.
	errAmbiguous = errors.New("the body names the session twice")
	errNoObject  = errors.New("the body is not one JSON object")
	errNoName    = errors.New("the session of the body is not a name")
)

// part says where in an object the next byte is.
type part int

const (
	beforeObject part = iota
	beforeFirstField
	beforeField
	inField
	beforeColon
	beforeValue
	inValue
	inName
	inNull
	afterValue
	afterObject
)

// nameScan finds the session's name in a JSON object that comes in pieces, and where its value is, so that it can be
// replaced. It remembers no more than one short text of the object. What it finds in an object, any reader finds: Go's
// takes the last of two equal fields and ignores case, others take the first, so an object with which readers could
// disagree is refused. Values are not checked further: the bot does that.
type nameScan struct {
	// name is the session's, and found whether the object has one; begin and end are where its value is.
	name       string
	found      bool
	begin, end int64

	at       part
	named    bool   // whether the value is the session's
	text     []byte // of the field or the name that is being read, with its quotes
	depth    int    // of objects and arrays in the value
	quoted   bool   // whether the next byte is in a text of the value
	escaped  bool
	position int64
}

// feed reads the next piece of the object.
func (s *nameScan) feed(piece []byte) error {
	for i := 0; i < len(piece); {
		if s.at == inValue && s.quoted {
			n := s.skip(piece[i:])
			i += n
			s.position += int64(n)
			continue
		}
		if err := s.step(piece[i]); err != nil {
			return err
		}
		i++
		s.position++
	}
	return nil
}

// finish says whether what was read is a whole object.
func (s *nameScan) finish() error {
	if s.at != afterObject {
		return errNoObject
	}
	return nil
}

// skip passes over the text of a value, which can be megabytes, and returns how many bytes it read.
func (s *nameScan) skip(piece []byte) int {
	for i, b := range piece {
		switch {
		case s.escaped:
			s.escaped = false
		case b == '\\':
			s.escaped = true
		case b == '"':
			s.quoted = false
			if s.depth == 0 {
				s.at = afterValue
			}
			return i + 1
		}
	}
	return len(piece)
}

// step reads one byte.
func (s *nameScan) step(b byte) error {
	switch s.at {
	case inField, inName:
		return s.readText(b)
	case inNull:
		if b != ',' && b != '}' && !space(b) {
			s.text = append(s.text, b)
			if len(s.text) > len("null") {
				return errNoName
			}
			return nil
		}
		if string(s.text) != "null" {
			return errNoName
		}
		s.end, s.found, s.at = s.position, true, afterValue
		return s.between(b)
	case inValue:
		return s.value(b)
	default:
		return s.between(b)
	}
}

// between reads a byte outside of texts and values.
func (s *nameScan) between(b byte) error {
	if space(b) {
		return nil
	}
	switch s.at {
	case beforeObject:
		return s.expect(b, '{', beforeFirstField)
	case beforeFirstField, beforeField:
		if b == '}' && s.at == beforeFirstField {
			s.at = afterObject
			return nil
		}
		s.text = append(s.text[:0], b)
		return s.expect(b, '"', inField)
	case beforeColon:
		return s.expect(b, ':', beforeValue)
	case beforeValue:
		return s.beginValue(b)
	case afterValue:
		if b == '}' {
			s.at = afterObject
			return nil
		}
		return s.expect(b, ',', beforeField)
	default:
		return errNoObject
	}
}

func (s *nameScan) expect(b, want byte, next part) error {
	if b != want {
		return errNoObject
	}
	s.at = next
	return nil
}

// readText reads a byte of a field or of the session's name.
func (s *nameScan) readText(b byte) error {
	limit := maxField
	if s.at == inName {
		limit = maxName
	}
	if len(s.text) < limit {
		s.text = append(s.text, b)
	}
	switch {
	case s.escaped:
		s.escaped = false
	case b == '\\':
		s.escaped = true
	case b == '"':
		return s.endText(len(s.text) < limit)
	}
	return nil
}

// endText reads a whole field or name; a field that does not fit is another than the session's.
func (s *nameScan) endText(fits bool) error {
	var text string
	if fits && json.Unmarshal(s.text, &text) != nil {
		return errNoObject
	}
	if s.at == inField {
		s.at, s.named = beforeColon, strings.EqualFold(text, fieldSession)
		if s.named && (text != fieldSession || s.found) {
			return errAmbiguous
		}
		return nil
	}
	if !fits {
		return errNoName
	}
	s.name, s.found, s.end, s.at = text, true, s.position+1, afterValue
	return nil
}

// beginValue reads the first byte of a value.
func (s *nameScan) beginValue(b byte) error {
	if !s.named {
		s.at, s.depth = inValue, 0
		return s.value(b)
	}
	s.begin = s.position
	s.text = append(s.text[:0], b)
	switch b {
	case '"':
		s.at = inName
	case 'n':
		s.at = inNull
	default:
		return errNoName
	}
	return nil
}

// value reads a byte of a value outside of its texts.
func (s *nameScan) value(b byte) error {
	switch b {
	case '"':
		s.quoted = true
	case '{', '[':
		s.depth++
	case '}', ']':
		if s.depth == 0 { // a number, true, false or null ended
			s.at = afterValue
			return s.between(b)
		}
		if s.depth--; s.depth == 0 {
			s.at = afterValue
		}
	case ',':
		if s.depth == 0 {
			s.at = beforeField
		}
	default:
		if s.depth == 0 && space(b) {
			s.at = afterValue
		}
	}
	return nil
}

func space(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

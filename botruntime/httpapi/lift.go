package httpapi

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// The errors of a lifter.
var (
	errTwoFiles  = errors.New("a request can have one file")
	errNotBase64 = errors.New("the file is not Base64")
	errLongJSON  = errors.New("the request without its file is too long")
)

// lifter takes the file out of a JSON text while the text is read, so that it is never whole in memory. The file is the
// string of a member named data at a depth; an empty string takes its place.
type lifter struct {
	in *bufio.Reader
	// most bounds the text without the file.
	most int
	// depth is how many objects the file is in, 1 for the outermost.
	depth int
	// file is asked for a writer when the file begins.
	file func() (io.Writer, error)

	out    bytes.Buffer
	nested []byte // the brackets that are open
	isName bool   // whether the next string is the name of a member
	name   []byte
	lifted bool
}

// liftBuffer is how much is read at once.
const liftBuffer = 32 << 10

// lift reads the text and returns it without the file. It checks no more of the text than it needs to find the file.
func (l *lifter) lift(from io.Reader) ([]byte, error) {
	l.in = bufio.NewReaderSize(from, liftBuffer)
	for {
		c, err := l.in.ReadByte()
		if errors.Is(err, io.EOF) {
			return l.out.Bytes(), nil
		}
		if err != nil {
			return nil, err
		}
		if l.out.Len() >= l.most {
			return nil, errLongJSON
		}
		l.out.WriteByte(c)
		switch c {
		case '{', '[':
			l.nested = append(l.nested, c)
			l.isName = c == '{'
		case '}', ']':
			l.nested = l.nested[:max(len(l.nested)-1, 0)]
			l.isName = false
		case ',':
			l.isName = len(l.nested) > 0 && l.nested[len(l.nested)-1] == '{'
		case '"':
			if err := l.text(); err != nil {
				return nil, err
			}
		}
	}
}

// text reads a string, behind its first quotation mark.
func (l *lifter) text() error {
	if l.isName {
		l.isName = false
		from := l.out.Len()
		if err := l.copy(); err != nil {
			return err
		}
		l.name = append(l.name[:0], l.out.Bytes()[from:max(l.out.Len()-1, from)]...)
		return nil
	}
	if string(l.name) != "data" || len(l.nested) != l.depth || l.nested[len(l.nested)-1] != '{' {
		return l.copy()
	}
	l.name = l.name[:0]
	if l.lifted {
		return errTwoFiles
	}
	l.lifted = true
	into, err := l.file()
	if err != nil {
		return err
	}
	l.out.WriteByte('"')
	return l.decode(into)
}

// copy copies a string as it is.
func (l *lifter) copy() error {
	escaped := false
	for {
		c, err := l.in.ReadByte()
		if err != nil {
			return cutShort(err)
		}
		if l.out.Len() >= l.most {
			return errLongJSON
		}
		l.out.WriteByte(c)
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '"':
			return nil
		}
	}
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// decode reads a string of Base64 and writes what it means. Both alphabets are read, with or without padding, and the
// head of a data URL is skipped.
func (l *lifter) decode(into io.Writer) error {
	out := bufio.NewWriterSize(into, liftBuffer)
	if err := l.skipHead(); err != nil {
		return err
	}
	bits, count, ended := uint32(0), 0, false
	for {
		c, err := l.character()
		if err != nil {
			return err
		}
		value := sixBits(c)
		switch {
		case c == '"':
			if count == 6 { // one letter alone means nothing
				return errNotBase64
			}
			return out.Flush()
		case c == '\n' || c == '\r' || c == ' ':
			continue
		case c == '=':
			ended = true
			continue
		case value < 0 || ended:
			return errNotBase64
		}
		bits, count = bits<<6|uint32(value), count+6 //nolint:gosec // six bits
		if count >= 8 {
			count -= 8
			if err := out.WriteByte(byte(bits >> count)); err != nil { //nolint:gosec // the low eight bits are meant
				return err
			}
		}
	}
}

// headBytes bounds the head of a data URL.
const headBytes = 256

// skipHead skips "data:image/png;base64," at the begin of a file.
func (l *lifter) skipHead() error {
	head, err := l.in.Peek(5)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if string(head) != "data:" {
		return nil
	}
	for range headBytes {
		c, err := l.character()
		if err != nil {
			return err
		}
		switch c {
		case ',':
			return nil
		case '"':
			return errNotBase64
		}
	}
	return errNotBase64
}

// character reads one character of a string; the quotation mark at its end is '"'.
func (l *lifter) character() (byte, error) {
	c, err := l.in.ReadByte()
	if err != nil {
		return 0, cutShort(err)
	}
	if c != '\\' {
		return c, nil
	}
	if c, err = l.in.ReadByte(); err != nil {
		return 0, cutShort(err)
	}
	switch c {
	case '/':
		return '/', nil
	case 'n', 'r':
		return '\n', nil
	case 'u':
		return l.unicode()
	}
	return 0, errNotBase64
}

// unicode reads the four digits of an escaped character; one beyond ASCII is no Base64.
func (l *lifter) unicode() (byte, error) {
	var value uint32
	for range 4 {
		c, err := l.in.ReadByte()
		if err != nil {
			return 0, cutShort(err)
		}
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, errNotBase64
		}
		value = value<<4 | uint32(c)
	}
	if value >= 0x80 || value == '"' {
		return 0, errNotBase64
	}
	return byte(value), nil //nolint:gosec // below 0x80
}

// sixBits is the value of a letter of Base64, of both alphabets; -1 for another character.
func sixBits(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '+' || c == '-':
		return 62
	case c == '/' || c == '_':
		return 63
	}
	return -1
}

package sim

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.mau.fi/whatsmeow/binary/token"
)

// WhatsApp's binary nodes abbreviate words by a dictionary, whose version a client names in its header. whatsmeow knows
// only the third. Nodes from and to a client of another version are converted by spelling out every word, which the
// readers of each version accept.

// maxDepth bounds the nesting of a node.
const maxDepth = 32

// dictionary is a version's words: those of one byte, then four pages of 256.
type dictionary struct {
	single []string
	double [][]string
}

//go:embed dictionary2.txt
var words2 string

// dictionaries by version; what is nil need not be spelled out.
var dictionaries = map[byte]*dictionary{2: parseDictionary(words2), token.DictVersion: nil}

// ownDictionary is what whatsmeow's encoder abbreviates by.
var ownDictionary = func() *dictionary {
	d := &dictionary{single: token.SingleByteTokens[:]}
	for i := range token.DoubleByteTokens {
		d.double = append(d.double, token.DoubleByteTokens[i][:])
	}
	return d
}()

// parseDictionary reads one word a line; the first is the empty word.
func parseDictionary(text string) *dictionary {
	words := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	return &dictionary{single: words[:token.Dictionary0], double: slices.Collect(slices.Chunk(words[token.Dictionary0:], 256))}
}

var errSpelling = errors.New("cannot be spelled out")

// spell spells out every abbreviated word of a marshalled node.
func (d *dictionary) spell(node []byte) ([]byte, error) {
	s := &speller{words: d, rest: node, out: make([]byte, 0, 2*len(node))}
	if err := s.value(0); err != nil {
		return nil, err
	}
	if len(s.rest) > 0 {
		return nil, fmt.Errorf("%w: %d bytes follow the node", errSpelling, len(s.rest))
	}
	return s.out, nil
}

// speller copies a node, value by value. A node is a list: its tag, its attributes, its content; so is a list
// of nodes; so one rule serves them all.
type speller struct {
	words *dictionary
	rest  []byte
	out   []byte
}

func (s *speller) value(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: nested over %d deep", errSpelling, maxDepth)
	}
	if len(s.rest) == 0 {
		return fmt.Errorf("%w: cut short", errSpelling)
	}
	tag := int(s.rest[0])
	switch tag {
	case token.ListEmpty:
		return s.keep(1)
	case token.List8:
		return s.list(2, depth)
	case token.List16:
		return s.list(3, depth)
	case token.Binary8:
		return s.bytes(2, 0xff)
	case token.Binary20:
		return s.bytes(4, 0xfffff)
	case token.Binary32:
		return s.bytes(5, 0x7fffffff)
	case token.Nibble8, token.Hex8:
		return s.bytes(2, 0x7f)
	case token.JIDPair:
		return s.parts(depth, 1, -1, -1)
	case token.ADJID:
		return s.parts(depth, 3, -1)
	case token.FBJID:
		return s.parts(depth, 1, -1, 2, -1)
	case token.InteropJID:
		return s.parts(depth, 1, -1, 4, -1)
	case token.Dictionary0, token.Dictionary1, token.Dictionary2, token.Dictionary3:
		if len(s.rest) < 2 {
			return fmt.Errorf("%w: cut short", errSpelling)
		}
		page, index := tag-token.Dictionary0, int(s.rest[1])
		if page >= len(s.words.double) || index >= len(s.words.double[page]) {
			return fmt.Errorf("%w: no word %d on page %d", errSpelling, index, page)
		}
		s.rest = s.rest[2:]
		return s.word(s.words.double[page][index])
	}
	if tag >= len(s.words.single) {
		return fmt.Errorf("%w: no word %d", errSpelling, tag)
	}
	s.rest = s.rest[1:]
	return s.word(s.words.single[tag])
}

// keep copies n bytes.
func (s *speller) keep(n int) error {
	if n > len(s.rest) {
		return fmt.Errorf("%w: cut short", errSpelling)
	}
	s.out, s.rest = append(s.out, s.rest[:n]...), s.rest[n:]
	return nil
}

// size reads the number that ends a head of n bytes, and copies the head.
func (s *speller) size(n int) (int, error) {
	if n > len(s.rest) {
		return 0, fmt.Errorf("%w: cut short", errSpelling)
	}
	var wide [4]byte
	copy(wide[4-(n-1):], s.rest[1:n])
	return int(binary.BigEndian.Uint32(wide[:])), s.keep(n)
}

func (s *speller) bytes(head int, mask int) error {
	n, err := s.size(head)
	if err != nil {
		return err
	}
	return s.keep(n & mask)
}

func (s *speller) list(head, depth int) error {
	n, err := s.size(head)
	if err != nil {
		return err
	}
	for range n {
		if err = s.value(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

// parts copies as many bytes as each part says, or a value for a negative one.
func (s *speller) parts(depth int, parts ...int) error {
	for _, n := range parts {
		var err error
		if n < 0 {
			err = s.value(depth + 1)
		} else {
			err = s.keep(n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *speller) word(word string) error {
	if word == "" || len(word) > 0xff {
		return fmt.Errorf("%w: no such word", errSpelling)
	}
	s.out = append(append(s.out, token.Binary8, byte(len(word))), word...)
	return nil
}

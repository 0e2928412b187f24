package gateway

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// maxFollowed bounds the sessions whose messages one stream reads, and with them the length of its event ids.
	maxFollowed = 100
	// maxEventID bounds a Last-Event-ID: what maxFollowed cursors need, and less than a proxy's header may have.
	maxEventID = 2048
	// cursorsVersion is the first byte of an event id.
	cursorsVersion = 1
)

// errEventID says that no gateway made an id.
var errEventID = errors.New("not an event id of the gateway")

// cursors are how far a reader is in the journal of each session. They travel in the ids of events, so that a reader
// continues at any gateway. A session that was made again has another UID, and so no cursor.
type cursors map[uint32]position

// position is a cursor. One that is not known yet stands for the end of a journal whose bot has not been asked.
type position struct {
	known  bool
	cursor uint64
}

// sumOfUID stands for a session in an id. Two of a reader's sessions with one sum are as rare as one in a million
// streams; they would then read some events twice.
func sumOfUID(uid types.UID) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(uid)) // a hash does not fail
	return h.Sum32()
}

// id writes the cursors as an event id.
func (c cursors) id() string {
	data := make([]byte, 0, 1+len(c)*9)
	data = append(data, cursorsVersion)
	for _, sum := range slices.Sorted(maps.Keys(c)) {
		data = binary.BigEndian.AppendUint32(data, sum)
		value := uint64(0)
		if at := c[sum]; at.known {
			value = at.cursor + 1
		}
		data = binary.AppendUvarint(data, value)
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// parseCursors reads an event id.
func parseCursors(id string) (cursors, error) {
	if len(id) > maxEventID {
		return nil, errEventID
	}
	data, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(data) == 0 || data[0] != cursorsVersion {
		return nil, errEventID
	}
	c := cursors{}
	for data = data[1:]; len(data) > 0; {
		if len(data) < 5 || len(c) >= maxFollowed {
			return nil, errEventID
		}
		value, size := binary.Uvarint(data[4:])
		if size <= 0 || value > 1<<62 {
			return nil, errEventID
		}
		at := position{}
		if value > 0 {
			at = position{known: true, cursor: value - 1}
		}
		c[binary.BigEndian.Uint32(data)] = at
		data = data[4+size:]
	}
	return c, nil
}

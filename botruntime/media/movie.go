package media

import (
	"encoding/binary"
	"io"
	"math"
)

// maxBoxes bounds how many parts of a film are looked at.
const maxBoxes = 4096

// readMovie reads how long a film is and its width and height, from the boxes of an MP4. It reads no picture and no
// sound.
func readMovie(file io.ReaderAt, about *About) {
	size := int64(math.MaxInt64)
	if sized, ok := file.(interface{ Size() int64 }); ok {
		size = sized.Size()
	}
	left := maxBoxes
	walkBoxes(file, 0, size, &left, about)
}

// walkBoxes reads the boxes between two places.
func walkBoxes(file io.ReaderAt, at, end int64, left *int, about *About) {
	for at+8 <= end && *left > 0 {
		*left--
		var head [16]byte
		n, err := file.ReadAt(head[:], at)
		if n < 8 {
			return
		}
		length, body := int64(binary.BigEndian.Uint32(head[:4])), at+8
		switch {
		case length == 1 && n == 16 && err == nil:
			length, body = int64(binary.BigEndian.Uint64(head[8:])&math.MaxInt64), at+16 //nolint:gosec // the sign is cut off
		case length == 0:
			length = end - at
		}
		if length < body-at || length > end-at {
			return
		}
		switch string(head[4:8]) {
		case "moov", "trak", "mdia":
			walkBoxes(file, body, at+length, left, about)
		case "mvhd":
			about.Seconds = max(about.Seconds, movieSeconds(file, body))
		case "tkhd":
			width, height := trackSize(file, body, at+length)
			about.Width, about.Height = max(about.Width, width), max(about.Height, height)
		}
		at += length
	}
}

func movieSeconds(file io.ReaderAt, at int64) uint32 {
	var head [32]byte
	if n, _ := file.ReadAt(head[:], at); n < len(head) {
		return 0
	}
	scale, length := binary.BigEndian.Uint32(head[12:]), uint64(binary.BigEndian.Uint32(head[16:]))
	if head[0] == 1 {
		scale, length = binary.BigEndian.Uint32(head[20:]), binary.BigEndian.Uint64(head[24:])
	}
	if scale == 0 || length/uint64(scale) > math.MaxUint32 {
		return 0
	}
	return uint32((length + uint64(scale)/2) / uint64(scale)) //nolint:gosec // bounded above
}

// trackSize reads the last 8 bytes of a track's header: width and height with 16 bits of fraction.
func trackSize(file io.ReaderAt, at, end int64) (width, height uint32) {
	var tail [8]byte
	if end-at < 84 {
		return 0, 0
	}
	if n, _ := file.ReadAt(tail[:], end-8); n < len(tail) {
		return 0, 0
	}
	return binary.BigEndian.Uint32(tail[:4]) >> 16, binary.BigEndian.Uint32(tail[4:]) >> 16
}

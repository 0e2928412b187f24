package media

import (
	"encoding/binary"
	"runtime"
	"testing"
)

// progressive is the head of a JPEG that becomes sharper while it comes, and has nothing behind its head.
func progressive(width, height uint16) []byte {
	out := []byte{0xff, 0xd8}
	segment := func(kind byte, body ...byte) {
		out = append(out, 0xff, kind)
		out = binary.BigEndian.AppendUint16(out, uint16(len(body)+2))
		out = append(out, body...)
	}
	segment(0xdb, append([]byte{0}, make([]byte, 64)...)...) // how coarse it is
	frame := []byte{8}
	frame = binary.BigEndian.AppendUint16(frame, height)
	frame = binary.BigEndian.AppendUint16(frame, width)
	segment(0xc2, append(frame, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0)...)
	segment(0xc4, append([]byte{0, 1}, make([]byte, 16)...)...) // one code, of one bit
	segment(0xda, 3, 1, 0, 2, 0, 3, 0, 0, 0, 0)                 // the first scan of three colours
	return append(out, make([]byte, 1<<10)...)
}

// The decoder of such a picture takes five times what others take, as soon as its first scan begins.
func TestAPictureThatBecomesSharperTakesNoMoreMemory(t *testing.T) {
	s := open(t, nil)
	held := stage(t, s, progressive(4000, 4000))
	defer held.Release()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	about, err := held.Describe()
	runtime.ReadMemStats(&after)
	if err != nil || about.Width != 4000 || about.Mimetype != "image/jpeg" {
		t.Fatalf("%+v, %v", about, err)
	}
	if taken := after.TotalAlloc - before.TotalAlloc; taken > pictureBytes {
		t.Errorf("%d MiB were taken", taken>>20)
	}
}

func TestIsProgressive(t *testing.T) {
	for name, c := range map[string]struct {
		file []byte
		want bool
	}{
		"progressive": {progressive(8, 8), true},
		"cut short":   {progressive(8, 8)[:30], false},
		"empty":       {nil, false},
	} {
		s := open(t, nil)
		held := stage(t, s, c.file)
		file, err := held.Open()
		if err != nil {
			t.Fatal(err)
		}
		if got := isProgressive(file); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
		_ = file.Close()
		held.Release()
	}
}

package media

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"slices"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
)

// page is a page of Ogg with packets of these sizes.
func page(granule uint64, packets ...[]byte) []byte {
	head := make([]byte, pageHead)
	copy(head, "OggS")
	binary.LittleEndian.PutUint64(head[6:], granule)
	var lacing, body []byte
	for _, packet := range packets {
		left := len(packet)
		for ; left >= 255; left -= 255 {
			lacing = append(lacing, 255)
		}
		lacing = append(lacing, byte(left))
		body = append(body, packet...)
	}
	head[26] = byte(len(lacing))
	return slices.Concat(head, lacing, body)
}

// recording is Ogg with Opus: seconds of silence, and then as long a noise.
func recording(seconds int) []byte {
	id := append([]byte("OpusHead\x01\x01"), 0x38, 0x01, 0x80, 0xbb, 0, 0, 0, 0, 0)
	out := append(page(0, id), page(0, []byte("OpusTags\x00\x00\x00\x00\x00\x00\x00\x00"))...)
	at := uint64(312)
	for half, size := range []int{10, 300} {
		for range seconds {
			var packets [][]byte
			for range 50 {
				packets = append(packets, make([]byte, size))
			}
			at += opusRate
			out = append(out, page(at, packets...)...)
		}
		_ = half
	}
	return out
}

// film is an MP4 with a head, without pictures.
func film(seconds, width, height uint32) []byte {
	box := func(kind string, body []byte) []byte {
		return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+8)), kind...), body...)
	}
	head := make([]byte, 100)
	binary.BigEndian.PutUint32(head[12:], 1000)
	binary.BigEndian.PutUint32(head[16:], seconds*1000)
	track := make([]byte, 84)
	binary.BigEndian.PutUint32(track[76:], width<<16)
	binary.BigEndian.PutUint32(track[80:], height<<16)
	return append(box("ftyp", []byte("isom0000mp41")), box("moov", append(box("mvhd", head), box("trak", box("tkhd", track))...))...)
}

func drawn(t testing.TB, width, height int, encode func(*bytes.Buffer, image.Image) error) []byte {
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for x := range width {
		picture.Set(x, x%height, color.White)
	}
	var out bytes.Buffer
	if err := encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func asPNG(out *bytes.Buffer, p image.Image) error  { return png.Encode(out, p) }
func asJPEG(out *bytes.Buffer, p image.Image) error { return jpeg.Encode(out, p, nil) }

func TestDescribe(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for name, c := range map[string]struct {
		content []byte
		want    About
		small   bool // whether there is a thumbnail
	}{
		"png":           {drawn(t, 400, 100, asPNG), About{Mimetype: "image/png", Width: 400, Height: 100}, true},
		"jpeg":          {drawn(t, 50, 700, asJPEG), About{Mimetype: "image/jpeg", Width: 50, Height: 700}, true},
		"too many dots": {drawn(t, 6000, 3000, asPNG), About{Mimetype: "image/png", Width: 6000, Height: 3000}, false},
		"cut short":     {drawn(t, 400, 100, asPNG)[:60], About{Mimetype: "image/png", Width: 400, Height: 100}, false},
		"voice":         {recording(5), About{Mimetype: typeOpus, Seconds: 10, Opus: true}, false},
		"film":          {film(9, 640, 480), About{Mimetype: typeMP4, Seconds: 9, Width: 640, Height: 480}, false},
		"pdf":           {[]byte("%PDF-1.7"), About{Mimetype: "application/pdf"}, false},
		"text":          {[]byte("halo"), About{Mimetype: "text/plain; charset=utf-8"}, false},
		"mp3":           {[]byte("\xff\xfb\x90\x00"), About{Mimetype: "audio/mpeg"}, false},
		"webp that moves": {append([]byte("RIFF\x20\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00"), make([]byte, 20)...),
			About{Mimetype: typeWebP, Animated: true, Width: 1, Height: 1}, false},
		"empty": {nil, About{Mimetype: "text/plain; charset=utf-8"}, false},
	} {
		got, err := stage(t, s, c.content).Describe()
		if err != nil {
			t.Fatal(err)
		}
		if (len(got.Thumbnail) > 0) != c.small || len(got.Thumbnail) > 8<<10 {
			t.Errorf("%s: a thumbnail of %d bytes", name, len(got.Thumbnail))
		}
		if c.small {
			small, err := jpeg.DecodeConfig(bytes.NewReader(got.Thumbnail))
			if err != nil || max(small.Width, small.Height) != thumbnailSide && max(got.Width, got.Height) > thumbnailSide {
				t.Errorf("%s: %+v %v", name, small, err)
			}
		}
		wave := got.Waveform
		got.Thumbnail, got.Waveform = nil, nil
		if got.Mimetype != c.want.Mimetype || got.Width != c.want.Width || got.Height != c.want.Height || got.Seconds != c.want.Seconds ||
			got.Opus != c.want.Opus || got.Animated != c.want.Animated {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
		if c.want.Opus && (len(wave) != bot.WaveformBars || wave[0] != 0 || wave[63] != 100 || wave[10] != 0 || wave[50] != 100) {
			t.Errorf("%s: %v", name, wave)
		}
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	for want, c := range map[string][4]string{
		"application/x-own":  {"application/x-own", "image/png", "a.png", ""},
		"image/png":          {"", "image/png", "a.docx", "text/html"},
		byExtension[".docx"]: {"", "application/zip", "a.DOCX", ""},
		"text/csv":           {"", "text/plain; charset=utf-8", "a.csv", ""},
		"font/woff2":         {"", typeUnknown, "a", "font/woff2"},
		typeUnknown:          {"", typeUnknown, "a", ""},
	} {
		if got := typeOf(c[0], c[1], c[2], c[3]); got != want {
			t.Errorf("%v: %s, want %s", c, got, want)
		}
	}
	for text, want := range map[string]bool{"image/png": true, "text/plain; charset=utf-8": true, "png": false, "a/b/c": false, "": false, strings.Repeat("a/", 200): false} {
		if IsType(text) != want {
			t.Errorf("IsType(%q) = %v", text, !want)
		}
	}
}

// FuzzDescribe gives any bytes for a file: nothing panics, and nothing takes long.
func FuzzDescribe(f *testing.F) {
	for _, content := range [][]byte{recording(1), film(1, 2, 3), drawn(f, 4, 4, asPNG), drawn(f, 4, 4, asJPEG), []byte("RIFF")} {
		f.Add(content)
	}
	s, err := Open(Options{Directory: f.TempDir(), Limits: Limits{File: 1 << 20, Total: 8 << 20}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > 1<<20 {
			return
		}
		held := stage(t, s, content)
		defer held.Release()
		about, err := held.Describe()
		if err != nil || len(about.Waveform) > bot.WaveformBars {
			t.Errorf("%+v %v", about, err)
		}
	})
}

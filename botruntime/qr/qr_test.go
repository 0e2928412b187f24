package qr

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// texts are codes as WhatsApp makes them, and the edges of what fits.
var texts = map[string]string{
	"link code": "2@H9XkWv3uQqS0mVtJ8r5zPb1nYc7LdEfG2hKiTjUoAaBbCcDdEeFf0123456789+/zyxwvutsrqponmlkji,NoFKPd2Xm7QzLkA9sVbTgHyUjRe1cWi5n0OaEu3fGxY=,k5Jd8PzQwLmN2bVcXs9RtYuIoA1eHfGgTrKjZv7C6E0=,q3WeRtYuIoPaSdFgHjKlZxCvBnM1234567890QwErTs=",
	"short":     "a",
	"digits":    "0123456789",
	"long":      strings.Repeat("Ab1+", 500),
}

func TestPNGReadsBack(t *testing.T) {
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			data, err := PNG(text)
			if err != nil {
				t.Fatal(err)
			}
			picture, err := png.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, picture); got != text {
				t.Fatalf("read %q, want %q", got, text)
			}
		})
	}
}

func TestSVGReadsBack(t *testing.T) {
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			data, err := SVG(text)
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, rasterize(t, string(data))); got != text {
				t.Fatalf("read %q, want %q", got, text)
			}
		})
	}
}

func TestTerminalReadsBack(t *testing.T) {
	text := texts["link code"]
	var out strings.Builder
	if err := Terminal(&out, text); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) > 40 {
		t.Errorf("%d lines, a terminal holds few", len(lines))
	}
	side := 2 * len(lines)
	modules := newCanvas(side)
	for y, line := range lines {
		line = strings.TrimPrefix(line, "\x1b[38;5;16m\x1b[48;5;231m")
		line = strings.TrimSuffix(line, "\x1b[0m")
		for x, block := range []rune(line) {
			modules.set(x, 2*y, block == '█' || block == '▀')
			modules.set(x, 2*y+1, block == '█' || block == '▄')
		}
	}
	if got := read(t, modules.image()); got != text {
		t.Fatalf("read %q, want %q", got, text)
	}
}

func TestTooLongIsAnErrorWithoutTheText(t *testing.T) {
	secret := strings.Repeat("s3cret!", 1000)
	_, pngErr := PNG(secret)
	_, svgErr := SVG(secret)
	for _, err := range []error{pngErr, svgErr, Terminal(&strings.Builder{}, secret)} {
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("error %v, want one that keeps the text to itself", err)
		}
	}
}

func TestTerminalSaysWhenItCannotWrite(t *testing.T) {
	broken := errors.New("broken")
	if err := Terminal(failing{broken}, "x"); !errors.Is(err, broken) {
		t.Fatalf("error %v, want %v", err, broken)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func FuzzSVG(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if data, err := SVG(text); err == nil && !bytes.HasSuffix(data, []byte("</svg>")) {
			t.Fatalf("unfinished picture: %s", data)
		}
	})
}

// read decodes a picture as a phone would.
func read(t *testing.T, picture image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{
		gozxing.DecodeHintType_TRY_HARDER: true,
	})
	if err != nil {
		t.Fatalf("no QR code in the picture: %v", err)
	}
	return result.GetText()
}

// rasterize draws the runs of an SVG's dark path ("M x y h n v1h-n z").
func rasterize(t *testing.T, svg string) image.Image {
	t.Helper()
	_, box, _ := strings.Cut(svg, `viewBox="0 0 `)
	side, err := strconv.Atoi(box[:strings.IndexByte(box, ' ')])
	if err != nil {
		t.Fatal(err)
	}
	_, path, _ := strings.Cut(svg, `fill="#000" d="`)
	path, _, _ = strings.Cut(path, `"`)
	modules := newCanvas(side)
	for _, run := range strings.Split(strings.TrimSuffix(path, "z"), "z") {
		start, rest, _ := strings.Cut(strings.TrimPrefix(run, "M"), "h")
		length, _, _ := strings.Cut(rest, "v")
		column, row, _ := strings.Cut(start, " ")
		x, errX := strconv.Atoi(column)
		y, errY := strconv.Atoi(row)
		n, errN := strconv.Atoi(length)
		if err := errors.Join(errX, errY, errN); err != nil {
			t.Fatalf("run %q: %v", run, err)
		}
		for i := range n {
			modules.set(x+i, y, true)
		}
	}
	return modules.image()
}

// canvas is a square of modules, drawn 6 pixels each on a white border.
type canvas struct {
	side int
	dark []bool
}

const pixels = 6

func newCanvas(side int) canvas { return canvas{side, make([]bool, side*side)} }

func (c canvas) set(x, y int, dark bool) {
	if x < c.side && y < c.side {
		c.dark[y*c.side+x] = dark
	}
}

func (c canvas) image() image.Image {
	const border = 4
	full := (c.side + 2*border) * pixels
	out := image.NewGray(image.Rect(0, 0, full, full))
	for y := range full {
		for x := range full {
			mx, my := x/pixels-border, y/pixels-border
			shade := color.Gray{Y: 255}
			if mx >= 0 && my >= 0 && mx < c.side && my < c.side && c.dark[my*c.side+mx] {
				shade.Y = 0
			}
			out.SetGray(x, y, shade)
		}
	}
	return out
}

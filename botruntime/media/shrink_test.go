package media

import (
	"image"
	"image/color"
	"testing"
)

func TestShrink(t *testing.T) {
	t.Parallel()
	// Red, fine stripes of black and white, and nothing, from left to right; it does not begin at 0, 0.
	picture := image.NewNRGBA(image.Rect(7, 3, 7+300, 3+200))
	for y := 3; y < 203; y++ {
		for x := range 100 {
			picture.Set(7+x, y, color.NRGBA{0xff, 0, 0, 0xff})
			picture.Set(107+x, y, color.Gray{uint8(x % 2 * 0xff)})
		}
	}
	small := shrink(picture, 30, 20)
	if small.Bounds() != image.Rect(0, 0, 30, 20) {
		t.Fatal(small.Bounds())
	}
	for y := range 20 {
		for x, want := range map[int]color.RGBA{
			0: {0xff, 0, 0, 0xff}, 9: {0xff, 0, 0, 0xff}, 15: {0x7f, 0x7f, 0x7f, 0xff}, 20: {0xff, 0xff, 0xff, 0xff}, 29: {0xff, 0xff, 0xff, 0xff},
		} {
			if got := small.RGBAAt(x, y); got != want {
				t.Errorf("%d, %d is %v, want %v", x, y, got, want)
			}
		}
	}
	for _, size := range []image.Point{{1, 1}, {1, 1000}, {1000, 1}, {65535, 3}, {100, 100}, {199, 99}} {
		gray := image.NewGray(image.Rectangle{Max: size})
		width, height := min(100, size.X), min(100, size.Y)
		if got := shrink(gray, width, height).RGBAAt(width-1, height-1); got != (color.RGBA{0, 0, 0, 0xff}) {
			t.Errorf("the last pixel of %v is %v", size, got)
		}
	}
}

package media

import (
	"image"
	"image/color"
)

// samples bounds the pixels, in each direction, that become one pixel of a smaller picture.
const samples = 4

// shrink makes a picture smaller, on white: each pixel is the average of evenly spaced ones. A library for it has code for
// each pair of pixel formats, 0.1 MB of program in each bot.
func shrink(picture image.Image, width, height int) *image.RGBA {
	small, from := image.NewRGBA(image.Rect(0, 0, width, height)), picture.Bounds()
	across, down := min(samples, from.Dx()/width), min(samples, from.Dy()/height)
	for y := range height {
		for x := range width {
			var sum [3]uint32
			for i := range across * down {
				at := picture.At(from.Min.X+((2*(x*across+i%across)+1)*from.Dx())/(2*width*across), from.Min.Y+((2*(y*down+i/across)+1)*from.Dy())/(2*height*down))
				r, g, b, alpha := at.RGBA()
				white := 0xffff - alpha
				sum[0], sum[1], sum[2] = sum[0]+r+white, sum[1]+g+white, sum[2]+b+white
			}
			mean := func(sum uint32) uint8 { return uint8(sum / uint32(across*down) >> 8) } //nolint:gosec // 16 bits, of which the upper 8 stay
			small.SetRGBA(x, y, color.RGBA{mean(sum[0]), mean(sum[1]), mean(sum[2]), 0xff})
		}
	}
	return small
}

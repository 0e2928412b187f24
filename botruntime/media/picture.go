package media

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	_ "image/png" // to read PNG
	"io"
	"sync"

	_ "golang.org/x/image/webp" // to read WebP
)

const (
	// pictureBytes bounds what one picture takes in memory while its thumbnail is made; a larger one has none.
	pictureBytes = 48 << 20
	// thumbnailSide is the longer side of a thumbnail, thumbnailQuality its JPEG quality: WhatsApp's servers take only a
	// small message.
	thumbnailSide, thumbnailQuality = 100, 60
	maxSide                         = 1 << 16
)

// drawing lets one picture at a time take its memory.
var drawing sync.Mutex

// readPicture reads the size of a picture, and makes its thumbnail.
func readPicture(file *io.SectionReader, about *About) {
	if about.Mimetype == typeWebP {
		about.Animated = isAnimated(file)
	}
	config, format, err := image.DecodeConfig(file)
	if err != nil || config.Width <= 0 || config.Height <= 0 || config.Width > maxSide || config.Height > maxSide {
		return
	}
	about.Width, about.Height = uint32(config.Width), uint32(config.Height) //nolint:gosec // bounded above
	pixel := pixelBytes(format, config.ColorModel)
	if format == "jpeg" && isProgressive(file) {
		pixel *= 5 // the decoder keeps four bytes more for each of its own, until the picture is whole
	}
	if int64(config.Width)*int64(config.Height)*pixel > pictureBytes || about.Animated {
		return
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return
	}
	drawing.Lock()
	defer drawing.Unlock()
	picture, _, err := image.Decode(file)
	if err != nil {
		return
	}
	about.Thumbnail = thumbnail(picture)
}

// pixelBytes is how much of memory a pixel takes, at most.
func pixelBytes(format string, model color.Model) int64 {
	switch {
	case format == "jpeg" && model == color.CMYKModel, format == "webp":
		return 4
	case format == "jpeg":
		return 3
	case model == color.RGBA64Model, model == color.NRGBA64Model:
		return 8
	}
	return 4
}

// isProgressive reports whether a JPEG is one that becomes sharper while it comes: its frame has another marker. One with
// too much before its frame is taken for such a one.
func isProgressive(file io.ReaderAt) bool {
	const begin, segments, baseline, progressive = 2, 1024, 0xc0, 0xc2
	var head [4]byte
	at := int64(begin)
	for range segments {
		if _, err := file.ReadAt(head[:], at); err != nil || head[0] != 0xff {
			return false
		}
		switch kind := head[1]; {
		case kind == 0xff: // to fill up
			at++
			continue
		case kind >= baseline && kind <= progressive:
			return kind == progressive
		}
		at += 2 + int64(binary.BigEndian.Uint16(head[2:]))
	}
	return true
}

// thumbnail draws a picture small, on white.
func thumbnail(picture image.Image) []byte {
	size := picture.Bounds().Size()
	width, height := thumbnailSide, thumbnailSide
	if size.X > size.Y {
		height = max(1, thumbnailSide*size.Y/size.X)
	} else {
		width = max(1, thumbnailSide*size.X/size.Y)
	}
	small := shrink(picture, min(width, size.X), min(height, size.Y))
	var out bytes.Buffer
	if jpeg.Encode(&out, small, &jpeg.Options{Quality: thumbnailQuality}) != nil {
		return nil
	}
	return out.Bytes()
}

// isAnimated reports whether a WebP moves: its header says so.
func isAnimated(file io.ReaderAt) bool {
	head := make([]byte, 21)
	if _, err := file.ReadAt(head, 0); err != nil {
		return false
	}
	return string(head[12:16]) == "VP8X" && binary.LittleEndian.Uint32(head[16:20]) >= 10 && head[20]&0x02 != 0
}

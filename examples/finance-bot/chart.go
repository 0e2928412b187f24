package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"strconv"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// week is what came in and went out (both positive) on some days of a month, in whole rupiah.
type week struct {
	from, to int
	in, out  int64
}

// Where things are in the picture, in pixels. A phone shows it at about a third of that.
const (
	side   = 1080
	margin = 60
	top    = 380 // of the highest bar
	bottom = 960 // of all bars
	bar    = 78  // width of a bar
)

var (
	paper = color.RGBA{0xff, 0xff, 0xff, 0xff}
	ink   = color.RGBA{0x22, 0x22, 0x22, 0xff}
	green = color.RGBA{0x12, 0x80, 0x5c, 0xff}
	amber = color.RGBA{0xe0, 0x6c, 0x1a, 0xff}
)

// drawMonth draws what came in and went out in each week of a month, as a PNG.
func drawMonth(w words, title string, weeks []week) ([]byte, error) {
	heading, err1 := face(gobold.TTF, 64)
	plain, err2 := face(goregular.TTF, 40)
	small, err3 := face(goregular.TTF, 30)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	c := canvas{image.NewRGBA(image.Rect(0, 0, side, side))}
	c.fill(c.Rect, paper)

	var in, out, highest int64
	for _, one := range weeks {
		in, out, highest = in+one.in, out+one.out, max(highest, one.in, one.out)
	}
	c.write(heading, margin, 120, title)
	for i, one := range []struct {
		text   string
		colour color.Color
	}{{w.moneyIn + " " + rupiah(in), green}, {w.moneyOut + " " + rupiah(out), amber}} {
		y := 205 + 65*i
		c.fill(image.Rect(margin, y-32, margin+36, y+4), one.colour)
		c.write(plain, margin+56, y, one.text)
	}

	room := (side - 2*margin) / max(len(weeks), 1)
	for i, one := range weeks {
		middle := margin + room*i + room/2
		c.bar(small, middle-bar-3, one.in, highest, green)
		c.bar(small, middle+3, one.out, highest, amber)
		c.center(plain, middle, bottom+55, fmt.Sprintf("%d-%d", one.from, one.to))
	}
	c.fill(image.Rect(margin, bottom, side-margin, bottom+3), ink)

	var file bytes.Buffer
	err := png.Encode(&file, c.RGBA)
	return file.Bytes(), err
}

// canvas is a picture that is drawn on.
type canvas struct{ *image.RGBA }

func (c canvas) fill(area image.Rectangle, colour color.Color) {
	draw.Draw(c.RGBA, area, image.NewUniform(colour), image.Point{}, draw.Src)
}

// write puts text to the right of x, on the line y.
func (c canvas) write(f font.Face, x, y int, text string) {
	(&font.Drawer{Dst: c.RGBA, Src: image.NewUniform(ink), Face: f, Dot: fixed.P(x, y)}).DrawString(text)
}

func (c canvas) center(f font.Face, middle, y int, text string) {
	c.write(f, middle-font.MeasureString(f, text).Round()/2, y, text)
}

// bar draws an amount with its number above; none for nothing.
func (c canvas) bar(f font.Face, left int, amount, highest int64, colour color.Color) {
	if amount == 0 {
		return
	}
	height := int(float64(bottom-top) * float64(amount) / float64(highest))
	c.fill(image.Rect(left, bottom-max(height, 2), left+bar, bottom), colour)
	c.center(f, left+bar/2, bottom-height-12, short(amount))
}

func face(ttf []byte, size float64) (font.Face, error) {
	parsed, err := opentype.Parse(ttf)
	if err != nil {
		return nil, err
	}
	return opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
}

// short writes an amount in the width of a bar: 25rb, 1,5jt, 12jt, 3M.
func short(amount int64) string {
	for _, unit := range []struct {
		size int64
		name string
	}{{1_000_000_000, "M"}, {1_000_000, "jt"}, {1_000, "rb"}} {
		if amount < unit.size {
			continue
		}
		text := strconv.FormatInt(amount/unit.size, 10)
		if tenths := amount % unit.size * 10 / unit.size; tenths > 0 && amount < 10*unit.size {
			text += "," + strconv.FormatInt(tenths, 10)
		}
		return text + unit.name
	}
	return strconv.FormatInt(amount, 10)
}

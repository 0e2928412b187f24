package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"
)

// painted counts the pixels of a colour at the place of the bars.
func painted(t *testing.T, weeks []week, colour color.Color) (count int) {
	t.Helper()
	data, err := drawMonth(languages["id"], "Maret 2026", weeks)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil || picture.Bounds() != image.Rect(0, 0, side, side) {
		t.Fatalf("%v, %v", picture.Bounds(), err)
	}
	for y := top; y < bottom; y++ {
		for x := range side {
			if picture.At(x, y) == colour {
				count++
			}
		}
	}
	return count
}

// The highest bar has all the height, the others are in proportion, and what is little is still seen.
func TestBars(t *testing.T) {
	weeks := []week{{1, 7, 7_000_000, 3_500_000}, {8, 14, 0, 0}, {15, 21, 0, 1_750_000}, {22, 28, 0, 0}, {29, 31, 0, 500}}
	if got, want := painted(t, weeks, green), (bottom-top)*bar; got != want {
		t.Errorf("%d pixels of what came in, want %d", got, want)
	}
	if got, want := painted(t, weeks, amber), (bottom-top)*bar*3/4+2*bar; got != want {
		t.Errorf("%d pixels of what went out, want %d", got, want)
	}
}

func TestShort(t *testing.T) {
	for amount, want := range map[int64]string{
		500: "500", 1_000: "1rb", 25_000: "25rb", 999_999: "999rb", 1_500_000: "1,5jt", 1_000_000: "1jt", 12_750_000: "12jt", largest: "1000M",
	} {
		if got := short(amount); got != want {
			t.Errorf("%d is %q, want %q", amount, got, want)
		}
	}
}

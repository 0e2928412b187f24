package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wellFormed fails unless svg is a valid XML document.
func wellFormed(t *testing.T, svg []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
	}
}

func TestPictures(t *testing.T) {
	c := Chart{Title: `A & B <"x">`, X: Axis{Label: "time", Unit: "s"}, Y: Axis{Label: "memory", Unit: "MB"}}
	logY := c
	logY.Y.Log = true
	tests := map[string]struct {
		draw func() ([]byte, error)
		want []string
	}{
		"lines": {
			draw: func() ([]byte, error) {
				return Lines(c, Series{Name: "one", Points: []Point{{0, 1}, {1, 2}, {2, math.NaN()}}}, Series{Name: "two", Points: []Point{{0, 4}}, Dots: true})
			},
			want: []string{"time (s)", "memory (MB)", ">one<", ">two<", "<circle", "A &amp; B"},
		},
		"lines on a log axis": {
			draw: func() ([]byte, error) { return Lines(logY, Series{Points: []Point{{1, 0}, {2, 3}, {3, 30000}}}) },
			want: []string{">1<", ">100,000<"},
		},
		"histogram": {
			draw: func() ([]byte, error) {
				return Histogram(c, 10, map[string][]float64{"a": {1, 2, 2, 9.99, 10}, "b": {0, 5}}, "a", "b")
			},
			want: []string{">a<", ">b<", `class="f1 o"`},
		},
		"bars": {
			draw: func() ([]byte, error) {
				return Bars(c, Bar{Name: "ours", Value: 6}, Bar{Name: "theirs", Value: 1234, Other: true})
			},
			want: []string{">ours<", ">1,234 s<", `class="f1"`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			svg, err := test.draw()
			if err != nil {
				t.Fatal(err)
			}
			wellFormed(t, svg)
			for _, want := range test.want {
				if !strings.Contains(string(svg), want) {
					t.Errorf("lacks %q:\n%s", want, svg)
				}
			}
			if strings.Contains(string(svg), "NaN") {
				t.Errorf("a place that is no number:\n%s", svg)
			}
		})
	}
}

func TestNothingToDraw(t *testing.T) {
	c := Chart{Title: "empty"}
	for name, draw := range map[string]func() ([]byte, error){
		"lines":     func() ([]byte, error) { return Lines(c, Series{Name: "a", Points: []Point{{math.Inf(1), 1}}}) },
		"histogram": func() ([]byte, error) { return Histogram(c, 5, nil, "a") },
		"bars":      func() ([]byte, error) { return Bars(c) },
		"many":      func() ([]byte, error) { return Lines(c, make([]Series, maxSeries+1)...) },
	} {
		if _, err := draw(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestScale(t *testing.T) {
	tests := map[string]struct {
		axis   Axis
		values []float64
		marks  []float64
	}{
		"from zero":     {Axis{}, []float64{3, 57}, []float64{0, 10, 20, 30, 40, 50, 60}},
		"one value":     {Axis{}, []float64{0}, []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
		"negative":      {Axis{}, []float64{-1, 1}, []float64{-1, -0.5, 0, 0.5, 1}},
		"bounded":       {Axis{Min: 10, Max: 20}, []float64{12}, []float64{10, 12, 14, 16, 18, 20}},
		"log":           {Axis{Log: true}, []float64{3, 60}, []float64{2, 5, 10, 20, 50, 100}},
		"log, far":      {Axis{Log: true}, []float64{1, 5000}, []float64{1, 10, 100, 1000, 10000}},
		"log, one":      {Axis{Log: true}, []float64{7}, []float64{5, 10}},
		"log, on marks": {Axis{Log: true}, []float64{10, 100}, []float64{10, 20, 50, 100}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := newScale(test.axis, test.values, 0, 100).marks
			if !slices.EqualFunc(got, test.marks, func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }) {
				t.Errorf("marks = %v, want %v", got, test.marks)
			}
		})
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 1200: "1,200", -1200: "-1,200", 1234567: "1,234,567", 0.25: "0.25", 12.5: "12.5", 100: "100", 0.1 + 0.2: "0.3", 6.048: "6.05", 123456: "123,456",
	} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if err := Write(dir, "a.svg")(Bars(Chart{Title: "t"}, Bar{Name: "a", Value: 1})); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "a.svg")); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, "b.svg")(Bars(Chart{})); err == nil {
		t.Fatal("an error of drawing is lost")
	}
}

func TestZeroHasNoSign(t *testing.T) {
	svg, err := Lines(Chart{Title: "zero"}, Series{Points: []Point{{0, 1}, {3, 7}}})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(svg), ">-0<") {
		t.Errorf("a mark reads -0:\n%s", svg)
	}
}

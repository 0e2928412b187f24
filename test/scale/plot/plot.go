// Package plot draws line charts, histograms and bars as SVG files that are readable in light and dark mode. It
// computes no statistics.
package plot

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
)

// Axis says what is measured along one side of a chart.
type Axis struct {
	// Label is what is measured, in a few words.
	Label string
	// Unit is what a number counts, such as "ms"; "" for a plain count.
	Unit string
	// Log spaces powers of ten evenly. It cannot show zero and leaves such points out.
	Log bool
	// Min and Max bound the axis if they differ. Otherwise the data decides, and an axis without Log starts at zero.
	Min, Max float64
}

// Point is one measurement.
type Point struct{ X, Y float64 }

// Series is a line of a chart, or one kind of thing in a histogram.
type Series struct {
	Name   string
	Points []Point
	// Dots marks each point, for series with few points.
	Dots bool
}

// Chart is what all kinds of pictures have in common.
type Chart struct {
	Title string
	X, Y  Axis
}

// maxSeries is the number of colours: nobody can tell more lines apart.
const maxSeries = 6

var (
	errEmpty  = errors.New("plot: nothing to draw: no point has finite values that the axes can show")
	errSeries = fmt.Errorf("plot: at most %d series can be told apart", maxSeries)
)

// Lines draws each series as a line, in the order of its points.
func Lines(c Chart, series ...Series) ([]byte, error) {
	if len(series) > maxSeries {
		return nil, errSeries
	}
	var xs, ys []float64
	for i, s := range series {
		series[i].Points = shown(c, s.Points)
		for _, p := range series[i].Points {
			xs, ys = append(xs, p.X), append(ys, p.Y)
		}
	}
	if len(xs) == 0 {
		return nil, errEmpty
	}
	d := newDrawing(c, legend(series), newScale(c.X, xs, plotLeft, plotRight), newScale(c.Y, ys, plotBottom, plotTop))
	d.axes(c)
	for i, s := range series {
		d.line(i, s)
	}
	return d.done(), nil
}

// Histogram counts values in bins of equal width (on a Log axis: of equal ratio) and draws the counts, several series
// on top of each other.
func Histogram(c Chart, bins int, values map[string][]float64, order ...string) ([]byte, error) {
	if len(order) > maxSeries {
		return nil, errSeries
	}
	var all []float64
	for _, name := range order {
		for _, v := range values[name] {
			if c.X.shows(v) {
				all = append(all, v)
			}
		}
	}
	if len(all) == 0 || bins < 1 {
		return nil, errEmpty
	}
	x := newScale(c.X, all, plotLeft, plotRight)
	counts := make([][]float64, len(order))
	var heights []float64
	for i, name := range order {
		counts[i] = make([]float64, bins)
		for _, v := range values[name] {
			if c.X.shows(v) {
				counts[i][min(int(x.part(v)*float64(bins)), bins-1)]++
			}
		}
		heights = append(heights, counts[i]...)
	}
	names := make([]Series, len(order))
	for i, name := range order {
		names[i].Name = name
	}
	y := newScale(Axis{Min: c.Y.Min, Max: c.Y.Max}, heights, plotBottom, plotTop)
	d := newDrawing(c, legend(names), x, y)
	d.axes(c)
	for i := range counts {
		d.columns(i, counts[i])
	}
	return d.done(), nil
}

// Bar is one row of Bars.
type Bar struct {
	Name  string
	Value float64
	// Other draws the bar in the second colour, such as for a peer.
	Other bool
}

// Bars draws one horizontal bar for each value, followed by its number. It uses only the chart's X axis.
func Bars(c Chart, bars ...Bar) ([]byte, error) {
	var xs []float64
	for _, b := range bars {
		if c.X.shows(b.Value) {
			xs = append(xs, b.Value)
		}
	}
	if len(xs) == 0 {
		return nil, errEmpty
	}
	return drawBars(c, bars, newScale(c.X, xs, barLeft, barRight)), nil
}

// Write puts a picture into dir/name if drawing it succeeded: plot.Write(dir, "x.svg")(plot.Lines(...)).
func Write(dir, name string) func(svg []byte, err error) error {
	return func(svg []byte, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name), svg, 0o644)
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// shows reports whether a value has a place on the axis.
func (a Axis) shows(v float64) bool {
	if !finite(v) || a.Log && v <= 0 {
		return false
	}
	return a.Min == 0 && a.Max == 0 || v >= a.Min && v <= a.Max
}

// text returns the label with its unit.
func (a Axis) text() string {
	if a.Unit == "" {
		return a.Label
	}
	return a.Label + " (" + a.Unit + ")"
}

func shown(c Chart, points []Point) []Point {
	var kept []Point
	for _, p := range points {
		if c.X.shows(p.X) && c.Y.shows(p.Y) {
			kept = append(kept, p)
		}
	}
	return kept
}

// legend names the series, unless a single one has no name.
func legend(series []Series) []string {
	names := make([]string, len(series))
	for i, s := range series {
		names[i] = s.Name
	}
	if len(names) == 1 && names[0] == "" {
		return nil
	}
	return names
}

// drawing is an SVG under construction.
type drawing struct {
	bytes.Buffer
	x, y scale
}

package plot

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// Places in the picture, in pixels.
const (
	width, height         = 760, 400
	margin                = 24
	plotLeft, plotRight   = 76.0, 736.0
	plotTop, plotBottom   = 104.0, 342.0
	titleBase, legendBase = 36, 62
	glyph                 = 6.9 // approximate width of a letter of the legend

	barLeft, barRight = 250.0, 650.0
	barTop            = 60.0
	barHeight, barGap = 22.0, 12.0
)

// style has both modes. It draws the background too, because a page's own may differ from what the reader's system
// prefers. People with any colour vision can tell the colours apart.
const style = `
.bg{fill:#fff}.t{fill:#1f2328}.m{fill:#59636e}.g{stroke:#d9dee3}.a{stroke:#8b949e}
.s0{stroke:#0072b2}.s1{stroke:#d55e00}.s2{stroke:#009e73}.s3{stroke:#aa4499}.s4{stroke:#b8860b}.s5{stroke:#555}
.f0{fill:#0072b2}.f1{fill:#d55e00}.f2{fill:#009e73}.f3{fill:#aa4499}.f4{fill:#b8860b}.f5{fill:#555}
@media (prefers-color-scheme:dark){
.bg{fill:#0d1117}.t{fill:#f0f6fc}.m{fill:#9198a1}.g{stroke:#262c36}.a{stroke:#656c76}
.s0{stroke:#58b6f0}.s1{stroke:#ff9a57}.s2{stroke:#3ecf9b}.s3{stroke:#e59ad2}.s4{stroke:#f0c64a}.s5{stroke:#b5bcc4}
.f0{fill:#58b6f0}.f1{fill:#ff9a57}.f2{fill:#3ecf9b}.f3{fill:#e59ad2}.f4{fill:#f0c64a}.f5{fill:#b5bcc4}
}
text{font:13px system-ui,-apple-system,"Segoe UI",sans-serif}
.h{font-size:16px;font-weight:600}.l{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.g,.a{stroke-width:1}.e{text-anchor:end}.c{text-anchor:middle}.o{fill-opacity:.55}
`

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder accepts every write
	return b.String()
}

func (d *drawing) put(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

func (d *drawing) begin(title string, high float64) {
	d.put(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %g" width="%d" height="%g" role="img" aria-labelledby="title">`, width, high, width, high)
	d.put(`<title id="title">%s</title><style>%s</style>`, escape(title), style)
	d.put(`<rect class="bg" width="%d" height="%g" rx="8"/>`, width, high)
	d.put(`<text class="t h" x="%d" y="%d">%s</text>`, margin, titleBase, escape(title))
}

func newDrawing(c Chart, names []string, x, y scale) *drawing {
	d := &drawing{x: x, y: y}
	d.begin(c.Title, height)
	left := float64(margin)
	for i, name := range names {
		d.put(`<rect class="f%d" x="%.1f" y="%d" width="12" height="12" rx="2"/>`, i, left, legendBase-11)
		d.put(`<text class="t" x="%.1f" y="%d">%s</text>`, left+18, legendBase, escape(name))
		left += 18 + glyph*float64(len([]rune(name))) + 22
	}
	return d
}

// axes draws the grid, the marks and the labels. The label of the vertical axis is above it, so that it reads
// horizontally.
func (d *drawing) axes(c Chart) {
	d.put(`<text class="m" x="%d" y="%g">%s</text>`, margin, plotTop-14, escape(c.Y.text()))
	d.put(`<text class="m c" x="%g" y="%d">%s</text>`, (plotLeft+plotRight)/2, height-16, escape(c.X.text()))
	for _, v := range d.y.marks {
		at := d.y.pixel(v)
		d.put(`<line class="g" x1="%g" y1="%.1f" x2="%g" y2="%.1f"/>`, plotLeft, at, plotRight, at)
		d.put(`<text class="m e" x="%g" y="%.1f">%s</text>`, plotLeft-8, at+4.5, number(v))
	}
	for _, v := range d.x.marks {
		at := d.x.pixel(v)
		d.put(`<line class="a" x1="%.1f" y1="%g" x2="%.1f" y2="%g"/>`, at, plotBottom, at, plotBottom+5)
		d.put(`<text class="m c" x="%.1f" y="%g">%s</text>`, at, plotBottom+20, number(v))
	}
	d.put(`<line class="a" x1="%g" y1="%g" x2="%g" y2="%g"/>`, plotLeft, plotBottom, plotRight, plotBottom)
}

func (d *drawing) line(i int, s Series) {
	path := make([]string, len(s.Points))
	for j, p := range s.Points {
		path[j] = fmt.Sprintf("%.1f,%.1f", d.x.pixel(p.X), d.y.pixel(p.Y))
	}
	d.put(`<polyline class="l s%d" points="%s"/>`, i, strings.Join(path, " "))
	if !s.Dots {
		return
	}
	for _, at := range path {
		x, y, _ := strings.Cut(at, ",")
		d.put(`<circle class="f%d" cx="%s" cy="%s" r="3.5"/>`, i, x, y)
	}
}

func (d *drawing) columns(i int, counts []float64) {
	wide := (plotRight - plotLeft) / float64(len(counts))
	for j, n := range counts {
		if n == 0 {
			continue
		}
		top := d.y.pixel(n)
		d.put(`<rect class="f%d o" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, i, plotLeft+float64(j)*wide+0.5, top, max(wide-1, 1), plotBottom-top)
	}
}

func drawBars(c Chart, bars []Bar, x scale) []byte {
	d := &drawing{x: x}
	bottom := barTop + float64(len(bars))*(barHeight+barGap)
	d.begin(c.Title, bottom+56)
	for _, v := range x.marks {
		at := x.pixel(v)
		d.put(`<line class="g" x1="%.1f" y1="%g" x2="%.1f" y2="%g"/>`, at, barTop-4, at, bottom)
		d.put(`<text class="m c" x="%.1f" y="%g">%s</text>`, at, bottom+18, number(v))
	}
	for i, b := range bars {
		top := barTop + float64(i)*(barHeight+barGap) + barGap/2
		d.put(`<text class="t e" x="%g" y="%.1f">%s</text>`, barLeft-10, top+barHeight/2+4.5, escape(b.Name))
		if !c.X.shows(b.Value) {
			continue
		}
		colour := 0
		if b.Other {
			colour = 1
		}
		end := x.pixel(b.Value)
		d.put(`<rect class="f%d" x="%g" y="%.1f" width="%.1f" height="%g" rx="3"/>`, colour, barLeft, top, max(end-barLeft, 1), barHeight)
		d.put(`<text class="t" x="%.1f" y="%.1f">%s</text>`, end+8, top+barHeight/2+4.5, escape(strings.TrimSpace(number(b.Value)+" "+c.X.Unit)))
	}
	d.put(`<line class="a" x1="%g" y1="%g" x2="%g" y2="%g"/>`, barLeft, barTop-4, barLeft, bottom)
	d.put(`<text class="m c" x="%g" y="%g">%s</text>`, (barLeft+barRight)/2, bottom+40, escape(c.X.text()))
	return d.done()
}

func (d *drawing) done() []byte {
	d.WriteString("</svg>\n")
	return d.Bytes()
}

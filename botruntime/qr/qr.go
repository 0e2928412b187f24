// Package qr draws the text of a QR code as SVG, as PNG or in a terminal. It never keeps or logs what it draws.
package qr

import (
	"fmt"
	"io"
	"strconv"

	"rsc.io/qr"
)

// quiet is the white border that a scanner needs, in modules.
const quiet = 4

// SVG returns a picture of text that scales without blur: one dark path on white, one unit per module. It is dark on
// white even in a dark page, because many scanners read no other.
func SVG(text string) ([]byte, error) {
	code, err := encode(text, qr.M)
	if err != nil {
		return nil, err
	}
	side := strconv.Itoa(code.Size + 2*quiet)
	out := make([]byte, 0, 16<<10)
	out = append(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 `...)
	out = append(out, side+" "+side...)
	out = append(out, `" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h`...)
	out = append(out, side+"v"+side+"H0z"...)
	out = append(out, `"/><path fill="#000" d="`...)
	for y := range code.Size {
		for x := 0; x < code.Size; {
			run := darkRun(code, x, y)
			if run == 0 {
				x++
				continue
			}
			out = append(out, 'M')
			out = strconv.AppendInt(out, int64(x+quiet), 10)
			out = append(out, ' ')
			out = strconv.AppendInt(out, int64(y+quiet), 10)
			out = append(out, 'h')
			out = strconv.AppendInt(out, int64(run), 10)
			out = append(out, "v1h-"...)
			out = strconv.AppendInt(out, int64(run), 10)
			out = append(out, 'z')
			x += run
		}
	}
	return append(out, `"/></svg>`...), nil
}

// darkRun is the number of dark modules in a row from (x, y) on.
func darkRun(code *qr.Code, x, y int) int {
	n := 0
	for code.Black(x+n, y) {
		n++
	}
	return n
}

// PNG returns a black and white picture of text, 8 pixels per module.
func PNG(text string) ([]byte, error) {
	code, err := encode(text, qr.M)
	if err != nil {
		return nil, err
	}
	return code.PNG(), nil
}

// terminalQuiet is narrower than the standard's border: terminals are small, and scanners can read it.
const terminalQuiet = 2

// Terminal writes text as a QR code of half blocks, two modules to a character. It sets both colours, so that the code
// is dark on light whatever the terminal's theme.
func Terminal(w io.Writer, text string) error {
	code, err := encode(text, qr.L)
	if err != nil {
		return err
	}
	const dark, light = "\x1b[38;5;16m", "\x1b[48;5;231m"
	out := make([]byte, 0, 8<<10)
	for y := -terminalQuiet; y < code.Size+terminalQuiet; y += 2 {
		out = append(out, dark+light...)
		for x := -terminalQuiet; x < code.Size+terminalQuiet; x++ {
			out = append(out, halfBlock(code.Black(x, y), code.Black(x, y+1))...)
		}
		out = append(out, "\x1b[0m\n"...)
	}
	if _, err := w.Write(out); err != nil {
		return fmt.Errorf("write QR code to the terminal: %w", err)
	}
	return nil
}

// halfBlock returns the character with these halves dark.
func halfBlock(upper, lower bool) string {
	switch {
	case upper && lower:
		return "█"
	case upper:
		return "▀"
	case lower:
		return "▄"
	}
	return " "
}

// encode never repeats text in its error: the text is a secret.
func encode(text string, level qr.Level) (*qr.Code, error) {
	code, err := qr.Encode(text, level)
	if err != nil {
		return nil, fmt.Errorf("draw a QR code of %d bytes: %w", len(text), err)
	}
	return code, nil
}

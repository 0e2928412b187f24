package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/test/scan"
)

// terminal opens a pseudo-terminal and returns both ends.
func terminal(t *testing.T) (mine, theirs *os.File) {
	t.Helper()
	mine, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	t.Cleanup(func() { _ = mine.Close() })
	must(t, unix.IoctlSetPointerInt(int(mine.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(mine.Fd()), unix.TIOCGPTN)
	must(t, err)
	theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	t.Cleanup(func() { _ = theirs.Close() })
	return mine, theirs
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// readBlocks reads the last code in half blocks from a text, or "".
func readBlocks(text string) string {
	const scale = 8
	var rows [][2][]bool
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.Contains(line, "\x1b[48;5;231m") {
			if len(rows) > 10 {
				break
			}
			rows = nil
			continue
		}
		var row [2][]bool
		for _, r := range strings.TrimRight(escapes.ReplaceAllString(line, ""), "\r") {
			row[0] = append(row[0], r == '█' || r == '▀')
			row[1] = append(row[1], r == '█' || r == '▄')
		}
		rows = append(rows, row)
	}
	if len(rows) < 10 {
		return ""
	}
	const border = 4 * scale
	picture := image.NewGray(image.Rect(0, 0, len(rows[0][0])*scale+2*border, 2*len(rows)*scale+2*border))
	for i := range picture.Pix {
		picture.Pix[i] = 0xff
	}
	for y, row := range rows {
		for half, line := range row {
			for x, dark := range line {
				for px := 0; dark && px < scale*scale; px++ {
					picture.SetGray(border+x*scale+px%scale, border+(2*y+half)*scale+px/scale, color.Gray{})
				}
			}
		}
	}
	var out bytes.Buffer
	if png.Encode(&out, picture) != nil {
		return ""
	}
	return scan.Code(out.Bytes())
}

// At a terminal the bot draws the code, and prints when it is connected.
func TestTheTerminalShowsTheCode(t *testing.T) {
	wa := whatsapp(t)
	mine, theirs := terminal(t)
	p := launch(t, settings(wa, t.TempDir()), func(cmd *exec.Cmd) { cmd.Stdout = theirs })
	screen := &lines{}
	go func() {
		chunk := make([]byte, 4096)
		for {
			n, err := mine.Read(chunk)
			_, _ = screen.Write(chunk[:n])
			if err != nil {
				return
			}
		}
	}()
	p.awaitListening()
	var code string
	p.waitFor("a code on the screen", func() bool { code = readBlocks(screen.String()); return code != "" })
	if live := p.code(); live != code {
		t.Errorf("on the screen is %q, live is %q", code, live)
	}
	p.scan(wa, code, phone)
	linked := p.untilConnected()
	p.waitFor("the line about the connection", func() bool { return strings.Contains(screen.String(), "Connected as "+linked.JID) })
	if strings.Contains(p.out.String(), code) {
		t.Error("the log holds the code")
	}
	p.stop()
}

// In a pod a terminal's output goes to the logs, so a code is drawn there only on request.
func TestWhereCodesAreDrawn(t *testing.T) {
	_, tty := terminal(t)
	file, err := os.Create(t.TempDir() + "/out")
	must(t, err)
	defer file.Close()
	cases := map[string]struct {
		setting config.TerminalQR
		stdout  *os.File
		inPod   bool
		want    bool
	}{
		"a terminal":             {config.TerminalAuto, tty, false, true},
		"a file":                 {config.TerminalAuto, file, false, false},
		"a terminal in a pod":    {config.TerminalAuto, tty, true, false},
		"a terminal, off":        {config.TerminalOff, tty, false, false},
		"a file, on":             {config.TerminalOn, file, false, true},
		"a terminal in pod, on":  {config.TerminalOn, tty, true, true},
		"a terminal in pod, off": {config.TerminalOff, tty, true, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			const pod = "KUBERNETES_SERVICE_HOST"
			t.Setenv(pod, "10.0.0.1")
			if !tc.inPod {
				must(t, os.Unsetenv(pod))
			}
			if got := drawsCodes(tc.setting, tc.stdout); got != tc.want {
				t.Errorf("codes are drawn: %v, want %v", got, tc.want)
			}
		})
	}
}

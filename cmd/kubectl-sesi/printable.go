package main

import (
	"bufio"
	"io"
	"strings"
	"unicode"

	"sesi.dev/sesi/api/bot"
)

// maxPrinted bounds a text of a bot that is printed in a line.
const maxPrinted = 1 << 10

// printable makes a bot's text safe to print. A hostile bot could send a terminal's escape sequences, which write to the
// clipboard or draw over the screen.
func printable(text string) string { return bot.Printable(text, maxPrinted) }

// maxCell bounds a text of the cluster in a table; a condition's message is at most as long.
const maxCell = 32 << 10

// cell makes a text of the cluster safe in a table. Others wrote it: anyone with the right to write events, and a registry
// that refuses an image.
func cell(text string) string {
	return bot.Printable(strings.NewReplacer("\n", " ", "\t", " ").Replace(text), maxCell)
}

// copyPrintable copies a bot's output, such as its log, without a terminal's escape sequences. It writes whatever arrived
// before it waits for more.
func copyPrintable(to io.Writer, from io.Reader) error {
	in, out := bufio.NewReader(from), bufio.NewWriter(to)
	for {
		r, _, err := in.ReadRune()
		if err == nil && (r == '\n' || r == '\t' || unicode.IsPrint(r)) {
			_, _ = out.WriteRune(r) // Flush reports the error
		}
		if err != nil || in.Buffered() == 0 {
			if flushed := out.Flush(); flushed != nil {
				return flushed
			}
		}
		if err == io.EOF { //nolint:errorlint // ReadRune returns it unwrapped
			return nil
		}
		if err != nil {
			return err
		}
	}
}

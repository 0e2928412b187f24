package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// span is a range of addresses.
type span struct{ begin, end uintptr }

// observeProgram finds where the program's code and constants lie, which is where they stay.
func observeProgram() []span {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil
	}
	var found []span
	for line := range strings.Lines(string(maps)) {
		if pages, ok := programPages(line, program); ok {
			found = append(found, pages)
		}
	}
	return found
}

// forgetProgram unmaps pages of the program's own file. A start touches nearly all of them and an idle bot half; the
// kernel keeps them in its cache, once for all bots of a machine, and maps those that are used again. Nothing in them
// can have changed: writable parts are none of the spans.
func forgetProgram(spans []span) {
	for _, s := range spans {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, s.begin, s.end-s.begin, unix.MADV_DONTNEED) // only advice
	}
}

// programPages recognises a line of /proc/self/maps that holds the program's code or constants.
func programPages(line, program string) (s span, ok bool) {
	line = strings.TrimSuffix(line, "\n")
	if !strings.HasSuffix(line, " "+program) {
		return span{}, false
	}
	var rights string
	if _, err := fmt.Sscanf(line, "%x-%x %s", &s.begin, &s.end, &rights); err != nil {
		return span{}, false
	}
	return s, s.end > s.begin && (rights == "r-xp" || rights == "r--p")
}

package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// forgetProgram unmaps the pages of the program's own file. A start touches nearly all of them and an idle bot half;
// the kernel keeps them in its cache, once for all bots of a machine, and maps those that are used again. Nothing in
// them can have changed: writable parts are left alone.
func forgetProgram() {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(maps)) {
		if begin, end, ok := programPages(line, program); ok {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, begin, end-begin, unix.MADV_DONTNEED) // only advice
		}
	}
}

// programPages recognises a line of /proc/self/maps that holds the program's code or constants.
func programPages(line, program string) (begin, end uintptr, ok bool) {
	line = strings.TrimSuffix(line, "\n")
	if !strings.HasSuffix(line, " "+program) {
		return 0, 0, false
	}
	var rights string
	if _, err := fmt.Sscanf(line, "%x-%x %s", &begin, &end, &rights); err != nil {
		return 0, 0, false
	}
	return begin, end, end > begin && (rights == "r-xp" || rights == "r--p")
}

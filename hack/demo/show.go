package main

import (
	"fmt"
	"os"
	"time"
)

// The terminal's colours; empty where output is not a terminal, or NO_COLOR is set.
var bold, faint, green, red, plain = colours()

func colours() (bold, faint, green, red, plain string) {
	info, err := os.Stdout.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 || os.Getenv("NO_COLOR") != "" {
		return "", "", "", "", ""
	}
	return "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[0m"
}

// begun is when the demonstration started, stepBegun when its present step did.
var begun = time.Now()
var stepBegun = begun

func step(title string) {
	stepBegun = time.Now()
	fmt.Printf("\n%s%s%s\n", bold, title, plain)
}

func tell(format string, args ...any) { fmt.Printf("   "+format+"\n", args...) }

// commandLine prints a command that a person would type.
func commandLine(text string) { fmt.Printf("   %s$ %s%s\n", faint, text, plain) }

// achieved ends a step.
func achieved(what string) {
	fmt.Printf("   %s✓%s %-58s %10s\n", green, plain, what, seconds(time.Since(stepBegun)))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func hint(command, what string) { fmt.Printf("   %-58s  %s\n", command, what) }

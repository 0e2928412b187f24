package config

import (
	"fmt"
	"strings"
)

// Help returns the part of --help that lists every variable with its meaning, allowed values and default.
func Help() string {
	var b strings.Builder
	b.WriteString("Settings (environment variables or, outside a pod, lines of a .env file in the working directory;\nthe environment wins):\n\n")
	for _, v := range variables {
		fmt.Fprintf(&b, "  %s\n      %s\n      %s", v.name, v.help, v.allowed)
		if v.fallback != "" {
			fmt.Fprintf(&b, " (default %s)", v.fallback)
		}
		b.WriteString("\n")
	}
	b.WriteString("\nAlso honoured:\n\n")
	for _, v := range exported {
		fmt.Fprintf(&b, "  %s\n      %s\n", v.name, v.help)
	}
	return b.String()
}

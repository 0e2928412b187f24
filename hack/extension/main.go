// Command extension writes the browser extension for passkeys as a zip: the one that a bot serves.
package main

import (
	"fmt"
	"os"

	"sesi.dev/sesi/botruntime/httpapi/extension"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: extension FILE.zip")
		os.Exit(2)
	}
	packed, err := extension.Zip()
	if err == nil {
		err = os.WriteFile(os.Args[1], packed, 0o644) //nolint:gosec // G306: it is for everyone
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "extension:", err)
		os.Exit(1)
	}
}

// Package extension is the browser extension that signs with a passkey on WhatsApp's page, as a bot serves it. Its files
// are in the folder files, which a browser can load.
package extension

import _ "embed"

// Zip is the archive of the extension's files; hack/extension makes it.
//
//go:generate go run sesi.dev/sesi/hack/extension
//go:embed sesi-passkey.zip
var Zip []byte

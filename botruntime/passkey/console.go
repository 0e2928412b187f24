package passkey

import "encoding/json"

// ConsoleLine is a line for the console of a browser's tab with WhatsApp Web: it signs options there, and hands the
// signature to the person. A console has no focus, so the clipboard may refuse it; a dialog shows it then.
func ConsoleLine(options json.RawMessage) string {
	return `(async()=>{const c=await navigator.credentials.get({publicKey:PublicKeyCredential.parseRequestOptionsFromJSON(` +
		scriptSafe(options) + `)}),t=JSON.stringify(c);try{await navigator.clipboard.writeText(t)}catch{prompt("Copy this text",t)}return t})()`
}

// scriptSafe is JSON as a literal of a script: compact, and without the characters that only JSON allows in strings.
func scriptSafe(raw json.RawMessage) string {
	out, err := json.Marshal(raw) // compact, and escapes <, >, & and the two line separators
	if err != nil {
		return "null" // never: Requested.Options are JSON
	}
	return string(out)
}

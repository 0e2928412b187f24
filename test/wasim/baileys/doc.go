// Package baileys proves the simulator with Baileys, a client that shares no code with whatsmeow. Its test needs node
// and npm, so only the tag baileys builds it:
//
//	go test -tags baileys ./test/wasim/baileys
package baileys

// Package session drives one WhatsApp session: a pure state machine that is stepped with inputs and says what
// to do, and a supervisor that does it with whatsmeow. It never opens a port and never decides by itself to
// end a link.
package session

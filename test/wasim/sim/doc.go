// Package sim is a simulated WhatsApp: the server's side of WhatsApp Web's multi-device protocol as far as a
// companion client needs it, and every way in which that server fails, on demand. It never reaches the real
// WhatsApp, and it is never part of a bot or an operator.
package sim

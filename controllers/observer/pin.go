package observer

import "sesi.dev/sesi/api/bot/client"

// Pin and Pins are the client's, under the names that the operator uses.
type (
	Pin  = client.Pin
	Pins = client.Pins
)

// PinOf returns the pin of the first certificate in PEM.
func PinOf(certificate []byte) (Pin, error) { return client.PinOf(certificate) }

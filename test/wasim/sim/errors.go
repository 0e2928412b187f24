package sim

import "errors"

// What can go wrong with a request to the simulator. Every error it returns to its caller wraps one of them,
// except those of files and sockets.
var (
	// ErrInvalid: the request makes no sense.
	ErrInvalid = errors.New("invalid")
	// ErrUnknown: there is no such account, device, QR code or pairing.
	ErrUnknown = errors.New("unknown")
	// ErrOffline: the device is not connected.
	ErrOffline = errors.New("not connected")
	// ErrExpired: the QR code is too old.
	ErrExpired = errors.New("expired")
	// ErrRefused: one side refused the pairing.
	ErrRefused = errors.New("refused")
	// ErrNoAnswer: the companion did not answer in time, or its connection ended first.
	ErrNoAnswer = errors.New("no answer")
	// ErrClosed: the simulator was closed.
	ErrClosed = errors.New("closed")
)

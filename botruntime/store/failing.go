package store

import (
	"slices"
	"syscall"
)

// failing are the errors of a disk that does not work, such as one that was pulled out or is behind a network.
var failing = slices.Concat([]error{
	syscall.EIO, syscall.ESTALE, syscall.ENXIO, syscall.EBADMSG, syscall.ENODEV, syscall.ENOTCONN, syscall.ETIMEDOUT,
	syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.ENOMEM,
}, failingHere)

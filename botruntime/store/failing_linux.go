package store

import "syscall"

// failingHere are those that only Linux has.
var failingHere = []error{syscall.EUCLEAN, syscall.EREMOTEIO}

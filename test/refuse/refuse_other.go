//go:build !linux

package refuse

// Become does nothing: only Linux asks about writes.
func Become() {}

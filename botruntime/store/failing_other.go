//go:build !linux

package store

var failingHere []error

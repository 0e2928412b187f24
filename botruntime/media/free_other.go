//go:build !linux

package media

// freeBytes is not known on this system; a write that fails says that the disk is full.
func freeBytes(string) (bytes int64, known bool) { return 0, false }

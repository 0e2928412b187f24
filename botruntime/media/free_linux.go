package media

import "golang.org/x/sys/unix"

// freeBytes is how much the disk of a folder still takes.
func freeBytes(dir string) (bytes int64, known bool) {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil || s.Blocks == 0 {
		return 0, false
	}
	return int64(s.Bavail) * s.Bsize, true //nolint:gosec // no disk has 2^63 bytes
}

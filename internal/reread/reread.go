// Package reread reads files again when they change. It starts no goroutine and never writes.
package reread

import "os"

// Files are files whose content a program keeps. Its methods must not be called at the same time.
type Files struct {
	names  []string
	read   func() error
	seen   []os.FileInfo
	failed string
}

// New calls read, which reads the named files, and returns them as Files.
func New(read func() error, names ...string) (*Files, error) {
	f := &Files{names: names, read: read}
	return f, f.load()
}

// Refresh calls read if a file has changed since read last succeeded. A failure is returned once, and not again until
// it differs or read has succeeded, so that the caller can log it on every request.
func (f *Files) Refresh() error {
	err := f.load()
	if err == nil {
		f.failed = ""
		return nil
	}
	if err.Error() == f.failed {
		return nil
	}
	f.failed = err.Error()
	return err
}

func (f *Files) load() error {
	now := make([]os.FileInfo, len(f.names))
	same := f.seen != nil
	for i, name := range f.names {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		now[i] = info
		same = same && sameContents(info, f.seen[i])
	}
	if same {
		return nil
	}
	if err := f.read(); err != nil {
		return err
	}
	f.seen = now
	return nil
}

// sameContents compares two states of a file without reading it. The time alone is not enough: a filesystem's clock
// ticks every few milliseconds, and new content often has the same length.
func sameContents(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

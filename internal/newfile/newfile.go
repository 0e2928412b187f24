// Package newfile writes files that hold secrets. It never overwrites one, and leaves none unfinished.
package newfile

import (
	"errors"
	"io"
	"os"
)

// Write has write fill a file that did not exist, readable by its owner alone, and makes it durable. The file is
// removed when that fails.
func Write(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(write(file), file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

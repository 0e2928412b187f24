// Package newfile writes files that hold secrets. It never overwrites a file, and leaves no unfinished one.
package newfile

import (
	"errors"
	"io"
	"os"
)

// Write creates a file that only its owner can read, lets write fill it, and syncs it to the disk. It removes the file
// if that fails.
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

package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// openOwn opens a regular file of the session, readable by its owner only. It follows no symbolic link, and does not
// block on a pipe in the file's place.
func openOwn(path string, flags int) (*os.File, error) {
	file, err := os.OpenFile(path, flags|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, fileMode)
	if err != nil {
		return nil, describe(path, err)
	}
	err = ensureOwnMode(path, file)
	if err == nil && flags&os.O_CREATE != 0 {
		err = ensureOwner(file)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// ensureOwnMode takes the rights to a file from everyone but its owner; a umask or a volume's fsGroup may have given
// them. A file of another owner keeps its mode, which only that owner can change.
func ensureOwnMode(path string, file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return describe(path, err)
	}
	if !info.Mode().IsRegular() {
		return problem(NotRegular, path, nil)
	}
	if info.Mode().Perm() == fileMode || owner(info) != os.Geteuid() {
		return nil
	}
	if err := file.Chmod(fileMode); err != nil {
		return describe(path, fmt.Errorf("chmod: %w", err))
	}
	return nil
}

// createTemp makes a new file in dir. Its name marks it for removal at the next start.
func createTemp(dir, name string) (*os.File, error) {
	file, err := os.CreateTemp(dir, tempPrefix+"*-"+name)
	if err != nil {
		return nil, describe(dir, err)
	}
	if err := errors.Join(ensureOwnMode(file.Name(), file), ensureOwner(file)); err != nil {
		discard(file)
		return nil, err
	}
	return file, nil
}

// writeAtomic replaces dir/name by data. A crash at any moment leaves the old content or the new.
func writeAtomic(dir, name string, data []byte) error {
	file, err := createTemp(dir, name)
	if err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		discard(file)
		return describe(dir, err)
	}
	return publish(file, filepath.Join(dir, name))
}

// publish makes a temporary file durable and gives it its final name. It removes the file when that fails.
func publish(file *os.File, path string) error {
	err := errors.Join(file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		os.Remove(file.Name())
		return describe(path, err)
	}
	return syncDir(filepath.Dir(path))
}

// discard removes a temporary file.
func discard(file *os.File) {
	file.Close()
	os.Remove(file.Name())
}

// syncDir makes the names in dir, or the content of a file, durable. A file system without this call keeps their order
// itself.
func syncDir(dir string) error {
	handle, err := os.Open(dir)
	if err != nil {
		return describe(dir, err)
	}
	defer handle.Close()
	if err := handle.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return describe(dir, err)
	}
	return nil
}

// removeDatabase removes a temporary database and its sidecars.
func removeDatabase(path string) error {
	var errs []error
	for _, suffix := range append([]string{""}, sidecars...) {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, describe(path+suffix, err))
		}
	}
	return errors.Join(errs...)
}

// removeTemps removes the temporary files that a crash left in dir.
func removeTemps(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return describe(dir, err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), tempPrefix) && entry.Type().IsRegular() {
			if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return describe(dir, err)
			}
		}
	}
	return nil
}

// readBounded reads a small file; one of more than most bytes is an error.
func readBounded(path string, most int64) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("not a regular file (mode %s)", info.Mode())
	}
	data, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("larger than %d bytes", most)
	}
	return data, err
}

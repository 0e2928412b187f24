package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ensureOwner gives a file or folder that root just made to the owner of the folder it is in. One start as root, or
// one backup, would otherwise lock out the bot's usual user.
func ensureOwner(made *os.File) error {
	if os.Geteuid() != 0 {
		return nil
	}
	parent, err := os.Stat(filepath.Dir(made.Name()))
	if err != nil {
		return describe(made.Name(), err)
	}
	stat, ok := parent.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid == 0 {
		return nil
	}
	if err := made.Chown(int(stat.Uid), int(stat.Gid)); err != nil {
		return describe(made.Name(), fmt.Errorf("chown: %w", err))
	}
	return nil
}

// makeDirs makes dir and the folders above it that are missing.
func makeDirs(dir string) error {
	switch info, err := os.Stat(dir); {
	case err == nil && !info.IsDir():
		return problem(NotDirectory, dir, nil)
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if above := filepath.Dir(dir); above != dir {
		if err := makeDirs(above); err != nil {
			return err
		}
	}
	return makeDir(dir)
}

// makeDir makes one folder; it is no error when another process was faster.
func makeDir(dir string) error {
	if err := os.Mkdir(dir, dirMode); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	}
	// Opened without following a link, so that the new owner is given to this folder only.
	made, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	return errors.Join(ensureOwner(made), made.Close())
}

// nameFolder completes an error about rights with the folder that must change hands: the highest one that this user
// may not use. To change only the file that the error is about would fail at the next one.
func (l layout) nameFolder(err error) error {
	var e *PathError
	if !errors.As(err, &e) || e.Problem != NotWritable {
		return err
	}
	e.Folder = l.dir
	if within(e.Path, filepath.Dir(l.backups)) {
		e.Folder = l.backups
		if !usable(filepath.Dir(l.backups)) {
			e.Folder = filepath.Dir(l.backups)
		}
	}
	if !usable(l.authPath) {
		e.Folder = l.authPath
	}
	return err
}

func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir+string(filepath.Separator))
}

func usable(dir string) bool { return unix.Access(dir, unix.W_OK|unix.X_OK) == nil }

package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// ensureDirectory makes the session directory, private to the bot's user.
func ensureDirectory(l layout) error {
	info, err := os.Stat(l.authPath)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := makeDirs(l.authPath); err != nil {
			return notCreatable(l.authPath, err)
		}
	case err != nil:
		return describe(l.authPath, err)
	case !info.IsDir():
		return problem(NotDirectory, l.authPath, nil)
	}
	return ensurePrivateDir(l.dir)
}

// ensurePrivateDir makes one directory that only its owner may enter. It refuses a symbolic link in its place, which
// would let another user choose where the keys are written.
func ensurePrivateDir(dir string) error {
	info, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeDir(dir); err != nil {
			return notCreatable(dir, err)
		}
		info, err = os.Lstat(dir)
	}
	switch {
	case err != nil:
		return describe(dir, err)
	case info.Mode()&fs.ModeSymlink != 0:
		return problem(IsSymlink, dir, nil)
	case !info.IsDir():
		return problem(NotDirectory, dir, nil)
	}
	if info.Mode().Perm() != dirMode && owner(info) == os.Geteuid() {
		if err := os.Chmod(dir, dirMode); err != nil {
			return describe(dir, err)
		}
	}
	return nil
}

func notCreatable(dir string, err error) error {
	if classifyError(err) == NotWritable {
		return problem(NotCreatable, dir, err)
	}
	return describe(dir, err)
}

// chromiumMarks are files and folders of a Chromium profile; a LocalAuth session of whatsapp-web.js is one.
var chromiumMarks = []string{"Default", "DevToolsActivePort", "Local State", "SingletonLock", "first_party_sets.db"}

// observeProfile reports whether dir holds a profile of whatsapp-web.js, which cannot be converted.
func observeProfile(dir string) bool {
	return slices.ContainsFunc(chromiumMarks, func(name string) bool {
		_, err := os.Lstat(filepath.Join(dir, name))
		return err == nil
	})
}

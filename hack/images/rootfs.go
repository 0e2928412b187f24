package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// writeRootfs writes the image's files below a folder of its name. The Dockerfile sets their owners.
func writeRootfs(s settings, r recipe, c contents) error {
	root := filepath.Join(s.out, r.name)
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	for _, f := range c.all() {
		if err := writeFile(filepath.Join(root, f.name), f); err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
	}
	return nil
}

func writeFile(name string, f file) error {
	mode := fs.FileMode(f.mode & 0o777)
	if f.mode&0o1000 != 0 {
		mode |= fs.ModeSticky
	}
	switch {
	case f.target != "":
		return os.Symlink(f.target, name)
	case strings.HasSuffix(f.name, "/"):
		if err := os.MkdirAll(name, 0o755); err != nil {
			return err
		}
	default:
		if err := os.WriteFile(name, f.data, 0o600); err != nil {
			return err
		}
	}
	return os.Chmod(name, mode) // the given mode, whatever the umask is
}

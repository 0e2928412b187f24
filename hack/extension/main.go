// Command extension packs the browser extension for passkeys into the zip that a bot embeds and serves.
package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"sesi.dev/sesi/hack/internal/module"
)

// target is the package that embeds the zip.
const target = "botruntime/httpapi/extension"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "extension:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := module.Root()
	if err != nil {
		return err
	}
	dir := filepath.Join(root, target)
	packed, err := pack(os.DirFS(filepath.Join(dir, "files")))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "sesi-passkey.zip"), packed, 0o644) //nolint:gosec // G306: it is for everyone
}

// pack returns a zip of the files. The same files give the same bytes.
func pack(files fs.FS) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		file, err := w.CreateHeader(&zip.FileHeader{
			Name: "sesi-passkey/" + path, Method: zip.Deflate, Modified: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		})
		if err != nil {
			return err
		}
		_, err = file.Write(data)
		return err
	})
	if err == nil {
		err = w.Close()
	}
	return out.Bytes(), err
}

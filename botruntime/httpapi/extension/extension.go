// Package extension is the browser extension that signs with a passkey on WhatsApp's page. It is kept as its files, and
// packed when someone asks: a bot holds no copy of the archive.
package extension

import (
	"archive/zip"
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"time"
)

//go:embed files
var files embed.FS

// Files are the extension's files, as a browser loads them from a folder.
func Files() fs.FS {
	sub, err := fs.Sub(files, "files")
	if err != nil {
		panic(err) // the folder is in the binary
	}
	return sub
}

// Zip packs the files. The same files give the same bytes.
func Zip() ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	err := fs.WalkDir(Files(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(Files(), path)
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
	if err != nil {
		return nil, fmt.Errorf("pack the browser extension: %w", err)
	}
	return out.Bytes(), nil
}

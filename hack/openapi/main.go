// Command openapi writes the OpenAPI document of the bot's HTTP API, from the routes that are served, the types
// of their answers and the comments in their source. It never runs in a bot, which only embeds the result.
package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// target is where the bot embeds the document from, within the module.
const target = "botruntime/httpapi"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	document, err := buildDocument(root)
	if err != nil {
		return err
	}
	packed, err := pack(document)
	if err != nil {
		return err
	}
	dir := filepath.Join(root, target)
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "openapi.json"), document, 0o644),
		os.WriteFile(filepath.Join(dir, "openapi.json.gz"), packed, 0o644),
	)
}

// moduleRoot is the directory of go.mod, from here upwards.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		if err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			return "", fmt.Errorf("no go.mod above the working directory: %w", err)
		}
		dir = parent
	}
}

// pack compresses a document, the same bytes for the same document.
func pack(document []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(document); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

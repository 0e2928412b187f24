// Command docs writes the reference pages in docs/reference from the CRD, the OpenAPI document and the bot's settings. It
// adds no text of its own.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"sesi.dev/sesi/hack/internal/module"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := module.Root()
	if err != nil {
		return err
	}
	pages, err := build(root)
	if err != nil {
		return err
	}
	for path, text := range pages {
		path = filepath.Join(root, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, text, 0o644)); err != nil {
			return err
		}
	}
	return nil
}

// build returns every page by its path in the module.
func build(root string) (map[string][]byte, error) {
	schema, err := readCRD(filepath.Join(root, "config/crd/sesi.dev_whatsappsessions.yaml"))
	if err != nil {
		return nil, err
	}
	api, err := readOpenAPI(filepath.Join(root, "botruntime/httpapi/openapi.json"))
	if err != nil {
		return nil, err
	}
	settings, err := readSettings()
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		"docs/reference/session.md":     []byte(schema.page()),
		"docs/reference/http.md":        []byte(api.page()),
		"docs/reference/environment.md": []byte(settings.page()),
	}, nil
}

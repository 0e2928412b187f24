// Command docs writes the reference pages in docs/reference, and the tables of the README between their marks, from
// the CRD, the OpenAPI document and the bot's settings. It adds no text of its own.
package main

import (
	"bytes"
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
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		return nil, err
	}
	for name, table := range map[string]string{"settings": settings.brief(), "spec": schema.brief()} {
		if readme, err = between(readme, name, table); err != nil {
			return nil, fmt.Errorf("README.md: %w", err)
		}
	}
	return map[string][]byte{
		"README.md":                     readme,
		"docs/reference/session.md":     []byte(schema.page()),
		"docs/reference/http.md":        []byte(api.page()),
		"docs/reference/environment.md": []byte(settings.page()),
	}, nil
}

// between replaces the text between the marks of that name.
func between(text []byte, name, with string) ([]byte, error) {
	begin, end := []byte("<!-- "+name+" -->\n"), []byte("<!-- end of "+name+" -->\n")
	head, rest, found := bytes.Cut(text, begin)
	_, tail, ended := bytes.Cut(rest, end)
	if !found || !ended {
		return nil, fmt.Errorf("the marks %q and %q are missing", bytes.TrimSpace(begin), bytes.TrimSpace(end))
	}
	return bytes.Join([][]byte{head, begin, []byte(with), end, tail}, nil), nil
}

// Command openapi writes the OpenAPI documents of the bot's HTTP API and of the gateway's. It uses the served routes, the
// types of their answers and the comments in the source. The programs only embed the result.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"sesi.dev/sesi/hack/internal/module"
)

// target and gatewayTarget are the directories of the embedded documents, within the module.
const (
	target        = "botruntime/httpapi"
	gatewayTarget = "gateway"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := module.Root()
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
	ofGateway, err := buildGatewayDocument(root, document)
	if err != nil {
		return err
	}
	packedGateway, err := pack(ofGateway)
	if err != nil {
		return err
	}
	dir := filepath.Join(root, target)
	return errors.Join(
		os.WriteFile(filepath.Join(root, gatewayTarget, "openapi.json.gz"), packedGateway, 0o644),
		os.WriteFile(filepath.Join(dir, "openapi.json"), document, 0o644),
		os.WriteFile(filepath.Join(dir, "openapi.json.gz"), packed, 0o644),
	)
}

// pack compresses a document deterministically.
func pack(document []byte) ([]byte, error) {
	plain, err := compact(document)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// compact removes the white space that only people need: the programs embed 5 kB less.
func compact(document []byte) ([]byte, error) {
	var out bytes.Buffer
	err := json.Compact(&out, document)
	return out.Bytes(), err
}

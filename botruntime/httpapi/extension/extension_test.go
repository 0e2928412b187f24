package extension

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

func open(t *testing.T) *zip.Reader {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(Zip), int64(len(Zip)))
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

func read(t *testing.T, from func() (io.ReadCloser, error)) string {
	t.Helper()
	file, err := from()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTheArchiveHoldsTheFiles(t *testing.T) {
	packed, want := map[string]string{}, map[string]string{}
	for _, file := range open(t).File {
		packed[file.Name] = read(t, file.Open)
	}
	names, err := filepath.Glob("files/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		want["sesi-passkey/"+filepath.Base(name)] = read(t, func() (io.ReadCloser, error) { return os.Open(name) })
	}
	if !maps.Equal(packed, want) {
		t.Error("sesi-passkey.zip does not hold what the folder files does; run: go generate ./botruntime/httpapi/extension")
	}
}

func TestTheExtensionHasTheLeastRights(t *testing.T) {
	archive := open(t)
	raw := read(t, func() (io.ReadCloser, error) { return archive.Open("sesi-passkey/manifest.json") })
	var manifest map[string]json.RawMessage
	if err := json.Unmarshal([]byte(raw), &manifest); err != nil {
		t.Fatal(err)
	}
	for _, right := range []string{"permissions", "host_permissions", "optional_permissions", "optional_host_permissions", "externally_connectable", "web_accessible_resources"} {
		if _, found := manifest[right]; found {
			t.Errorf("the manifest asks for %s", right)
		}
	}
	var scripts []struct {
		Matches []string `json:"matches"`
		JS      []string `json:"js"`
	}
	if err := json.Unmarshal(manifest["content_scripts"], &scripts); err != nil {
		t.Fatal(err)
	}
	if len(scripts) != 1 || len(scripts[0].Matches) != 1 || scripts[0].Matches[0] != "https://web.whatsapp.com/*" {
		t.Errorf("it acts on %+v", scripts)
	}
	for _, name := range append(scripts[0].JS, "background.js") {
		if _, err := archive.Open("sesi-passkey/" + name); err != nil {
			t.Error(err)
		}
	}
}

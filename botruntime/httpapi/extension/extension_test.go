package extension

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"testing"
)

func TestTheExtensionHasTheLeastRights(t *testing.T) {
	packed, err := Zip()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Zip()
	if err != nil || !bytes.Equal(packed, again) {
		t.Errorf("packed twice, it differs (%v)", err)
	}
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	file, err := archive.Open("sesi-passkey/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	var manifest map[string]json.RawMessage
	if err = json.Unmarshal(raw, &manifest); err != nil {
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
	if err = json.Unmarshal(manifest["content_scripts"], &scripts); err != nil {
		t.Fatal(err)
	}
	if len(scripts) != 1 || len(scripts[0].Matches) != 1 || scripts[0].Matches[0] != "https://web.whatsapp.com/*" {
		t.Errorf("it acts on %+v", scripts)
	}
	for _, name := range append(scripts[0].JS, "background.js") {
		if _, err = archive.Open("sesi-passkey/" + name); err != nil {
			t.Error(err)
		}
	}
}

package main

import (
	"os"
	"path/filepath"
	"testing"
)

// Anyone who reads the code's picture can link their own phone, so only its owner may read it, whatever file was there
// before.
func TestThePictureOfACodeIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "code.png")
	if err := os.WriteFile(path, []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeSecret(path, []byte("picture")); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(data) != "picture" || info.Mode().Perm() != 0o600 {
		t.Errorf("the file holds %q and is %s", data, info.Mode())
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, %v", left, err)
	}
}

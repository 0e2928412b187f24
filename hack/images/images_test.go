package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// TestMain gives the tests a folder for temporary files: a cluster's test that runs beside them looks for what the building
// of images left behind in the machine's.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "images-test-")
	if err == nil {
		err = os.Setenv("TMPDIR", dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// buildArchive builds an archive of one image whose program is a text, and returns the archive and its image.
func buildArchive(t *testing.T, name string) ([]byte, v1.Image) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("the program"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if err := run([]string{"-out", out, "-arch", "arm64", "-program", name + "=" + program, "archive", name}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(out, name+".tar"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	unpack(t, data, dir)
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if got := manifest.Manifests[0].Annotations["io.containerd.image.name"]; got == "" {
		t.Error("the archive does not say what name to load the image under")
	}
	img, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return data, img
}

func unpack(t *testing.T, archive []byte, dir string) {
	t.Helper()
	reader := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, filepath.FromSlash(header.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func entries(t *testing.T, img v1.Image) map[string]*tar.Header {
	t.Helper()
	stream := mutate.Extract(img)
	defer stream.Close()
	found := map[string]*tar.Header{}
	reader := tar.NewReader(stream)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		found[header.Name] = header
	}
}

func TestBotImage(t *testing.T) {
	archive, img := buildArchive(t, "bot")
	if err := validate.Image(img); err != nil {
		t.Errorf("not a valid image: %v", err)
	}
	again, _ := buildArchive(t, "bot")
	if !bytes.Equal(archive, again) {
		t.Error("the same sources gave different bytes")
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS != "linux" || config.Architecture != "arm64" {
		t.Errorf("platform is %s/%s", config.OS, config.Architecture)
	}
	if config.Config.User != "65532:65532" || config.Config.WorkingDir != "/data" || config.Config.Entrypoint[0] != "/bot" {
		t.Errorf("runs %v as %s in %s", config.Config.Entrypoint, config.Config.User, config.Config.WorkingDir)
	}
	found := entries(t, img)
	for _, name := range []string{"bot", trustFile, "usr/share/zoneinfo/Asia/Jakarta", "etc/passwd", "tmp", "data"} {
		if found[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	for name, header := range found {
		if writable := header.Uid != 0 || header.Mode&0o022 != 0; writable && name != "data" && name != "tmp" {
			t.Errorf("%s may be written to by the program", name)
		}
	}
	if data := found["data"]; data != nil && (data.Uid != nobody || data.Mode != 0o700) {
		t.Errorf("the data folder belongs to %d with mode %o", data.Uid, data.Mode)
	}
	if found["bin/sh"] != nil {
		t.Error("there is a shell in it")
	}
}

// What an image trusts depends on go.sum, and not on the machine that builds it.
func TestTheAuthoritiesAreThoseOfAModule(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("the program"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if err := run([]string{"-out", out, "-program", "bot=" + program, "rootfs", "bot"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(out, "bot", trustFile))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			want[string(root.Certificate)] = true
		}
	}
	if len(want) < 50 {
		t.Fatalf("only %d authorities", len(want))
	}
	names := map[string]bool{}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if !want[string(block.Bytes)] {
			t.Error("a certificate that is not in the module")
		}
		delete(want, string(block.Bytes))
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		names[certificate.Subject.CommonName] = true
	}
	if len(want) > 0 || !names["ISRG Root X1"] || !names["DigiCert Global Root G2"] {
		t.Errorf("%d authorities are missing, of %d", len(want), len(names))
	}
}

func TestRootfsHoldsTheSameFiles(t *testing.T) {
	_, img := buildArchive(t, "operator")
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("the program"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if err := run([]string{"-out", out, "-program", "operator=" + program, "rootfs", "operator"}); err != nil {
		t.Fatal(err)
	}
	for name, header := range entries(t, img) {
		info, err := os.Lstat(filepath.Join(out, "operator", name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if int64(info.Mode().Perm()) != header.Mode&0o777 {
			t.Errorf("%s has mode %o in the folder and %o in the image", name, info.Mode().Perm(), header.Mode)
		}
	}
}

func TestBadCommandLines(t *testing.T) {
	for name, args := range map[string][]string{
		"no name":          {"archive"},
		"unknown command":  {"push", "bot"},
		"unknown image":    {"archive", "nothing"},
		"program no file":  {"-program", "bot=/nonexistent/file", "archive", "bot"},
		"program no equal": {"-program", "bot", "archive", "bot"},
		"not built here":   {"archive", "coredns"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := run(append([]string{"-out", t.TempDir()}, args...)); err == nil {
				t.Error("accepted")
			}
		})
	}
}

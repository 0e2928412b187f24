package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"sigs.k8s.io/yaml"
)

// plugin has every field that krew knows, so that a strict decoder refuses all others.
type plugin struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		Version, ShortDescription, Description, Caveats, Homepage string

		Platforms []struct {
			URI, Sha256, License, Bin string

			Selector *metav1.LabelSelector
			Files    []struct{ From, To string }
		}
	}
}

// release writes a release from what make plugin builds.
func release(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{
		"kubectl-sesi_linux_amd64", "kubectl-sesi_linux_arm64", "kubectl-sesi_darwin_amd64", "kubectl-sesi_darwin_arm64",
		"kubectl-sesi_windows_amd64.exe", "SHA256SUMS",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("program "+name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := run([]string{"-version", "v0.1.0-rc.1", "-from", "https://example.org/v0.1.0-rc.1/", "-dir", dir, "-license", "../../LICENSE"}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestManifest checks what krew checks before it installs from a manifest.
func TestManifest(t *testing.T) {
	dir := release(t)
	data, err := os.ReadFile(filepath.Join(dir, "sesi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var p plugin
	if err := yaml.UnmarshalStrict(data, &p); err != nil {
		t.Fatal(err)
	}
	if p.APIVersion != "krew.googlecontainertools.github.com/v1alpha2" || p.Kind != "Plugin" || p.Name != "sesi" {
		t.Errorf("%s %s %s", p.APIVersion, p.Kind, p.Name)
	}
	if _, err := version.ParseSemantic(p.Spec.Version); err != nil || !strings.HasPrefix(p.Spec.Version, "v") {
		t.Errorf("version %q: %v", p.Spec.Version, err)
	}
	if d := p.Spec.ShortDescription; d == "" || len(d) > 50 || strings.ContainsAny(d, "\r\n") || strings.HasSuffix(d, ".") {
		t.Errorf("short description %q", d)
	}
	var found []string
	for _, platform := range p.Spec.Platforms {
		system, arch := platform.Selector.MatchLabels["os"], platform.Selector.MatchLabels["arch"]
		if system == "" || arch == "" || len(platform.Selector.MatchLabels) != 2 {
			t.Errorf("selector %v", platform.Selector.MatchLabels)
		}
		found = append(found, system+"/"+arch)
		if !regexp.MustCompile(`^[a-f0-9]{64}$`).MatchString(platform.Sha256) {
			t.Errorf("checksum %q", platform.Sha256)
		}
		holds(t, dir, platform.URI, platform.Sha256, platform.Bin, system+"_"+arch)
	}
	if want := []string{"darwin/amd64", "darwin/arm64", "linux/amd64", "linux/arm64", "windows/amd64"}; !slices.Equal(found, want) {
		t.Errorf("platforms %v, want %v", found, want)
	}
	again := release(t)
	if other, err := os.ReadFile(filepath.Join(again, "sesi.yaml")); err != nil || !bytes.Equal(data, other) {
		t.Errorf("the same programs make another manifest (%v)", err)
	}
}

// holds fails the test unless the archive has that checksum and contains the license and a program that can run.
func holds(t *testing.T, dir, uri, sum, bin, platform string) {
	t.Helper()
	name, ok := strings.CutPrefix(uri, "https://example.org/v0.1.0-rc.1/")
	if !ok || !strings.HasSuffix(name, ".tar.gz") {
		t.Fatalf("uri %s", uri)
	}
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if got := sha256.Sum256(data); hex.EncodeToString(got[:]) != sum {
		t.Errorf("%s has another checksum", name)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	files, modes := map[string]string{}, map[string]int64{}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name], modes[header.Name] = string(content), header.Mode
	}
	if len(files) != 2 || !strings.Contains(files["LICENSE"], "Apache License") || !strings.HasPrefix(files[bin], "program kubectl-sesi_"+platform) || modes[bin] != 0o755 {
		t.Errorf("%s holds %v, want LICENSE and %s", name, modes, bin)
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	cases := map[string]struct {
		args []string
		want string
	}{
		"no version":        {[]string{"-from", "https://example.org"}, `-version ""`},
		"no release":        {[]string{"-version", "dev", "-from", "https://example.org"}, `-version "dev"`},
		"not over TLS":      {[]string{"-version", "v1.0.0", "-from", "http://example.org"}, "https://"},
		"nothing was built": {[]string{"-version", "v1.0.0", "-from", "https://example.org", "-dir", dir, "-license", "../../LICENSE"}, "make plugin"},
		"no license":        {[]string{"-version", "v1.0.0", "-from", "https://example.org", "-dir", dir, "-license", dir + "/none"}, "none"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if err := run(c.args); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// Command krew packs the built kubectl plugins for krew, and writes the manifest by which krew finds and verifies
// them. It builds and publishes nothing.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "krew:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("krew", flag.ContinueOnError)
	version := flags.String("version", "", "the release, such as v0.1.0")
	from := flags.String("from", "", "the URL of the folder in which the release's files will be")
	dir := flags.String("dir", "dist/plugin", "the folder of the built plugins; the archives and sesi.yaml are written beside them")
	license := flags.String("license", "LICENSE", "the license to pack with each")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`).MatchString(*version) {
		return fmt.Errorf("-version %q: want a release, such as v0.1.0", *version)
	}
	if !strings.HasPrefix(*from, "https://") {
		return fmt.Errorf("-from %q: want an https:// URL", *from)
	}
	return write(*dir, *license, *version, strings.TrimRight(*from, "/"))
}

// built matches the name of a built plugin.
var built = regexp.MustCompile(`^kubectl-sesi_([a-z]+)_([a-z0-9]+)(\.exe)?$`)

// write packs every plugin in dir, and writes the manifest.
func write(dir, license, version, from string) error {
	terms, err := os.ReadFile(license)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	manifest := newManifest(version)
	for _, entry := range entries {
		part := built.FindStringSubmatch(entry.Name())
		if part == nil {
			continue
		}
		program, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return err
		}
		p := platform{Bin: "kubectl-sesi" + part[3], Selector: selector{MatchLabels: map[string]string{"os": part[1], "arch": part[2]}}}
		packed, err := pack(p.Bin, program, terms)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(entry.Name(), ".exe") + ".tar.gz"
		if err := os.WriteFile(filepath.Join(dir, name), packed, 0o644); err != nil {
			return err
		}
		sum := sha256.Sum256(packed)
		p.URI, p.SHA256 = from+"/"+name, hex.EncodeToString(sum[:])
		manifest.Spec.Platforms = append(manifest.Spec.Platforms, p)
	}
	if len(manifest.Spec.Platforms) == 0 {
		return fmt.Errorf("%s holds no plugin; build them first: make plugin", dir)
	}
	slices.SortFunc(manifest.Spec.Platforms, func(a, b platform) int { return strings.Compare(a.URI, b.URI) })
	data, err := yaml.Marshal(manifest)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "sesi.yaml"), data, 0o644)
}

// pack writes a deterministic archive, because the manifest contains its checksum.
func pack(name string, program, license []byte) ([]byte, error) {
	var out bytes.Buffer
	zipped, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	files := tar.NewWriter(zipped)
	for _, file := range []struct {
		name string
		mode int64
		data []byte
	}{{"LICENSE", 0o644, license}, {name, 0o755, program}} {
		header := &tar.Header{Name: file.name, Mode: file.mode, Size: int64(len(file.data)), Format: tar.FormatUSTAR}
		if err := files.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := files.Write(file.data); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(files.Close(), zipped.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// epoch is the time of every file, so that the time of a build changes nothing.
var epoch = time.Unix(0, 0).UTC()

// writeArchive writes the image as one OCI archive and prints its name, digest and compressed size.
func writeArchive(s settings, r recipe, c contents) error {
	img, err := assemble(s, r, c)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		return err
	}
	out := filepath.Join(s.out, r.name+".tar")
	if err := pack(img, r.reference(s), out); err != nil {
		return fmt.Errorf("write %s: %w", out, err)
	}
	digest, err := img.Digest()
	if err != nil {
		return err
	}
	size, err := compressedSize(img)
	if err != nil {
		return err
	}
	fmt.Printf("%-34s %6.2f MB compressed  %s\n", r.reference(s), float64(size)/1e6, digest)
	return nil
}

// reference returns the full name under which the image is loaded.
func (r recipe) reference(s settings) string {
	repository := r.repository
	if repository == "" {
		repository = r.name
	}
	return s.registry + "/" + repository + ":" + s.version + r.tagSuffix
}

func assemble(s settings, r recipe, c contents) (v1.Image, error) {
	var layers []mutate.Addendum
	if len(c.base) > 0 {
		layer, err := newLayer(c.base)
		if err != nil {
			return nil, err
		}
		layers = append(layers, addendum(layer, "certificates, time zones and users"))
	}
	own, err := newLayer(c.own)
	if err != nil {
		return nil, err
	}
	layers = append(layers, addendum(own, r.program))
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err = mutate.Append(img, layers...)
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.Architecture, config.OS, config.Created = s.arch, "linux", v1.Time{Time: epoch}
	config.Config = v1.Config{
		Entrypoint: []string{"/" + r.program},
		Env:        []string{"PATH=/bin"},
		User:       fmt.Sprintf("%d:%d", nobody, nobody),
		WorkingDir: "/" + r.data,
		Labels:     labels(s, r),
	}
	if r.env != "" {
		config.Config.Env = append(config.Config.Env, r.env)
	}
	if r.data != "" {
		config.Config.Volumes = map[string]struct{}{"/" + r.data: {}}
	}
	return mutate.ConfigFile(img, config)
}

func addendum(layer v1.Layer, comment string) mutate.Addendum {
	return mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: epoch}, CreatedBy: comment}}
}

func labels(s settings, r recipe) map[string]string {
	all := map[string]string{
		"org.opencontainers.image.title":       r.title,
		"org.opencontainers.image.description": r.description,
		"org.opencontainers.image.version":     s.version,
		"org.opencontainers.image.url":         "https://sesi.dev",
	}
	if s.revision != "" {
		all["org.opencontainers.image.revision"] = s.revision
	}
	return all
}

func newLayer(files []file) (v1.Layer, error) {
	var buffer bytes.Buffer
	writer := tar.NewWriter(&buffer)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Mode: f.mode, Uid: f.owner, Gid: f.owner, ModTime: epoch, Size: int64(len(f.data)), Typeflag: tar.TypeReg}
		switch {
		case f.target != "":
			header.Typeflag, header.Linkname = tar.TypeSymlink, f.target
		case strings.HasSuffix(f.name, "/"):
			header.Typeflag = tar.TypeDir
		}
		if err := writer.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		if _, err := writer.Write(f.data); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buffer.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.BestCompression), tarball.WithCompressedCaching)
}

// compressedSize returns what a node downloads: the layers and the configuration.
func compressedSize(img v1.Image) (int64, error) {
	manifest, err := img.Manifest()
	if err != nil {
		return 0, err
	}
	size := manifest.Config.Size
	for _, layer := range manifest.Layers {
		size += layer.Size
	}
	return size, nil
}

// pack writes an OCI layout of the image as a tar archive. containerd and docker read the name to load it under from
// the annotations.
func pack(img v1.Image, reference, out string) error {
	dir, err := os.MkdirTemp("", "sesi-layout-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	index, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	names := map[string]string{
		"io.containerd.image.name":          reference,
		"org.opencontainers.image.ref.name": reference[strings.LastIndex(reference, ":")+1:],
	}
	if err := index.AppendImage(img, layout.WithAnnotations(names)); err != nil {
		return err
	}
	partial := out + ".partial"
	archive, err := os.Create(partial)
	if err != nil {
		return err
	}
	defer os.Remove(partial)
	defer archive.Close()
	writer := tar.NewWriter(archive)
	if err := addTree(writer, os.DirFS(dir)); err != nil {
		return err
	}
	if err := writer.Close(); err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return os.Rename(partial, out)
}

func addTree(writer *tar.Writer, tree fs.FS) error {
	return fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(tree, filepath.ToSlash(name))
		if err != nil {
			return err
		}
		if err := writer.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data)), ModTime: epoch, Typeflag: tar.TypeReg}); err != nil {
			return err
		}
		_, err = writer.Write(data)
		return err
	})
}

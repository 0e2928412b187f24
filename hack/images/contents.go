package main

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// file is one entry of an image. A name that ends in a slash is a folder; a link has a target.
type file struct {
	name   string // without a leading slash
	data   []byte
	target string
	mode   int64
	owner  int
}

// contents are the files of an image. The base is the same in all images, and so is its layer.
type contents struct {
	base, own []file
}

func (c contents) all() []file { return append(slices.Clone(c.base), c.own...) }

func gather(s settings, r recipe, program string) (contents, error) {
	var c contents
	if !r.bare {
		base, err := baseFiles()
		if err != nil {
			return contents{}, err
		}
		c.base = base
	}
	binary, err := os.ReadFile(program)
	if err != nil {
		return contents{}, err
	}
	if r.shell {
		c.own, err = shellFiles(s.busybox)
		if err != nil {
			return contents{}, err
		}
	}
	c.own = append(c.own, file{name: r.program, data: binary, mode: 0o755})
	if r.data != "" {
		c.own = append(c.own, file{name: r.data + "/", mode: 0o700, owner: nobody})
	}
	c.own = withFolders(c.own)
	return c, nil
}

// trustFile is a path that Go reads, in a folder that it does not also read: in etc/ssl/certs it would read the same
// certificates twice. A file or folder that someone mounts there is still found.
const trustFile = "etc/ssl/cert.pem"

// baseFiles returns the certificates, time zones and users that a static program expects.
func baseFiles() ([]file, error) {
	files := []file{
		{name: "etc/passwd", data: fmt.Appendf(nil, "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:%d:%d:nonroot:/:/sbin/nologin\n", nobody, nobody), mode: 0o644},
		{name: "etc/group", data: fmt.Appendf(nil, "root:x:0:\nnonroot:x:%d:\n", nobody), mode: 0o644},
		{name: trustFile, data: trustedRoots(), mode: 0o644},
		{name: "tmp/", mode: 0o1777},
	}
	zones, err := timeZones()
	if err != nil {
		return nil, err
	}
	return withFolders(append(files, zones...)), nil
}

// trustedRoots are the certificates of the public authorities that Mozilla's programs trust. They are in a module, so
// go.sum says which, whatever machine builds. An authority that is trusted for its older certificates only is left out,
// because a file cannot say that.
func trustedRoots() []byte {
	var text bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // into memory: it does not fail
		}
	}
	return text.Bytes()
}

// timeZones unpacks Go's own time zones, so that they depend on its version and not on the machine.
func timeZones() ([]file, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		return nil, fmt.Errorf("time zones: %w", err)
	}
	defer archive.Close()
	var files []file
	for _, entry := range archive.File {
		if strings.HasSuffix(entry.Name, "/") {
			continue
		}
		data, err := readEntry(entry)
		if err != nil {
			return nil, fmt.Errorf("time zone %s: %w", entry.Name, err)
		}
		files = append(files, file{name: "usr/share/zoneinfo/" + entry.Name, data: data, mode: 0o644})
	}
	return files, nil
}

func readEntry(entry *zip.File) ([]byte, error) {
	reader, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return io.ReadAll(reader)
}

// shellFiles returns a busybox and a link for each of its commands.
func shellFiles(busybox string) ([]file, error) {
	binary, err := os.ReadFile(busybox)
	if err != nil {
		return nil, fmt.Errorf("shell (package busybox-static): %w", err)
	}
	program, err := elf.NewFile(bytes.NewReader(binary))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", busybox, err)
	}
	if libraries, err := program.ImportedLibraries(); err != nil || len(libraries) > 0 {
		return nil, errors.Join(fmt.Errorf("%s needs %v, want the one of package busybox-static", busybox, libraries), err)
	}
	files := []file{{name: "bin/busybox", data: binary, mode: 0o755}}
	list, err := exec.Command(busybox, "--list").Output()
	if err != nil {
		return nil, fmt.Errorf("busybox --list: %w", err)
	}
	for name := range bytes.FieldsSeq(list) {
		if string(name) != "busybox" {
			files = append(files, file{name: "bin/" + string(name), target: "busybox", mode: 0o777})
		}
	}
	return files, nil
}

// withFolders adds every folder above a file and sorts all, parents first.
func withFolders(files []file) []file {
	known := map[string]bool{}
	for _, f := range files {
		known[f.name] = true
	}
	for _, f := range slices.Clone(files) {
		for dir := path.Dir(strings.TrimSuffix(f.name, "/")); dir != "."; dir = path.Dir(dir) {
			if !known[dir+"/"] {
				known[dir+"/"] = true
				files = append(files, file{name: dir + "/", mode: 0o755})
			}
		}
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return files
}

// Command images builds the project's container images from Go packages, without a container engine or a base image
// to pull; it never pushes one.
//
//	images [FLAGS] archive NAME...   writes DIR/NAME.tar, an OCI archive that ctr, docker, podman and kind load
//	images [FLAGS] rootfs NAME...    writes the same files below DIR/NAME, for the Dockerfile
//
// The same sources and Go version give the same bytes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// settings is what the command line decides about every image.
type settings struct {
	out      string            // folder that the results go to
	registry string            // first part of every image's name
	version  string            // tag, and what the programs call themselves
	revision string            // commit, for the label
	arch     string            // GOARCH of the programs
	busybox  string            // of the images that have a shell
	ready    map[string]string // programs that are built already, by image name
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	s := settings{ready: map[string]string{}}
	flags := flag.NewFlagSet("images", flag.ContinueOnError)
	flags.StringVar(&s.out, "out", "dist/images", "`folder` to write to")
	flags.StringVar(&s.registry, "registry", "sesi.dev", "first part of the images' names")
	flags.StringVar(&s.version, "version", "dev", "tag of the images and version of the programs")
	flags.StringVar(&s.revision, "revision", "", "commit that is built, for the label")
	flags.StringVar(&s.arch, "arch", runtime.GOARCH, "amd64 or arm64")
	flags.StringVar(&s.busybox, "busybox", "/bin/busybox", "static `program` for the images that have a shell")
	flags.Func("program", "`NAME=FILE`: the image's program is this file and is not built", func(value string) error {
		name, file, ok := strings.Cut(value, "=")
		if !ok {
			return errors.New("want NAME=FILE")
		}
		s.ready[name] = file
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() < 2 {
		return fmt.Errorf("usage: images [FLAGS] archive|rootfs NAME...; the names are %s", strings.Join(names(), " "))
	}
	write, ok := map[string]func(settings, recipe, contents) error{"archive": writeArchive, "rootfs": writeRootfs}[flags.Arg(0)]
	if !ok {
		return fmt.Errorf("no command named %q: want archive or rootfs", flags.Arg(0))
	}
	for _, name := range flags.Args()[1:] {
		r, ok := find(name)
		if !ok {
			return fmt.Errorf("no image named %q; the names are %s", name, strings.Join(names(), " "))
		}
		if err := build(s, r, write); err != nil {
			return fmt.Errorf("image %s: %w", name, err)
		}
	}
	return nil
}

// build compiles the image's program in a temporary folder, gathers its files and writes them.
func build(s settings, r recipe, write func(settings, recipe, contents) error) error {
	dir, err := os.MkdirTemp("", "sesi-image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program, ok := s.ready[r.name]
	if !ok {
		program = filepath.Join(dir, r.name)
		if err := compile(s, r, program); err != nil {
			return err
		}
	}
	c, err := gather(s, r, program)
	if err != nil {
		return err
	}
	return write(s, r, c)
}

func find(name string) (recipe, bool) {
	i := slices.IndexFunc(recipes, func(r recipe) bool { return r.name == name })
	if i < 0 {
		return recipe{}, false
	}
	return recipes[i], true
}

func names() []string {
	var all []string
	for _, r := range recipes {
		all = append(all, r.name)
	}
	return all
}

package main

import (
	"fmt"
	"os"
	"os/exec"
)

// compile builds the recipe's program. Its flags are those of every other build in the project, so that all share
// one build cache.
func compile(s settings, r recipe, out string) error {
	if r.source == "" {
		return fmt.Errorf("its program is built elsewhere: name it with -program %s=FILE", r.name)
	}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", r.tags,
		"-ldflags", "-s -w -X main.version="+s.version, "-o", out, r.source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+s.arch)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build %s: %w", r.source, err)
	}
	return nil
}

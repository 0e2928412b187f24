package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// bytesPerSecond is how much source one core compiles: 213 s of processor time for the bot and the simulator. It is
// only the first guess; the build's own pace replaces it.
const bytesPerSecond = 400_000

// tellEvery is how often a build reports its progress.
const tellEvery = 10 * time.Second

// build compiles programs of this module into a folder, and reports its progress. Go caches the compiled packages, so
// the next build only links.
func build(ctx context.Context, folder, tags string, packages ...string) error {
	weights, total, err := toCompile(ctx, tags, packages)
	if err != nil {
		return err
	}
	if total > 10*bytesPerSecond {
		guess := time.Duration(float64(total)/bytesPerSecond/float64(min(runtime.NumCPU(), 8))) * time.Second
		tell("%d packages to compile, once: about %.0f s on this machine's %d cores", len(weights), guess.Seconds(), runtime.NumCPU())
	}
	args := append([]string{"build", "-v", "-tags", tags, "-ldflags", "-s -w", "-o", folder + "/"}, packages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	output, err := cmd.StderrPipe()
	if err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start go build: %w", err)
	}
	said := showProgress(output, weights, total)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, said)
	}
	return nil
}

// showProgress reads the names of the compiled packages, and returns the build's other output.
func showProgress(output io.Reader, weights map[string]int64, total int64) string {
	started, next := time.Now(), time.Now().Add(tellEvery)
	var done int64
	var rest bytes.Buffer
	for lines := bufio.NewScanner(output); lines.Scan(); {
		weight, known := weights[lines.Text()]
		if !known {
			fmt.Fprintln(&rest, lines.Text())
			continue
		}
		done += weight
		if now := time.Now(); now.After(next) && done > 0 {
			next = now.Add(tellEvery)
			took := now.Sub(started)
			left := time.Duration(float64(took) * float64(total-done) / float64(done))
			tell("%s%3.0f s, %d of 100 parts compiled, about %.0f s to go%s", faint, took.Seconds(), 100*done/max(total, 1), left.Seconds(), plain)
		}
	}
	return rest.String()
}

// toCompile returns the packages that Go has not compiled yet, with the size of their sources.
func toCompile(ctx context.Context, tags string, packages []string) (weights map[string]int64, total int64, err error) {
	args := append([]string{"list", "-deps", "-tags", tags, "-json=ImportPath,Dir,GoFiles,Stale"}, packages...)
	out, err := exec.CommandContext(ctx, "go", args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, 0, fmt.Errorf("go list: %w: %s", err, exit.Stderr)
	} else if err != nil {
		return nil, 0, fmt.Errorf("go list: %w", err)
	}
	weights = map[string]int64{}
	for in := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Dir string
			GoFiles         []string
			Stale           bool
		}
		if err := in.Decode(&p); errors.Is(err, io.EOF) {
			return weights, total, nil
		} else if err != nil {
			return nil, 0, fmt.Errorf("read what go list prints: %w", err)
		}
		if !p.Stale {
			continue
		}
		for _, name := range p.GoFiles {
			if info, err := os.Stat(filepath.Join(p.Dir, name)); err == nil {
				weights[p.ImportPath] += info.Size()
				total += info.Size()
			}
		}
	}
}

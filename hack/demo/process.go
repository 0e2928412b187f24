package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// process is a process that the demonstration started. Its start time is stored with its number, because another
// process may get the number later.
type process struct {
	PID   int
	Start string
}

// startedAt returns when the process started, or "" if it does not exist.
func startedAt(pid int) string {
	if runtime.GOOS == "linux" {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return ""
		}
		_, after, _ := strings.Cut(string(stat), ") ") // the program's name may contain spaces
		if fields := strings.Fields(after); len(fields) > 19 && fields[0] != "Z" {
			return fields[19]
		}
		return ""
	}
	out, err := exec.Command("ps", "-o", "lstart=,stat=", "-p", fmt.Sprint(pid)).Output()
	text := strings.TrimSpace(string(out))
	if err != nil || strings.HasPrefix(text[strings.LastIndex(text, " ")+1:], "Z") {
		return ""
	}
	return text[:strings.LastIndex(text, " ")]
}

func (p process) runs() bool { return p.PID > 0 && p.Start != "" && startedAt(p.PID) == p.Start }

// launch starts a program that outlives the demonstration, and writes its process into a file. Its output goes to a
// log.
func launch(file, dir, log string, env []string, program string, args ...string) (process, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return process{}, fmt.Errorf("log of %s: %w", filepath.Base(program), err)
	}
	defer output.Close()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C at the terminal must not end it
	if err := cmd.Start(); err != nil {
		return process{}, fmt.Errorf("start %s: %w", filepath.Base(program), err)
	}
	p := process{cmd.Process.Pid, startedAt(cmd.Process.Pid)}
	go func() { _ = cmd.Wait() }() // otherwise it stays a zombie until the demonstration ends
	data, err := json.Marshal(p)
	if err == nil {
		err = os.WriteFile(file, data, 0o600)
	}
	if err != nil {
		return p, errors.Join(fmt.Errorf("note process %d: %w", p.PID, err), p.end(syscall.SIGKILL))
	}
	return p, nil
}

// noted reads the process from a file. It returns the zero process if there is no such file.
func noted(file string) (process, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return process{}, nil
	}
	if err != nil {
		return process{}, fmt.Errorf("read the note of a process: %w", err)
	}
	var p process
	if err := json.Unmarshal(data, &p); err != nil {
		return process{}, fmt.Errorf("read %s: %w", file, err)
	}
	return p, nil
}

// end sends the signal and waits until the process has ended; after ten seconds it kills it.
func (p process) end(signal syscall.Signal) error {
	if !p.runs() {
		return nil
	}
	if err := syscall.Kill(p.PID, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("end process %d: %w", p.PID, err)
	}
	deadline, tick := time.NewTimer(10*time.Second), time.NewTicker(20*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for p.runs() {
		select {
		case <-tick.C:
		case <-deadline.C:
			_ = syscall.Kill(p.PID, syscall.SIGKILL)
		}
	}
	return nil
}

// eventually repeats until success, at most for that time.
func eventually(ctx context.Context, limit time.Duration, what string, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("gave up waiting for %s: %w", what, err)
		case <-tick.C:
		}
	}
}

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Bounds of every wait.
const (
	patience  = time.Minute
	endGrace  = 10 * time.Second
	maxLine   = 1 << 20
	closeWait = 2 * time.Second
)

// process is a program that runs until end.
type process struct {
	kind  string
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{}
	once  sync.Once
}

// startProcess passes each line of the program's output to line, from one goroutine.
func startProcess(kind string, cmd *exec.Cmd, line func([]byte)) (*process, error) {
	p := &process{kind: kind, cmd: cmd, ended: make(chan struct{})}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = in
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = cmd.Stdout
	cmd.WaitDelay = closeWait
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", kind, err)
	}
	go func() {
		defer close(p.ended)
		scan := bufio.NewScanner(out)
		scan.Buffer(nil, maxLine)
		for scan.Scan() {
			line(scan.Bytes())
		}
		_, _ = io.Copy(io.Discard, out) // after a line longer than the limit
		_ = cmd.Wait()
	}()
	return p, nil
}

// end asks the process to stop, and kills it if it does not.
func (p *process) end() {
	p.once.Do(func() {
		_ = p.stdin.Close()
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(endGrace):
			_ = p.cmd.Process.Kill()
			<-p.ended
		}
	})
}

var errEnded = errors.New("the process ended")

// await waits until ready is closed.
func (p *process) await(ready <-chan struct{}, what string) error {
	select {
	case <-ready:
		return nil
	case <-p.ended:
		return fmt.Errorf("%s, waiting for %s: %w", p.kind, what, errEnded)
	case <-time.After(patience):
		return fmt.Errorf("%s: waited %v for %s in vain", p.kind, patience, what)
	}
}

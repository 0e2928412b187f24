package store

import (
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

// A snapshot is taken by a process of its own, which is this program again: SQLite's allocator never gives
// back what a second connection took, and Go's runtime keeps what its tables grew by, so a bot that did it
// itself would pay for its backups all its life. The process acts under its bot's lock, which it inherits.

// SnapshotCommand is the argument by which a store starts its own program again: with it as the only one,
// a program that takes backups must do nothing but call ServeSnapshot.
const SnapshotCommand = "snapshot"

// snapshotTimeout bounds a snapshot for callers that do not.
const snapshotTimeout = 5 * time.Minute

// The descriptors that the process inherits beside the standard ones.
const (
	inheritedLock   = 3
	inheritedTarget = 4
)

// snapshotOrder is what the process is told on its standard input, which then stays open as long as its
// bot lives.
type snapshotOrder struct {
	AuthPath string `json:"authPath"`
	ClientID string `json:"clientID"`
	// Plain is the empty file, among the session's backups, that takes the copy before it is compressed.
	Plain string `json:"plain"`
}

// snapshotAnswer is what the process says on its standard output.
type snapshotAnswer struct {
	Device string `json:"device,omitempty"`
	// Error is "" when all went well; Problem and Path then say nothing either.
	Error    string  `json:"error,omitempty"`
	Problem  Problem `json:"problem,omitempty"`
	Path     string  `json:"path,omitempty"`
	NoDevice bool    `json:"noDevice,omitempty"`
}

// answerError makes an error ready for the way to the other process.
func answerError(err error) snapshotAnswer {
	answer := snapshotAnswer{Error: err.Error(), NoDevice: errors.Is(err, ErrNoDevice)}
	var pathError *PathError
	if errors.As(err, &pathError) {
		answer.Problem, answer.Path, answer.Error = pathError.Problem, pathError.Path, ""
		if pathError.Err != nil {
			answer.Error = pathError.Err.Error()
		}
	}
	return answer
}

// err is the error that the other process met, nil for none.
func (a snapshotAnswer) err() error {
	var cause error
	if a.Error != "" {
		cause = errors.New(a.Error)
	}
	switch {
	case a.NoDevice:
		return ErrNoDevice
	case a.Problem != "":
		return problem(a.Problem, a.Path, cause)
	case cause == nil && a.Device == "":
		return errors.New("the process that takes the snapshot said nothing")
	}
	return cause
}

// snapshot makes a consistent copy of the store, verified to be whole and to hold a device, and returns it
// compressed. The file is the caller's to remove.
func (s *Store) snapshot(ctx context.Context) (file *os.File, device string, err error) {
	if err := s.lock.stillAt(s.layout.lock()); err != nil {
		return nil, "", err
	}
	exists, err := s.Exists(ctx)
	if err != nil {
		return nil, "", err
	}
	if !exists {
		return nil, "", ErrNoDevice
	}
	if err := ensureBackupDirectory(s.layout); err != nil {
		return nil, "", err
	}
	plain, err := createTemp(s.layout.backups, "snapshot.db")
	if err != nil {
		return nil, "", err
	}
	// However the process ends, the copy goes, and with an error what was made of it.
	defer func() {
		if err = errors.Join(err, removeDatabase(plain.Name())); err != nil && file != nil {
			discard(file)
		}
	}()
	if err := plain.Close(); err != nil {
		return nil, "", describe(plain.Name(), err)
	}
	if file, err = createTemp(s.layout.backups, "backup.zst"); err != nil {
		return nil, "", err
	}
	device, err = s.runSnapshot(ctx, plain.Name(), file)
	return file, device, err
}

// runSnapshot starts the process, tells it what to do, and waits for its end, which ctx brings about.
func (s *Store) runSnapshot(ctx context.Context, plain string, target *os.File) (device string, err error) {
	ctx, cancel := context.WithTimeout(ctx, snapshotTimeout)
	defer cancel()
	order, err := json.Marshal(snapshotOrder{s.layout.authPath, s.options.ClientID, filepath.Base(plain)})
	if err != nil {
		return "", err
	}
	process, stdin, stdout, err := startSnapshot(ctx, s.lock.file, target)
	if err != nil {
		return "", fmt.Errorf("start the process that takes the snapshot: %w", err)
	}
	// A process that is gone cannot be told anything; its end says why.
	_, _ = stdin.Write(append(order, '\n'))
	// It is waited for here, where no thread is needed for it.
	said, readErr := io.ReadAll(stdout)
	err = process.Wait()
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return "", fmt.Errorf("the process that takes the snapshot ended too early: %w", err)
	}
	var answer snapshotAnswer
	if err := errors.Join(readErr, json.Unmarshal(said, &answer)); err != nil {
		return "", fmt.Errorf("read from the process that takes the snapshot: %w", err)
	}
	return answer.Device, answer.err()
}

// startSnapshot starts the process with what it inherits, and with nothing else: it needs no setting and no
// secret.
func startSnapshot(ctx context.Context, own, target *os.File) (process *exec.Cmd, stdin io.Writer, stdout io.Reader, err error) {
	program, err := ownProgram()
	if err != nil {
		return nil, nil, nil, err
	}
	process = exec.CommandContext(ctx, program, SnapshotCommand)
	process.Args[0] = os.Args[0]
	process.Env = []string{"GOMAXPROCS=1"}
	process.Stderr = os.Stderr
	process.ExtraFiles = []*os.File{inheritedLock - 3: own, inheritedTarget - 3: target}
	if stdin, err = process.StdinPipe(); err != nil {
		return nil, nil, nil, err
	}
	if stdout, err = process.StdoutPipe(); err != nil {
		return nil, nil, nil, err
	}
	return process, stdin, stdout, process.Start()
}

// ownProgram is the file that this process runs. On Linux it is so also when another version has taken the
// file's place meanwhile.
func ownProgram() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}

// ServeSnapshot is the process that takes a snapshot. It must be the whole of its program: when the bot
// that started it is gone it ends the program wherever it is.
func ServeSnapshot(stdin io.Reader, stdout io.Writer) error {
	own, target, err := inherited()
	if err != nil {
		return err
	}
	// The lock must be held to the very end, also when nothing looks at it any more.
	defer own.release()
	defer target.Close()
	var order snapshotOrder
	if err := json.NewDecoder(stdin).Decode(&order); errors.Is(err, io.EOF) {
		return nil // the bot is gone already
	} else if err != nil {
		return fmt.Errorf("read what to do: %w", err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		os.Exit(1)
	}()
	device, err := takeSnapshot(context.Background(), own, order, target)
	answer := snapshotAnswer{Device: device}
	if err != nil {
		answer = answerError(err)
	}
	return json.NewEncoder(stdout).Encode(answer)
}

// inherited finds what a bot handed over.
func inherited() (*lock, *os.File, error) {
	own, target := &lock{file: os.NewFile(inheritedLock, lockName)}, os.NewFile(inheritedTarget, "backup.zst")
	// Without a bot, what Go's runtime reads stands in their place.
	if _, err := target.Write(nil); err != nil {
		return nil, nil, errors.New("a snapshot is taken for a bot that runs, and by it")
	}
	// What is held already is taken from nobody.
	if err := flock(own.file, lockExclusive); err != nil {
		return nil, nil, fmt.Errorf("the lock of the bot: %w", err)
	}
	return own, target, nil
}

// takeSnapshot copies the database to order.Plain, checks the copy, and compresses it into target.
func takeSnapshot(ctx context.Context, own *lock, order snapshotOrder, target io.Writer) (device string, err error) {
	l, err := newLayout(order.AuthPath, order.ClientID)
	if err != nil {
		return "", err
	}
	if err := own.stillAt(l.lock()); err != nil {
		return "", err
	}
	plain := filepath.Join(l.backups, order.Plain)
	if err := copyDatabase(ctx, l.database(), plain); err != nil {
		return "", describe(plain, err)
	}
	found, err := inspect(ctx, plain)
	switch {
	case err != nil:
		return "", err
	case found.condition != conditionSound:
		return "", fmt.Errorf("%s: the snapshot is %s: %s", plain, found.condition, found.damage)
	case found.device == "":
		return "", ErrNoDevice
	}
	source, err := os.Open(plain)
	if err != nil {
		return "", describe(plain, err)
	}
	defer source.Close()
	return found.device, describe(plain, compress(ctx, target, source))
}

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
	"time"
)

// A second process copies the database. SQLite's allocator never returns what a second connection took, and Go's
// runtime keeps what its tables grew by, so a bot that copied the database itself would keep that memory for the
// rest of its life. The copier inherits the lock of its bot and works under it.

// copyTimeout bounds a copy whose caller gives no deadline.
const copyTimeout = 5 * time.Minute

// The file descriptors that the copier inherits after the standard ones.
const (
	inheritedLock   = 3
	inheritedTarget = 4
)

// copyOrder is what the copier reads from its standard input, which then stays open as long as the bot lives.
type copyOrder struct {
	AuthPath string `json:"authPath"`
	ClientID string `json:"clientID"`
	// Plain is the empty file in the session's backup folder that takes the copy before it is compressed.
	Plain string `json:"plain"`
}

// copyAnswer is what the copier writes to its standard output.
type copyAnswer struct {
	Device string `json:"device,omitempty"`
	// Error is "" after a success; Problem and Path are then empty too.
	Error    string  `json:"error,omitempty"`
	Problem  Problem `json:"problem,omitempty"`
	Path     string  `json:"path,omitempty"`
	NoDevice bool    `json:"noDevice,omitempty"`
}

// answerError encodes an error for the bot.
func answerError(err error) copyAnswer {
	answer := copyAnswer{Error: err.Error(), NoDevice: errors.Is(err, ErrNoDevice)}
	var pathError *PathError
	if errors.As(err, &pathError) {
		answer.Problem, answer.Path, answer.Error = pathError.Problem, pathError.Path, ""
		if pathError.Err != nil {
			answer.Error = pathError.Err.Error()
		}
	}
	return answer
}

// err decodes the copier's error; it is nil after a success.
func (a copyAnswer) err() error {
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
		return errors.New("the copier gave an empty answer")
	}
	return cause
}

// copyStore makes a consistent copy of the database, checks that it is whole and holds a device, and returns it
// compressed. The caller removes the file.
func (s *Store) copyStore(ctx context.Context) (file *os.File, device string, err error) {
	if err := s.guard(); err != nil {
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
	plain, err := createTemp(s.layout.backups, "copy.db")
	if err != nil {
		return nil, "", err
	}
	// The plain copy is removed however the copier ends, and after an error the compressed one too.
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
	device, err = s.runCopier(ctx, plain.Name(), file)
	return file, device, err
}

// runCopier starts the copier, gives it its order, and waits for its end; the end of ctx ends it.
func (s *Store) runCopier(ctx context.Context, plain string, target *os.File) (device string, err error) {
	if s.options.Copier == nil {
		return "", errors.New("without a copier there are no backups")
	}
	ctx, cancel := context.WithTimeout(ctx, copyTimeout)
	defer cancel()
	order, err := json.Marshal(copyOrder{s.layout.authPath, s.options.ClientID, filepath.Base(plain)})
	if err != nil {
		return "", err
	}
	copier := s.options.Copier(ctx)
	stdin, stdout, err := startCopier(copier, s.lockFile(), target)
	if err != nil {
		return "", fmt.Errorf("start the copier: %w", err)
	}
	// A write to a copier that has ended fails; Wait says why it ended.
	_, _ = stdin.Write(append(order, '\n'))
	// Reading to the end of its output waits without occupying a thread.
	said, readErr := io.ReadAll(stdout)
	err = copier.Wait()
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return "", fmt.Errorf("the copier ended too early: %w", err)
	}
	var answer copyAnswer
	if err := errors.Join(readErr, json.Unmarshal(said, &answer)); err != nil {
		return "", fmt.Errorf("read the copier's answer: %w", err)
	}
	return answer.Device, answer.err()
}

// startCopier starts the copier with the two files and an empty environment: it needs no setting and no secret.
func startCopier(copier *exec.Cmd, own, target *os.File) (stdin io.Writer, stdout io.Reader, err error) {
	copier.Env = []string{"GOMAXPROCS=1"}
	copier.Stderr = os.Stderr
	copier.ExtraFiles = []*os.File{inheritedLock - 3: own, inheritedTarget - 3: target}
	if stdin, err = copier.StdinPipe(); err != nil {
		return nil, nil, err
	}
	if stdout, err = copier.StdoutPipe(); err != nil {
		return nil, nil, err
	}
	return stdin, stdout, copier.Start()
}

// ServeCopy is the whole of the program that Options.Copier starts. It ends the program at once when the bot that
// started it is gone.
func ServeCopy(stdin io.Reader, stdout io.Writer) error {
	own, target, err := inherited()
	if err != nil {
		return err
	}
	// The lock is held to the end: without a use the garbage collector could close the file.
	defer own.release()
	defer target.Close()
	var order copyOrder
	if err := json.NewDecoder(stdin).Decode(&order); errors.Is(err, io.EOF) {
		return nil // the bot is gone already
	} else if err != nil {
		return fmt.Errorf("read the order: %w", err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		os.Exit(1)
	}()
	device, err := copyAndCompress(context.Background(), own, order, target)
	answer := copyAnswer{Device: device}
	if err != nil {
		answer = answerError(err)
	}
	return json.NewEncoder(stdout).Encode(answer)
}

// inherited returns the files that a bot handed over.
func inherited() (*lock, *os.File, error) {
	own, target := &lock{file: os.NewFile(inheritedLock, lockName)}, os.NewFile(inheritedTarget, "backup.zst")
	// Without a bot these descriptors are closed, or the Go runtime's own, which take no write.
	if _, err := target.Write(nil); err != nil {
		return nil, nil, errors.New("only a running bot can start this")
	}
	// The bot holds this lock already, so this takes it from no other process.
	if err := flock(own.file, lockExclusive); err != nil {
		return nil, nil, fmt.Errorf("the lock of the bot: %w", err)
	}
	return own, target, nil
}

// copyAndCompress copies the database to order.Plain, checks the copy, and compresses it into target.
func copyAndCompress(ctx context.Context, own *lock, order copyOrder, target io.Writer) (device string, err error) {
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
		return "", fmt.Errorf("%s: the copy is %s: %s", plain, found.condition, found.damage)
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

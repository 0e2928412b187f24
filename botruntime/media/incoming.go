package media

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// step is by how much the room of a file grows while it is written.
const step = 1 << 20

// Incoming is a file that is being written. It ends with Keep or Discard.
type Incoming struct {
	file   *os.File
	store  *Store
	ctx    context.Context //nolint:containedctx // it lives as long as the call that writes the file
	most   int64
	booked int64
	at     int64 // where Write goes on
	err    error // the first that a write had; whatsmeow hides its kind
}

// Create begins a file of at most most bytes; 0 means as many as one file may have.
func (s *Store) Create(ctx context.Context, most int64) (*Incoming, error) {
	if most == 0 {
		most = s.Bounds().File
	}
	file, err := os.CreateTemp(s.dir, newPrefix+"*")
	if err != nil {
		return nil, full(err)
	}
	if err := file.Chmod(fileMode); err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return &Incoming{file: file, store: s, ctx: ctx, most: most}, nil
}

// full makes a full disk recognisable.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// grow makes sure that the file may have that many bytes.
func (i *Incoming) grow(to int64) error {
	if i.err != nil {
		return i.err
	}
	if to > i.most {
		i.err = &TooLargeError{i.most}
		return i.err
	}
	for i.booked < to {
		more := min(max(to-i.booked, step), max(i.most-i.booked, to-i.booked))
		if err := i.store.reserve(i.ctx, more); err != nil {
			i.err = err
			return err
		}
		i.booked += more
	}
	return nil
}

// Write implements io.Writer.
func (i *Incoming) Write(p []byte) (int, error) {
	n, err := i.WriteAt(p, i.at)
	i.at += int64(n)
	return n, err
}

// WriteAt implements io.WriterAt.
func (i *Incoming) WriteAt(p []byte, at int64) (int, error) {
	if err := i.grow(at + int64(len(p))); err != nil {
		return 0, err
	}
	n, err := i.file.WriteAt(p, at)
	if err != nil && i.err == nil {
		i.err = full(err)
	}
	return n, err
}

// Read implements io.Reader.
func (i *Incoming) Read(p []byte) (int, error) {
	n, err := i.file.ReadAt(p, i.at)
	i.at += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// ReadAt implements io.ReaderAt.
func (i *Incoming) ReadAt(p []byte, at int64) (int, error) { return i.file.ReadAt(p, at) }

// Seek implements io.Seeker.
func (i *Incoming) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += i.at
	case io.SeekEnd:
		info, err := i.file.Stat()
		if err != nil {
			return 0, err
		}
		offset += info.Size()
	}
	if offset < 0 {
		return 0, errors.New("seek before the begin of a file")
	}
	i.at = offset
	return offset, nil
}

// Truncate cuts the file.
func (i *Incoming) Truncate(size int64) error { return i.file.Truncate(size) }

// Stat describes the file.
func (i *Incoming) Stat() (os.FileInfo, error) { return i.file.Stat() }

// restart empties the file.
func (i *Incoming) restart() error {
	i.at, i.err = 0, nil
	return i.file.Truncate(0)
}

// Discard removes the file. After Keep it does nothing.
func (i *Incoming) Discard() {
	if i.file == nil {
		return
	}
	_ = i.file.Close()
	os.Remove(i.file.Name())
	i.store.unreserve(i.booked)
	i.file = nil
}

// Keep gives the file its name, on the disk for good.
func (i *Incoming) Keep() (*Held, error) {
	sum := sha256.New()
	size, err := io.Copy(sum, io.NewSectionReader(i.file, 0, 1<<62))
	if err != nil {
		return nil, fmt.Errorf("read a file: %w", err)
	}
	if err := i.file.Sync(); err != nil {
		return nil, full(fmt.Errorf("write a file: %w", err))
	}
	hash := hex.EncodeToString(sum.Sum(nil))
	s := i.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.Rename(i.file.Name(), s.path(hash)); err != nil {
		return nil, full(err)
	}
	_ = i.file.Close()
	i.file = nil
	s.used -= i.booked
	if _, kept := s.sizes[hash]; !kept {
		s.used += size
		s.sizes[hash] = size
	}
	if err := syncFolder(s.dir); err != nil {
		return nil, full(fmt.Errorf("write a file: %w", err))
	}
	s.held[hash]++
	return &Held{SHA256: hash, Size: size, store: s}, nil
}

// syncFolder makes names durable where the file system can.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}

// Stage keeps what a reader has.
func (s *Store) Stage(ctx context.Context, from io.Reader) (*Held, error) {
	in, err := s.Create(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer in.Discard()
	if _, err := io.Copy(in, from); err != nil {
		if in.err != nil {
			err = in.err
		}
		return nil, err
	}
	return in.Keep()
}

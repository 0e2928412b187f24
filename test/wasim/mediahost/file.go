package mediahost

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// File is content that can be read as often as wanted.
type File struct {
	Size   int64
	SHA256 [sha256.Size]byte

	open   func() (io.ReadCloser, error)
	held   int64  // bytes of memory
	stored int64  // bytes on the disk
	path   string // of a file that is on the disk
	places int    // under how many paths a host has it; the host's lock guards it
}

// Open reads the file from its start.
func (f *File) Open() (io.ReadCloser, error) { return f.open() }

// Bytes is a file that is in memory.
func Bytes(raw []byte) *File {
	return &File{
		Size: int64(len(raw)), SHA256: sha256.Sum256(raw), held: int64(len(raw)),
		open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil },
	}
}

// MadeUp is a file of the given size that begins as its kind does and is in no memory. The same seed makes the same
// file.
func MadeUp(kind Kind, seed uint64, size int64) (*File, error) {
	magic := []byte(kinds[kind].magic)
	if int64(len(magic)) > size {
		magic = magic[:size]
	}
	return measure(func() (io.ReadCloser, error) {
		var key [32]byte
		binary.BigEndian.PutUint64(key[:], seed)
		block, err := aes.NewCipher(key[:])
		if err != nil {
			return nil, err
		}
		noise := cipher.StreamReader{S: cipher.NewCTR(block, make([]byte, aes.BlockSize)), R: zeros{}}
		return io.NopCloser(io.LimitReader(io.MultiReader(bytes.NewReader(magic), noise), size)), nil
	})
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// measure reads a file once for its size and hash.
func measure(open func() (io.ReadCloser, error)) (*File, error) {
	in, err := open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	hash := sha256.New()
	f := &File{open: open}
	if f.Size, err = io.Copy(hash, in); err != nil {
		return nil, err
	}
	hash.Sum(f.SHA256[:0])
	return f, nil
}

// stored is a file on the disk.
func stored(path string, size int64, sum [sha256.Size]byte) *File {
	return &File{Size: size, SHA256: sum, path: path, stored: size, open: func() (io.ReadCloser, error) { return os.Open(path) }}
}

// reader reads a file from any place, as a request for a part of it does. What lies before is read and thrown away.
type reader struct {
	file     *File
	in       io.ReadCloser
	at, want int64
}

var errSeek = errors.New("outside of the file")

func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.want
	case io.SeekEnd:
		offset += r.file.Size
	}
	if offset < 0 || offset > r.file.Size {
		return 0, errSeek
	}
	r.want = offset
	return offset, nil
}

func (r *reader) Read(b []byte) (int, error) {
	if r.in == nil || r.at > r.want {
		if err := r.Close(); err != nil {
			return 0, err
		}
		in, err := r.file.Open()
		if err != nil {
			return 0, err
		}
		r.in, r.at = in, 0
	}
	if r.at < r.want {
		if file, ok := r.in.(*os.File); ok {
			if _, err := file.Seek(r.want, io.SeekStart); err != nil {
				return 0, err
			}
		} else if _, err := io.CopyN(io.Discard, r.in, r.want-r.at); err != nil {
			return 0, fmt.Errorf("go to byte %d: %w", r.want, err)
		}
		r.at = r.want
	}
	n, err := r.in.Read(b)
	r.at += int64(n)
	r.want = r.at
	return n, err
}

func (r *reader) Close() error {
	if r.in == nil {
		return nil
	}
	err := r.in.Close()
	r.in = nil
	return err
}

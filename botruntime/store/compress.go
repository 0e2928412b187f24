package store

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Limits of compression. Both sides hold the window in memory; the rows are small and mostly random keys, so a larger
// window or a slower encoder gains nothing. A real database has a few megabytes; the limit on the unpacked size is far
// above, and below what fills a volume.
const (
	windowSize     = 128 << 10
	maxWindow      = 8 << 20
	maxUnpacked    = 1 << 30
	copyBufferSize = 64 << 10
)

var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// BackupError says why a file cannot be restored. Nothing was changed.
type BackupError struct {
	Reason string
	Err    error
}

// Error implements error.
func (e *BackupError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("not a usable backup: %s: %v", e.Reason, e.Err)
	}
	return "not a usable backup: " + e.Reason
}

// Unwrap returns the cause.
func (e *BackupError) Unwrap() error { return e.Err }

// compress writes source to target as one zstd frame with a checksum.
func compress(ctx context.Context, target io.Writer, source io.Reader) error {
	encoder, err := zstd.NewWriter(target, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(windowSize), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	_, err = copyContext(ctx, encoder, source)
	return errors.Join(err, encoder.Close())
}

// unpack writes the content of a backup, compressed or plain, to target in bounded memory and space. An error of the
// source is a *BackupError; an error of the target is returned as it is.
func unpack(ctx context.Context, target io.Writer, source io.Reader) error {
	buffered := bufio.NewReaderSize(source, copyBufferSize)
	start, err := buffered.Peek(len(sqliteMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return &BackupError{Reason: "cannot be read", Err: err}
	}
	var plain io.Reader = buffered
	switch {
	case bytes.HasPrefix(start, zstdMagic):
		decoder, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(maxUnpacked+1))
		if err != nil {
			return &BackupError{Reason: "cannot be decompressed", Err: err}
		}
		defer decoder.Close()
		plain = decoder
	case !bytes.HasPrefix(start, sqliteMagic):
		return &BackupError{Reason: "neither a zstd file nor a SQLite database"}
	}
	written, err := copyContext(ctx, target, &sourceReader{io.LimitReader(plain, maxUnpacked+1)})
	if err == nil && written > maxUnpacked {
		err = &BackupError{Reason: fmt.Sprintf("unpacks to more than %d bytes", maxUnpacked)}
	}
	return err
}

// sourceReader marks the errors of a source, to tell them from those of the target.
type sourceReader struct{ io.Reader }

func (r *sourceReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &BackupError{Reason: "cannot be unpacked", Err: err}
	} else if err != nil && err != io.EOF {
		// A wrapped EOF would otherwise end the copy as if the source were complete.
		err = &BackupError{Reason: "ends too early", Err: err}
	}
	return n, err
}

// copyContext copies until the source ends or ctx does.
func copyContext(ctx context.Context, target io.Writer, source io.Reader) (written int64, err error) {
	buffer := make([]byte, copyBufferSize)
	for {
		if err := ctx.Err(); err != nil {
			return written, err
		}
		n, readErr := source.Read(buffer)
		if n > 0 {
			wrote, err := target.Write(buffer[:n])
			written += int64(wrote)
			if err != nil {
				return written, err
			}
		}
		if readErr == io.EOF {
			return written, nil
		}
		if readErr != nil {
			return written, readErr
		}
	}
}

package gateway

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// maxInMemory is how much of a body is kept in memory; a longer one is kept in a file.
const maxInMemory = 64 << 10

// kept is the begin of a body, to be read again. A long one is in a file that has no name, so it goes with the process
// too. The ledger bounds the memory and the disk of all of them.
type kept struct {
	ledger *ledger
	// most is how long the body can become.
	most int64
	// length is how much is kept.
	length int64

	memory   []byte
	file     *os.File
	reserved struct{ memory, disk int64 }
}

// Write implements io.Writer. Its error is the answer to the caller.
func (k *kept) Write(p []byte) (int, error) {
	if k.reserved.memory == 0 {
		size := min(k.most, maxInMemory)
		if !k.ledger.memory.take(size) {
			return 0, problemTooMany.after(2)
		}
		k.reserved.memory = size
	}
	if k.file == nil && len(k.memory)+len(p) > maxInMemory {
		if err := k.moveToFile(); err != nil {
			return 0, err
		}
	}
	if k.file == nil {
		k.memory = append(k.memory, p...)
	} else if _, err := k.file.Write(p); err != nil {
		return 0, fmt.Errorf("keep a body on disk: %w", err)
	}
	k.length += int64(len(p))
	return len(p), nil
}

func (k *kept) moveToFile() error {
	if !k.ledger.disk.take(k.most) {
		return problemTooMany.after(5)
	}
	k.reserved.disk = k.most
	file, err := os.CreateTemp("", "body-")
	if err != nil {
		return fmt.Errorf("keep a body on disk: %w; mount a volume at %s, or set TMPDIR", err, os.TempDir())
	}
	k.file = file
	if err := os.Remove(file.Name()); err != nil {
		return fmt.Errorf("keep a body on disk: %w", err)
	}
	if _, err := file.Write(k.memory); err != nil {
		return fmt.Errorf("keep a body on disk: %w", err)
	}
	k.memory = nil
	return nil
}

// section reads what is kept from one place to another.
func (k *kept) section(from, to int64) io.Reader {
	if k.file != nil {
		return io.NewSectionReader(k.file, from, to-from)
	}
	return bytes.NewReader(k.memory[from:to])
}

// discard ends the use of memory and disk.
func (k *kept) discard() {
	if k.file != nil {
		_ = k.file.Close() // it has no name: nothing of it remains
	}
	k.ledger.memory.give(k.reserved.memory)
	k.ledger.disk.give(k.reserved.disk)
	k.reserved.memory, k.reserved.disk = 0, 0
}

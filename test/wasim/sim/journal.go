package sim

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// compactSlack is how many bytes of replaced lines a journal may hold before it is rewritten.
const compactSlack = 8 << 20

// journal is a file of "key is now value" lines; the last line of a key counts. A change is on its way to
// the disk when put or remove returns, so that killing the process at any moment loses nothing that was
// promised. (A power cut may: only save forces the disk.) A nil journal keeps nothing.
type journal struct {
	mu   sync.Mutex
	path string
	file *os.File
	size int64
	live map[string]span
	used int64
}

// span is the place of a key's last line in the file.
type span struct{ at, length int64 }

// entry is one line; without a value the key is gone.
type entry struct {
	Key   string          `json:"k"`
	Value json.RawMessage `json:"v,omitempty"`
}

// openJournal opens or creates the file and returns what is in it. A last line that a kill cut short is
// dropped; any other line that cannot be read is an error, so that no session is lost unnoticed.
func openJournal(path string) (*journal, map[string]json.RawMessage, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open state file: %w", err)
	}
	j := &journal{path: path, file: file, live: map[string]span{}}
	values, err := j.read()
	if err == nil {
		err = file.Truncate(j.size)
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, fmt.Errorf("read state file %s: %w", path, err)
	}
	return j, values, nil
}

func (j *journal) read() (map[string]json.RawMessage, error) {
	values := map[string]json.RawMessage{}
	in := bufio.NewReaderSize(j.file, 1<<16)
	for number := 1; ; number++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return nil, err
		}
		var e entry
		if err = json.Unmarshal(line, &e); err != nil || e.Key == "" {
			return nil, fmt.Errorf("%w: line %d is not an entry; move the file away to start afresh", ErrInvalid, number)
		}
		j.note(e, int64(len(line)))
		if e.Value == nil {
			delete(values, e.Key)
		} else {
			values[e.Key] = bytes.Clone(e.Value)
		}
	}
}

// note records a line that was appended to the file.
func (j *journal) note(e entry, length int64) {
	j.used -= j.live[e.Key].length
	delete(j.live, e.Key)
	if e.Value != nil {
		j.live[e.Key] = span{j.size, length}
		j.used += length
	}
	j.size += length
}

// put sets a key.
func (j *journal) put(key string, value any) error {
	if j == nil {
		return nil
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("save %s: %w", key, err)
	}
	return j.append(entry{Key: key, Value: raw})
}

// remove forgets a key.
func (j *journal) remove(key string) error {
	if j == nil {
		return nil
	}
	return j.append(entry{Key: key})
}

func (j *journal) append(e entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("save %s: %w", e.Key, err)
	}
	line = append(line, '\n')
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return fmt.Errorf("save %s: state file: %w", e.Key, ErrClosed)
	}
	if _, known := j.live[e.Key]; !known && e.Value == nil {
		return nil
	}
	if _, err = j.file.WriteAt(line, j.size); err != nil {
		_ = j.file.Truncate(j.size) // half a line must not end up between two whole ones
		return fmt.Errorf("save %s: %w", e.Key, err)
	}
	j.note(e, int64(len(line)))
	if j.size > 2*j.used+compactSlack {
		return j.compact()
	}
	return nil
}

// save rewrites the file without its replaced lines and forces it to the disk.
func (j *journal) save() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return fmt.Errorf("state file: %w", ErrClosed)
	}
	return j.compact()
}

// compact copies the live lines into a new file, which then takes the place of the old one at once.
func (j *journal) compact() error {
	fresh, err := os.OpenFile(j.path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("compact state file: %w", err)
	}
	live, size, err := j.copyTo(fresh)
	if err == nil {
		err = fresh.Sync()
	}
	if err == nil {
		err = os.Rename(fresh.Name(), j.path)
	}
	if err != nil {
		_ = fresh.Close()
		return fmt.Errorf("compact state file: %w", err)
	}
	_ = j.file.Close()
	j.file, j.live, j.size, j.used = fresh, live, size, size
	return syncDir(filepath.Dir(j.path))
}

func (j *journal) copyTo(fresh *os.File) (map[string]span, int64, error) {
	order := make([]string, 0, len(j.live))
	for key := range j.live {
		order = append(order, key)
	}
	slices.SortFunc(order, func(a, b string) int { return cmp.Compare(j.live[a].at, j.live[b].at) })
	out := bufio.NewWriterSize(fresh, 1<<16)
	moved, size := make(map[string]span, len(order)), int64(0)
	for _, key := range order {
		old := j.live[key]
		if _, err := io.Copy(out, io.NewSectionReader(j.file, old.at, old.length)); err != nil {
			return nil, 0, err
		}
		moved[key] = span{size, old.length}
		size += old.length
	}
	return moved, size, out.Flush()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// close ends the journal; a put that comes later fails.
func (j *journal) close() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file = nil
	return err
}

package mediahost

import (
	"context"
	"io"
	"net/http"
	"time"
)

// Fault says how a request goes wrong; the zero value is one that goes well.
type Fault struct {
	// Code is the status of the answer.
	Code int
	// Auth ends the permission that the request shows, for good.
	Auth bool
	// Hang never answers.
	Hang bool
	// Pause is waited before each 64 KiB of the file.
	Pause time.Duration
	// Cut resets the connection in the middle of the file.
	Cut bool
	// Wrong serves a file of the same size with other content, Short one that lacks its end.
	Wrong, Short bool
}

// step is the part of a file behind which a slow host pauses.
const step = 64 << 10

// reading is the body of an upload under the fault.
func (f Fault) reading(r *http.Request) io.Reader {
	if !f.Cut && f.Pause == 0 {
		return r.Body
	}
	return &faulty{ctx: r.Context(), in: r.Body, fault: f, size: r.ContentLength}
}

// damaging is a file's content under the fault.
func (f Fault) damaging(ctx context.Context, content *reader) io.ReadSeeker {
	if f == (Fault{}) {
		return content
	}
	if f.Short {
		content.file = &File{Size: content.file.Size * 3 / 4, SHA256: content.file.SHA256, open: content.file.open}
	}
	return &faulty{ctx: ctx, in: content, seek: content, fault: f, size: content.file.Size}
}

// faulty is content that comes under a fault.
type faulty struct {
	ctx   context.Context // the request's
	in    io.Reader
	seek  io.Seeker
	fault Fault
	size  int64
	at    int64
	owed  int64 // bytes until the next pause
}

func (f *faulty) Seek(offset int64, whence int) (int64, error) {
	at, err := f.seek.Seek(offset, whence)
	f.at = at
	return at, err
}

func (f *faulty) Read(b []byte) (int, error) {
	if f.fault.Pause > 0 {
		if f.owed <= 0 {
			select {
			case <-time.After(f.fault.Pause):
			case <-f.ctx.Done():
				return 0, f.ctx.Err()
			}
			f.owed = step
		}
		b = b[:min(int64(len(b)), f.owed)]
	}
	if f.fault.Cut && f.at >= f.size/2 {
		panic(http.ErrAbortHandler) // which ends the connection
	}
	if f.fault.Cut && f.size > 0 {
		b = b[:min(int64(len(b)), max(1, f.size/2-f.at))]
	}
	n, err := f.in.Read(b)
	if f.fault.Wrong && n > 0 {
		b[n/2] ^= 1
	}
	f.at += int64(n)
	f.owed -= int64(n)
	return n, err
}

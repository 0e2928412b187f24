// Package refuse lets a test make single writes of a program fail, with the error of a disk that is full, read-only or
// broken, or make its disk answer nothing for a while. The kernel asks the test about each system call that writes a
// file (seccomp's user notification), so the program is the released one and runs unchanged.
package refuse

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// program names, in the environment of the helper process, the program that it becomes.
const program = "SESI_REFUSE_PROGRAM"

// socket is the helper's file descriptor for its test: the first of exec.Cmd's extra files.
const socket = 3

// mode, in the environment of the helper process, says what the program is asked about.
const mode = "SESI_REFUSE_MODE"

// The modes: system calls that write; those that read too; and both of a program whose disk may hang.
const (
	writing = "writes"
	reading = "reads"
	hanging = "hangs"
)

// watched are the system calls that write a file.
var watched = []uint32{
	unix.SYS_WRITE, unix.SYS_PWRITE64, unix.SYS_PWRITEV, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE,
}

// watchedReads are those that read one; the last two have the file's name instead of its descriptor.
var watchedReads = []uint32{unix.SYS_PREAD64, unix.SYS_NEWFSTATAT, unix.SYS_OPENAT}

// Become turns the process that Wrap started into its program. It returns at once in any other process; a test program
// calls it first.
func Become() {
	name := os.Getenv(program)
	if name == "" {
		return
	}
	if err := become(name); err != nil {
		fmt.Fprintln(os.Stderr, "refuse:", err)
		os.Exit(1)
	}
}

func become(name string) error {
	runtime.LockOSThread() // the filter belongs to this thread, and the program to it
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}} // the number of the system call
	calls := slices.Clone(watched)
	if os.Getenv(mode) != writing {
		calls = append(calls, watchedReads...)
	}
	// A signal would break off a system call that decide was asked about, and the program would make it again: Go's
	// scheduler sends such signals. A disk that hangs must not keep signals from the program.
	flags := uintptr(unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
	if os.Getenv(mode) != hanging {
		flags |= unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	}
	for i, call := range calls {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jt: uint8(len(calls) - i)})
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF})
	listener, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags,
		uintptr(unsafe.Pointer(&unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})))
	if errno != 0 {
		return fmt.Errorf("install the filter: %w", errno)
	}
	if err := unix.Sendmsg(socket, []byte{0}, unix.UnixRights(int(listener)), nil, 0); err != nil {
		return fmt.Errorf("hand over the filter: %w", err)
	}
	unix.CloseOnExec(int(listener))
	unix.CloseOnExec(socket)
	env := os.Environ()
	for i, line := range env {
		if strings.HasPrefix(line, program+"=") {
			env[i] = program + "="
		}
	}
	return syscall.Exec(name, append([]string{name}, os.Args[1:]...), env)
}

// Writes are the writes of one program and of what it starts. Its methods may be called from any goroutine.
type Writes struct {
	mu       sync.Mutex
	decide   func(path string) syscall.Errno
	hung     string // the folder whose disk does not answer; "" for none
	held     []uint64
	listener int
	broken   error
	helper   *os.File
	ended    chan struct{}
}

// Wrap makes cmd start its program under the eyes of decide. A write to a file for which decide returns an error fails
// with it. decide is called for one write after the other. Call End when the program has ended.
func Wrap(cmd *exec.Cmd, decide func(path string) syscall.Errno) (*Writes, error) {
	return wrap(cmd, decide, writing)
}

// WrapReads is Wrap for a decide that is asked about reads too.
func WrapReads(cmd *exec.Cmd, decide func(path string) syscall.Errno) (*Writes, error) {
	return wrap(cmd, decide, reading)
}

// WrapAll is Wrap for a program whose disk Hang will stop, which concerns reads too.
func WrapAll(cmd *exec.Cmd) (*Writes, error) {
	return wrap(cmd, func(string) syscall.Errno { return 0 }, hanging)
}

// Hang makes each access to a file in the folder wait until Resume, as a disk does that no longer answers.
func (w *Writes) Hang(folder string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hung = folder
}

// Held is how many accesses wait.
func (w *Writes) Held() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.held)
}

// Resume ends Hang.
func (w *Writes) Resume() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var err error
	for _, id := range w.held {
		err = errors.Join(err, send(w.listener, response{ID: id, Flags: goOn}))
	}
	w.hung, w.held = "", nil
	return err
}

func wrap(cmd *exec.Cmd, decide func(path string) syscall.Errno, how string) (*Writes, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd.Env = append(cmd.Env, program+"="+cmd.Path, mode+"="+how)
	cmd.Path, cmd.Args = self, append([]string{self}, cmd.Args[1:]...)
	w := &Writes{decide: decide, helper: os.NewFile(uintptr(pair[1]), "helper"), ended: make(chan struct{})}
	cmd.ExtraFiles = []*os.File{w.helper}
	ours := os.NewFile(uintptr(pair[0]), "test")
	go func() {
		defer close(w.ended)
		w.fail(w.serve(ours))
	}()
	return w, nil
}

func (w *Writes) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = err
}

// End waits until the program and all that it started have ended, and returns what went wrong with watching them.
func (w *Writes) End() error {
	_ = w.helper.Close() // a program that ended before it handed over its filter never will
	<-w.ended
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}

// serve answers the kernel until nobody is watched any more.
func (w *Writes) serve(ours *os.File) error {
	listener, err := receive(ours)
	if err != nil {
		return err
	}
	defer unix.Close(listener)
	for {
		ready := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(ready, -1); errors.Is(err, unix.EINTR) {
			continue
		} else if err != nil {
			return fmt.Errorf("wait for a write: %w", err)
		}
		if ready[0].Revents&unix.POLLIN == 0 {
			return nil // the last process has ended
		}
		if err := w.answer(listener); err != nil {
			return err
		}
	}
}

// receive takes the filter's descriptor from the helper.
func receive(ours *os.File) (int, error) {
	defer ours.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	control := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := conn.(*net.UnixConn).ReadMsgUnix(make([]byte, 1), control)
	if err != nil {
		return 0, fmt.Errorf("take the filter from the helper: %w", err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err == nil && len(messages) != 1 {
		err = fmt.Errorf("%d control messages instead of one", len(messages))
	}
	if err != nil {
		return 0, fmt.Errorf("the helper did not hand over its filter: %w", err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err == nil && len(fds) != 1 {
		err = fmt.Errorf("%d files instead of one", len(fds))
	}
	if err != nil {
		return 0, fmt.Errorf("the helper did not hand over its filter: %w", err)
	}
	unix.CloseOnExec(fds[0])
	return fds[0], nil
}

// notification and response are the kernel's seccomp_notif and seccomp_notif_resp.
type notification struct {
	ID    uint64
	PID   uint32
	Flags uint32
	Nr    int32
	Arch  uint32
	IP    uint64
	Args  [6]uint64
}

type response struct {
	ID    uint64
	Val   int64
	Error int32
	Flags uint32
}

const (
	ioctlReceive = 0xc0502100
	ioctlSend    = 0xc0182101
	goOn         = 1 // the kernel makes the system call itself
)

func (w *Writes) answer(listener int) error {
	var asked notification
	if errno := ioctl(listener, ioctlReceive, unsafe.Pointer(&asked)); errno != 0 {
		if errno == unix.ENOENT || errno == unix.EINTR {
			return nil // the caller was killed meanwhile
		}
		return fmt.Errorf("take a write: %w", errno)
	}
	answer := response{ID: asked.ID, Flags: goOn}
	if path := asked.path(); strings.HasPrefix(path, "/") {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.listener = listener; w.hung != "" && strings.HasPrefix(path, w.hung) {
			w.held = append(w.held, asked.ID)
			return nil
		}
		if refusal := w.decide(path); refusal != 0 {
			answer.Flags, answer.Error = 0, -int32(refusal)
		}
	}
	return send(listener, answer)
}

// path is the file that a system call is about; "" when that cannot be told.
func (n *notification) path() string {
	process := "/proc/" + strconv.Itoa(int(n.PID))
	if n.Nr == unix.SYS_NEWFSTATAT || n.Nr == unix.SYS_OPENAT {
		memory, err := os.Open(process + "/mem")
		if err != nil {
			return ""
		}
		defer memory.Close()
		name := make([]byte, unix.PathMax)
		read, _ := memory.ReadAt(name, int64(n.Args[1]))
		if end := bytes.IndexByte(name[:read], 0); end > 0 {
			return string(name[:end])
		}
	}
	path, err := os.Readlink(process + "/fd/" + strconv.FormatUint(n.Args[0], 10))
	if err != nil {
		return ""
	}
	return path
}

func send(listener int, answer response) error {
	if errno := ioctl(listener, ioctlSend, unsafe.Pointer(&answer)); errno != 0 && errno != unix.ENOENT {
		return fmt.Errorf("answer a write: %w", errno)
	}
	return nil
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) unix.Errno {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
	return errno
}

package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestIsUnwritable(t *testing.T) {
	for _, c := range []struct {
		problem Problem
		remedy  string
		errors  []syscall.Errno
	}{
		{DiskFull, "free some space", []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}},
		{NotWritable, "give it to uid", []syscall.Errno{syscall.EACCES, syscall.EPERM}},
		{NotWritable, "mount its file system writable", []syscall.Errno{syscall.EROFS}},
		{TooManyFiles, "raise the limit on open files", []syscall.Errno{syscall.EMFILE, syscall.ENFILE}},
		{Failing, "check the disk", []syscall.Errno{
			syscall.EIO, syscall.ESTALE, syscall.ENODEV, syscall.ENXIO, syscall.ENOTCONN, syscall.ETIMEDOUT, syscall.EREMOTEIO,
			syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.EUCLEAN, syscall.EBADMSG, syscall.ENOMEM,
		}},
	} {
		for _, errno := range c.errors {
			described := describe(t.TempDir(), errno)
			for how, err := range map[string]error{"bare": errno, "of a path": described, "wrapped": fmt.Errorf("write: %w", errno)} {
				if got := classifyError(err); got != c.problem || !IsUnwritable(err) {
					t.Errorf("%s %s is %q, want %q", how, errno.Error(), got, c.problem)
				}
			}
			if !strings.Contains(described.Error(), "; "+c.remedy) {
				t.Errorf("%v, want the remedy: %s", described, c.remedy)
			}
		}
	}
	for name, err := range map[string]error{
		"nil": nil, "cancelled": context.Canceled, "no device": ErrNoDevice, "closed": ErrClosed, "another": errors.New("odd"),
		"foreign": problem(ForeignDatabase, t.TempDir(), nil),
	} {
		if IsUnwritable(err) {
			t.Errorf("%s is taken for a disk that refuses a write", name)
		}
	}
}

// The limit on open files is named whichever file of a session meets it first; SQLite itself tells no reason.
func TestTooManyOpenFiles(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	link(t, s, "6281200000001")
	closeStore(t, s)
	var limit syscall.Rlimit
	check(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	defer func() { check(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)) }()
	next, err := os.Open(dir)
	check(t, err)
	free := uint64(next.Fd())
	check(t, next.Close())
	for left := range uint64(100) {
		check(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: free + left, Max: limit.Max}))
		s, err := Open(t.Context(), options(dir))
		if err == nil {
			closeStore(t, s)
			if left < 3 {
				t.Errorf("a session is open with %d files", left)
			}
			return
		}
		var path *PathError
		if !errors.As(err, &path) || path.Problem != TooManyFiles {
			t.Errorf("with %d files left: %v, want the limit on open files", left, err)
		}
	}
	t.Error("no limit is enough")
}

// disk is a place for a session whose writes can be made to fail.
type disk struct {
	dir string
	// fail makes writes fail from now on.
	fail func()
	// recover ends that for the running process; nil when only a new mount does.
	recover func()
	// remount brings the disk back for the next process.
	remount func()
	// filesOnly is true when only new files fail, so that the database can be written.
	filesOnly bool
}

// disks are real disks, each with one way to refuse a write.
var disks = map[string]func(*testing.T) disk{
	"full": func(t *testing.T) disk {
		dir := smallDisk(t, 2048)
		return disk{dir: dir, fail: func() { fill(t, dir, 0) }, recover: func() { free(t, dir) }, remount: func() {}}
	},
	"no inodes": func(t *testing.T) disk {
		dir := mount(t, "tmpfs", "size=8m,nr_inodes=40")
		spare := filepath.Join(dir, "spare")
		return disk{
			dir: dir, filesOnly: true, remount: func() {},
			fail: func() {
				check(t, os.Mkdir(spare, 0o700))
				for n := 0; ; n++ {
					file, err := os.Create(filepath.Join(spare, fmt.Sprint(n)))
					if err != nil {
						return
					}
					check(t, file.Close())
				}
			},
			recover: func() { check(t, os.RemoveAll(spare)) },
		}
	},
	// ext4 does this on its own when it meets an error, with errors=remount-ro.
	"remounted read-only": func(t *testing.T) disk {
		dir, remount := ext4(t)
		return disk{dir: dir, remount: remount, fail: func() {
			check(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT, "abort"))
		}}
	},
	"failing": func(t *testing.T) disk {
		dir, remount := ext4(t)
		return disk{dir: dir, remount: remount, fail: func() {
			root, err := os.Open(dir)
			check(t, err)
			defer root.Close()
			const shutdown, withoutLog = 0x8004587d, 2 // EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH
			check(t, unix.IoctlSetPointerInt(int(root.Fd()), shutdown, withoutLog))
		}}
	},
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mount(t *testing.T, kind, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, kind, 0, options); err != nil {
		if errors.Is(err, syscall.EPERM) {
			t.Skip("this process may not mount a disk that refuses writes")
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, syscall.Unmount(dir, 0)) })
	return dir
}

// ext4 mounts a new ext4 file system; remount mounts it again, as a reboot does.
func ext4(t *testing.T) (dir string, remount func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("this process may not mount a disk that fails")
	}
	image := filepath.Join(t.TempDir(), "disk.img")
	dir = t.TempDir()
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(context.WithoutCancel(t.Context()), name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	check(t, os.WriteFile(image, nil, 0o600))
	check(t, os.Truncate(image, 16<<20))
	run("mkfs.ext4", "-q", "-F", image)
	up := func() { run("mount", "-o", "loop,errors=remount-ro", image, dir) }
	up()
	t.Cleanup(func() { run("umount", dir) })
	return dir, func() {
		run("umount", dir)
		up()
	}
}

// Each write of a store on a disk that refuses it fails with an error that says so, and is reported before it is
// returned; nothing that was stored is lost.
func TestADiskThatRefusesWrites(t *testing.T) {
	for name, make := range disks {
		t.Run(name, func(t *testing.T) {
			d := make(t)
			s := open(t, d.dir)
			id := link(t, s, "6281200000001")
			good := backUp(t, s)
			device, err := s.Device(t.Context())
			check(t, err)
			check(t, s.Probe(t.Context()))
			reports := 0
			s.OnUnwritable(func(err error) {
				reports++
				if !IsUnwritable(err) {
					t.Errorf("reported %v", err)
				}
			})

			d.fail()
			refused := func(what string, err error) {
				t.Helper()
				if !IsUnwritable(err) || classifyDamage(err) != "" {
					t.Errorf("%s = %v, want an error that says the disk refuses it", what, err)
				}
			}
			put := func(times int) (err error) {
				for n := 0; n < times && err == nil; n++ {
					err = device.Sessions.PutSession(t.Context(), fmt.Sprint(n), bytes.Repeat([]byte{7}, 20_000))
				}
				return err
			}
			if d.filesOnly {
				check(t, put(10))
			} else {
				refused("a Signal session", put(100))
				if reports == 0 {
					t.Error("nothing was reported when the error was returned")
				}
			}
			refused("a probe", s.Probe(t.Context()))
			refused("facts", s.UpdateFacts(func(f *Facts) { f.Yielded = true }))
			_, _, err = s.Backup(t.Context(), "test")
			refused("a backup", err)
			refused("a streamed backup", s.WriteBackup(t.Context(), new(bytes.Buffer)))
			refused("a clear", s.Clear(t.Context()))

			if d.recover != nil {
				d.recover()
				if err := s.Probe(t.Context()); err != nil {
					t.Errorf("the disk takes writes again, and the probe fails: %v", err)
				}
				if !exists(t, s) {
					t.Error("a clear that failed took the device")
				}
				check(t, put(5))
				check(t, s.UpdateFacts(func(f *Facts) { f.Yielded = true }))
				backUp(t, s)
			}
			_ = s.Close() // it may not be able to empty the log
			d.remount()
			s = open(t, d.dir)
			if got, err := observeDevice(t.Context(), s.db); err != nil || got != id || s.Opening().Damage != "" {
				t.Errorf("after a restart the device is %q, %v; %+v", got, err, s.Opening())
			}
			backups, err := listBackups(s.layout)
			if err != nil || len(backups) == 0 || backups[len(backups)-1] != good {
				t.Errorf("backups = %v, %v", backups, err)
			}
			closeStore(t, s)
		})
	}
}

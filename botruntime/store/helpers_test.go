package store

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/proto/waAdv"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
)

// helpers are the programs that this test binary can run as a second process.
var helpers = map[string]func(auth string, say func(string)) error{}

const helperVariable = "STORE_TEST_HELPER"

// patience bounds every wait; only a broken test ever waits so long.
const patience = 2 * time.Minute

// copyCommand makes this test binary the copier of a store.
const copyCommand = "copy-database"

func copier(ctx context.Context) *exec.Cmd {
	return exec.CommandContext(ctx, os.Args[0], copyCommand)
}

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == copyCommand {
		if err := ServeCopy(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if name := os.Getenv(helperVariable); name != "" {
		say := func(line string) { fmt.Println(line) }
		if err := helpers[name](os.Args[1], say); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// process is a helper that runs.
type process struct {
	t       testing.TB
	command *exec.Cmd
	lines   *bufio.Scanner
}

func start(t testing.TB, helper, auth string, adjust ...func(*exec.Cmd)) *process {
	t.Helper()
	ctx, end := context.WithTimeout(context.Background(), patience) // a helper that hangs ends, and so does who reads it
	t.Cleanup(end)
	command := exec.CommandContext(ctx, os.Args[0], auth)
	command.Env = append(os.Environ(), helperVariable+"="+helper)
	command.Stderr = os.Stderr
	for _, f := range adjust {
		f(command)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, command: command, lines: bufio.NewScanner(out)}
	t.Cleanup(func() { p.kill() })
	return p
}

// read returns the helper's next line.
func (p *process) read() string {
	p.t.Helper()
	if !p.lines.Scan() {
		p.t.Fatalf("the helper ended: %v", p.command.Wait())
	}
	return p.lines.Text()
}

// finish returns the helper's one line, once the helper has ended.
func (p *process) finish() string {
	p.t.Helper()
	line := p.read()
	for p.lines.Scan() {
	}
	if err := p.command.Wait(); err != nil {
		p.t.Fatalf("the helper said %q and ended: %v", line, err)
	}
	return line
}

// kill ends the helper with SIGKILL and returns the lines that were not read.
func (p *process) kill() (rest []string) {
	if p.command.ProcessState != nil {
		return nil
	}
	_ = p.command.Process.Kill()
	for p.lines.Scan() {
		rest = append(rest, p.lines.Text())
	}
	_ = p.command.Wait()
	return rest
}

// asNobody starts a helper without root's rights.
func asNobody(t testing.TB) func(*exec.Cmd) {
	t.Helper()
	if os.Geteuid() != 0 {
		return func(*exec.Cmd) {} // this process has no such rights either
	}
	return func(c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
}

// runs starts another copy of this test binary.
func runs(binary string) func(*exec.Cmd) {
	return func(c *exec.Cmd) { c.Path = binary }
}

const nobody = 65534

func options(auth string) Options {
	return Options{Identity: bot.Identity{AuthPath: auth, ClientID: "toko", Instance: "test"}, BackupKeep: 3, Copier: copier}
}

func open(t testing.TB, auth string) *Store {
	t.Helper()
	s, err := Open(context.Background(), options(auth))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func closeStore(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

func exists(t testing.TB, s *Store) bool {
	t.Helper()
	there, err := s.Exists(context.Background())
	if err != nil {
		t.Fatalf("exists: %v", err)
	}
	return there
}

const preKeys = 50

// pair links a device as whatsmeow does after a scan: its row first, then its other data. It returns the device's name.
func pair(s *Store, phone string) (string, error) {
	ctx := context.Background()
	device := s.NewDevice()
	jid := types.NewADJID(phone, 0, 7)
	device.ID = &jid
	device.LID = types.NewJID("9"+phone, types.HiddenUserServer)
	device.Account = &waAdv.ADVSignedDeviceIdentity{
		Details: []byte("details"), AccountSignature: bytes.Repeat([]byte{1}, 64),
		AccountSignatureKey: bytes.Repeat([]byte{2}, 32), DeviceSignature: bytes.Repeat([]byte{3}, 64),
	}
	device.PushName = "Toko " + phone
	if err := device.Save(ctx); err != nil {
		return "", fmt.Errorf("save device: %w", err)
	}
	if _, err := device.PreKeys.GetOrGenPreKeys(ctx, preKeys); err != nil {
		return "", fmt.Errorf("prekeys: %w", err)
	}
	if err := device.LIDs.PutLIDMapping(ctx, device.LID, jid); err != nil {
		return "", fmt.Errorf("lid: %w", err)
	}
	err := s.UpdateFacts(func(f *Facts) { f.Expired, f.ExpiredReason, f.LinkedAt = false, "", time.Now().UTC() })
	if err != nil {
		return "", err
	}
	return observeDevice(ctx, s.db)
}

func link(t testing.TB, s *Store, phone string) string {
	t.Helper()
	id, err := pair(s, phone)
	if err != nil || id == "" {
		t.Fatalf("link = %q, %v", id, err)
	}
	return id
}

// backUp takes a backup of a store that has just changed.
func backUp(t testing.TB, s *Store) Backup {
	t.Helper()
	now := time.Now()
	if err := os.Chtimes(s.layout.database(), now, now); err != nil {
		t.Fatal(err)
	}
	return backUpIfChanged(t, s)
}

// backUpIfChanged takes a backup of a store that must be found to have changed.
func backUpIfChanged(t testing.TB, s *Store) Backup {
	t.Helper()
	backup, taken, err := s.Backup(context.Background(), "test")
	if err != nil || !taken {
		t.Fatalf("backup: taken %v, %v", taken, err)
	}
	return backup
}

// tree lists the files under dir with their content.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if !entry.Type().IsRegular() {
			files[name] = entry.Type().String()
			return nil
		}
		data, err := os.ReadFile(path)
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func copyTree(t testing.TB, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	source, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	target, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(target, source); err != nil {
		t.Fatal(err)
	}
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
}

// temps lists temporary files that were left.
func temps(t testing.TB, auth string) (left []string) {
	t.Helper()
	for name := range tree(t, auth) {
		if strings.HasPrefix(filepath.Base(name), tempPrefix) {
			left = append(left, name)
		}
	}
	return left
}

// openExclusive opens a database for one process alone.
func openExclusive(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, url.Values{"_pragma": {"locking_mode(EXCLUSIVE)"}}))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	_, err = db.Exec(`BEGIN EXCLUSIVE`)
	return db, err
}

func sessionDir(auth string) string { return filepath.Join(auth, "session-toko") }
func backupDir(auth string) string  { return filepath.Join(auth, "backups", "session-toko") }

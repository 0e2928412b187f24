package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/test/chromium"
	"sesi.dev/sesi/test/proc"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// The benchmarks print what a bot costs, next to what people would run instead. `make bench-bot` runs them.

// idleTime lets a process finish its work after a start, so that the benchmark measures idleness.
const idleTime = 20 * time.Second

func linked(b *testing.B) (*simtest.Sim, string) {
	b.Helper()
	wa, dir := simtest.Start(b, sim.Config{}), b.TempDir()
	p := start(b, settings(wa, dir))
	if _, err := wa.Scan(b.Context(), p.code(), phone); err != nil {
		b.Fatal(err)
	}
	p.untilConnected()
	p.terminate()
	return wa, dir
}

// untilWritten waits for a text in the process's output, and checks often enough to time it.
func (p *process) untilWritten(text string) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(p.out.String(), text); {
		if time.Now().After(deadline) {
			p.t.Fatalf("the bot did not write %s", text)
		}
		<-time.After(500 * time.Microsecond)
	}
}

// The next three time the bot from the start of its process, and bare whatsmeow, which is in the benchmark's process, from
// the opening of its database, with the settings of the bot's. They take turns.

func BenchmarkStartToConnected(b *testing.B) {
	wa, dir := linked(b)
	bareDir := b.TempDir()
	first := openBare(b, wa, bareDir, "NORMAL")
	first.scan(first.code(), barePhone)
	first.untilConnected()
	first.end()
	var took times
	for range b.N {
		began := time.Now()
		p := launch(b, settings(wa, dir), nil)
		p.untilWritten(`"event":"ready"`)
		took.bot = append(took.bot, time.Since(began))
		p.terminate()

		began = time.Now()
		w := openBare(b, wa, bareDir, "NORMAL")
		w.connect()
		w.untilConnected()
		took.bare = append(took.bare, time.Since(began))
		w.end()
	}
	took.report(b)
}

func BenchmarkStartToFirstQR(b *testing.B) {
	wa := simtest.Start(b, sim.Config{})
	var took times
	for range b.N {
		dir := b.TempDir()
		began := time.Now()
		p := launch(b, settings(wa, dir), nil)
		p.untilWritten(`"event":"qr"`)
		took.bot = append(took.bot, time.Since(began))
		p.terminate()

		dir = b.TempDir()
		began = time.Now()
		w := openBare(b, wa, dir, "NORMAL")
		w.code()
		took.bare = append(took.bare, time.Since(began))
		w.end()
	}
	took.report(b)
}

func BenchmarkScanToConnected(b *testing.B) {
	wa := simtest.Start(b, sim.Config{})
	var took times
	for i := range b.N {
		p := start(b, settings(wa, b.TempDir()))
		code := p.code()
		began := time.Now()
		if _, err := wa.Scan(b.Context(), code, fmt.Sprintf("62811%07d", i)); err != nil {
			b.Fatal(err)
		}
		p.untilWritten(`"event":"ready"`)
		took.bot = append(took.bot, time.Since(began))
		p.terminate()

		w := openBare(b, wa, b.TempDir(), "NORMAL")
		code = w.code()
		began = time.Now()
		w.scan(code, fmt.Sprintf("62812%07d", i))
		w.untilConnected()
		took.bare = append(took.bare, time.Since(began))
		w.end()
	}
	took.report(b)
}

// asInImage returns the settings for the files of the bot's image: one file of certificates, with the simulator's next
// to the public ones, and one processor.
func asInImage(b *testing.B, wa *simtest.Sim) []string {
	public, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		b.Fatal(err)
	}
	own, err := os.ReadFile(wa.CAFile)
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "cert.pem")
	if err := os.WriteFile(file, append(public, own...), 0o600); err != nil {
		b.Fatal(err)
	}
	return []string{"SSL_CERT_FILE=" + file, "SSL_CERT_DIR=/nowhere", "GOMAXPROCS=1"}
}

func BenchmarkIdleBot(b *testing.B) {
	wa, dir := linked(b)
	for range b.N {
		p := start(b, settings(wa, dir, asInImage(b, wa)...))
		p.untilConnected()
		<-time.After(idleTime)
		reportMemory(b, []int{p.cmd.Process.Pid})
		p.terminate()
	}
	if info, err := os.Stat(binary); err == nil {
		b.ReportMetric(float64(info.Size())/1e6, "MB-binary")
	}
}

// backedUpTime is enough for two runs of keepSmall after a backup.
const backedUpTime = 2*restTime + 5*time.Second

// BenchmarkIdleBotBackedUp measures a bot's usual condition: idle, after its first backup.
func BenchmarkIdleBotBackedUp(b *testing.B) {
	wa, dir := linked(b)
	for range b.N {
		p := start(b, settings(wa, dir, asInImage(b, wa)...))
		p.untilConnected()
		p.untilBackedUp()
		<-time.After(backedUpTime)
		reportMemory(b, []int{p.cmd.Process.Pid})
		p.terminate()
	}
}

// untilBackedUp waits for the first backup, which comes a minute after the login.
func (p *process) untilBackedUp() {
	p.t.Helper()
	deadline := time.After(2 * time.Minute)
	for !strings.Contains(p.out.String(), `"msg":"backup taken"`) {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-p.ended:
			p.t.Fatalf("the bot ended: %v", p.err)
		case <-deadline:
			p.t.Fatal("the bot took no backup")
		}
	}
}

// BenchmarkIdleChromium measures what whatsapp-web.js needs before it does anything: a headless Chromium with an empty
// page.
func BenchmarkIdleChromium(b *testing.B) {
	for range b.N {
		cmd, err := chromium.Command(b.Context(), b.TempDir())
		if err != nil {
			b.Skip(err)
		}
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		<-time.After(idleTime)
		reportMemory(b, proc.Processes().Family(cmd.Process.Pid))
		chromium.End(cmd)
	}
}

// BenchmarkIdleBaileys measures a session of Baileys, which is written in JavaScript, linked to the same simulator.
// BAILEYS names the folder that npm installed it into.
func BenchmarkIdleBaileys(b *testing.B) {
	folder := os.Getenv("BAILEYS")
	if folder == "" {
		b.Skip("BAILEYS names no folder; make bench-bot installs it")
	}
	wa := simtest.Start(b, sim.Config{})
	if err := wa.AddFault(sim.Fault{Kind: "slow_login", MS: 50}); err != nil {
		b.Fatal(err)
	}
	for range b.N {
		cmd := exec.Command("node", "idle.mjs", wa.ControlURL)
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+wa.CAFile)
		in, err := cmd.StdinPipe()
		if err != nil {
			b.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		if line := bufio.NewScanner(out); !line.Scan() || line.Text() != "open" {
			b.Fatal("Baileys did not link")
		}
		<-time.After(idleTime)
		reportMemory(b, proc.Processes().Family(cmd.Process.Pid))
		_ = in.Close()
		_ = cmd.Wait()
	}
}

// reportMemory reports the memory of processes.
func reportMemory(b *testing.B, pids []int) {
	b.Helper()
	held := proc.MemoryOf(pids)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(held.Resident)/(1<<20), "MiB-rss")
	b.ReportMetric(float64(held.Proportional)/(1<<20), "MiB-pss")
	b.ReportMetric(float64(held.Anonymous)/(1<<20), "MiB-anon")
}

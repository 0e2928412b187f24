package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/test/campaign"
	"sesi.dev/sesi/test/poll"
	"sesi.dev/sesi/test/vacant"
	"sesi.dev/sesi/test/wasim/mediahost"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// These tests run the whole way with real programs: a person's phone at the simulated WhatsApp, the bot, finance-bot,
// and the answer at the person's phone.

const (
	patience = 2 * time.Minute
	shop     = "628123456789"
)

// programs is where TestMain built the bot and finance-bot.
var programs string

func TestMain(m *testing.M) {
	code := 1
	dir, err := os.MkdirTemp("", "finance-bot")
	if err == nil {
		programs = dir
		build := exec.Command("go", "build", "-tags", "simulator", "-ldflags", "-s -w", "-o", dir+"/", "../../cmd/bot", ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		build.Stderr = os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the programs:", err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// program is one that runs.
type program struct {
	t     *testing.T
	cmd   *exec.Cmd
	mu    sync.Mutex
	out   bytes.Buffer
	ended chan struct{}
}

func (p *program) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(data)
}

func (p *program) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

func launch(t *testing.T, name string, env ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(filepath.Join(programs, name)), ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = t.TempDir(), env, p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // it is killed
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			all := strings.Split(p.text(), "\n")
			t.Logf("%s wrote:\n%s", name, strings.Join(all[max(0, len(all)-40):], "\n"))
		}
	})
	return p
}

func (p *program) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	if !poll.Until(ok, patience, nil) {
		t.Fatalf("waited too long for %s", what)
	}
}

// stage is the simulated WhatsApp, the bot and finance-bot.
type stage struct {
	t        *testing.T
	wa       *simtest.Sim
	dir      string
	url      string
	port     string
	zone     string // in which no month ends while the test runs
	bot, fin *program
	jid      types.JID
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, wa: simtest.Start(t, sim.Config{}), dir: t.TempDir(), zone: "Etc/GMT-12"}
	if hour := time.Now().UTC().Hour(); 6 <= hour && hour < 18 {
		s.zone = "UTC"
	}
	s.port = strconv.Itoa(vacant.Port(t)) // which no other program gets while the bot is down
	s.startBot()
	c := client.Client{BaseURL: s.url}
	var code bot.LiveCode
	until(t, "a code", func() bool {
		var ok bool
		var err error
		code, ok, err = c.Code(t.Context())
		return ok && err == nil
	})
	if _, err := s.wa.Scan(t.Context(), code.Code.Code, shop); err != nil {
		t.Fatal(err)
	}
	until(t, "the link", func() bool {
		status, err := c.Status(t.Context())
		if err != nil || !status.Connected {
			return false
		}
		jid, err := types.ParseJID(status.JID)
		s.jid = jid.ToNonAD()
		return err == nil
	})
	s.startFinance()
	return s
}

// startBot starts the bot, again at the same address.
func (s *stage) startBot() {
	s.t.Helper()
	s.bot = launch(s.t, "bot", append(s.wa.Env(), "AUTH_PATH="+s.dir, "PORT="+s.port, "METRICS_PORT=0", "LOG_FORMAT=json",
		"WEB_VERSION_CACHE_PATH="+filepath.Join(s.dir, "cache"))...)
	until(s.t, "the bot", func() bool {
		for line := range strings.SplitSeq(s.bot.text(), "\n") {
			var said struct{ Msg, Plain string }
			if json.Unmarshal([]byte(line), &said) == nil && said.Msg == "listening" {
				s.url = "http://" + said.Plain
				return true
			}
		}
		return false
	})
}

func (s *stage) startFinance() {
	s.fin = launch(s.t, "finance-bot", "BOT_URL="+s.url, "DATABASE="+filepath.Join(s.dir, "finance.db"), "TZ="+s.zone)
}

func (s *stage) say(from, text string) string {
	s.t.Helper()
	id, err := s.wa.Person(from).Write(s.jid, text)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// photograph sends a photo with a caption.
func (s *stage) photograph(from, caption string) {
	s.t.Helper()
	photo, err := s.wa.Attach(sim.Media{Kind: mediahost.Image, Caption: caption})
	if err == nil {
		_, err = s.wa.Person(from).Send(s.jid, photo, sim.Delivery{})
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// answers are the texts and captions that came to a person's phone, each message once.
func (s *stage) answers(to string) (texts []string, ids map[string]int) {
	ids = map[string]int{}
	for _, m := range s.wa.Outbox(0) {
		if m.Self || m.Phone != to || m.Kind != "text" && m.Kind != "image" {
			continue
		}
		if ids[m.ID]++; ids[m.ID] == 1 {
			texts = append(texts, m.Text)
		}
	}
	return texts, ids
}

func (s *stage) wait(to string, n int) []string {
	s.t.Helper()
	var texts []string
	until(s.t, fmt.Sprintf("%d answers", n), func() bool {
		texts, _ = s.answers(to)
		return len(texts) >= n
	})
	return texts
}

func TestAPersonKeepsBooks(t *testing.T) {
	s := newStage(t)
	const person = "628111000001"
	for i, c := range []struct{ say, want string }{
		{"masuk 1,5jt gaji", "Tercatat: gaji Rp1.500.000, masuk.\nSaldo Rp1.500.000."},
		{"keluar 25rb kopi", "Tercatat: kopi Rp25.000, keluar.\nSaldo Rp1.475.000."},
		{"lunch 40000", "Tercatat: lunch Rp40.000, keluar.\nSaldo Rp1.435.000."},
		{"batal", "Dibatalkan: lunch Rp40.000.\nSaldo Rp1.475.000."},
		{"saldo", "Saldo Rp1.475.000."},
		{"laporan bulan ini", "Keluar Rp25.000\nSelisih Rp1.475.000\n- kopi Rp25.000"},
	} {
		s.say(person, "apa kabar") // books nothing, and gets no answer
		s.say(person, c.say)
		if got := s.wait(person, i+1); len(got) != i+1 || !strings.HasSuffix(got[i], c.want) {
			t.Fatalf("%q was answered with %q, want %q", c.say, got[len(got)-1], c.want)
		}
	}
	s.say("628111000002", "saldo")
	if got := s.wait("628111000002", 1); got[0] != "Saldo Rp0." {
		t.Errorf("another person was told %q", got[0])
	}
	if text := s.fin.text(); strings.Contains(text, "kopi") || strings.Contains(text, person) {
		t.Errorf("the log tells what people wrote: %s", text)
	}
}

// forgetful stands between finance-bot and the bot: the bot's first answer to each key is lost.
func forgetful(t *testing.T, address string) *httptest.Server {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	var seen sync.Map
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method != http.MethodPost {
				return nil
			}
			if _, again := seen.LoadOrStore(r.Request.Header.Get(bot.HeaderIdempotencyKey), true); !again {
				return errors.New("the answer is lost")
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(func() {
		server.CloseClientConnections() // the stream of events never ends by itself
		server.Close()
	})
	return server
}

// A photographed receipt is booked by its caption, and the month comes back as a picture: once, though finance-bot hands
// over each answer twice.
func TestPictures(t *testing.T) {
	s := newStage(t)
	s.fin.kill()
	s.url = forgetful(t, s.url).URL
	s.startFinance()
	const person = "628111000001"
	s.say(person, "grafik") // of a month without bookings there is none
	s.photograph(person, "keluar 25rb kopi")
	s.photograph(person, "") // asks for nothing
	s.photograph(person, "liburan kami")
	s.say(person, "grafik bulan ini")
	got := s.wait(person, 3)
	if len(got) != 3 || got[0] != "Belum ada catatan bulan ini." || got[1] != "Tercatat: kopi Rp25.000, keluar.\nSaldo -Rp25.000." ||
		!strings.HasSuffix(got[2], "\nMasuk Rp0\nKeluar Rp25.000\nSelisih -Rp25.000\n- kopi Rp25.000") {
		t.Fatalf("answered with %q", got)
	}
	s.say(person, "saldo") // by its answer the bot has taken the picture for good
	s.wait(person, 4)
	var charts int
	for _, m := range s.wa.Outbox(0) {
		if m.Self || m.File == nil {
			continue
		}
		charts++
		if f := m.File; f.Err != "" || f.Kind != mediahost.Image || f.Mimetype != "image/png" || f.Width != side || f.Height != side {
			t.Errorf("the phone got %+v", f)
		}
	}
	if charts != 1 {
		t.Errorf("%d pictures came, want 1", charts)
	}
}

// A file of an earlier version is taken over with its books and with the answers that wait.
func TestAnEarlierFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "finance.db")
	b, err := openBook(t.Context(), path, languages["id"], time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{`ALTER TABLE answers DROP COLUMN picture`, `INSERT INTO answers (key, chat, text) VALUES ('k', 'c', 't')`} {
		if _, err := b.db.ExecContext(t.Context(), change); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.db.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err = openBook(t.Context(), path, languages["id"], time.UTC); err != nil {
		t.Fatal(err)
	}
	defer b.db.Close()
	if next, err := b.next(t.Context()); err != nil || next == nil || next.text != "t" || next.picture != nil {
		t.Errorf("the next answer is %+v, %v", next, err)
	}
}

// An answer that WhatsApp refuses for good holds up no other.
func TestAnAnswerThatCannotBeSentIsLeftOut(t *testing.T) {
	s := newStage(t)
	if err := s.wa.AddFault(sim.Fault{Kind: "ack_error", Code: 420, Count: 1}); err != nil {
		t.Fatal(err)
	}
	s.say("628111000001", "saldo")
	until(t, "the refusal", func() bool { return strings.Contains(s.fin.text(), "cannot be sent") })
	s.say("628111000001", "keluar 5rb es")
	if got := s.wait("628111000001", 1); len(got) != 1 || !strings.Contains(got[0], "Rp5.000") {
		t.Errorf("answered with %q", got)
	}
}

// kills is how often TestNothingIsBookedTwice kills a program; SESI_SOAK multiplies it.
const kills = 8

// Both programs are killed at random moments while people write, photograph receipts and ask for charts: each message is
// booked once and answered once.
func TestNothingIsBookedTwice(t *testing.T) {
	s := newStage(t)
	dice := rand.New(rand.NewPCG(campaign.Seed(t), 0))
	people := []string{"628111000001", "628111000002"}
	said, charts := 0, 0
	for round := range campaign.Rounds(t, kills) {
		for range 4 {
			say := func(from, text string) { s.say(from, text) }
			if dice.IntN(3) == 0 {
				say = s.photograph
			}
			say(people[said%2], fmt.Sprintf("beli barang%d 1rb", said))
			said++
		}
		for _, person := range people {
			s.say(person, "grafik")
		}
		charts++
		reached := len(s.wa.Outbox(0)) + dice.IntN(5)
		until(t, "some answers, or none", func() bool { return len(s.wa.Outbox(0)) >= reached || dice.IntN(40) == 0 })
		if round%2 == 0 {
			s.fin.kill()
			s.startFinance()
			continue
		}
		s.bot.kill()
		s.startBot()
	}
	for _, person := range people {
		s.say(person, "saldo")
		wanted := said/2 + charts + 1
		texts := s.wait(person, wanted)
		_, ids := s.answers(person)
		seen := map[string]bool{}
		for _, text := range texts {
			if seen[text] {
				t.Errorf("%s was told twice: %q", person, text)
			}
			seen[text] = true
		}
		if want := fmt.Sprintf("Saldo -Rp%d.000.", said/2); len(texts) != wanted || len(ids) != len(texts) || texts[len(texts)-1] != want {
			t.Errorf("%d answers for %d messages, the last %q, want %q", len(texts), wanted, texts[len(texts)-1], want)
		}
	}
	t.Logf("%d messages", said)
}

// A bot that is not there, and one that refuses the token, end nothing: the program waits.
func TestWaitsForTheBot(t *testing.T) {
	fin := launch(t, "finance-bot", "BOT_URL=http://127.0.0.1:1", "DATABASE="+filepath.Join(t.TempDir(), "finance.db"))
	until(t, "the start", func() bool { return strings.Contains(fin.text(), "reading") })
	select {
	case <-fin.ended:
		t.Error("it ended")
	default:
	}
	for name, env := range map[string]string{"LOCALE": "LOCALE=xx", "DATABASE": "DATABASE=/nowhere/finance.db"} {
		bad := launch(t, "finance-bot", env)
		select {
		case <-bad.ended:
		case <-time.After(patience):
			t.Fatalf("%s: it runs", name)
		}
		if bad.cmd.ProcessState.ExitCode() != 1 || !strings.Contains(bad.text(), name) {
			t.Errorf("%s: %s", name, bad.text())
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"sesi.dev/sesi/api/bot"
)

// onThisMachine is a bot, the finance bot and the simulated WhatsApp, as three processes with a folder.
type onThisMachine struct {
	folder string
	port   string // of the bot
	wa     phone
	env    []string // of the bot
	// away is what the customer writes while the bot is dead.
	away func(context.Context) error
}

// home returns the folder of everything that the demonstration keeps on this machine.
func home() (string, error) {
	cache := os.Getenv("SESI_CACHE")
	if cache == "" {
		user := os.Getenv("XDG_CACHE_HOME")
		if user == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return "", fmt.Errorf("find a folder for the demonstration; set SESI_CACHE: %w", err)
			}
			user = filepath.Join(home, ".cache")
		}
		cache = filepath.Join(user, "sesi")
	}
	folder, err := filepath.Abs(filepath.Join(cache, "demo"))
	if err != nil {
		return "", fmt.Errorf("find a folder for the demonstration: %w", err)
	}
	return folder, nil
}

func onMachine(ctx context.Context) error {
	folder, err := home()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make the demonstration's folder: %w", err)
	}
	if err := endAll(folder, programs...); err != nil { // of an earlier run: a running program cannot be replaced
		return err
	}
	step("The bot, a finance bot and a simulated WhatsApp, from source")
	if err := build(ctx, folder, "simulator", "./cmd/bot", "./examples/finance-bot", "./test/wasim/cmd/wasim"); err != nil {
		return err
	}
	achieved("built")

	m := &onThisMachine{folder: folder}
	step("The simulated WhatsApp")
	if err := m.startWhatsApp(ctx); err != nil {
		return err
	}
	achieved("runs; nothing here reaches the real one")
	if err := m.startBot(); err != nil {
		return err
	}
	if err := m.startFinance(); err != nil {
		return err
	}
	s, err := telling(ctx, m)
	if err != nil {
		return fmt.Errorf("%w\n     the logs are in %s; `make demo-down` ends all of it", err, folder)
	}
	m.whatNext(s)
	return nil
}

func (m *onThisMachine) path(name string) string { return filepath.Join(m.folder, name) }

// freePort returns the wanted port if it is free, otherwise another one.
func freePort(wanted string) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:"+wanted)
	if err != nil {
		listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return port, nil
}

// startWhatsApp starts the simulated WhatsApp, which keeps its devices in the folder.
func (m *onThisMachine) startWhatsApp(ctx context.Context) error {
	control, err := freePort("7080")
	if err != nil {
		return err
	}
	sockets, err := freePort("7443")
	if err != nil {
		return err
	}
	m.wa = phone{"http://127.0.0.1:" + control}
	p, err := launch(m.path("wasim.pid"), m.folder, m.path("wasim.log"), plainEnvironment(), m.path("wasim"),
		"-addr", "127.0.0.1:"+sockets, "-control", "127.0.0.1:"+control, "-dir", m.path("keys"), "-state", m.path("state"))
	if err != nil {
		return err
	}
	err = eventually(ctx, 20*time.Second, "the simulated WhatsApp", func(ctx context.Context) error {
		if !p.runs() {
			return fmt.Errorf("it has ended; its log is %s", m.path("wasim.log"))
		}
		return call(ctx, http.MethodGet, m.wa.address+"/healthz", nil, nil)
	})
	if err != nil {
		return err
	}
	root, err := os.ReadFile(m.path("keys/noise-root.hex"))
	if err != nil {
		return fmt.Errorf("read the simulator's key: %w", err)
	}
	if m.port, err = freePort("3000"); err != nil {
		return err
	}
	metrics, err := freePort("9090")
	if err != nil {
		return err
	}
	m.env = append(plainEnvironment(),
		"HTTPS_PROXY="+m.wa.address, "SSL_CERT_FILE="+m.path("keys/ca.pem"), "WHATSAPP_NOISE_ROOT="+strings.TrimSpace(string(root)),
		"CLIENT_ID=shop", "AUTH_PATH="+m.path("auth"), "WEB_VERSION_CACHE_PATH="+m.path("cache"), "LOCALE=en",
		"PORT="+m.port, "METRICS_PORT="+metrics)
	return nil
}

// plainEnvironment returns an environment without the user's settings, which a bot would read too.
func plainEnvironment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
}

func (m *onThisMachine) startBot() error {
	_, err := launch(m.path("bot.pid"), m.folder, m.path("bot.log"), m.env, m.path("bot"))
	return err
}

// startFinance starts the program that answers customers. It waits for the bot by itself.
func (m *onThisMachine) startFinance() error {
	_, err := launch(m.path("finance-bot.pid"), m.folder, m.path("finance-bot.log"),
		append(plainEnvironment(), "BOT_URL="+m.address(), "DATABASE="+m.path("finance.db")), m.path("finance-bot"))
	return err
}

func (m *onThisMachine) address() string { return "http://127.0.0.1:" + m.port }

func (m *onThisMachine) watch(ctx context.Context) (<-chan session, error) {
	changes := make(chan session, 16)
	go watchBot(ctx, m.address(), changes)
	return changes, nil
}

func (m *onThisMachine) scan(ctx context.Context) error {
	commandLine("curl " + m.address() + bot.PathCode + "   # or look at " + m.address() + bot.PathPage)
	var code bot.Code
	err := eventually(ctx, time.Minute, "a current code", func(ctx context.Context) error {
		if err := call(ctx, http.MethodGet, m.address()+bot.PathCode, nil, &code); err != nil {
			return err
		}
		if code.Code == "" {
			return errors.New("the answer has no code")
		}
		return nil
	})
	if err != nil {
		return err
	}
	tell(`{"code":"%.12s…", …}   the simulated phone scans it`, code.Code)
	return m.wa.scan(ctx, code.Code)
}

func (m *onThisMachine) unlink(ctx context.Context, jid string) error { return m.wa.unlink(ctx, jid) }

func (m *onThisMachine) killTitle() string { return "The bot is killed" }

func (m *onThisMachine) kill(ctx context.Context) error {
	p, err := noted(m.path("bot.pid"))
	if err != nil {
		return err
	}
	commandLine(fmt.Sprintf("kill -9 %d   # and start it again, as a service manager would", p.PID))
	if err := p.end(syscall.SIGKILL); err != nil {
		return err
	}
	if m.away != nil {
		if err := m.away(ctx); err != nil {
			return err
		}
	}
	return m.startBot()
}

func (m *onThisMachine) whatNext(s *story) {
	fmt.Printf("\n%sAll of it took %s; from kill -9 to connected, %s. It keeps running.%s To try next:\n\n",
		bold, seconds(time.Since(begun)), seconds(s.back), plain)
	hint(m.address()+bot.PathPage, "the bot's live page")
	hint(m.wa.address, "the phone: scan, unlink, kick, write")
	hint("curl "+m.address()+bot.PathStatus, "the session, as JSON")
	hint("curl -X POST "+m.address()+bot.PathLogout, "the page asks for a scan again")
	hint("curl '"+m.address()+bot.PathEvents+"?after=oldest'", "what came, as your own program reads it")
	hint("examples/finance-bot/README.md", "the program that answered, to copy")
	hint("tail -f "+m.path("bot.log"), "what the bot does")
	hint("make demo-cluster", "the same with the operator, on a Kubernetes cluster")
	hint("make demo-down", "ends it and removes all that it made")
}

// programs are what the story on this machine leaves running, in the order in which it is ended.
var programs = []string{"finance-bot", "bot", "wasim"}

// endAll ends the processes of these names that an earlier run left in the folder.
func endAll(folder string, names ...string) error {
	for _, name := range names {
		file := filepath.Join(folder, name+".pid")
		p, err := noted(file)
		if err != nil {
			return err
		}
		if err := p.end(syscall.SIGTERM); err != nil {
			return err
		}
		if err := os.RemoveAll(file); err != nil {
			return fmt.Errorf("forget a process: %w", err)
		}
	}
	return nil
}

// down ends the demonstration and removes its folder. It is safe to call again.
func down(ctx context.Context) error {
	folder, err := home()
	if err != nil {
		return err
	}
	if err := endForwards(folder); err != nil {
		return err
	}
	if err := downClusters(ctx); err != nil {
		return err
	}
	if err := endAll(folder, programs...); err != nil {
		return err
	}
	if err := os.RemoveAll(folder); err != nil {
		return fmt.Errorf("remove the demonstration's folder: %w", err)
	}
	fmt.Println("the demonstration is gone")
	return nil
}

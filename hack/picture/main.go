// Command picture takes the README's picture from a running `make demo`: the bot's page with a code, the same page once the
// phone has scanned it, and what curl then prints. Everything in it is real, except for WhatsApp, which is simulated.
//
//	picture [-bot URL] [-phone URL] FILE.png
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/chromedp/chromedp"

	"sesi.dev/sesi/api/bot"
)

// Size of one panel.
const width, height = 440, 660

const (
	number   = "628123456789"
	customer = "628111000001"
)

func main() {
	var s studio
	flag.StringVar(&s.bot, "bot", "http://127.0.0.1:3000", "address of the demonstration's bot")
	flag.StringVar(&s.phone, "phone", "http://127.0.0.1:7080", "address of the demonstration's phone")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	err := s.run(ctx, flag.Args())
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

type studio struct{ bot, phone string }

func (s *studio) run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: picture [-bot URL] [-phone URL] FILE.png")
	}
	browser, end, err := startBrowser(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := s.call(ctx, s.bot+bot.PathLogout, struct{}{}, nil); err != nil {
		return fmt.Errorf("unlink the session of `make demo`: %w", err)
	}
	var code bot.Code
	if err := until(ctx, func() error { return s.read(ctx, s.bot+bot.PathCode, &code) }); err != nil {
		return err
	}
	tab, closeTab := chromedp.NewContext(browser)
	defer closeTab()
	asks, err := shot(tab, width, s.bot+bot.PathPage+"?lang=en")
	if err != nil {
		return err
	}
	if err := s.read(ctx, s.bot+bot.PathCode, &code); err != nil {
		return err
	}
	if err := s.call(ctx, s.phone+"/scan", map[string]string{"qr": code.Code, "phone": number}, nil); err != nil {
		return fmt.Errorf("scan the code: %w", err)
	}
	var now bot.Snapshot
	err = until(ctx, func() error {
		if err := s.read(ctx, s.bot+bot.PathStatus, &now); err != nil || now.Connected {
			return err
		}
		return fmt.Errorf("the session is %s", now.State)
	})
	if err != nil {
		return err
	}
	linked, err := shot(tab, width, "")
	if err != nil {
		return err
	}
	terminal, err := s.talk(ctx, now.JID)
	if err != nil {
		return err
	}
	return s.compose(tab, args[0], map[string]any{"Asks": inline(asks), "Linked": inline(linked), "Terminal": terminal, "Height": height, "Width": width})
}

// talk sends a message and lets a customer write, and returns what a terminal shows of both, and of the finance bot's answer.
func (s *studio) talk(ctx context.Context, jid string) (string, error) {
	var sent bot.Message
	request := `{"to": "+` + customer + `", "text": "Pesanan siap"}`
	if err := s.call(ctx, s.bot+bot.PathMessages, json.RawMessage(request), &sent); err != nil {
		return "", err
	}
	var now bot.Events
	if err := s.read(ctx, s.bot+bot.PathEvents+"?after=latest", &now); err != nil {
		return "", err
	}
	if err := s.call(ctx, s.phone+"/say", map[string]string{"jid": jid, "from": customer, "name": "Budi", "text": "keluar 25rb kopi"}, nil); err != nil {
		return "", err
	}
	came, err := s.next(ctx, bot.EventMessage, now.Next)
	if err != nil {
		return "", err
	}
	answer, err := s.next(ctx, bot.EventMessageSent, came.Seq)
	if err != nil {
		return "", err
	}
	host := strings.TrimPrefix(s.bot, "http://")
	return fmt.Sprintf(`$ curl %s%s \
  --json '%s'

{"id":"%s",
 "text":"%s",
 "state":"%s", …}

$ curl '%s%s
  ?wait=30&after=%d'

{"type":"%s",
 "chat":"%s",
 "text":"%s", …}

# the finance bot reads it, and answers
{"type":"%s",
 "text":"%s", …}
`, host, bot.PathMessages, strings.ReplaceAll(request, ", ", ",\n          "), sent.ID, sent.Text, sent.State,
		host, bot.PathEvents, now.Next, came.Type, came.Chat, came.Data.Message.Text,
		answer.Type, strings.ReplaceAll(answer.Data.Message.Text, "\n", `\n`)), nil
}

// next is the next event of that type.
func (s *studio) next(ctx context.Context, kind bot.EventType, after uint64) (bot.Event, error) {
	var page bot.Events
	if err := s.read(ctx, fmt.Sprintf("%s%s?types=%s&wait=30&after=%d", s.bot, bot.PathEvents, kind, after), &page); err != nil {
		return bot.Event{}, err
	}
	if len(page.Events) == 0 || page.Events[0].Data.Message == nil {
		return bot.Event{}, fmt.Errorf("no event of type %s came: does the finance bot run?", kind)
	}
	return page.Events[0], nil
}

var sheet = template.Must(template.New("sheet").Parse(`<!doctype html><meta charset="utf-8"><style>
body { margin: 0; display: flex; gap: 20px; padding: 20px; background: #dfe9e4; font: 14px/1.5 sans-serif }
figure { margin: 0; width: {{.Width}}px } figcaption { font-weight: 600; color: #14231d; margin-bottom: 10px }
img, pre { display: block; width: {{.Width}}px; height: {{.Height}}px; border-radius: 14px; margin: 0 }
pre { box-sizing: border-box; padding: 22px; background: #14231d; color: #d7efe4; font: 14.5px/1.6 monospace; white-space: pre-wrap }
</style>
<figure><figcaption>1 · Scan</figcaption><img src="{{.Asks}}"></figure>
<figure><figcaption>2 · Linked, also after a restart</figcaption><img src="{{.Linked}}"></figure>
<figure><figcaption>3 · Send and receive</figcaption><pre>{{.Terminal}}</pre></figure>`))

// compose puts the panels side by side.
func (s *studio) compose(tab context.Context, file string, parts map[string]any) error {
	var page bytes.Buffer
	if err := sheet.Execute(&page, parts); err != nil {
		return fmt.Errorf("compose: %w", err)
	}
	folder, err := os.MkdirTemp("", "picture-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := os.WriteFile(folder+"/sheet.html", page.Bytes(), 0o600); err != nil {
		return err
	}
	picture, err := shot(tab, 3*width+80, "file://"+folder+"/sheet.html")
	if err != nil {
		return err
	}
	return os.WriteFile(file, picture, 0o644)
}

func inline(png []byte) template.URL {
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png))
}

func startBrowser(ctx context.Context) (context.Context, func(), error) {
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		return nil, nil, errors.New("install Chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
	browser, end := chromedp.NewExecAllocator(ctx, options...)
	return browser, end, nil
}

// settling is how long fonts, the code and the page's transitions take at most.
const settling = 4 * time.Second

// shot takes a picture of a page, once it has settled; without a URL, of the page as it is now.
func shot(tab context.Context, wide int64, url string) ([]byte, error) {
	tall := int64(height)
	if wide > width {
		tall += 72
	}
	if url != "" {
		if err := chromedp.Do(tab, chromedp.EmulateViewport(wide, tall), chromedp.Navigate(url)); err != nil {
			return nil, fmt.Errorf("open %s: %w", url, err)
		}
	}
	select {
	case <-tab.Done():
	case <-time.After(settling):
	}
	return chromedp.Run(tab, chromedp.CaptureScreenshot())
}

// until repeats until success, at most for 30 seconds.
func until(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (s *studio) read(ctx context.Context, url string, into any) error {
	return s.send(ctx, http.MethodGet, url, nil, into)
}

func (s *studio) call(ctx context.Context, url string, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return s.send(ctx, http.MethodPost, url, bytes.NewReader(data), into)
}

func (s *studio) send(ctx context.Context, method, url string, body io.Reader, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %s: %s", method, url, answer.Status, data)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(data, into)
}

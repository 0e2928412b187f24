package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/vacant"
)

const proxyName = "bot.example.org"

// proxyProgram is where a reverse proxy is: SESI_PROXIES says so, as name=path.
func proxyProgram(t *testing.T, name string) string {
	t.Helper()
	for _, pair := range strings.Fields(os.Getenv("SESI_PROXIES")) {
		if at, is := strings.CutPrefix(pair, name+"="); is {
			return at
		}
	}
	t.Skip("SESI_PROXIES does not say where " + name + " is; make test-proxies does")
	return ""
}

// proxyBlocks are the blocks of the documentation in that language, so that what people copy is what is tried.
func proxyBlocks(t *testing.T, language string) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/reverse-proxy.md")
	must(t, err)
	var blocks []string
	for _, found := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		blocks = append(blocks, found[1])
	}
	return blocks
}

// reverseProxy is a proxy that runs, as a browser or a program sees it.
type reverseProxy struct {
	t      *testing.T
	client *http.Client
	base   string
}

// runProxy runs a proxy until the test ends, and waits until it takes connections.
func runProxy(t *testing.T, address, base string, pool *x509.CertPool, command *exec.Cmd) *reverseProxy {
	t.Helper()
	out := &lines{}
	command.Stdout, command.Stderr = out, out
	must(t, command.Start())
	ended := make(chan struct{})
	go func() { _ = command.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("%s wrote:\n%s", command.Path, tail(out.String(), 40))
		}
	})
	dialer := &net.Dialer{}
	p := &process{t: t, out: out, ended: ended}
	p.waitFor("the proxy", func() bool {
		conn, err := dialer.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		},
	}
	return &reverseProxy{t: t, base: base, client: &http.Client{
		Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// send makes a request; headers are name, value. The answer's body ends with the test.
func (p *reverseProxy) send(method, path, form string, headers ...string) *http.Response {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	p.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, p.base+path, strings.NewReader(form))
	must(p.t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := p.client.Do(r)
	if err != nil {
		p.t.Fatalf("%s %s through the proxy: %v", method, path, err)
	}
	p.t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

const proxyToken = "a-token-of-this-bot"

// guards asks for everything that a stranger must not have, and for what the holder of the token may.
func (p *reverseProxy) guards() {
	p.t.Helper()
	for path, method := range map[string]string{
		bot.PathStatus: "GET", bot.PathCode: "GET", bot.PathSessionEvents: "GET", bot.PathBackup: "GET", bot.PathHealth: "GET",
		bot.PathPair: "POST", bot.PathStop: "POST", bot.PathLogout: "POST", bot.PathClear: "DELETE",
	} {
		if got := p.send(method, path, ""); got.StatusCode != http.StatusUnauthorized {
			p.t.Errorf("%s %s without the token: %s", method, path, got.Status)
		}
	}
	for range 20 { // wrong tokens of others come from the same address
		p.send("GET", bot.PathStatus, "", "X-Api-Key", "a-wrong-token-of-others")
	}
	if got := p.send("GET", bot.PathStatus, "", "Authorization", "Bearer "+proxyToken); got.StatusCode != http.StatusOK {
		p.t.Errorf("with the token: %s", got.Status)
	}
}

// streams reads a change while the stream is open: a proxy that keeps answers back would never let it through.
func (p *reverseProxy) streams() {
	p.t.Helper()
	stream := p.send("GET", bot.PathSessionEvents, "", "X-Api-Key", proxyToken)
	read := bufio.NewScanner(stream.Body)
	read.Buffer(nil, 1<<20)
	next := func(what, want string) {
		p.t.Helper()
		for read.Scan() {
			if line := read.Text(); strings.HasPrefix(line, "data:") && strings.Contains(line, want) {
				return
			}
		}
		p.t.Fatalf("the stream ended before %s: %v", what, read.Err())
	}
	next("its first snapshot", `"clientId":"default"`)
	if got := p.send("POST", bot.PathStop, "", "X-Api-Key", proxyToken); got.StatusCode != http.StatusOK {
		p.t.Errorf("stop: %s", got.Status)
	}
	next("the change", `"state":"Stopped"`)
	if got := p.send("POST", bot.PathRestart, "", "X-Api-Key", proxyToken); got.StatusCode != http.StatusOK {
		p.t.Errorf("restart: %s", got.Status)
	}
	events := p.send("GET", bot.PathEvents, "", "X-Api-Key", proxyToken, "Accept", "text/event-stream")
	if n, err := events.Body.Read(make([]byte, 1)); n != 1 {
		p.t.Errorf("the stream of messages: %s, %v", events.Status, err)
	}
}

// page opens the page as a browser without Sec-Fetch does: the form, the token, the cookie, the page.
func (p *reverseProxy) page(prefix string) {
	p.t.Helper()
	html := []string{"Accept", "text/html"}
	home := p.send("GET", "/", "", html...)
	where, err := home.Location()
	if err != nil || where.Path != prefix+bot.PathPage {
		p.t.Errorf("home leads to %v, %v", where, err)
	}
	if got := p.send("GET", bot.PathPage, "", html...); got.StatusCode != http.StatusUnauthorized {
		p.t.Errorf("the page without the token: %s", got.Status)
	}
	at, err := url.Parse(p.base)
	must(p.t, err)
	entered := p.send("POST", bot.PathPage, url.Values{"token": {proxyToken}}.Encode(), append(html,
		"Content-Type", "application/x-www-form-urlencoded", "Origin", "https://"+at.Host)...)
	to, err := entered.Location()
	if entered.StatusCode != http.StatusSeeOther || err != nil || to.Path != prefix+bot.PathPage || len(entered.Cookies()) != 1 {
		p.t.Fatalf("the form: %s to %v, %d cookies", entered.Status, to, len(entered.Cookies()))
	}
	cookie := entered.Cookies()[0]
	if !cookie.Secure || !cookie.HttpOnly || cookie.Path != prefix+"/" {
		p.t.Errorf("the cookie: %v", cookie)
	}
	for _, path := range []string{bot.PathPage, bot.PathStatus} {
		if got := p.send("GET", path, "", append(html, "Cookie", cookie.Name+"="+cookie.Value)...); got.StatusCode != http.StatusOK {
			p.t.Errorf("%s with the cookie: %s", path, got.Status)
		}
	}
	foreign := p.send("POST", bot.PathStop, "", "Cookie", cookie.Name+"="+cookie.Value, "Origin", "https://evil.example")
	if foreign.StatusCode != http.StatusForbidden {
		p.t.Errorf("another site's page stops the session: %s", foreign.Status)
	}
}

// proxyTries are the documented blocks: the bot's own name, and a path of it.
var proxyTries = []struct{ name, prefix string }{{"own name", ""}, {"sub path", "/shop"}}

func tryBehind(t *testing.T, language string, run func(t *testing.T, block, upstream, address, certs string) *exec.Cmd) {
	blocks := proxyBlocks(t, language)
	if len(blocks) != len(proxyTries) {
		t.Fatalf("%d blocks in the documentation", len(blocks))
	}
	for n, try := range proxyTries {
		t.Run(try.name, func(t *testing.T) {
			certs := t.TempDir()
			pool := selfSigned(t, certs, 1)
			p := start(t, settings(whatsapp(t), t.TempDir(), "API_TOKEN="+proxyToken))
			address := vacant.Address(t)
			_, port, err := net.SplitHostPort(address)
			must(t, err)
			base := fmt.Sprintf("https://%s:%s%s", proxyName, port, try.prefix)
			proxy := runProxy(t, address, base, pool, run(t, blocks[n], p.plain, address, certs))
			p.waitFor("the proxy to forward", func() bool { // Traefik listens before it has read its routes and certificates
				answer, err := proxy.client.Get(base + bot.PathHealth)
				if err != nil {
					return false
				}
				_ = answer.Body.Close()
				return answer.StatusCode != http.StatusNotFound
			})
			proxy.guards()
			proxy.page(try.prefix)
			proxy.streams()
		})
	}
}

// nginx runs the program on a configuration of one server.
func nginx(t *testing.T, server string) *exec.Cmd {
	t.Helper()
	program, dir := proxyProgram(t, "nginx"), t.TempDir()
	file := filepath.Join(dir, "nginx.conf")
	write(t, file, fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log stderr; events {}
http { access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
%[2]s
}
`, dir, server))
	return exec.Command(program, "-p", dir, "-c", file, "-e", "stderr")
}

func TestBehindNginx(t *testing.T) {
	proxyProgram(t, "nginx")
	tryBehind(t, "nginx", func(t *testing.T, block, upstream, address, certs string) *exec.Cmd {
		return nginx(t, strings.NewReplacer("listen 443 ssl", "listen "+address+" ssl", "127.0.0.1:3000", upstream,
			"/etc/ssl/bot.example.org.pem", filepath.Join(certs, "tls.crt"), "/etc/ssl/private/bot.example.org.key", filepath.Join(certs, "tls.key")).Replace(block))
	})
}

// The shortest block that people write: HTTP/1.0, the bot's own address as Host, and no word of a proxy.
func TestBehindNginxAsItComes(t *testing.T) {
	proxyProgram(t, "nginx")
	for name, host := range map[string]string{"its own Host": "", "the caller's Host": "proxy_set_header Host $host;"} {
		t.Run(name, func(t *testing.T) {
			p := start(t, settings(whatsapp(t), t.TempDir(), "API_TOKEN="+proxyToken))
			address := vacant.Address(t)
			proxy := runProxy(t, address, "http://"+address, nil, nginx(t, fmt.Sprintf("server { listen %s; location / { %s proxy_pass http://%s; } }", address, host, p.plain)))
			proxy.guards()
			proxy.streams()
			page := proxy.send("GET", bot.PathPage, "", "X-Api-Key", proxyToken)
			if _, err := io.Copy(io.Discard, page.Body); err != nil || page.StatusCode != http.StatusOK {
				t.Errorf("the page: %s, %v", page.Status, err)
			}
		})
	}
}

func TestBehindCaddy(t *testing.T) {
	program := proxyProgram(t, "caddy")
	tryBehind(t, "caddyfile", func(t *testing.T, block, upstream, address, certs string) *exec.Cmd {
		dir := t.TempDir()
		file := filepath.Join(dir, "Caddyfile")
		_, port, err := net.SplitHostPort(address)
		must(t, err)
		site := fmt.Sprintf("https://%s:%s {\n    bind 127.0.0.1\n    tls %s %s\n", proxyName, port, filepath.Join(certs, "tls.crt"), filepath.Join(certs, "tls.key"))
		write(t, file, "{\n    admin off\n    auto_https disable_redirects\n    persist_config off\n}\n"+
			strings.NewReplacer(proxyName+" {\n", site, "127.0.0.1:3000", upstream).Replace(block))
		command := exec.Command(program, "run", "--config", file, "--adapter", "caddyfile")
		command.Env = []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}
		return command
	})
}

func TestBehindTraefik(t *testing.T) {
	program := proxyProgram(t, "traefik")
	tryBehind(t, "yaml", func(t *testing.T, block, upstream, address, certs string) *exec.Cmd {
		file := filepath.Join(t.TempDir(), "routes.yaml")
		write(t, file, strings.ReplaceAll(block, "127.0.0.1:3000", upstream)+fmt.Sprintf(
			"tls:\n  stores:\n    default:\n      defaultCertificate: {certFile: %s, keyFile: %s}\n",
			filepath.Join(certs, "tls.crt"), filepath.Join(certs, "tls.key")))
		return exec.Command(program, "--entrypoints.web.address="+address, "--providers.file.filename="+file,
			"--global.checknewversion=false", "--global.sendanonymoususage=false")
	})
}

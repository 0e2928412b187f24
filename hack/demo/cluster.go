package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
)

// Names of the demonstration's objects on a cluster.
const (
	operatorSpace  = "sesi-system"
	simulatorSpace = "whatsapp"
	sessionName    = "shop"
	podName        = "wa-" + sessionName
)

// cluster is a Kubernetes cluster that kubectl reaches and whose nodes accept images.
type cluster struct {
	kubectl string
	env     []string                                        // of every command
	load    func(ctx context.Context, archive string) error // gives an image to the nodes
	shell   string                                          // what a person types to reach it
	end     []string                                        // what a person types to remove it all
}

// onCluster is the story on a cluster: a WhatsAppSession, its operator, and the simulated WhatsApp as pods.
type onCluster struct {
	*cluster
}

func demoCluster(ctx context.Context) error {
	chosen, err := chooseCluster(ctx)
	if err != nil {
		return err
	}
	step(chosen.title)
	tell("%s", chosen.why)
	c, err := chosen.start(ctx)
	if err != nil {
		return err
	}
	achieved("up")
	at := onCluster{c}
	version, err := at.images(ctx)
	if err != nil {
		return err
	}
	step("The simulated WhatsApp")
	if err := at.startWhatsApp(ctx, version); err != nil {
		return err
	}
	achieved("runs as a pod; nothing here reaches the real one")
	step("The operator")
	if err := at.startOperator(ctx, version); err != nil {
		return err
	}
	achieved("ready")
	s, err := telling(ctx, at)
	if err != nil {
		describe, _ := at.run(context.WithoutCancel(ctx), nil, "describe", "wasession", sessionName)
		return fmt.Errorf("%w\n%s", err, describe)
	}
	at.whatNext(s)
	return nil
}

// run runs kubectl and returns its output.
func (c *cluster) run(ctx context.Context, input io.Reader, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, c.kubectl, args...)
	cmd.Env, cmd.Stdin = append(os.Environ(), c.env...), input
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out, fmt.Errorf("kubectl %s: %w: %s", args[0], err, bytes.TrimSpace(exit.Stderr))
	} else if err != nil {
		return out, fmt.Errorf("kubectl %s: %w", args[0], err)
	}
	return out, nil
}

// do runs kubectl commands in order.
func (c *cluster) do(ctx context.Context, commands ...[]string) error {
	for _, args := range commands {
		if _, err := c.run(ctx, nil, args...); err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) apply(ctx context.Context, manifest string) error {
	_, err := c.run(ctx, strings.NewReader(manifest), "apply", "--server-side", "--force-conflicts", "-f", "-")
	return err
}

// script runs one of the project's scripts and returns its output; its messages go to the terminal.
func script(ctx context.Context, env []string, path string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), os.Stdout
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(path), err, bytes.TrimSpace(out))
	}
	return strings.TrimSpace(string(out)), nil
}

// images builds the images, loads them into the nodes, and returns their tag.
func (at onCluster) images(ctx context.Context) (version string, err error) {
	step("Images of the operator, the bot and the simulated WhatsApp")
	built, err := script(ctx, nil, "hack/demo/images.sh")
	if err != nil {
		return "", err
	}
	version, folder, _ := strings.Cut(built, " ")
	archives, err := filepath.Glob(filepath.Join(folder, "*.tar"))
	if err != nil || len(archives) == 0 {
		return "", fmt.Errorf("there are no images in %s", folder)
	}
	for _, archive := range archives {
		if err := at.load(ctx, archive); err != nil {
			return "", err
		}
	}
	achieved("on the node")
	return version, nil
}

func (at onCluster) startWhatsApp(ctx context.Context, version string) error {
	manifest, err := os.ReadFile("hack/demo/whatsapp.yaml")
	if err != nil {
		return fmt.Errorf("read the simulator's manifest: %w", err)
	}
	if err := at.apply(ctx, strings.ReplaceAll(string(manifest), "@wasim@", "sesi.dev/wasim:"+version)); err != nil {
		return err
	}
	if err := at.do(ctx, []string{"-n", simulatorSpace, "rollout", "status", "deployment/wasim", "--timeout=120s"}); err != nil {
		return err
	}
	var ca, root []byte
	err = eventually(ctx, 30*time.Second, "the simulated WhatsApp", func(ctx context.Context) error {
		if ca, err = at.run(ctx, nil, "get", "--raw", simulatorPath("ca.pem")); err != nil {
			return err
		}
		root, err = at.run(ctx, nil, "get", "--raw", simulatorPath("noise-root"))
		return err
	})
	if err != nil {
		return err
	}
	secret, err := at.run(ctx, nil, "create", "secret", "generic", "simulator", "--dry-run=client", "-o", "yaml",
		"--from-literal=proxy=http://wasim."+simulatorSpace+".svc.cluster.local:7080",
		"--from-literal=ca.crt="+string(ca), "--from-literal=noise-root="+strings.TrimSpace(string(root)))
	if err != nil {
		return err
	}
	return at.apply(ctx, string(secret))
}

// simulatorPath returns a path of the simulator's control API, through the API server.
func simulatorPath(path string) string {
	return "/api/v1/namespaces/" + simulatorSpace + "/services/wasim:7080/proxy/" + path
}

// startOperator applies config/default, which needs no Helm, with the images of this build.
func (at onCluster) startOperator(ctx context.Context, version string) error {
	commandLine("kubectl apply --server-side -k config/default")
	manifest, err := at.run(ctx, nil, "kustomize", "config/default")
	if err != nil {
		return err
	}
	text := regexp.MustCompile(`sesi\.dev/operator:\S+`).ReplaceAllString(string(manifest), "sesi.dev/operator:"+version)
	text = regexp.MustCompile(`sesi\.dev/bot:\S+`).ReplaceAllString(text, "sesi.dev/bot:"+version+"-simulator")
	if err := at.apply(ctx, text); err != nil {
		return err
	}
	return at.do(ctx,
		[]string{"wait", "--for=condition=Established", "crd/whatsappsessions.sesi.dev", "--timeout=60s"},
		[]string{"-n", operatorSpace, "rollout", "status", "deployment/sesi", "--timeout=180s"})
}

// fields are the fields of the resource that the story follows, in the order of readSession.
const fields = `jsonpath={.status.state}|{.status.reason}|{.status.instance}|{.status.session.jid}|{.status.session.linkedAt}|` +
	`{.status.qr.needed}|{.status.session.expired}{"\n"}`

func readSession(line string) (session, bool) {
	f := strings.Split(line, "|")
	if len(f) != 7 {
		return session{}, false
	}
	return session{
		State: f[0], Reason: f[1], Instance: f[2], JID: f[3], LinkedAt: f[4],
		QRNeeded: f[5] == "true", Expired: f[6] == "true", CodeShown: f[1] == string(bot.ReasonQRAvailable),
	}, true
}

func (at onCluster) watch(ctx context.Context) (<-chan session, error) {
	commandLine("kubectl apply -f hack/demo/session.yaml")
	if err := at.do(ctx, []string{"apply", "-f", "hack/demo/session.yaml"}); err != nil {
		return nil, err
	}
	changes := make(chan session, 16)
	go func() {
		defer close(changes)
		for ctx.Err() == nil {
			at.readWatch(ctx, changes)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	return changes, nil
}

// readWatch sends kubectl's lines until it ends.
func (at onCluster) readWatch(ctx context.Context, to chan<- session) {
	cmd := exec.CommandContext(ctx, at.kubectl, "get", "wasession", sessionName, "--watch", "-o", fields)
	cmd.Env = append(os.Environ(), at.env...)
	out, err := cmd.StdoutPipe()
	if err != nil || cmd.Start() != nil {
		return
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if s, ok := readSession(lines.Text()); ok {
			select {
			case to <- s:
			case <-ctx.Done():
			}
		}
	}
	_ = cmd.Wait()
}

// scan reads the current code through port-forward, because only the pod's loopback serves the bot's API without a
// token.
func (at onCluster) scan(ctx context.Context) error {
	commandLine("kubectl port-forward pod/" + podName + " 8080   # and open http://127.0.0.1:8080/qr, or:")
	commandLine("curl http://127.0.0.1:8080" + bot.PathCode)
	forward, stop := context.WithCancel(ctx)
	defer stop()
	cmd := exec.CommandContext(forward, at.kubectl, "port-forward", "pod/"+podName, ":8080")
	cmd.Env = append(os.Environ(), at.env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("port-forward: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start port-forward: %w", err)
	}
	defer func() { stop(); _ = cmd.Wait() }()
	line, err := bufio.NewReader(out).ReadString('\n')
	found := regexp.MustCompile(`127\.0\.0\.1:(\d+)`).FindStringSubmatch(line)
	if err != nil || found == nil {
		return fmt.Errorf("port-forward says %q: %w", line, err)
	}
	var code bot.Code
	err = eventually(ctx, time.Minute, "a current code", func(ctx context.Context) error {
		return call(ctx, http.MethodGet, "http://127.0.0.1:"+found[1]+bot.PathCode, nil, &code)
	})
	if err != nil {
		return err
	}
	tell(`{"code":"%.12s…", …}   the simulated phone scans it`, code.Code)
	return at.press(ctx, "scan", fmt.Sprintf(`{"qr":%q,"phone":%q}`, code.Code, number))
}

// press sends a request to the simulator's control API.
func (at onCluster) press(ctx context.Context, path, body string) error {
	_, err := at.run(ctx, strings.NewReader(body), "create", "--raw", simulatorPath(path), "-f", "-")
	return err
}

func (at onCluster) unlink(ctx context.Context, jid string) error {
	return at.press(ctx, "unlink", fmt.Sprintf(`{"jid":%q}`, jid))
}

func (at onCluster) killTitle() string { return "Its pod is deleted" }

func (at onCluster) kill(ctx context.Context) error {
	commandLine("kubectl delete pod " + podName)
	return at.do(ctx, []string{"delete", "pod", podName, "--wait=false"})
}

func (at onCluster) whatNext(s *story) {
	fmt.Printf("\n%sAll of it took %s; from the deleted pod to connected, %s. It keeps running.%s To try next:\n\n",
		bold, seconds(time.Since(begun)), seconds(s.back), plain)
	fmt.Printf("   %s\n\n", at.shell)
	hint("kubectl get wasession -o wide", "the session")
	hint("kubectl describe wasession "+sessionName, "its conditions and events")
	hint("kubectl port-forward pod/"+podName+" 8080", "http://127.0.0.1:8080/qr")
	hint("kubectl -n "+simulatorSpace+" port-forward svc/wasim 7080", "http://127.0.0.1:7080 is the phone: scan, unlink, kick, write")
	hint("kubectl edit wasession "+sessionName, "suspended: true stops the bot and keeps the session")
	hint("kubectl -n "+operatorSpace+" logs deploy/sesi --follow", "what the operator does")
	for _, line := range at.end {
		hint(line, "ends it and removes all that it made")
	}
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
	sessionSpace   = "default"
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

// onCluster is the story on a cluster: a WhatsAppSession with the finance bot beside its bot, the operator, the gateway,
// and the simulated WhatsApp, all as pods.
type onCluster struct {
	*cluster

	folder  string // of what runs on this machine
	version string // of the images
	wa      phone
	desk    desk
	// away is what the customer writes while the bot is dead.
	away func(context.Context) error
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
	folder, err := home()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make the demonstration's folder: %w", err)
	}
	if err := endForwards(folder); err != nil {
		return err
	}
	at := &onCluster{cluster: c, folder: folder}
	if err := at.install(ctx); err != nil {
		return err
	}
	s, err := telling(ctx, at)
	if err == nil {
		err = at.sendFromDesk(ctx, s)
	}
	if err != nil {
		describe, _ := at.run(context.WithoutCancel(ctx), nil, "describe", "wasession", sessionName)
		return fmt.Errorf("%w\n%s", err, describe)
	}
	at.whatNext(s)
	return nil
}

// install loads the images, and starts the simulated WhatsApp, the operator and the gateway.
func (at *onCluster) install(ctx context.Context) error {
	if err := at.images(ctx); err != nil {
		return err
	}
	step("The simulated WhatsApp")
	if err := at.startWhatsApp(ctx); err != nil {
		return err
	}
	achieved("runs as a pod; nothing here reaches the real one")
	step("The operator and the gateway")
	if err := at.startOperator(ctx); err != nil {
		return err
	}
	achieved("ready")
	step("The gateway's desk")
	if err := at.openDesk(ctx); err != nil {
		return err
	}
	achieved("open, with a key")
	return nil
}

// run runs kubectl and returns its output.
func (c *cluster) run(ctx context.Context, input io.Reader, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, c.kubectl, args...)
	cmd.Env, cmd.Stdin = c.environment(), input
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out, fmt.Errorf("kubectl %s: %w: %s", args[0], err, bytes.TrimSpace(exit.Stderr))
	} else if err != nil {
		return out, fmt.Errorf("kubectl %s: %w", args[0], err)
	}
	return out, nil
}

func (c *cluster) environment() []string { return append(os.Environ(), c.env...) }

// program returns where kubectl is.
func (c *cluster) program() (string, error) {
	path, err := exec.LookPath(c.kubectl)
	if err != nil {
		return "", fmt.Errorf("find kubectl: %w", err)
	}
	return path, nil
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

// images builds the images and loads them into the nodes.
func (at *onCluster) images(ctx context.Context) error {
	step("Images of the operator, the gateway, the bot, the finance bot and the simulated WhatsApp")
	built, err := script(ctx, nil, "hack/demo/images.sh")
	if err != nil {
		return err
	}
	version, folder, _ := strings.Cut(built, " ")
	archives, err := filepath.Glob(filepath.Join(folder, "*.tar"))
	if err != nil || len(archives) == 0 {
		return fmt.Errorf("there are no images in %s", folder)
	}
	for _, archive := range archives {
		if err := at.load(ctx, archive); err != nil {
			return err
		}
	}
	at.version = version
	achieved("on the node")
	return nil
}

// manifest reads a file, and sets the version of the images in it.
func (at *onCluster) manifest(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read a manifest: %w", err)
	}
	return strings.ReplaceAll(string(text), "@version@", at.version), nil
}

func (at *onCluster) startWhatsApp(ctx context.Context) error {
	manifest, err := at.manifest("hack/demo/whatsapp.yaml")
	if err != nil {
		return err
	}
	if err := at.apply(ctx, manifest); err != nil {
		return err
	}
	if err := at.do(ctx, []string{"-n", simulatorSpace, "rollout", "status", "deployment/wasim", "--timeout=120s"}); err != nil {
		return err
	}
	address, err := at.forward(ctx, phoneForward, simulatorSpace, "svc/wasim", "7080", "7080", "/healthz")
	if err != nil {
		return err
	}
	at.wa = phone{address}
	ca, err := fetch(ctx, address+"/ca.pem")
	if err != nil {
		return err
	}
	root, err := fetch(ctx, address+"/noise-root")
	if err != nil {
		return err
	}
	secret, err := at.run(ctx, nil, "create", "secret", "generic", "simulator", "--dry-run=client", "-o", "yaml",
		"--from-literal=proxy=http://wasim."+simulatorSpace+".svc.cluster.local:7080",
		"--from-literal=ca.crt="+ca, "--from-literal=noise-root="+strings.TrimSpace(root))
	if err != nil {
		return err
	}
	return at.apply(ctx, string(secret))
}

// released matches the images of the project's manifests.
var released = regexp.MustCompile(`sesi\.dev/(operator|gateway|bot):\S+`)

// ofThisBuild returns the project's manifests with the images of this build, whose bot trusts the simulator, and with
// English as the language.
func ofThisBuild(manifest, version string) string {
	text := released.ReplaceAllStringFunc(manifest, func(image string) string {
		name, _, _ := strings.Cut(image, ":")
		if name == "sesi.dev/bot" {
			return name + ":" + version + "-simulator"
		}
		return name + ":" + version
	})
	return strings.ReplaceAll(text, "--locale=id", "--locale=en")
}

// startOperator applies config/gateway, which needs no Helm, with the images of this build.
func (at *onCluster) startOperator(ctx context.Context) error {
	commandLine("kubectl apply --server-side -k config/gateway")
	manifest, err := at.run(ctx, nil, "kustomize", "config/gateway")
	if err != nil {
		return err
	}
	if err := at.apply(ctx, ofThisBuild(string(manifest), at.version)); err != nil {
		return err
	}
	return at.do(ctx,
		[]string{"wait", "--for=condition=Established", "crd/whatsappsessions.sesi.dev", "--timeout=60s"},
		[]string{"-n", operatorSpace, "rollout", "status", "deployment/sesi", "--timeout=180s"},
		[]string{"-n", operatorSpace, "rollout", "status", "deployment/" + gatewayName, "--timeout=180s"})
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

func (at *onCluster) watch(ctx context.Context) (<-chan session, error) {
	commandLine("sed s/@version@/" + at.version + "/ hack/demo/session.yaml | kubectl apply -f -")
	manifest, err := at.manifest("hack/demo/session.yaml")
	if err != nil {
		return nil, err
	}
	if err := at.apply(ctx, manifest); err != nil {
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
func (at *onCluster) readWatch(ctx context.Context, to chan<- session) {
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

func (at *onCluster) unlink(ctx context.Context, jid string) error { return at.wa.unlink(ctx, jid) }

func (at *onCluster) talk(ctx context.Context, jid string) (*conversation, error) {
	return converse(ctx, at.wa, jid)
}

func (at *onCluster) whileDead(do func(context.Context) error) { at.away = do }

func (at *onCluster) killTitle() string { return "Its pod is deleted" }

func (at *onCluster) kill(ctx context.Context) error {
	commandLine("kubectl delete pod " + podName)
	if err := at.do(ctx, []string{"delete", "pod", podName, "--wait=false"}); err != nil {
		return err
	}
	return at.away(ctx)
}

func (at *onCluster) whatNext(s *story) {
	fmt.Printf("\n%sAll of it took %s; from the deleted pod to connected, %s. It keeps running.%s\n\n",
		bold, seconds(time.Since(begun)), seconds(s.back), plain)
	hint(at.desk.address, "the desk: all sessions, and who needs a person")
	hint(at.desk.key, "the key to sign in with")
	hint(at.wa.address, "the phone: scan, unlink, kick, write")
	fmt.Printf("\nSend a message:\n\n   curl %s \\\n     -H 'X-Api-Key: %s' \\\n     -H 'Content-Type: application/json' -d '{\"to\":\"+%s\",\"text\":\"Halo\"}'\n",
		at.desk.address+at.desk.path("/messages"), at.desk.key, customer)
	fmt.Printf("\nTo try next:\n\n   %s\n\n", at.shell)
	hint("kubectl get wasession -o wide", "the session")
	hint("kubectl describe wasession "+sessionName, "its conditions and events")
	hint("kubectl logs "+podName+" -c finance --follow", "the program beside the bot that answered")
	hint("kubectl edit wasession "+sessionName, "suspended: true stops the bot and keeps the session")
	hint("kubectl -n "+operatorSpace+" logs deploy/sesi --follow", "what the operator does")
	for _, line := range at.end {
		hint(line, "ends it and removes all that it made")
	}
}

package clustertest

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/test/bottest"
)

// Doubles are bots that only play their event stream; a linked session stays linked when the pod restarts.
type Doubles struct {
	// Linked returns the first snapshot of a new session's bot; nil means a bot that asks for a scan.
	Linked func(clientID, instance string) bot.Snapshot

	mu     sync.Mutex
	bots   map[types.NamespacedName]*bottest.Bot
	stores map[string]bot.Snapshot
}

// Start implements Bots.
func (d *Doubles) Start(pod *corev1.Pod, address string, files Files) (func(), error) {
	pair, err := tls.X509KeyPair(files.Secret[credentials.KeyCertificate], files.Secret[credentials.KeyPrivateKey])
	if err != nil {
		return nil, fmt.Errorf("read the bot's certificate: %w", err)
	}
	key := types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}
	store := pod.Namespace + "/" + pod.Labels[naming.LabelDirectory]
	clientID := environ(pod)["CLIENT_ID"]
	d.mu.Lock()
	first, known := d.stores[store]
	d.mu.Unlock()
	switch {
	case known:
		first.Instance = string(pod.UID)
	case d.Linked != nil:
		first = d.Linked(clientID, string(pod.UID))
	default:
		first = bottest.Unlinked(clientID, string(pod.UID))
	}
	b, err := bottest.Start(net.JoinHostPort(address, strconv.Itoa(int(naming.PortTLS))), pair, string(files.Secret[credentials.KeyToken]), first)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bots == nil {
		d.bots, d.stores = map[types.NamespacedName]*bottest.Bot{}, map[string]bot.Snapshot{}
	}
	d.bots[key] = b
	return func() {
		b.Stop()
		d.mu.Lock()
		defer d.mu.Unlock()
		d.stores[store] = b.Change(func(*bot.Snapshot) {})
	}, nil
}

// Bot returns the running bot of a pod, or nil.
func (d *Doubles) Bot(key types.NamespacedName) *bottest.Bot {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bots[key]
}

// environ returns the literal variables of the pod's bot.
func environ(pod *corev1.Pod) map[string]string {
	values := map[string]string{}
	for _, container := range pod.Spec.Containers {
		if container.Name != naming.Container {
			continue
		}
		for _, variable := range container.Env {
			if variable.ValueFrom == nil {
				values[variable.Name] = variable.Value
			}
		}
	}
	return values
}

// Programs are real bots: processes of the program at Path, which find WhatsApp by Environ.
type Programs struct {
	Path    string
	Environ []string
	// Log gets the output of the bots.
	Log io.Writer
}

// Start implements Bots. It gives the bot the environment of its container, with the pod's address instead of the
// container's own addresses, and the volumes' folders instead of their mount paths.
func (p *Programs) Start(pod *corev1.Pod, address string, files Files) (func(), error) {
	command := exec.Command(p.Path)
	command.Dir = files.Session
	values := environ(pod)
	values["AUTH_PATH"] = files.Session
	values["WEB_VERSION_CACHE_PATH"] = filepath.Join(files.Session, ".wwebjs_cache")
	values["HOST"], values["TLS_HOST"], values["METRICS_HOST"] = address, address, address
	for name, key := range map[string]string{
		"TLS_CERT_FILE": credentials.KeyCertificate, "TLS_KEY_FILE": credentials.KeyPrivateKey, "API_TOKEN_FILE": credentials.KeyToken,
		"WEBHOOKS_FILE": credentials.KeyWebhooks, "MESSAGES_FILE": credentials.KeyMessages,
	} {
		if _, set := values[name]; set {
			values[name] = filepath.Join(files.Credentials, key)
		}
	}
	values["INSTANCE_ID"] = string(pod.UID)
	command.Env = append([]string{"PATH=" + os.Getenv("PATH")}, p.Environ...)
	for name, value := range values {
		command.Env = append(command.Env, name+"="+value)
	}
	if p.Log != nil {
		command.Stdout, command.Stderr = p.Log, p.Log
	}
	command.WaitDelay = requestPatience
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Path, err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait()
	}()
	return func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = command.Process.Kill()
			<-ended
		}
	}, nil
}

// Code asks the bot at a pod's address for its current QR code; empty while there is none.
func Code(address, token string) string {
	request, err := http.NewRequest(http.MethodGet, "http://"+net.JoinHostPort(address, strconv.Itoa(int(naming.PortPlain)))+bot.PathCode, nil)
	if err != nil {
		return ""
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := (&http.Client{Timeout: requestPatience}).Do(request)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil || answer.StatusCode != http.StatusOK {
		return ""
	}
	_, rest, _ := strings.Cut(string(body), `"code":"`)
	code, _, _ := strings.Cut(rest, `"`)
	return code
}

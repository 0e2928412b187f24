package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/test/poll"
)

// Where run.sh puts files.
const (
	operatorSpace  = "sesi"
	simulatorSpace = "whatsapp"
	nodeName       = "node1"
)

// rawFrom makes a watch continue where a list ended.
func rawFrom(list client.ObjectList) *metav1.ListOptions {
	return &metav1.ListOptions{ResourceVersion: list.GetResourceVersion()}
}

// eventually repeats the check until it succeeds, or fails the test with its last error.
func eventually(t *testing.T, within time.Duration, what string, check func(context.Context) error) {
	t.Helper()
	var last error
	if err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, within, true, func(ctx context.Context) (bool, error) {
		err := check(ctx)
		if last == nil || err == nil || !strings.Contains(err.Error(), "would exceed context deadline") {
			last = err // the client's error about the deadline hides the error that matters
		}
		return err == nil, nil
	}); err != nil {
		t.Fatalf("%s: not within %s: %v", what, within, last)
	}
}

// holds fails the test if the check fails at any moment during that time.
func holds(t *testing.T, duration time.Duration, what string, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	_ = wait.PollUntilContextCancel(ctx, time.Second, true, func(context.Context) (bool, error) {
		if err := check(t.Context()); err != nil {
			t.Errorf("%s: %v", what, err)
			return true, nil
		}
		return false, nil
	})
}

// command runs a program and returns what it printed.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := try(t.Context(), name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func try(ctx context.Context, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience+time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return command(t, "kubectl", args...)
}

// ctl controls the cluster's own processes from outside.
func ctl(t *testing.T, args ...string) string {
	t.Helper()
	return command(t, "../../hack/cluster/ctl.sh", args...)
}

// stopped stops a process of the node, and starts it again after meanwhile, also if the test fails.
func stopped(t *testing.T, daemon, signal string, meanwhile func()) {
	t.Helper()
	start := func() { ctl(t, "start", daemon) }
	defer start()
	ctl(t, "stop", daemon, signal)
	meanwhile()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// get reads an object again. An answer that leaves a field out empties it: the client would leave what was there before.
func get[T any, P interface {
	*T
	client.Object
}](ctx context.Context, object P) error {
	var fresh T
	if err := cluster.Get(ctx, client.ObjectKeyFromObject(object), P(&fresh)); err != nil {
		return err
	}
	*object = fresh
	return nil
}

// device is a linked device, as the simulator lists it.
type device struct {
	JID    string `json:"jid"`
	Phone  string `json:"phone"`
	Online bool   `json:"online"`
	Logins int    `json:"logins"`
	// Pending are the messages that it has not acknowledged.
	Pending int `json:"pending"`
}

// simulator calls the simulated WhatsApp's control API through the API server.
func simulator(ctx context.Context, method, path string, body any, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method,
		cluster.host+"/api/v1/namespaces/"+simulatorSpace+"/services/wasim:7080/proxy/"+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	response, err := cluster.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("simulator: %s %s: %s: %s", method, path, response.Status, answer)
	}
	if text, ok := into.(*string); ok {
		*text = string(answer)
		return nil
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// askSimulator reads from the simulator, and waits until it is reachable: after a disturbance of the node, the cluster
// treats its pod as lost until the kubelet reports, which may be after the node is ready again.
func askSimulator(t *testing.T, path string, into any) {
	t.Helper()
	eventually(t, patience, "the simulator tells its "+path, func(ctx context.Context) error {
		return simulator(ctx, http.MethodGet, path, nil, into)
	})
}

// tellSimulator makes something happen at the simulator, and waits as askSimulator does.
func tellSimulator(t *testing.T, method, path string, body any) {
	t.Helper()
	eventually(t, patience, "the simulator takes "+path, func(ctx context.Context) error {
		return simulator(ctx, method, path, body, nil)
	})
}

// knownDevices returns the devices that WhatsApp knows.
func knownDevices(t *testing.T) map[string]device {
	t.Helper()
	var list []device
	askSimulator(t, "devices", &list)
	return byPhone(list)
}

// devices is knownDevices for a check that its caller repeats.
func devices(ctx context.Context) (map[string]device, error) {
	var list []device
	if err := simulator(ctx, http.MethodGet, "devices", nil, &list); err != nil {
		return nil, err
	}
	return byPhone(list), nil
}

func byPhone(list []device) map[string]device {
	phones := map[string]device{}
	for _, d := range list {
		phones[d.Phone] = d
	}
	return phones
}

// askFromNode calls the simulator's control API from the node itself, without the API server. A body makes it a POST.
func askFromNode(ctx context.Context, address, path string, body any) (string, error) {
	args := []string{"exec", "curl", "-fsS", "--max-time", "60", "http://" + address + ":7080/" + path}
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return "", err
		}
		args = append(args, "-d", string(data))
	}
	return try(ctx, "../../hack/cluster/ctl.sh", args...)
}

// devicesFromNode are the devices that WhatsApp knows.
func devicesFromNode(t *testing.T, address string) (map[string]device, error) {
	out, err := askFromNode(t.Context(), address, "devices", nil)
	if err != nil {
		return nil, err
	}
	var list []device
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return byPhone(list), nil
}

// takeovers returns the logins that ended another bot's connection of the same device: with one pod at a time there
// are none.
func takeovers() []string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var stats map[string]int
	var err error
	if !poll.Until(func() bool { err = simulator(ctx, http.MethodGet, "stats", nil, &stats); return err == nil }, patience, ctx.Done()) {
		return []string{err.Error()}
	}
	if stats["replaced"] > 0 {
		return []string{fmt.Sprintf("%d bots were connected while another one with the same keys was", stats["replaced"])}
	}
	return nil
}

// simulatorAddress is the address of the simulator's pod.
func simulatorAddress(t *testing.T) string {
	t.Helper()
	var pods corev1.PodList
	must(t, cluster.List(t.Context(), &pods, client.InNamespace(simulatorSpace)))
	for _, pod := range pods.Items {
		if pod.Labels["app"] == "wasim" && pod.DeletionTimestamp == nil && pod.Status.PodIP != "" {
			return pod.Status.PodIP
		}
	}
	t.Fatal("the simulator has no pod")
	return ""
}

// operatorPods lists the operator's pods that are not ending.
func operatorPods(ctx context.Context) ([]corev1.Pod, error) {
	var pods corev1.PodList
	err := cluster.List(ctx, &pods, client.InNamespace(operatorSpace), client.MatchingLabels{"app.kubernetes.io/name": "sesi"})
	var alive []corev1.Pod
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp == nil {
			alive = append(alive, pod)
		}
	}
	return alive, err
}

// available waits until a Deployment has all pods of its newest template.
func available(t *testing.T, namespace, name string) {
	t.Helper()
	eventually(t, patience, "deployment "+name+" is available", func(ctx context.Context) error {
		d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
		if err := get(ctx, d); err != nil {
			return err
		}
		want := *d.Spec.Replicas
		if d.Status.ObservedGeneration < d.Generation || d.Status.UpdatedReplicas != want || d.Status.AvailableReplicas != want || d.Status.Replicas != want {
			return fmt.Errorf("status %+v, want %d replicas", d.Status, want)
		}
		return nil
	})
}

// helmUpgrade upgrades the operator as run.sh installed it, with further flags.
func helmUpgrade(t *testing.T, flags ...string) {
	t.Helper()
	command(t, cluster.helm, append([]string{"upgrade", "--install", "sesi", "../../charts/sesi", "--namespace", operatorSpace,
		"--wait", "--timeout", "600s", "--set", "image.repository=sesi.dev/operator,bot.image.repository=sesi.dev/bot", "--set", "image.tag=" + cluster.version, "--set", "bot.image.tag=" + cluster.version + "-simulator"}, flags...)...)
}

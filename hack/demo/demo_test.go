package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"sesi.dev/sesi/api/v1alpha1"
)

// The demonstration on this machine finishes, leaves its programs running, and `down` leaves nothing.
func TestOnMachine(t *testing.T) {
	t.Chdir("../..")
	t.Setenv("SESI_CACHE", t.TempDir())
	folder, err := home()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = down(context.Background()) })
	if err := run(t.Context(), []string{"machine"}); err != nil {
		t.Fatal(err)
	}
	var running []process
	for _, name := range []string{"bot.pid", "finance-bot.pid", "wasim.pid"} {
		p, err := noted(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if !p.runs() {
			t.Errorf("%s: it does not run", name)
		}
		running = append(running, p)
	}
	for range 2 { // a second call is safe
		if err := run(t.Context(), []string{"down"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range running {
		if p.runs() {
			t.Errorf("process %d is left", p.PID)
		}
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is left: %v", err)
	}
}

// asKubectl makes this program serve at the local end of a port-forward, as kubectl does.
const asKubectl = "DEMO_TEST_AS_KUBECTL"

func TestMain(m *testing.M) {
	if os.Getenv(asKubectl) == "" {
		os.Exit(m.Run())
	}
	local, _, _ := strings.Cut(os.Args[len(os.Args)-1], ":")
	err := http.ListenAndServe("127.0.0.1:"+local, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// A port-forward outlives the demonstration, and `down` ends it.
func TestForwardsEnd(t *testing.T) {
	t.Chdir("../..")
	t.Setenv("SESI_CACHE", t.TempDir())
	folder, err := home()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = endForwards(folder) })
	at := &onCluster{cluster: &cluster{kubectl: os.Args[0], env: []string{asKubectl + "=1"}}, folder: folder}
	address, err := at.forward(t.Context(), deskForward, operatorSpace, "svc/"+gatewayName, "80", "8080", "/health")
	if err != nil {
		t.Fatal(err)
	}
	p, err := noted(filepath.Join(folder, deskForward+".pid"))
	if err != nil || !p.runs() {
		t.Fatalf("the port-forward at %s is not noted: %+v, %v", address, p, err)
	}
	if err := endForwards(folder); err != nil {
		t.Fatal(err)
	}
	if p.runs() {
		t.Errorf("process %d is left", p.PID)
	}
}

// A process that got the number of an ended one is not touched.
func TestEndLeavesAnotherProcessAlone(t *testing.T) {
	other := exec.CommandContext(t.Context(), "sleep", "100")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Wait() })
	t.Cleanup(func() { _ = other.Process.Kill() })
	if err := (process{other.Process.Pid, "another start"}).end(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	same := process{other.Process.Pid, startedAt(other.Process.Pid)}
	if !same.runs() {
		t.Error("it was ended")
	}
}

func TestProgressKeepsErrors(t *testing.T) {
	said := showProgress(strings.NewReader("net\n# net/http\nserver.go:1: broken\n"), map[string]int64{"net": 5}, 5)
	if want := "# net/http\nserver.go:1: broken\n"; said != want {
		t.Errorf("got %q, want %q", said, want)
	}
}

// A line of kubectl's output becomes a session of the story.
func TestReadSession(t *testing.T) {
	got, ok := readSession("Pairing|QRAvailable|uid||2026-01-02T03:04:05Z|true|true")
	want := session{State: "Pairing", Reason: "QRAvailable", Instance: "uid", LinkedAt: "2026-01-02T03:04:05Z", QRNeeded: true, Expired: true, CodeShown: true}
	if !ok || got != want {
		t.Errorf("got %+v, %t", got, ok)
	}
	if _, ok := readSession("Error from server"); ok {
		t.Error("an error was read as a session")
	}
}

// The project's manifests get the images of this build: no other one is on the demonstration's node.
func TestImagesOfThisBuild(t *testing.T) {
	for file, want := range map[string][]string{
		"../../config/manager/deployment.yaml": {"sesi.dev/operator:1a2b\n", "sesi.dev/bot:1a2b-simulator\n"},
		"../../config/gateway/gateway.yaml":    {"sesi.dev/gateway:1a2b\n", "--locale=en\n"},
	} {
		manifest, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := ofThisBuild(string(manifest), "1a2b")
		for _, text := range want {
			if !strings.Contains(got, text) {
				t.Errorf("%s has no %q", file, text)
			}
		}
		if left := released.FindAllString(strings.ReplaceAll(got, ":1a2b", ""), -1); len(left) > 0 {
			t.Errorf("%s still has %q", file, left)
		}
	}
}

// The session of the demonstration is one that the operator takes: every field exists.
func TestSessionOfTheDemonstration(t *testing.T) {
	at := onCluster{version: "1a2b"}
	manifest, err := at.manifest("session.yaml")
	if err != nil {
		t.Fatal(err)
	}
	claim, rest, _ := strings.Cut(manifest, "\n---\n")
	if err := yaml.UnmarshalStrict([]byte(claim), &corev1.PersistentVolumeClaim{}); err != nil {
		t.Error(err)
	}
	var s v1alpha1.WhatsAppSession
	if err := yaml.UnmarshalStrict([]byte(rest), &s); err != nil {
		t.Fatal(err)
	}
	var pod corev1.PodSpec
	if err := yaml.UnmarshalStrict(s.Spec.Template.Spec.Raw, &pod); err != nil {
		t.Fatal(err)
	}
	if len(pod.Containers) != 2 || pod.Containers[1].Image != "sesi.dev/finance-bot:1a2b" || s.Name != sessionName {
		t.Errorf("containers %+v of %s", pod.Containers, s.Name)
	}
}

// If no cluster can run, one sentence says what is missing.
func TestNoClusterIsExplained(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for cluster, want := range map[string]string{
		"kind":    "CLUSTER=kind needs Docker: Docker is not installed",
		"context": "CLUSTER=context: images cannot be loaded",
		"other":   "CLUSTER=other: want kind, context or build",
	} {
		t.Setenv("CLUSTER", cluster)
		if _, err := chooseCluster(t.Context()); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("CLUSTER=%s: got %v, want %s", cluster, err, want)
		}
	}
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// kindCluster is the name of the cluster that kind creates.
const kindCluster = "sesi-demo"

// choice is a cluster that may be used: which, why, how long it takes, and how to start it.
type choice struct {
	title, why string
	start      func(context.Context) (*cluster, error)
}

// chooseCluster takes the cluster that CLUSTER names, otherwise the first available: Docker with kind, the current
// context if a person agrees, or a node that is built here.
func chooseCluster(ctx context.Context) (choice, error) {
	docker := dockerAnswers(ctx)
	name, local := currentContext(ctx)
	builds := runtime.GOOS == "linux" && os.Geteuid() == 0
	switch wanted := os.Getenv("CLUSTER"); {
	case wanted == "kind" && docker != nil:
		return choice{}, fmt.Errorf("CLUSTER=kind needs Docker: %w. Start it, and see that `docker info` works for you", docker)
	case wanted == "kind", wanted == "" && docker == nil:
		return choice{
			"A Kubernetes of one node, by kind",
			"Docker answers, so kind runs a node in a container: about 2 minutes once its image is there. CLUSTER=context or build chooses another.",
			startKind,
		}, nil
	case wanted == "context" && local == nil:
		return choice{}, fmt.Errorf("CLUSTER=context: images cannot be loaded into the nodes of context %q; a context of kind, minikube or k3d is needed", name)
	case wanted == "context" || wanted == "" && local != nil:
		if agreed(name) {
			return choice{"The cluster of context " + name, "its nodes take images from this machine: about a minute.", local}, nil
		}
		if wanted != "" || !builds {
			return choice{}, fmt.Errorf("the context %s was not agreed to; nothing was changed there", name)
		}
	case wanted != "" && wanted != "build":
		return choice{}, fmt.Errorf("CLUSTER=%s: want kind, context or build", wanted)
	}
	if !builds {
		return choice{}, fmt.Errorf("no cluster can run here: for kind, %w; a node that is built from source needs Linux and root", docker)
	}
	why := "No Docker answers and no context of a local cluster is there, so this machine becomes a node of its own, in namespaces: "
	if os.Getenv("CLUSTER") == "build" {
		why = "CLUSTER=build: this machine becomes a node of its own, in namespaces: "
	}
	if exec.CommandContext(ctx, "hack/cluster/build.sh", "--if-built", "node").Run() == nil {
		why += "about half a minute, for its programs are built."
	} else {
		why += "its programs are built from source first, which takes 10 to 30 minutes, once."
	}
	return choice{"A Kubernetes of one node, from source", why, startBuilt}, nil
}

// dockerAnswers returns nil if containers can be started, otherwise what is missing.
func dockerAnswers(ctx context.Context) error {
	if _, err := exec.LookPath("docker"); err != nil {
		return errors.New("Docker is not installed")
	}
	if err := exec.CommandContext(ctx, "docker", "info", "--format", "{{.ServerVersion}}").Run(); err != nil {
		return errors.New("Docker does not answer")
	}
	return nil
}

// currentContext returns the context that kubectl would use, and how to use it if its nodes accept images from this
// machine.
func currentContext(ctx context.Context) (string, func(context.Context) (*cluster, error)) {
	out, err := exec.CommandContext(ctx, "kubectl", "config", "current-context").Output()
	name := strings.TrimSpace(string(out))
	if err != nil || name == "" {
		return "", nil
	}
	var load func(context.Context, string) error
	if of, ok := strings.CutPrefix(name, "kind-"); ok {
		load = func(ctx context.Context, archive string) error {
			kind, err := script(ctx, nil, "hack/tool.sh", "kind")
			if err != nil {
				return err
			}
			_, err = script(ctx, nil, kind, "load", "image-archive", archive, "--name", of)
			return err
		}
	} else if of, ok := strings.CutPrefix(name, "k3d-"); ok {
		load = func(ctx context.Context, archive string) error {
			_, err := script(ctx, nil, "k3d", "image", "import", archive, "--cluster", of)
			return err
		}
	} else if name == "minikube" {
		load = func(ctx context.Context, archive string) error {
			_, err := script(ctx, nil, "minikube", "image", "load", archive)
			return err
		}
	} else {
		return name, nil
	}
	return name, func(context.Context) (*cluster, error) {
		return &cluster{kubectl: "kubectl", load: load, shell: "kubectl config current-context   # " + name, end: []string{
			"kubectl delete -f hack/demo/session.yaml", "kubectl delete pvc/" + podName + " secret/simulator secret/" + keyName,
			"kubectl delete namespace " + simulatorSpace, "kubectl delete -k config/gateway", "make demo-down",
		}}, nil
	}
}

// agreed asks before it changes a cluster that may be used for something else.
func agreed(name string) bool {
	info, err := os.Stdin.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	fmt.Printf("Install the operator, a simulated WhatsApp and a session on the cluster of context %s? [y/N] ", name)
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	return err == nil && strings.EqualFold(strings.TrimSpace(answer), "y")
}

// kindFolder returns the folder of the kubeconfig for kind's cluster, so that the user's own is not changed.
func kindFolder() (string, error) {
	folder, err := home()
	return folder + "-kind", err
}

func startKind(ctx context.Context) (*cluster, error) {
	if _, err := exec.LookPath("kubectl"); err != nil {
		return nil, errors.New("kubectl is not installed; the demonstration on kind needs it")
	}
	folder, err := kindFolder()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the demonstration's folder: %w", err)
	}
	kind, err := script(ctx, nil, "hack/tool.sh", "kind")
	if err != nil {
		return nil, err
	}
	config := filepath.Join(folder, "kubeconfig")
	there, err := script(ctx, nil, kind, "get", "clusters")
	if err != nil {
		return nil, err
	}
	command := []string{"create", "cluster", "--wait", "120s"}
	for line := range strings.Lines(there) {
		if strings.TrimSpace(line) == kindCluster {
			command = []string{"export", "kubeconfig"}
		}
	}
	if _, err := script(ctx, nil, kind, append(command, "--name", kindCluster, "--kubeconfig", config)...); err != nil {
		return nil, err
	}
	return &cluster{
		kubectl: "kubectl", env: []string{"KUBECONFIG=" + config, "KUBECACHEDIR=" + filepath.Join(folder, "cache")},
		load: func(ctx context.Context, archive string) error {
			_, err := script(ctx, nil, kind, "load", "image-archive", archive, "--name", kindCluster)
			return err
		},
		shell: "export KUBECONFIG=" + config, end: []string{"make demo-down"},
	}, nil
}

func startBuilt(ctx context.Context) (*cluster, error) {
	own := []string{"SESI_CLUSTER=demo", "SESI_API_PORT=26443"}
	up := exec.CommandContext(ctx, "hack/cluster/up.sh", "node")
	up.Env, up.Stdout, up.Stderr = append(os.Environ(), own...), os.Stdout, os.Stdout
	if err := up.Run(); err != nil {
		return nil, fmt.Errorf("start the node: %w", err)
	}
	const run = "/var/lib/sesi/demo"
	folder, err := os.ReadFile(run + "/bin")
	if err != nil {
		return nil, fmt.Errorf("find the node's programs: %w", err)
	}
	bin := strings.TrimSpace(string(folder))
	config := run + "/admin.kubeconfig"
	return &cluster{
		kubectl: filepath.Join(bin, "kubectl"), env: []string{"KUBECONFIG=" + config, "KUBECACHEDIR=" + run + "/kubectl-cache"},
		load: func(ctx context.Context, archive string) error {
			_, err := script(ctx, own, "hack/cluster/ctl.sh", "load", archive)
			return err
		},
		shell: "export KUBECONFIG=" + config + " PATH=$PATH:" + bin, end: []string{"make demo-down"},
	}, nil
}

// downClusters ends what kind and the built node left running.
func downClusters(ctx context.Context) error {
	folder, err := kindFolder()
	if err != nil {
		return err
	}
	if _, err := os.Stat(folder); err == nil {
		kind, err := script(ctx, nil, "hack/tool.sh", "kind")
		if err != nil {
			return err
		}
		if _, err := script(ctx, nil, kind, "delete", "cluster", "--name", kindCluster, "--kubeconfig", filepath.Join(folder, "kubeconfig")); err != nil {
			return err
		}
		if err := os.RemoveAll(folder); err != nil {
			return fmt.Errorf("remove kind's folder: %w", err)
		}
	}
	if _, err := os.Stat("/var/lib/sesi/demo"); err == nil {
		if _, err := script(ctx, []string{"SESI_CLUSTER=demo"}, "hack/cluster/down.sh"); err != nil {
			return err
		}
	}
	return nil
}

// Package charts_test compares what the Helm chart renders with golden files, the API server, and the manifests in
// config. It never installs the chart.
package charts_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"
	yamlstream "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"sesi.dev/sesi/test/golden"
)

const (
	chart     = "sesi"
	namespace = "sesi-system"
)

// cases are the tested installations, by the name of their values file, with the name of their release.
var cases = map[string]string{
	"default":    "sesi",
	"namespaced": "sesi",
	"everything": "wa-bots",
	"bare":       "sesi",
}

// TestMain opens every file that Helm, kubectl and the compiler read, because go test caches a result as long as the
// files that the test itself opened stay the same.
func TestMain(m *testing.M) {
	for _, folder := range []string{chart, "../config", "../cmd/operator"} {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			_, err = os.ReadFile(path)
			return err
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// TestSnapshots compares everything that the chart renders, except for the CRD's schema, which has its own tests.
func TestSnapshots(t *testing.T) {
	for name, release := range cases {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			for _, object := range renderCase(t, name, release) {
				if object.GetKind() == "CustomResourceDefinition" {
					delete(object.Object, "spec")
				}
				got.WriteString("---\n")
				got.Write(asYAML(t, object.Object))
			}
			golden.Check(t, filepath.Join("testdata", name+".golden.yaml"), got.Bytes())
		})
	}
}

// TestNotes compares what a person reads after the installation.
func TestNotes(t *testing.T) {
	for name, release := range cases {
		t.Run(name, func(t *testing.T) {
			out, err := helm(t, "install", release, chart, "--namespace", namespace, "--dry-run=client", "--values", valuesFile(name))
			if err != nil {
				t.Fatal(err)
			}
			_, notes, found := strings.Cut(out, "NOTES:\n")
			if !found {
				t.Fatal("there are no notes")
			}
			golden.Check(t, filepath.Join("testdata", name+".golden.txt"), []byte(strings.TrimSpace(notes)+"\n"))
		})
	}
}

// TestLongNamesFit: a release may have a name of 53 characters. What is named after it still has a name that Kubernetes takes.
func TestLongNamesFit(t *testing.T) {
	for _, release := range []string{strings.Repeat("a", 53), strings.Repeat("sesi-", 10) + "abc"} {
		for _, object := range render(t, release, "--values", valuesFile("everything")) {
			valid := validation.IsDNS1123Subdomain
			if object.GetKind() == "Service" {
				valid = validation.IsDNS1035Label
			}
			for _, fault := range valid(object.GetName()) {
				t.Errorf("%s: %s", key(object), fault)
			}
		}
	}
}

func TestLint(t *testing.T) {
	for name := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := helm(t, "lint", "--strict", "--values", valuesFile(name), chart); err != nil {
				t.Error(err)
			}
		})
	}
}

func valuesFile(name string) string { return filepath.Join("testdata", name+".values.yaml") }

func renderCase(t *testing.T, name, release string) []unstructured.Unstructured {
	t.Helper()
	return render(t, release, "--values", valuesFile(name))
}

func render(t *testing.T, release string, args ...string) []unstructured.Unstructured {
	t.Helper()
	out, err := helm(t, append([]string{"template", release, chart, "--namespace", namespace}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, []byte(out))
}

// decode reads manifests, in the order of their kinds and names.
func decode(t *testing.T, manifests []byte) []unstructured.Unstructured {
	t.Helper()
	var objects []unstructured.Unstructured
	decoder := yamlstream.NewYAMLOrJSONDecoder(bytes.NewReader(manifests), 4096)
	for {
		var object unstructured.Unstructured
		if err := decoder.Decode(&object.Object); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("what was rendered is no YAML: %v", err)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
	slices.SortFunc(objects, func(a, b unstructured.Unstructured) int { return strings.Compare(key(a), key(b)) })
	return objects
}

// key names an object in its cluster.
func key(object unstructured.Unstructured) string {
	return object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
}

// helmPath builds the project's Helm at most once.
var helmPath = sync.OnceValues(func() (string, error) { return tool("helm") })

func tool(name string) (string, error) {
	out, err := exec.Command("../hack/tool.sh", name).Output()
	return strings.TrimSpace(string(out)), err
}

// helm runs Helm without a cluster and returns its output; the error contains its messages.
func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return helmOn(t, filepath.Join(t.TempDir(), "none"), args...)
}

// helmOn runs Helm with a kubeconfig.
func helmOn(t *testing.T, kubeconfig string, args ...string) (string, error) {
	t.Helper()
	path, err := helmPath()
	if err != nil {
		t.Fatalf("building helm: %v", err)
	}
	command := exec.CommandContext(t.Context(), path, args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	var out, complaint bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaint
	if err := command.Run(); err != nil {
		return out.String(), errors.New(complaint.String() + out.String())
	}
	return out.String(), nil
}

func asYAML(t *testing.T, value any) []byte {
	t.Helper()
	data, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

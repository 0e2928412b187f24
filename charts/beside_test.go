package charts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// shared is the object that all installations of a cluster have in common.
const shared = "CustomResourceDefinition /whatsappsessions.sesi.dev"

// TestTwoReleasesShareNoName: whatever the names of releases and namespaces, nothing that one release makes is another's,
// in each mode and with everything turned on. Helm would refuse the second one, or kubectl would take the first one's
// rights away.
func TestTwoReleasesShareNoName(t *testing.T) {
	owners := map[string]string{}
	for _, release := range []string{"sesi", "x-sesi", "sesi-x", "wa-bots"} {
		for _, space := range []string{"sales", "support", "sales-x"} {
			for mode, args := range map[string][]string{"for all": nil, "for its own": {"--set", "watchNamespaces={" + space + "}"}, "for some": {"--set", "watchNamespaces={sales,support,hr}"}} {
				owner := fmt.Sprintf("release %s in %s", release, space) // its modes are one release
				out, err := helm(t, append([]string{"template", release, chart, "--namespace", space, "--values", valuesFile("everything"),
					"--set", "serviceAccount.name="}, args...)...)
				if err != nil {
					t.Fatal(err)
				}
				claim(t, owners, owner, decode(t, []byte(out)), mode)
			}
		}
	}
}

// TestTwoOverlaysShareNoName: two installations by kustomize, each in a namespace of its own, share no name when the overlay
// of the second is made as the documentation says.
func TestTwoOverlaysShareNoName(t *testing.T) {
	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, overlay, found := strings.Cut(string(page), "<!-- second -->\n```yaml\n")
	overlay, _, _ = strings.Cut(overlay, "```")
	if !found {
		t.Fatal("the documentation has no overlay of a second installation")
	}
	root := t.TempDir()
	if err := os.CopyFS(filepath.Join(root, "config"), os.DirFS("../config")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "overlay"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "overlay", "kustomization.yaml"), []byte(overlay), 0o600); err != nil {
		t.Fatal(err)
	}
	owners := map[string]string{}
	claim(t, owners, "config/default", kustomize(t, "../config/default"), "")
	second := kustomize(t, filepath.Join(root, "overlay"))
	claim(t, owners, "the overlay", second, "")
	for _, object := range second {
		if object.GetKind() != "ClusterRoleBinding" && object.GetKind() != "RoleBinding" {
			continue
		}
		if text := string(asYAML(t, object.Object["subjects"])); !strings.Contains(text, "namespace: sales\n") || !strings.Contains(text, "name: sesi-sales\n") {
			t.Errorf("%s binds another operator:\n%s", key(object), text)
		}
	}
}

// claim notes who makes each object, and fails where that is another.
func claim(t *testing.T, owners map[string]string, owner string, objects []unstructured.Unstructured, mode string) {
	t.Helper()
	for _, object := range objects {
		name := key(object)
		switch before := owners[name]; {
		case before != "" && before != owner && name != shared:
			t.Errorf("%s (%s) makes %s, which is that of %s", owner, mode, name, before)
		default:
			owners[name] = owner
		}
	}
}

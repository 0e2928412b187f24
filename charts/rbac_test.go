package charts_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"sesi.dev/sesi/test/golden"
)

// TestRights lists, line by line, what the operator may do and where; an added right shows in this file.
func TestRights(t *testing.T) {
	for name, release := range cases {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			for _, line := range rights(t, renderCase(t, name, release)) {
				fmt.Fprintln(&got, line)
			}
			golden.Check(t, filepath.Join("testdata", name+".rights.txt"), got.Bytes())
		})
	}
}

// TestNamespacedHasNoClusterRole: a team with two namespaces and no other rights can install the chart.
func TestNamespacedHasNoClusterRole(t *testing.T) {
	for _, object := range renderCase(t, "namespaced", "sesi") {
		if strings.HasPrefix(object.GetKind(), "Cluster") || object.GetKind() == "CustomResourceDefinition" {
			t.Errorf("%s is for the whole cluster", key(object))
		}
	}
}

// TestNoWildcards: no role allows everything, and none of the operator's lets it create more rights or become someone
// else.
func TestNoWildcards(t *testing.T) {
	for name, release := range cases {
		for _, line := range rights(t, renderCase(t, name, release)) {
			for _, word := range []string{"*", "escalate", "bind", "impersonate", "serviceaccounts", "rolebindings", "pods/exec"} {
				if slices.Contains(strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ',' }), word) {
					t.Errorf("%s: %s", name, line)
				}
			}
		}
	}
}

// TestNotesSayWhatTheRightsAllow: who installs an operator that may read every Secret is told so, and how to limit it.
func TestNotesSayWhatTheRightsAllow(t *testing.T) {
	for name, release := range cases {
		all := rights(t, renderCase(t, name, release))
		if len(all) == 0 {
			continue // the rights come from elsewhere
		}
		everywhere := slices.ContainsFunc(all, func(line string) bool {
			return strings.HasPrefix(line, "ClusterRole ") && strings.Contains(line, " get secrets")
		})
		notes, err := os.ReadFile(filepath.Join("testdata", name+".golden.txt")) // TestNotes compares it with the chart's
		if err != nil {
			t.Fatal(err)
		}
		if told := strings.Contains(string(notes), "may read every Secret") && strings.Contains(string(notes), "watchNamespaces"); told != everywhere {
			t.Errorf("%s: the operator may read every Secret: %t; the notes say so: %t", name, everywhere, told)
		}
	}
}

// rights returns one line for each verb of each bound or aggregated role.
func rights(t *testing.T, objects []unstructured.Unstructured) []string {
	t.Helper()
	var lines []string
	for _, object := range objects {
		if object.GetKind() != "Role" && object.GetKind() != "ClusterRole" {
			continue
		}
		var role rbacv1.ClusterRole
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &role); err != nil {
			t.Fatal(err)
		}
		for _, rule := range role.Rules {
			for _, verb := range rule.Verbs {
				what := append(slices.Clone(rule.Resources), rule.NonResourceURLs...)
				lines = append(lines, fmt.Sprintf("%s: %s %s %s %s", key(object), verb,
					strings.Join(rule.APIGroups, ","), strings.Join(what, ","), strings.Join(rule.ResourceNames, ",")))
			}
		}
	}
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	slices.Sort(lines)
	return lines
}

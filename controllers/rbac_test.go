package controllers_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/apiserver"
	"sesi.dev/sesi/test/vacant"
)

// program is the operator's own binary, running as a user with certain rules.
type program struct {
	t       *testing.T
	command *exec.Cmd
	log     *bytes.Buffer
	ended   chan error
	metrics string
	probes  string
}

// buildInto compiles a command of this module into a folder.
func buildInto(t *testing.T, dir, pkg string, flags ...string) string {
	t.Helper()
	path := filepath.Join(dir, filepath.Base(pkg))
	arguments := append(append([]string{"build", "-o", path}, flags...), "sesi.dev/sesi/"+pkg)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	return path
}

// run starts the operator's binary for the world, as the user.
func (w *world) run(user string, flags ...string) *program {
	w.t.Helper()
	added, err := w.cluster.Environment.AddUser(envtest.User{Name: user, Groups: []string{"audited"}}, &rest.Config{})
	if err != nil {
		w.t.Fatal(err)
	}
	kubeconfig, err := added.KubeConfig()
	if err != nil {
		w.t.Fatal(err)
	}
	file := filepath.Join(w.t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, kubeconfig, 0o600); err != nil {
		w.t.Fatal(err)
	}
	p := &program{t: w.t, log: &bytes.Buffer{}, ended: make(chan error, 1), metrics: vacant.Address(w.t), probes: vacant.Address(w.t)}
	p.command = exec.Command(buildInto(w.t, w.t.TempDir(), "cmd/operator"), append([]string{
		"-bot-image", "registry.example/sesi/bot:1", "-operator-namespace", w.namespace,
		"-metrics-bind-address", p.metrics, "-health-probe-bind-address", p.probes,
	}, flags...)...)
	p.command.Env = append(os.Environ(), "KUBECONFIG="+file)
	p.command.Stderr = p.log
	p.command.WaitDelay = patience // what it started may hold its standard error open
	if err := p.command.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() { p.ended <- p.command.Wait() }()
	w.t.Cleanup(p.stop)
	return p
}

// stop ends the program as a cluster does, and checks that it ends cleanly.
func (p *program) stop() {
	if p.command == nil {
		return
	}
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-p.ended:
		if err != nil {
			p.t.Errorf("the operator ended with %v", err)
		}
	case <-time.After(patience):
		_ = p.command.Process.Kill()
		p.t.Error("the operator does not end")
		<-p.ended //nolint:errcheck // it was killed
	}
	p.command = nil
	if p.t.Failed() {
		p.t.Logf("the operator's log:\n%s", p.log)
	}
}

// grant creates the roles of a file in config/rbac and binds them to the user: roles in the world's namespace, cluster
// roles everywhere. It returns their rules.
func (w *world) grant(user, file string) []rbacv1.PolicyRule {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "config", "rbac", file))
	if err != nil {
		w.t.Fatal(err)
	}
	var rules []rbacv1.PolicyRule
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		var role rbacv1.ClusterRole
		if err := yaml.Unmarshal([]byte(document), &role); err != nil {
			w.t.Fatal(err)
		}
		if role.Kind != "Role" && role.Kind != "ClusterRole" {
			continue
		}
		subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}}
		meta, namespace := metav1.ObjectMeta{Name: role.Name + "-" + w.namespace}, ""
		ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: role.Kind, Name: meta.Name}
		objects := []client.Object{
			&rbacv1.ClusterRole{ObjectMeta: meta, Rules: role.Rules},
			&rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects},
		}
		if role.Kind == "Role" {
			meta.Namespace, namespace = w.namespace, w.namespace
			objects = []client.Object{
				&rbacv1.Role{ObjectMeta: meta, Rules: role.Rules},
				&rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects},
			}
		}
		for _, object := range objects {
			if err := w.cluster.Client.Create(w.t.Context(), object); err != nil {
				w.t.Fatal(err)
			}
		}
		apiserver.UntilAllowed(w.t, w.cluster.Client, user, namespace, role.Rules...)
		if !strings.HasSuffix(role.Name, "metrics-reader") {
			rules = append(rules, role.Rules...)
		}
	}
	return rules
}

// calls lists a user's calls to the API server, from the audit log: each resource and verb with the worst answer.
func calls(t *testing.T, user string) map[string]int {
	t.Helper()
	file, err := os.Open(filepath.Join(stage.dir, "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	seen := map[string]int{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct {
			Verb           string
			User           struct{ Username string }
			ObjectRef      *struct{ APIGroup, Resource, Subresource string }
			ResponseStatus struct{ Code int }
		}
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil || event.User.Username != user || event.ObjectRef == nil {
			continue
		}
		name := event.ObjectRef.Resource
		if event.ObjectRef.Subresource != "" {
			name += "/" + event.ObjectRef.Subresource
		}
		key := fmt.Sprintf("%s %s.%s", event.Verb, name, event.ObjectRef.APIGroup)
		seen[key] = max(seen[key], event.ResponseStatus.Code)
	}
	return seen
}

// allowed lists what rules allow, in the form of calls.
func allowed(rules []rbacv1.PolicyRule) []string {
	var all []string
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					all = append(all, fmt.Sprintf("%s %s.%s", verb, resource, group))
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// scrape reads the program's metrics with a token, or without one.
func (p *program) scrape(token string) (int, string) {
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "https://"+p.metrics+"/metrics", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}, Timeout: patience}
	answer, err := web.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// token creates a service account and a token for it.
func (w *world) token(name string, reader bool) string {
	w.t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}}
	if err := w.cluster.Client.Create(w.t.Context(), account); err != nil {
		w.t.Fatal(err)
	}
	if reader {
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name + "-" + w.namespace},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "sesi-system.sesi-metrics-reader-" + w.namespace},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: name, Namespace: w.namespace}},
		}
		if err := w.cluster.Client.Create(w.t.Context(), binding); err != nil {
			w.t.Fatal(err)
		}
		apiserver.UntilAllowed(w.t, w.cluster.Client, "system:serviceaccount:"+w.namespace+":"+name, "",
			rbacv1.PolicyRule{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}})
	}
	request := &authenticationv1.TokenRequest{}
	if err := w.cluster.Client.SubResource("token").Create(w.t.Context(), account, request); err != nil {
		w.t.Fatal(err)
	}
	return request.Status.Token
}

// The operator's rules are exactly its calls: no call is denied, and no right is unused. The operator serves the whole
// cluster here, so this test runs alone.
func TestTheRulesAreExactlyTheCalls(t *testing.T) {
	w := newWorld(t)
	const user = "operator-of-the-cluster"
	rules := slices.Concat(w.grant(user, "role.yaml"), w.grant(user, "cluster.yaml"), w.grant(user, "shared/leader_election.yaml"), w.grant(user, "shared/metrics.yaml"))
	// An API server that does not support streaming lists gets a list request: the rule for it is needed.
	t.Setenv("KUBE_FEATURE_WatchListClient", "false")
	p := w.run(user)

	// A session's life with everything that makes a call: a finalizer, an owner of the claim, a changed spec, the same
	// event twice, and everything that someone else edits or takes.
	session := w.comeUp("kasir", "62811:1@s.whatsapp.net", func(s *v1alpha1.WhatsAppSession) { s.Spec.DeletionPolicy = v1alpha1.DeletionUnlink })
	yes := true
	for range 2 {
		edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Suspended = &yes })
		w.untilCondition("kasir", v1alpha1.ConditionPodReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
		edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Suspended = nil })
		w.untilCondition("kasir", v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	}
	edit(w, session, func(s *v1alpha1.WhatsAppSession) { s.Spec.Storage.RetentionPolicy = v1alpha1.RetentionDelete })
	at := metav1.ObjectMeta{Name: "wa-kasir", Namespace: w.namespace}
	for _, object := range []client.Object{&networkingv1.NetworkPolicy{ObjectMeta: at}, &corev1.Service{ObjectMeta: at}, &corev1.Secret{ObjectMeta: at}} {
		before := ""
		edit(w, object, func(o client.Object) { o.SetLabels(nil); before = o.GetResourceVersion() })
		within(t, "the labels to be mended", func() bool {
			return w.cluster.Client.Get(t.Context(), w.key("kasir"), object) == nil && object.GetResourceVersion() != before && len(object.GetLabels()) > 0
		})
	}
	w.cluster.Node.Hold(w.key("taken"))
	foreign := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "wa-taken", Namespace: w.namespace},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "x", Image: "x"}}}}
	if err := w.cluster.Client.Create(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	w.create("taken", nil)
	w.untilCondition("taken", v1alpha1.ConditionPodReady, metav1.ConditionFalse, v1alpha1.ReasonPodNameTaken)

	w.cluster.Node.Hold(w.key("stuck"))
	w.create("stuck", nil)
	w.begun("stuck", "gone")
	within(t, "the pod's node to be asked about", func() bool { _, found := calls(t, user)["get nodes."]; return found })

	// Only callers with the right to get /metrics get the metrics.
	nobody, prometheus := w.token("nobody", false), w.token("prometheus", true)
	for token, want := range map[string]int{"": http.StatusUnauthorized, nobody: http.StatusForbidden, prometheus: http.StatusOK} {
		status, body := p.scrape(token)
		if status != want {
			t.Errorf("the metrics answer %d, want %d", status, want)
		}
		for _, metric := range []string{
			fmt.Sprintf(`sesi_session_state{name="kasir",namespace=%q,state="Connected"} 1`, w.namespace),
			`sesi_observer_streams{hearing="Heard"} 1`, "sesi_observer_lag_seconds_count", "sesi_observer_reconnects_total",
			`controller_runtime_reconcile_total{controller="whatsappsession"`,
		} {
			if status == http.StatusOK && !strings.Contains(body, metric) {
				t.Errorf("the metrics lack %s", metric)
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		answer, err := (&http.Client{Timeout: patience}).Get("http://" + p.probes + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s answers %d", path, answer.StatusCode)
		}
	}
	if err := w.cluster.Client.Delete(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	w.untilGone("kasir")
	p.stop()

	made := calls(t, user)
	for call, worst := range made {
		if worst == http.StatusForbidden {
			t.Errorf("denied: %s", call)
		}
	}
	want := allowed(rules)
	for _, call := range want {
		if _, found := made[call]; !found {
			t.Errorf("allowed and never called: %s", call)
		}
	}
	for _, call := range slices.Sorted(maps.Keys(made)) {
		if !slices.Contains(want, call) {
			t.Errorf("called and not among the rules: %s", call)
		}
	}
}

// An operator of one namespace needs no rights outside of it.
func TestAnOperatorOfOneNamespace(t *testing.T) {
	w, outside := newWorld(t), newWorld(t)
	const user = "operator-of-a-namespace"
	w.grant(user, "namespaced/role.yaml")
	w.grant(user, "shared/leader_election.yaml")
	w.run(user, "-watch-namespaces", w.namespace)
	outside.create("kasir", nil)
	w.comeUp("kasir", "62811:1@s.whatsapp.net", nil)
	b := w.bots.Bot(w.key("kasir"))
	b.Change(func(s *bot.Snapshot) {
		s.State, s.Reason, s.Connected = bot.StateConflict, bot.ReasonStreamReplaced, false
	})
	w.untilCondition("kasir", v1alpha1.ConditionConflict, metav1.ConditionTrue, string(bot.ReasonStreamReplaced))
	if got := outside.get("kasir"); got.Status.ObservedGeneration != -1 {
		t.Errorf("a session outside was visited:\n%s", show(got))
	}
	for call, worst := range calls(t, user) {
		if worst == http.StatusForbidden {
			t.Errorf("denied: %s", call)
		}
	}
}

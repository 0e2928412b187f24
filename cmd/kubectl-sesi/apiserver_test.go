package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/apiserver"
)

// kubeconfig leads to a real API server that has the CRD and no operator; api is a client for it.
var (
	kubeconfig string
	api        client.Client
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "kubectl-sesi-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	kubeconfig = filepath.Join(dir, "kubeconfig")
	code := apiserver.Main(m, "../../config/crd", func(environment *envtest.Environment) error {
		var err error
		api, err = client.New(environment.Config, client.Options{Scheme: scheme})
		return errors.Join(err, os.WriteFile(kubeconfig, environment.KubeConfig, 0o600))
	})
	os.RemoveAll(dir)
	os.Exit(code)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// space creates a namespace for one test.
func space(t *testing.T, name string) string {
	t.Helper()
	must(t, api.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}))
	return name
}

// create creates a session with the status that an operator would write.
func create(t *testing.T, s v1alpha1.WhatsAppSession) *v1alpha1.WhatsAppSession {
	t.Helper()
	status := s.Status
	must(t, api.Create(t.Context(), &s))
	s.Status = status
	s.Status.ObservedGeneration = s.Generation
	must(t, api.Status().Update(t.Context(), &s))
	return &s
}

// sesi runs the plugin as kubectl does, and returns its output and errors, the error last.
func sesi(t *testing.T, answer string, args ...string) (out string, err error) {
	t.Helper()
	var said bytes.Buffer
	root := newRoot(strings.NewReader(answer), &said, &said)
	root.SetArgs(append([]string{"--kubeconfig", kubeconfig}, args...))
	ctx, cancel := context.WithTimeout(t.Context(), requestTimeout)
	defer cancel()
	err = root.ExecuteContext(ctx)
	return said.String(), err
}

func TestListAndStatusInEveryForm(t *testing.T) {
	namespace := space(t, "forms")
	here := func(s v1alpha1.WhatsAppSession) v1alpha1.WhatsAppSession { s.Namespace = namespace; return s }
	create(t, here(someSession("well", has(v1alpha1.ConditionReady, metav1.ConditionTrue, 0))))
	create(t, here(someSession("scan", is(bot.StatePairing, bot.ReasonQRAvailable, bot.ActionScanQR), has(v1alpha1.ConditionReady, metav1.ConditionFalse, 0))))
	names := func(out string) []string {
		var list v1alpha1.WhatsAppSessionList
		must(t, yaml.Unmarshal([]byte(out), &list)) // JSON is YAML
		if list.Kind != "WhatsAppSessionList" || list.APIVersion != "sesi.dev/v1alpha1" {
			t.Errorf("a list of %s, %s", list.APIVersion, list.Kind)
		}
		var names []string
		for i := range list.Items {
			names = append(names, list.Items[i].Name)
		}
		return names
	}
	for _, format := range []string{"json", "yaml"} {
		out, err := sesi(t, "", "list", "-n", namespace, "-o", format)
		must(t, err)
		if json.Valid([]byte(out)) != (format == "json") {
			t.Errorf("-o %s gives\n%s", format, out)
		}
		if got := names(out); !slices.Equal(got, []string{"scan", "well"}) {
			t.Errorf("list -o %s gives %v, want who needs a person first", format, got)
		}
	}
	cases := map[string]struct {
		args []string
		want string
	}{
		"list -o name":                 {[]string{"list", "-o", "name"}, "whatsappsession.sesi.dev/scan\nwhatsappsession.sesi.dev/well\n"},
		"list -o jsonpath":             {[]string{"list", "-o", "jsonpath={.items[*].status.state}"}, "Pairing Connected"},
		"list --needs-action -o name":  {[]string{"list", "--needs-action", "-o", "name"}, "whatsappsession.sesi.dev/scan\n"},
		"status -o name":               {[]string{"status", "scan", "-o", "name"}, "whatsappsession.sesi.dev/scan\n"},
		"status -o jsonpath":           {[]string{"status", "scan", "-o", "jsonpath={.kind} {.status.userAction}"}, "WhatsAppSession ScanQR"},
		"completion of a name":         {[]string{"__complete", "--namespace", namespace, "--kubeconfig", kubeconfig, "qr", ""}, "scan\nwell\n:4\n"},
		"no completion of a second":    {[]string{"__complete", "--namespace", namespace, "--kubeconfig", kubeconfig, "qr", "scan", ""}, ":4\n"},
		"nothing in another namespace": {[]string{"list", "-n", "default"}, "No sessions found.\n"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"-n", namespace}, c.args...)
			if c.args[0] == "__complete" {
				args = c.args
			}
			out, err := sesiAlone(t, args...)
			if err != nil || !strings.HasPrefix(out, c.want) {
				t.Errorf("%v\n%s\nwant %s", err, out, c.want)
			}
		})
	}
	if out, err := sesi(t, "", "list", "-n", namespace, "-o", "xml"); err == nil || !strings.Contains(err.Error(), `unable to match a printer suitable for the output format "xml"`) {
		t.Errorf("%v, %s", err, out)
	}
	if _, err := sesi(t, "", "status", "-n", namespace, "other"); err == nil || !strings.Contains(err.Error(), `there is no WhatsAppSession "other" in namespace "forms"`) {
		t.Errorf("%v", err)
	}
}

// sesiAlone is sesi for a completion, whose first argument must be its own.
func sesiAlone(t *testing.T, args ...string) (string, error) {
	t.Helper()
	if args[0] != "__complete" {
		return sesi(t, "", args...)
	}
	var out bytes.Buffer
	root := newRoot(strings.NewReader(""), &out, &bytes.Buffer{})
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestSuspendAndResume(t *testing.T) {
	s := someSession("shop")
	s.Namespace = space(t, "suspend")
	made := create(t, s)
	now := func() (bool, int64) {
		must(t, api.Get(t.Context(), client.ObjectKeyFromObject(made), made))
		return suspended(made), made.Generation
	}
	steps := []struct {
		title  string
		answer string
		args   []string
		want   bool
		says   string
		fails  bool
	}{
		{"no answer", "", []string{"suspend", "shop"}, false, "Stop the bot of shop? [y/N]", true},
		{"no", "n\n", []string{"suspend", "shop"}, false, "", true},
		{"yes", "y\n", []string{"suspend", "shop"}, true, "shop is suspended.\n", false},
		{"twice", "", []string{"suspend", "shop", "--yes"}, true, "shop is suspended.\n", false},
		{"resumed", "", []string{"resume", "shop"}, false, "shop is resumed.\n", false},
		{"resumed twice", "", []string{"resume", "shop"}, false, "shop is resumed.\n", false},
	}
	for _, step := range steps {
		out, err := sesi(t, step.answer, append([]string{"-n", made.Namespace}, step.args...)...)
		if (err != nil) != step.fails || !strings.Contains(out, step.says) {
			t.Errorf("%s: %v, %s", step.title, err, out)
		}
		if got, _ := now(); got != step.want {
			t.Errorf("%s: suspended %v", step.title, got)
		}
	}
	if _, generation := now(); generation != 3 {
		t.Errorf("generation %d: what is so already was written again", generation)
	}
}

// A command that needs a bot says why there is none, and what to do.
func TestWithoutABot(t *testing.T) {
	namespace := space(t, "botless")
	s := someSession("shop", is(v1alpha1.StatePending, "ClaimPending", bot.ActionNone))
	s.Namespace = namespace
	create(t, s)
	sleeping := someSession("asleep", is(v1alpha1.StateSuspended, "Suspended", bot.ActionNone), isSuspended)
	sleeping.Namespace = namespace
	create(t, sleeping)
	file := filepath.Join(t.TempDir(), "backup")
	must(t, os.WriteFile(file, []byte("x"), 0o600))
	for _, line := range []string{"qr", "pair --phone +628123", "restart", "logout --yes", "clear --yes", "logs"} {
		args := strings.Fields(line)
		for name, want := range map[string]string{
			"shop":   "shop has no bot yet (Pending, ClaimPending); kubectl sesi doctor shop shows why",
			"asleep": "asleep is suspended and has no bot; kubectl sesi resume asleep",
		} {
			out, err := sesi(t, "", append([]string{"-n", namespace, args[0], name}, args[1:]...)...)
			if err == nil || err.Error() != want {
				t.Errorf("%s %s: %v (%s), want %s", line, name, err, out, want)
			}
		}
	}
	if _, err := sesi(t, "", "-n", namespace, "restore", "asleep", "--yes", "-f", file); err == nil || !strings.Contains(err.Error(), "use --image") {
		t.Errorf("restore without a bot whose image could be used: %v", err)
	}
	if _, err := sesi(t, "", "-n", namespace, "backup", "shop", "-o", file+".new"); err == nil || !strings.Contains(err.Error(), "read the session's token") {
		t.Errorf("backup without a token: %v", err)
	}
}

// A restore that fails leaves the session as it was: running, or suspended by a person. It never begins while the bot's pod
// is there, because two processes would write to the PVC.
func TestARestoreThatFails(t *testing.T) {
	namespace := space(t, "restores")
	running, asleep := someSession("shop"), someSession("asleep", isSuspended)
	running.Namespace, asleep.Namespace = namespace, namespace
	sessions := map[string]*v1alpha1.WhatsAppSession{"shop": create(t, running), "asleep": create(t, asleep)}
	pod := func(name string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "bot", Image: "bot:1"}}}}
	}
	restore := func(name string, patience time.Duration) error {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		session := sessions[name]
		must(t, api.Get(ctx, client.ObjectKeyFromObject(session), session))
		config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
		must(t, err)
		return (&tool{out: io.Discard, err: io.Discard}).restoreInto(ctx, &cluster{config: config, client: api, namespace: namespace}, session, strings.NewReader("backup"), "bot:1")
	}
	for name, wasSuspended := range map[string]bool{"shop": false, "asleep": true} {
		after := func(what string) {
			t.Helper()
			session := &v1alpha1.WhatsAppSession{}
			must(t, api.Get(t.Context(), client.ObjectKeyFromObject(sessions[name]), session))
			if suspended(session) != wasSuspended {
				t.Errorf("%s: %s is suspended: %t, want %t", what, name, suspended(session), wasSuspended)
			}
			if err := api.Get(t.Context(), client.ObjectKeyFromObject(pod("wa-"+name+".restore")), &corev1.Pod{}); !apierrors.IsNotFound(err) {
				t.Errorf("%s: a pod for the restore of %s: %v", what, name, err)
			}
		}
		bots := pod("wa-" + name)
		must(t, api.Create(t.Context(), bots))
		if err := restore(name, 5*time.Second); err == nil || !strings.Contains(err.Error(), "is not deleted in time") {
			t.Errorf("beside the bot's pod: %v", err)
		}
		after("beside the bot's pod")
		must(t, api.Delete(t.Context(), bots, client.GracePeriodSeconds(0)))
		if err := restore(name, 5*time.Second); err == nil || !strings.Contains(err.Error(), "stays in phase") {
			t.Errorf("a pod that does not start: %v", err)
		}
		after("a pod that does not start")
	}
}

func TestDoctorOfWhatIsMissing(t *testing.T) {
	namespace := space(t, "sick")
	s := someSession("shop", is(v1alpha1.StatePending, "ClaimNotFound", bot.ActionNone), has(v1alpha1.ConditionStalled, metav1.ConditionTrue, 0))
	s.Namespace = namespace
	made := create(t, s)
	out, err := sesi(t, "", "-n", namespace, "doctor", "shop")
	if err == nil || err.Error() != "6 of 12 checks failed" {
		t.Errorf("%v", err)
	}
	for _, want := range []string{
		"ok    the API server (v1.", "ok    your rights\n",
		"BAD   the operator follows this session: ClaimNotFound: The bot says why.\n      -> the message above says what to do; the operator retries when that changes\n",
		"BAD   the PVC wa-shop: ", "BAD   the Secret wa-shop: ", "BAD   the NetworkPolicy wa-shop: ", "BAD   the bot's pod: shop has no bot yet",
		"-     the bot answers: not checked\n", "-     the bot's version: not checked\n", "BAD   the session: it is Pending (ClaimNotFound)\n      -> first solve what is BAD above; ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it lacks %q:\n%s", want, out)
		}
	}
	// a pending claim, an empty Secret, and an operator that has not seen the last change
	must(t, api.Create(t.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "wa-shop", Finalizers: []string{"kubernetes.io/pvc-protection"}},
		Spec: corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, Resources: corev1.VolumeResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")},
		}},
	}))
	must(t, api.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "wa-shop"}}))
	made.Spec.Locale = "en"
	must(t, api.Update(t.Context(), made))
	out, _ = sesi(t, "", "-n", namespace, "doctor", "shop")
	for _, want := range []string{
		"BAD   the operator follows this session: it has seen generation 1 of 2\n", "BAD   the PVC wa-shop: it is Pending: it names no StorageClass, and the cluster has no default\n",
		"BAD   the Secret wa-shop: ", "-> delete the Secret; the operator creates a new one\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it lacks %q:\n%s", want, out)
		}
	}
	// the claim is being deleted, and a pod still uses it
	must(t, api.Delete(t.Context(), &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "wa-shop"}}))
	out, _ = sesi(t, "", "-n", namespace, "doctor", "shop")
	if want := "BAD   the PVC wa-shop: it is being deleted, and the session with it, once no pod uses it\n      -> to keep the session, back it up now: "; !strings.Contains(out, want) {
		t.Errorf("it lacks %q:\n%s", want, out)
	}
}

// A user who may only read is told which rights are missing, by the command that checks them.
func TestDoctorOfRights(t *testing.T) {
	namespace := space(t, "rights")
	s := someSession("shop")
	s.Namespace = namespace
	create(t, s)
	named := metav1.ObjectMeta{Namespace: namespace, Name: "looks"}
	role := &rbacv1.Role{ObjectMeta: named, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"sesi.dev"}, Resources: []string{"whatsappsessions"}, Verbs: []string{"get", "list"}},
		{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get"}},
	}}
	must(t, api.Create(t.Context(), role))
	must(t, api.Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: named, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "looks"},
		Subjects: []rbacv1.Subject{{Kind: "User", Name: "ani"}},
	}))
	apiserver.UntilAllowed(t, api, "ani", namespace, role.Rules...)
	out, err := sesi(t, "", "-n", namespace, "--as", "ani", "doctor", "shop")
	if want := "BAD   your rights: you may not patch whatsappsessions, create pods/portforward, get pods/log, get secrets, create pods, delete pods, create pods/attach\n"; err == nil || !strings.Contains(out, want) {
		t.Errorf("%v\n%s\nwant %s", err, out, want)
	}
	if out, err := sesi(t, "", "-n", namespace, "--as", "ani", "suspend", "shop", "--yes"); err == nil || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("%v, %s", err, out)
	}
}

// TestTokenOfASecret: a token that a user wrote with a line break, as echo does, goes into a request without it.
func TestTokenOfASecret(t *testing.T) {
	namespace := space(t, "tokens")
	s := someSession("shop")
	s.Namespace = namespace
	must(t, api.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "wa-shop"},
		Data:       map[string][]byte{"token": []byte("a-token-of-my-own-choice\n")},
	}))
	if token, err := (&cluster{client: api}).token(t.Context(), &s); err != nil || token != "a-token-of-my-own-choice" {
		t.Errorf("token %q, %v", token, err)
	}
}

// A pod that is being deleted may be gone before the tunnel into it has carried anything, and a tunnel does not tell.
func TestNoTunnelIntoAPodThatIsBeingDeleted(t *testing.T) {
	namespace := space(t, "tunnels")
	s := create(t, v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shop"}, Spec: v1alpha1.WhatsAppSessionSpec{ClientID: "shop"}})
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "wa-shop", Finalizers: []string{"sesi.dev/test"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "bot", Image: "bot:1"}}},
	}
	must(t, api.Create(t.Context(), pod))
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	must(t, err)
	door := &moving{cluster: &cluster{config: config, client: api, namespace: namespace}, session: s}
	t.Cleanup(door.close)
	if _, err := door.dial(t.Context(), "tcp", "localhost:80"); err == nil || errors.Is(err, errEnding) {
		t.Errorf("to a pod that runs nowhere: %v", err) // the API server says so
	}
	must(t, api.Delete(t.Context(), pod))
	t.Cleanup(func() {
		pod.Finalizers = nil
		must(t, api.Update(context.WithoutCancel(t.Context()), pod))
	})
	must(t, api.Get(t.Context(), client.ObjectKeyFromObject(pod), pod))
	if _, err := door.dial(t.Context(), "tcp", "localhost:80"); !errors.Is(err, errEnding) {
		t.Errorf("to a pod that is being deleted: %v", err)
	}
}

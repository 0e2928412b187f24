package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	"go.mau.fi/libsignal/logger"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers"
	"sesi.dev/sesi/controllers/observer"
	"sesi.dev/sesi/controllers/resources"
	"sesi.dev/sesi/test/apiserver"
	"sesi.dev/sesi/test/bottest"
	"sesi.dev/sesi/test/clustertest"
	"sesi.dev/sesi/test/poll"
)

// patience bounds every wait; the longest ones need half a minute.
const patience = 2 * time.Minute

// stage is the one cluster of all tests. Each test has its own namespace in it.
var stage struct {
	once    sync.Once
	dir     string
	cluster *clustertest.Cluster
	actors  actors
	err     error
	last    atomic.Int32
}

// actors start the bots of each namespace as its test wants.
type actors struct {
	mu   sync.Mutex
	cast map[string]clustertest.Bots
}

func (a *actors) Start(pod *corev1.Pod, address string, files clustertest.Files) (func(), error) {
	a.mu.Lock()
	bots := a.cast[pod.Namespace]
	a.mu.Unlock()
	if bots == nil {
		return nil, fmt.Errorf("namespace %s has no bots", pod.Namespace)
	}
	return bots.Start(pod, address, files)
}

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	var silent logger.Loggable = mute{}
	logger.Setup(&silent)
	stage.actors.cast = map[string]clustertest.Bots{}
	code := m.Run()
	if stage.cluster != nil {
		if err := stage.cluster.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop the cluster:", err)
			code = max(code, 1)
		}
	}
	os.RemoveAll(stage.dir)
	os.Exit(code)
}

// mute is a logger that discards everything, for libsignal in the simulated WhatsApp.
type mute struct{}

func (mute) Debug(string, string)   {}
func (mute) Info(string, string)    {}
func (mute) Warning(string, string) {}
func (mute) Error(string, string)   {}
func (mute) Configure(string)       {}

// theCluster starts the cluster on the first call.
func theCluster(t *testing.T) *clustertest.Cluster {
	t.Helper()
	stage.once.Do(func() {
		if stage.dir, stage.err = os.MkdirTemp("", "sesi-controllers-"); stage.err != nil {
			return
		}
		stage.cluster, stage.err = clustertest.Start(clustertest.Options{
			Bots: &stage.actors, Dir: stage.dir, CRD: filepath.Join("..", "config", "crd"), Audit: filepath.Join(stage.dir, "audit.log"),
		})
	})
	if stage.err != nil {
		t.Fatal(stage.err)
	}
	return stage.cluster
}

// world is one test's namespace, its bots and the checks that end every test.
type world struct {
	t         *testing.T
	cluster   *clustertest.Cluster
	namespace string
	// bots are the namespace's bots, unless the test chose others.
	bots *clustertest.Doubles
}

// newWorld creates a namespace whose bots are doubles.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, cluster: theCluster(t), bots: &clustertest.Doubles{}, namespace: fmt.Sprintf("test-%d", stage.last.Add(1))}
	w.play(w.bots)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
	if err := w.cluster.Client.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.finish)
	return w
}

func (w *world) play(bots clustertest.Bots) {
	stage.actors.mu.Lock()
	defer stage.actors.mu.Unlock()
	stage.actors.cast[w.namespace] = bots
}

// finish checks the conditions of every session of the test against the rules, and clears the namespace.
func (w *world) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var sessions v1alpha1.WhatsAppSessionList
	if err := w.cluster.Client.List(ctx, &sessions, client.InNamespace(w.namespace)); err != nil {
		w.t.Error(err)
	}
	for i := range sessions.Items {
		for _, fault := range controllers.ConditionFaults(&sessions.Items[i]) {
			w.t.Errorf("session %s: %s", sessions.Items[i].Name, fault)
		}
	}
	for _, moment := range w.cluster.Node.Broken() {
		if strings.Contains(moment, w.namespace+"/") {
			w.t.Errorf("two bots on one session: %s", moment)
		}
	}
	for i := range sessions.Items {
		session := &sessions.Items[i]
		if len(session.Finalizers) > 0 {
			patch := client.MergeFrom(session.DeepCopy())
			session.Finalizers = nil
			_ = w.cluster.Client.Patch(ctx, session, patch)
		}
		_ = w.cluster.Client.Delete(ctx, session)
	}
	for _, kind := range []client.Object{&corev1.Pod{}, &corev1.PersistentVolumeClaim{}} {
		_ = w.cluster.Client.DeleteAllOf(ctx, kind, client.InNamespace(w.namespace))
	}
	within(w.t, "the namespace's bots to end", func() bool { return w.cluster.Node.Running(w.namespace) == 0 })
}

// within waits for a condition.
func within(t testing.TB, what string, done func() bool) {
	t.Helper()
	if !poll.Until(done, patience, nil) {
		t.Fatalf("waited in vain for %s", what)
	}
}

// create creates a session; edit changes its spec first.
func (w *world) create(name string, edit func(*v1alpha1.WhatsAppSession)) *v1alpha1.WhatsAppSession {
	w.t.Helper()
	session := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}}
	if edit != nil {
		edit(session)
	}
	if err := w.cluster.Client.Create(w.t.Context(), session); err != nil {
		w.t.Fatal(err)
	}
	return session
}

// edit changes an object until the API server accepts the change.
func edit[T client.Object](w *world, object T, change func(T)) {
	w.t.Helper()
	within(w.t, "the edit to be taken", func() bool {
		if err := w.cluster.Client.Get(w.t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			w.t.Fatal(err)
		}
		change(object)
		err := w.cluster.Client.Update(w.t.Context(), object)
		if err != nil && !apierrors.IsConflict(err) {
			w.t.Fatal(err)
		}
		return err == nil
	})
}

// editStatus changes an object's status likewise.
func editStatus[T client.Object](w *world, object T, change func(T)) {
	w.t.Helper()
	within(w.t, "the status to be taken", func() bool {
		if err := w.cluster.Client.Get(w.t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			w.t.Fatal(err)
		}
		change(object)
		err := w.cluster.Client.Status().Update(w.t.Context(), object)
		if err != nil && !apierrors.IsConflict(err) {
			w.t.Fatal(err)
		}
		return err == nil
	})
}

// get reads the session; nil when it does not exist.
func (w *world) get(name string) *v1alpha1.WhatsAppSession {
	w.t.Helper()
	var session v1alpha1.WhatsAppSession
	err := w.cluster.Client.Get(w.t.Context(), types.NamespacedName{Namespace: w.namespace, Name: name}, &session)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return &session
}

// until waits until the session's status is as wanted, and returns it.
func (w *world) until(name, what string, done func(*v1alpha1.WhatsAppSession) bool) *v1alpha1.WhatsAppSession {
	w.t.Helper()
	var last *v1alpha1.WhatsAppSession
	reached := func() bool {
		last = w.get(name)
		return last != nil && done(last)
	}
	if !poll.Until(reached, patience, nil) {
		w.t.Fatalf("session %s does not come to %s; its status is\n%s", name, what, show(last))
	}
	return last
}

func show(session *v1alpha1.WhatsAppSession) string {
	if session == nil {
		return "none"
	}
	text, err := yaml.Marshal(session.Status)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// has reports whether a condition has a status and a reason; an empty reason matches any.
func has(session *v1alpha1.WhatsAppSession, kind string, status metav1.ConditionStatus, reason string) bool {
	found := meta.FindStatusCondition(session.Status.Conditions, kind)
	return found != nil && found.Status == status && (reason == "" || found.Reason == reason) &&
		found.ObservedGeneration == session.Generation
}

func (w *world) untilCondition(name, kind string, status metav1.ConditionStatus, reason string) *v1alpha1.WhatsAppSession {
	w.t.Helper()
	return w.until(name, fmt.Sprintf("%s=%s (%s)", kind, status, reason), func(s *v1alpha1.WhatsAppSession) bool {
		return has(s, kind, status, reason)
	})
}

func (w *world) untilState(name string, state bot.State) *v1alpha1.WhatsAppSession {
	w.t.Helper()
	return w.until(name, "the state "+string(state), func(s *v1alpha1.WhatsAppSession) bool { return s.Status.State == state })
}

func (w *world) untilGone(name string) {
	w.t.Helper()
	within(w.t, "session "+name+" to go", func() bool { return w.get(name) == nil })
}

// key returns the name of everything that is named after a session.
func (w *world) key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: w.namespace, Name: "wa-" + name}
}

// pod reads a session's pod; nil when there is none.
func (w *world) pod(name string) *corev1.Pod {
	w.t.Helper()
	var pod corev1.Pod
	err := w.cluster.Client.Get(w.t.Context(), w.key(name), &pod)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return &pod
}

// link makes the session's bot report that a phone scanned its code.
func (w *world) link(name, jid string) {
	w.t.Helper()
	var b *bottest.Bot
	within(w.t, "the bot of "+name, func() bool { b = w.bots.Bot(w.key(name)); return b != nil })
	b.Change(func(s *bot.Snapshot) {
		paired := bottest.Paired(s.ClientID, s.Instance, jid)
		paired.Revision = s.Revision
		*s = paired
	})
}

// events lists the reasons of the events about a session, each once.
func (w *world) events(name string) map[string]bool {
	w.t.Helper()
	var list corev1.EventList
	if err := w.cluster.Client.List(w.t.Context(), &list, client.InNamespace(w.namespace)); err != nil {
		w.t.Fatal(err)
	}
	reasons := map[string]bool{}
	for _, event := range list.Items {
		if event.InvolvedObject.Name == name && event.InvolvedObject.Kind == "WhatsAppSession" {
			reasons[event.Reason] = true
		}
	}
	return reasons
}

func (w *world) untilEvent(name, reason string) {
	w.t.Helper()
	within(w.t, fmt.Sprintf("the event %s of %s", reason, name), func() bool { return w.events(name)[reason] })
}

// operator is a running operator of a test.
type operator struct {
	t       *testing.T
	cancel  context.CancelFunc
	ended   chan error
	manager ctrl.Manager
	metrics *prometheus.Registry
	log     *lines
}

// staging says how a test's operator differs from one in production.
type staging struct {
	// everywhere makes it watch the whole cluster instead of the test's namespace.
	everywhere bool
	// user is its API user; empty means one with exactly the rules of config/rbac.
	config *rest.Config
	// calls lets the test intercept each call.
	calls *interceptor.Funcs
	// readNodes makes it read nodes, as an operator of the whole cluster does.
	readNodes bool
	// manage changes the manager's options.
	manage func(*ctrl.Options)
	// image is the bots' default image.
	image string
	// masked makes it show personal data in part.
	masked bool
	// lease names the lease by which it agrees with others on who serves a namespace; home is its own namespace.
	lease, home string
}

// quick are stream options with waits that a test can afford, and with which a slow machine loses no bot.
var quick = observer.Options{
	Opening: patience, BackoffBase: 20 * time.Millisecond, BackoffCap: time.Second, EmitEvery: 50 * time.Millisecond,
}

// operate starts an operator, which stops at the end of the test.
func (w *world) operate(how staging) *operator {
	w.t.Helper()
	var namespaces []string
	if !how.everywhere {
		namespaces = []string{w.namespace}
	}
	cached, err := controllers.CacheOptions(namespaces)
	if err != nil {
		w.t.Fatal(err)
	}
	if how.config == nil {
		how.config = ruledUser(w.t)
	}
	op := &operator{t: w.t, ended: make(chan error, 1), metrics: prometheus.NewRegistry(), log: &lines{}}
	any, grace := true, patience/2
	options := ctrl.Options{
		Scheme: w.cluster.Client.Scheme(), Cache: cached, GracefulShutdownTimeout: &grace,
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: &any},
		Logger:     funcr.New(op.log.add, funcr.Options{Verbosity: 0}),
	}
	if how.calls != nil {
		options.NewClient = func(cfg *rest.Config, o client.Options) (client.Client, error) {
			inner, err := client.NewWithWatch(cfg, o)
			if err != nil {
				return nil, err
			}
			return interceptor.NewClient(inner, *how.calls), nil
		}
	}
	if how.manage != nil {
		how.manage(&options)
	}
	if op.manager, err = ctrl.NewManager(how.config, options); err != nil {
		w.t.Fatal(err)
	}
	if how.image == "" {
		how.image = "registry.example/sesi/bot:1"
	}
	err = controllers.Setup(op.manager, controllers.Settings{
		Resources: resources.Options{BotImage: how.image, MaskPersonalData: how.masked, OperatorNamespace: how.home},
		Observer:  quick, ReadNodes: how.readNodes, Metrics: op.metrics, Lease: how.lease, Namespaces: settled(how.lease, namespaces),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	op.cancel = cancel
	go func() { op.ended <- op.manager.Start(ctx) }()
	w.t.Cleanup(op.stop)
	return op
}

// settled are the namespaces that an operator knows to be its own. Without a lease it makes no difference.
func settled(lease string, namespaces []string) []string {
	if lease == "" {
		return nil
	}
	return namespaces
}

// stop ends the operator and waits for it; further calls do nothing.
func (o *operator) stop() {
	o.cancel()
	select {
	case err, open := <-o.ended:
		if open && err != nil && !errors.Is(err, context.Canceled) {
			o.t.Errorf("the operator ended: %v", err)
		}
		if open {
			close(o.ended)
		}
	case <-time.After(patience):
		o.t.Error("the operator does not end")
	}
	if o.t.Failed() {
		o.t.Logf("the operator's log:\n%s", o.log)
	}
}

// lines are the log lines of an operator.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) add(prefix, args string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(&l.text, "%s %s %s\n", time.Now().Format("15:04:05.000"), prefix, args)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// ruledUser is a user with the rules of config/rbac in every namespace, and no others.
var ruled = struct {
	sync.Mutex
	config *rest.Config
}{}

func ruledUser(t *testing.T) *rest.Config {
	t.Helper()
	ruled.Lock()
	defer ruled.Unlock()
	if ruled.config == nil {
		var role rbacv1.ClusterRole
		readYAML(t, filepath.Join("..", "config", "rbac", "role.yaml"), &role)
		ruled.config = newUser(t, "operator-of-all-tests", nil)
		cluster := theCluster(t)
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: role.Name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "operator-of-all-tests"}},
		}
		for _, object := range []client.Object{&role, binding} {
			if err := cluster.Client.Create(t.Context(), object); err != nil {
				t.Fatal(err)
			}
		}
		apiserver.UntilAllowed(t, cluster.Client, "operator-of-all-tests", "", role.Rules...)
	}
	return rest.CopyConfig(ruled.config)
}

func newUser(t *testing.T, name string, groups []string) *rest.Config {
	t.Helper()
	user, err := theCluster(t).Environment.AddUser(envtest.User{Name: name, Groups: groups}, &rest.Config{QPS: -1})
	if err != nil {
		t.Fatal(err)
	}
	return user.Config()
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		t.Fatal(err)
	}
}

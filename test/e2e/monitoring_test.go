package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// Where alerts and panels are.
const (
	rulesFile     = "../../charts/sesi/files/prometheus-rules.yaml"
	dashboardFile = "../../charts/sesi/files/dashboard.json"
)

// TestMonitoring lets a real Prometheus scrape the real operator and a real bot. It checks that every metric of the
// alerts and the dashboard exists, that every query of the dashboard returns something, and that a session fires its
// alerts.
func TestMonitoring(t *testing.T) {
	t.Parallel()
	namespace := ownSpace(t, "monitoring")
	session := newSession(namespace, "shop")
	session.Spec.Webhooks = []v1alpha1.Webhook{{Name: "books", URL: "http://127.0.0.1:1/nobody-listens", Events: []v1alpha1.WebhookEvent{"message"}}}
	session.Spec.Messages.MaxSize = new(resource.MustParse("16Mi"))
	must(t, cluster.Create(t.Context(), session))
	awaitQR(t, session)
	p := startPrometheus(t, session)

	p.fires(t, session, "SesiQRNeeded")
	queries := dashboardQueries(t)
	empty := p.empty(t, queries)
	link(t, session, phoneOf(190))
	p.isQuiet(t, session, "SesiQRNeeded")
	eventually(t, patience, "every query of the dashboard finds something", func(context.Context) error {
		// queries about problems returned something before the scan
		if empty = p.empty(t, empty); len(empty) > 0 {
			return fmt.Errorf("nothing is found by %s", strings.Join(empty, "\n"))
		}
		return nil
	})
	eventually(t, patience, "every metric is there", func(context.Context) error { return p.missing(t, queries) })
	t.Logf("%d queries of the dashboard find something", len(queries))
	p.namespacesAreOffered(t, session)

	say(t, session, "628990001901", "apa kabar", 3)
	tellSimulator(t, http.MethodPut, "limits", map[string]any{"phone": phoneOf(190), "timelockedUntil": time.Now().Add(time.Hour)})
	// a bot asks WhatsApp for the limits when somebody asks it, or when it is to write to someone new
	limits := portForward(t, session, naming.PortPlain) + bot.PathAccountLimits
	eventually(t, patience, "the bot knows of the timelock", func(ctx context.Context) error {
		if got, err := try(ctx, "curl", "-fsS", limits); err != nil || strings.Contains(got, `"timelockedUntil":null`) {
			return fmt.Errorf("the limits are %s: %w", got, err)
		}
		return nil
	})
	p.fires(t, session, "SesiSendingHeld")
	p.fires(t, session, "SesiEventsNotDelivered")
	awaitReason(t, session, v1alpha1.ConditionSending, v1alpha1.ReasonTimelocked)
	// more than the journal may hold, which its only reader does not read
	say(t, session, "628990001902", strings.Repeat("panjang ", 7500), 320)
	p.fires(t, session, "SesiJournalFull")
	// whatsmeow reads the phone's logout behind the messages that came before it
	eventually(t, patience, "all messages have come", func(ctx context.Context) error {
		seen, err := devices(ctx)
		if err != nil {
			return err
		}
		if n := seen[phoneOf(190)].Pending; n > 0 {
			return fmt.Errorf("%d are not acknowledged", n)
		}
		return nil
	})

	tellSimulator(t, http.MethodPost, "unlink", map[string]string{"jid": session.Status.Session.JID})
	p.fires(t, session, "SesiSessionExpired")
	p.fires(t, session, "SesiQRNeeded")
	p.rulesAreWell(t)
}

// prometheus is a running Prometheus.
type prometheus struct{ address string }

var listening = regexp.MustCompile(`msg="Listening on" address=(127\.0\.0\.1:[0-9]+)`)

// startPrometheus runs Prometheus until the test ends, on a port that the system chose and the log names. The waits of
// the alerts are shortened; nothing else of the rules is changed.
func startPrometheus(t *testing.T, session *v1alpha1.WhatsAppSession) *prometheus {
	t.Helper()
	folder := t.TempDir()
	rules, err := os.ReadFile(rulesFile)
	must(t, err)
	rules = regexp.MustCompile(`(?m)^( +for): .*$`).ReplaceAll(rules, []byte("$1: 2s"))
	must(t, os.WriteFile(filepath.Join(folder, "rules.yaml"), rules, 0o600))
	must(t, os.WriteFile(filepath.Join(folder, "token"), []byte(readerToken(t)), 0o600))
	operator := strings.TrimPrefix(forward(t, operatorSpace, "deployment/sesi", 8443), "http://")
	bot := strings.TrimPrefix(portForward(t, session, naming.PortMetrics), "http://")
	config := fmt.Sprintf(`
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yaml]
scrape_configs:
- job_name: sesi-operator
  scheme: https
  honor_labels: true
  authorization: {credentials_file: token}
  tls_config: {insecure_skip_verify: true}
  static_configs: [{targets: [%q], labels: {pod: operator}}]
- job_name: sesi-bots
  static_configs: [{targets: [%q], labels: {namespace: %q, session: %q, pod: %q}}]
`, operator, bot, session.Namespace, session.Name, naming.Name(session))
	must(t, os.WriteFile(filepath.Join(folder, "config.yaml"), []byte(config), 0o600))

	run := exec.Command(cluster.prometheus, "--config.file="+filepath.Join(folder, "config.yaml"),
		"--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address=127.0.0.1:0")
	said := &sharedWords{}
	run.Stdout, run.Stderr = said, said
	must(t, run.Start())
	t.Cleanup(func() {
		_ = run.Process.Kill()
		_ = run.Wait()
		if t.Failed() {
			t.Logf("Prometheus said\n%s", said)
		}
	})
	p := &prometheus{}
	eventually(t, patience, "Prometheus listens", func(context.Context) error {
		found := listening.FindStringSubmatch(said.String())
		if found == nil {
			return fmt.Errorf("it says %s", said)
		}
		p.address = "http://" + found[1]
		return nil
	})
	eventually(t, patience, "both targets are scraped", func(context.Context) error {
		if up, err := p.ask("sum(up)"); err != nil || len(up) != 1 || up[0].Value[1] != "2" {
			return fmt.Errorf("%v, %w", up, err)
		}
		return nil
	})
	return p
}

// sharedWords are a program's output, read while it runs.
type sharedWords struct {
	mu    sync.Mutex
	words bytes.Buffer
}

func (w *sharedWords) Write(data []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.words.Write(data)
}

func (w *sharedWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.words.String()
}

// readerToken returns a token that may read the operator's metrics, by the chart's role for it.
func readerToken(t *testing.T) string {
	t.Helper()
	reader := metav1.ObjectMeta{Namespace: operatorSpace, Name: "e2e-prometheus"}
	account := &corev1.ServiceAccount{ObjectMeta: reader}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: reader.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: operatorSpace + ".sesi-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: reader.Namespace, Name: reader.Name}},
	}
	must(t, cluster.Create(t.Context(), account))
	must(t, cluster.Create(t.Context(), binding))
	t.Cleanup(func() {
		_ = cluster.Delete(context.Background(), binding)
		_ = cluster.Delete(context.Background(), account)
	})
	request := &authenticationv1.TokenRequest{}
	must(t, cluster.SubResource("token").Create(t.Context(), account, request))
	return request.Status.Token
}

// sample is one series of an answer.
type sample struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`
}

// read asks Prometheus's API. An answer without success is an error.
func (p *prometheus) read(path string, into any) error {
	response, err := (&http.Client{Timeout: patience}).Get(p.address + path)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s: %s", path, answer.Error)
	}
	return json.Unmarshal(answer.Data, into)
}

func (p *prometheus) ask(query string) ([]sample, error) {
	var data struct{ Result []sample }
	err := p.read("/api/v1/query?query="+url.QueryEscape(query), &data)
	return data.Result, err
}

// empty returns the queries that return nothing yet. An invalid query fails the test.
func (p *prometheus) empty(t *testing.T, queries []string) []string {
	t.Helper()
	var empty []string
	for _, query := range queries {
		found, err := p.ask(query)
		must(t, err)
		if len(found) == 0 {
			empty = append(empty, query)
		}
	}
	return empty
}

var (
	metricName = regexp.MustCompile(`\b(?:sesi|process|go|controller_runtime|leader_election)_[a-z_]+`)
	quoted     = regexp.MustCompile(`"[^"]*"`)
)

// missing returns an error while a metric of the queries or of the alerts does not exist.
func (p *prometheus) missing(t *testing.T, queries []string) error {
	t.Helper()
	all := slices.Clone(queries)
	p.eachAlert(t, func(rule alertRule) { all = append(all, rule.Query) })
	names := map[string]bool{}
	for _, query := range all {
		for _, name := range metricName.FindAllString(quoted.ReplaceAllString(query, ""), -1) {
			names[name] = true
		}
	}
	for name := range names {
		// A metric of what a person should do was there while the phone was to be linked.
		if found, err := p.ask("count(last_over_time(" + name + "[1h]))"); err != nil {
			return err
		} else if len(found) != 1 {
			return fmt.Errorf("of %s there was no series", name)
		}
	}
	return nil
}

// alertRule is an alert as Prometheus reports it.
type alertRule struct {
	Name, Query, Health, LastError string
	Alerts                         []struct {
		Labels map[string]string
		State  string
	}
}

func (p *prometheus) eachAlert(t *testing.T, see func(alertRule)) {
	t.Helper()
	var data struct{ Groups []struct{ Rules []alertRule } }
	must(t, p.read("/api/v1/rules?type=alert", &data))
	for _, group := range data.Groups {
		for _, rule := range group.Rules {
			see(rule)
		}
	}
}

// firing reports whether an alert fires for the session.
func (p *prometheus) firing(t *testing.T, session *v1alpha1.WhatsAppSession, name string) bool {
	t.Helper()
	firing := false
	p.eachAlert(t, func(rule alertRule) {
		for _, alert := range rule.Alerts {
			of := alert.Labels["name"] + alert.Labels["session"]
			firing = firing || rule.Name == name && alert.State == "firing" && alert.Labels["namespace"] == session.Namespace && of == session.Name
		}
	})
	return firing
}

func (p *prometheus) fires(t *testing.T, session *v1alpha1.WhatsAppSession, name string) {
	t.Helper()
	eventually(t, patience, name+" fires", func(context.Context) error {
		if !p.firing(t, session, name) {
			return fmt.Errorf("it does not")
		}
		return nil
	})
}

func (p *prometheus) isQuiet(t *testing.T, session *v1alpha1.WhatsAppSession, name string) {
	t.Helper()
	eventually(t, patience, name+" ends", func(context.Context) error {
		if p.firing(t, session, name) {
			return fmt.Errorf("it fires")
		}
		return nil
	})
}

var labelValues = regexp.MustCompile(`^label_values\((\w+), ?(\w+)\)$`)

// namespacesAreOffered checks that the dashboard's variable finds the session's namespace, as Grafana asks for it.
func (p *prometheus) namespacesAreOffered(t *testing.T, session *v1alpha1.WhatsAppSession) {
	t.Helper()
	var dashboard struct {
		Templating struct {
			List []struct{ Name, Type, Definition string }
		}
	}
	readDashboard(t, &dashboard)
	found := 0
	for _, variable := range dashboard.Templating.List {
		if variable.Type != "query" {
			continue
		}
		asked := labelValues.FindStringSubmatch(variable.Definition)
		if asked == nil {
			t.Fatalf("the variable %s asks %q", variable.Name, variable.Definition)
		}
		found++
		var values []string
		must(t, p.read("/api/v1/label/"+asked[2]+"/values?match[]="+url.QueryEscape(asked[1]), &values))
		if !slices.Contains(values, session.Namespace) {
			t.Errorf("the variable %s offers %v", variable.Name, values)
		}
	}
	if found == 0 {
		t.Error("the dashboard has no variable that is asked for")
	}
}

// rulesAreWell checks that Prometheus could evaluate every alert.
func (p *prometheus) rulesAreWell(t *testing.T) {
	t.Helper()
	count := 0
	p.eachAlert(t, func(rule alertRule) {
		count++
		if rule.Health != "ok" {
			t.Errorf("alert %s is %s: %s", rule.Name, rule.Health, rule.LastError)
		}
	})
	if count == 0 {
		t.Error("there are no alerts")
	}
	t.Logf("%d alerts are evaluated", count)
}

func readDashboard(t *testing.T, into any) {
	t.Helper()
	data, err := os.ReadFile(dashboardFile)
	must(t, err)
	must(t, json.Unmarshal(data, into))
}

// dashboardQueries returns the queries of the dashboard, for every namespace.
func dashboardQueries(t *testing.T) []string {
	t.Helper()
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	readDashboard(t, &dashboard)
	var queries []string
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries = append(queries, strings.ReplaceAll(target.Expr, "$namespace", ".*"))
		}
	}
	if len(queries) == 0 {
		t.Fatal("the dashboard asks nothing")
	}
	return queries
}

// Package monitoring_test compares the alerts and the dashboard with the metrics of the programs. It asks no
// Prometheus; run.sh lets promtool check the queries.
package monitoring_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	_ "sigs.k8s.io/controller-runtime/pkg/controller" // registers the operator manager's metrics
	runtimemetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/yaml"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/metrics"
	"sesi.dev/sesi/controllers/observer"
)

const (
	rulesFile     = "../../charts/sesi/files/prometheus-rules.yaml"
	dashboardFile = "../../charts/sesi/files/dashboard.json"
	runbooks      = "../../docs/runbooks"
	metricsPage   = "../../docs/reference/metrics.md"
)

type alert struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	Annotations map[string]string `json:"annotations"`
}

func readAlerts(t *testing.T) []alert {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []alert `json:"rules"`
		} `json:"groups"`
	}
	if err := yaml.Unmarshal(readFile(t, rulesFile), &file); err != nil {
		t.Fatal(err)
	}
	var alerts []alert
	for _, group := range file.Groups {
		alerts = append(alerts, group.Rules...)
	}
	if len(alerts) == 0 {
		t.Fatal("there are no alerts")
	}
	return alerts
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// dashboardQueries are the queries of the dashboard, by the panel's title.
func dashboardQueries(t *testing.T) map[string][]string {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			ID      int    `json:"id"`
			Title   string `json:"title"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal(readFile(t, dashboardFile), &dashboard); err != nil {
		t.Fatal(err)
	}
	queries, ids := map[string][]string{}, map[int]bool{}
	for _, panel := range dashboard.Panels {
		if ids[panel.ID] {
			t.Errorf("two panels have the id %d", panel.ID)
		}
		ids[panel.ID] = true
		if !strings.HasSuffix(panel.Title, "?") {
			t.Errorf("the panel %q asks no question", panel.Title)
		}
		for _, target := range panel.Targets {
			queries[panel.Title] = append(queries[panel.Title], target.Expr)
		}
	}
	return queries
}

var (
	metricName = regexp.MustCompile(`\b(?:sesi|process|go|controller_runtime|leader_election|rest_client|workqueue)_[a-z0-9_]+`)
	selector   = regexp.MustCompile(`"[^"]*"`)
	fqName     = regexp.MustCompile(`fqName: "([^"]+)"`)
	histogram  = regexp.MustCompile(`_(?:bucket|sum|count)$`)
)

// names returns the metrics in a query.
func names(query string) []string {
	return metricName.FindAllString(selector.ReplaceAllString(query, `""`), -1)
}

// existing returns the metrics of both programs: those in their registries, and those that their source declares for a
// manager.
func existing(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	everything, ok := runtimemetrics.Registry.(prometheus.Collector)
	if !ok {
		t.Fatal("the manager's registry no longer tells what it holds")
	}
	one := metrics.New("test")
	one.NewMessages(nil)
	for _, name := range one.Names() {
		known[name] = true
	}
	for _, collector := range []prometheus.Collector{observer.New(observer.Options{}), everything} {
		descs := make(chan *prometheus.Desc)
		go func() { collector.Describe(descs); close(descs) }()
		for desc := range descs {
			if found := fqName.FindStringSubmatch(desc.String()); found != nil {
				known[found[1]] = true
			}
		}
	}
	declared := 0
	for name := range declaredIn(t, "../../controllers") {
		known[name] = true
		declared++
	}
	if declared == 0 {
		t.Fatal("no metric is declared in package controllers; where did sesi_session_state go?")
	}
	return known
}

// declaredIn returns the first arguments of prometheus.NewDesc in a package.
func declaredIn(t *testing.T, folder string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			if function, ok := call.Fun.(*ast.SelectorExpr); ok && function.Sel.Name == "NewDesc" {
				if name, ok := call.Args[0].(*ast.BasicLit); ok {
					text, err := strconv.Unquote(name.Value)
					if err != nil {
						t.Fatal(err)
					}
					found[text] = true
				}
			}
			return true
		})
	}
	return found
}

// TestMetricsExist: every alert and panel uses only metrics that exist.
func TestMetricsExist(t *testing.T) {
	known := existing(t)
	check := func(where, query string) {
		found := names(query)
		if len(found) == 0 {
			t.Errorf("%s names no metric: %s", where, query)
		}
		for _, name := range found {
			if !known[name] && !known[histogram.ReplaceAllString(name, "")] {
				t.Errorf("%s asks for %s, which no program has", where, name)
			}
		}
	}
	for _, a := range readAlerts(t) {
		check(a.Alert, a.Expr)
	}
	for title, queries := range dashboardQueries(t) {
		for _, query := range queries {
			check(title, query)
		}
	}
}

var stateSelector = regexp.MustCompile(`state[=!]~?"([^"]*)"`)

// TestStatesExist: every alert and panel uses only states that a session can have.
func TestStatesExist(t *testing.T) {
	known := map[string]bool{"Pending": true, "Suspended": true, "Terminating": true, "Unknown": true}
	for _, state := range bot.States {
		known[string(state)] = true
	}
	var all []string
	for _, a := range readAlerts(t) {
		all = append(all, a.Expr)
	}
	for _, queries := range dashboardQueries(t) {
		all = append(all, queries...)
	}
	for _, query := range all {
		for _, found := range stateSelector.FindAllStringSubmatch(query, -1) {
			for state := range strings.SplitSeq(found[1], "|") {
				if !known[state] {
					t.Errorf("no session is ever in the state %q: %s", state, query)
				}
			}
		}
	}
}

// TestEveryAlertSaysWhatToDo: every alert has a description and a runbook.
func TestEveryAlertSaysWhatToDo(t *testing.T) {
	for _, a := range readAlerts(t) {
		for _, key := range []string{"summary", "description", "runbook_url"} {
			if a.Annotations[key] == "" {
				t.Errorf("%s has no %s", a.Alert, key)
			}
		}
		if got := filepath.Base(a.Annotations["runbook_url"]); got != a.Alert+".md" {
			t.Errorf("%s links to the runbook %s", a.Alert, got)
		}
		text := string(readFile(t, filepath.Join(runbooks, a.Alert+".md")))
		if !strings.HasPrefix(text, "# "+a.Alert+"\n") {
			t.Errorf("the runbook of %s is about something else", a.Alert)
		}
	}
	files, err := filepath.Glob(filepath.Join(runbooks, "Sesi*.md"))
	if err != nil {
		t.Fatal(err)
	}
	if want := len(readAlerts(t)); len(files) != want {
		t.Errorf("%d runbooks for %d alerts", len(files), want)
	}
}

// TestPageNamesEveryMetric compares the list of metrics in the docs with the programs.
func TestPageNamesEveryMetric(t *testing.T) {
	page := string(readFile(t, metricsPage))
	known := existing(t)
	for name := range known {
		if strings.HasPrefix(name, "sesi_") && !strings.Contains(page, "`"+name) {
			t.Errorf("docs/reference/metrics.md lacks %s", name)
		}
	}
	for _, name := range metricName.FindAllString(page, -1) {
		if !known[name] {
			t.Errorf("docs/reference/metrics.md names %s, which no program has", name)
		}
	}
}

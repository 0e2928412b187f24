package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"sesi.dev/sesi/controllers/clustertest"
)

// operator is the operator's program, a process of its own, so that its memory and CPU are its own.
type operator struct {
	command *exec.Cmd
	metrics string
	token   string
	web     *http.Client
	log     *os.File
	audit   *auditReader
}

// startOperator starts the program as the cluster's administrator and waits until it serves its metrics.
func startOperator(ctx context.Context, cluster *clustertest.Cluster, dir, program string) (*operator, error) {
	token, err := scraper(ctx, cluster.Client)
	if err != nil {
		return nil, err
	}
	user, err := cluster.Environment.AddUser(envtest.User{Name: "operator", Groups: []string{"system:masters", "audited"}}, &rest.Config{})
	if err != nil {
		return nil, err
	}
	kubeconfig, err := user.KubeConfig()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(file, kubeconfig, 0o600); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	op := &operator{audit: &auditReader{path: filepath.Join(dir, auditLog)}, metrics: listener.Addr().String(), token: token, web: &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // its own certificate, made at its start
	}, Timeout: 30 * time.Second}}
	listener.Close()
	if op.log, err = os.Create(filepath.Join(dir, "operator.log")); err != nil {
		return nil, err
	}
	op.command = exec.CommandContext(ctx, program, "-bot-image", "bot:1", "-leader-elect=false", "-operator-namespace", namespace,
		"-metrics-bind-address", op.metrics, "-health-probe-bind-address", "0", "-log-level", "warn")
	op.command.Env = append(os.Environ(), "KUBECONFIG="+file)
	op.command.Stderr = op.log
	if err := op.command.Start(); err != nil {
		return nil, fmt.Errorf("start the operator: %w", err)
	}
	err = poll(ctx, time.Minute, func() (bool, error) { _, err := op.scrape(ctx); return err == nil, nil })
	if err != nil {
		_, cause := op.scrape(ctx)
		op.stop()
		return nil, fmt.Errorf("scrape the operator: %w", errors.Join(err, cause))
	}
	return op, nil
}

// scraper is a token that may read metrics.
func scraper(ctx context.Context, c client.Client) (string, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "scraper", Namespace: namespace}}
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "scraper"},
		Rules: []rbacv1.PolicyRule{{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}}}}
	binding := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "scraper"},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "scraper"},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: "scraper", Namespace: namespace}}}
	for _, object := range []client.Object{account, role, binding} {
		if err := c.Create(ctx, object); err != nil && !apierrors.IsAlreadyExists(err) {
			return "", err
		}
	}
	request := &authenticationv1.TokenRequest{}
	if err := c.SubResource("token").Create(ctx, account, request); err != nil {
		return "", err
	}
	return request.Status.Token, nil
}

// stop ends the program; further calls do nothing.
func (o *operator) stop() {
	if o.command == nil {
		return
	}
	_ = o.command.Process.Signal(syscall.SIGTERM)
	_ = o.command.Wait()
	o.command = nil
	o.log.Close()
}

// reading is what the metrics say at one moment.
type reading struct {
	visits, writes, heard float64
}

func (o *operator) scrape(ctx context.Context) (reading, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+o.metrics+"/metrics", nil)
	if err != nil {
		return reading{}, err
	}
	request.Header.Set("Authorization", "Bearer "+o.token)
	answer, err := o.web.Do(request)
	if err != nil {
		return reading{}, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return reading{}, fmt.Errorf("the metrics answer %d", answer.StatusCode)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		return reading{}, err
	}
	var r reading
	for _, metric := range families["controller_runtime_reconcile_total"].GetMetric() {
		r.visits += metric.GetCounter().GetValue()
	}
	r.writes, err = o.audit.writes()
	if err != nil {
		return reading{}, err
	}
	for _, metric := range families["sesi_observer_streams"].GetMetric() {
		if label(metric, "hearing") == "Heard" {
			r.heard = metric.GetGauge().GetValue()
		}
	}
	return r, nil
}

func label(metric *dto.Metric, name string) string {
	for _, pair := range metric.GetLabel() {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}

// settled reads the metrics once the operator has visited nothing for a while.
func (o *operator) settled(ctx context.Context) (reading, error) {
	last, err := o.scrape(ctx)
	if err != nil {
		return last, err
	}
	quiet := time.Now()
	err = poll(ctx, 5*time.Minute, func() (bool, error) {
		now, err := o.scrape(ctx)
		if now.visits != last.visits || now.writes != last.writes {
			quiet = time.Now()
		}
		last = now
		return time.Since(quiet) > 5*time.Second, err
	})
	return last, err
}

// rss is the program's resident memory in bytes.
func (o *operator) rss() int64 {
	fields := strings.Fields(o.proc("statm"))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// cpu is the time that the program has had.
func (o *operator) cpu() time.Duration {
	_, rest, _ := strings.Cut(o.proc("stat"), ") ")
	fields := strings.Fields(rest)
	const user, system, tick = 11, 12, 10 * time.Millisecond
	var total time.Duration
	for _, field := range []int{user, system} {
		if field < len(fields) {
			ticks, err := strconv.ParseInt(fields[field], 10, 64)
			if err == nil {
				total += time.Duration(ticks) * tick
			}
		}
	}
	return total
}

func (o *operator) proc(file string) string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(o.command.Process.Pid), file))
	if err != nil {
		return ""
	}
	return string(text)
}

// auditLog is where the API server notes the operator's calls. The operator's own count of requests would not do:
// every scrape makes it ask the API server who scrapes.
const auditLog = "audit.log"

// auditReader counts the writes in the audit log, a piece at a time.
type auditReader struct {
	path  string
	read  int64
	count float64
}

func (a *auditReader) writes() (float64, error) {
	file, err := os.Open(a.path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	if _, err := file.Seek(a.read, io.SeekStart); err != nil {
		return 0, err
	}
	lines := bufio.NewReaderSize(file, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return a.count, nil
		}
		if err != nil {
			return 0, err
		}
		a.read += int64(len(line))
		var event struct {
			Verb      string
			ObjectRef struct{ Resource string }
		}
		if err := json.Unmarshal(line, &event); err != nil {
			return 0, err
		}
		if resource := event.ObjectRef.Resource; resource == "tokenreviews" || resource == "subjectaccessreviews" {
			continue
		}
		switch event.Verb {
		case "create", "update", "patch", "delete":
			a.count++
		}
	}
}

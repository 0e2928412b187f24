package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"sesi.dev/sesi/test/scale/internal/command"
)

const (
	systemNamespace = "sesi-system"
	account         = "sesi"
	// memoryLimit is the chart's GOMEMLIMIT.
	memoryLimit = "430MiB"
)

// operator is the operator's program in its own process, so that its memory and CPU are measured separately.
type operator struct {
	command *exec.Cmd
	metrics string
	profile string
	token   string
	web     *http.Client
	log     *os.File
}

// prepareOperator creates a kubeconfig for the operator's ServiceAccount, which has exactly the rights of config/rbac.
// The same account may read metrics here.
func (c *cluster) prepareOperator(ctx context.Context, dir string) error {
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "scale-metrics"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "sesi-system.sesi-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: account, Namespace: systemNamespace}},
	}
	if err := c.client.Create(ctx, binding); err != nil {
		return fmt.Errorf("let metrics be read: %w", err)
	}
	day := int64(86400)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &day}}
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: account, Namespace: systemNamespace}}
	if err := c.client.SubResource("token").Create(ctx, sa, request); err != nil {
		return fmt.Errorf("get a token for the operator: %w", err)
	}
	c.token = request.Status.Token
	file := clientcmdapi.NewConfig()
	file.Clusters["c"] = &clientcmdapi.Cluster{Server: c.config.Host, CertificateAuthorityData: c.config.CAData}
	file.AuthInfos["u"] = &clientcmdapi.AuthInfo{Token: c.token}
	file.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}
	file.CurrentContext = "x"
	c.operatorKubeconfig = filepath.Join(dir, "operator.kubeconfig")
	return clientcmd.WriteToFile(*file, c.operatorKubeconfig)
}

// startOperator starts the program with its own host name and waits until it serves its metrics. It gets only what its
// Deployment gives it.
func (c *cluster) startOperator(ctx context.Context, s settings, host string) (*operator, error) {
	port := map[string]int{"a": 18443, "b": 28443}[host]
	o := &operator{
		metrics: fmt.Sprintf("https://127.0.0.1:%d/metrics", port),
		profile: fmt.Sprintf("http://127.0.0.1:%d/debug/pprof/", port+1), token: c.token,
		web: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // its own certificate, created at its start
		}},
	}
	var err error
	if o.log, err = os.OpenFile(filepath.Join(s.dir, "operator-"+host+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644); err != nil {
		return nil, err
	}
	// The host's name holds the lease, so each operator gets its own host name.
	o.command = exec.CommandContext(ctx, "unshare", "--uts", "sh", "-c", `hostname "operator-$0" && exec "$@"`, host,
		s.operator, "-bot-image", "bot:1", "-operator-namespace", systemNamespace,
		"-metrics-bind-address", fmt.Sprintf("127.0.0.1:%d", port), "-health-probe-bind-address", "0",
		"-pprof-bind-address", fmt.Sprintf("127.0.0.1:%d", port+1))
	o.command.Env = append(os.Environ(), "KUBECONFIG="+c.operatorKubeconfig, "GOMEMLIMIT="+memoryLimit)
	o.command.Stderr = o.log
	if err := o.command.Start(); err != nil {
		return nil, fmt.Errorf("start the operator: %w", err)
	}
	var cause error
	err = poll(ctx, time.Minute, func() bool { _, cause = get(ctx, o.web, o.metrics, o.token); return cause == nil })
	if err != nil {
		o.stop(syscall.SIGKILL)
		return nil, fmt.Errorf("scrape the operator: %w", errors.Join(err, cause))
	}
	return o, nil
}

// stop ends the program with a signal and waits for its end; further calls do nothing.
func (o *operator) stop(by syscall.Signal) {
	if o.command == nil {
		return
	}
	_ = o.command.Process.Signal(by)
	_ = o.command.Wait()
	o.command = nil
	o.log.Close()
}

func (o *operator) pid() int { return o.command.Process.Pid }

// reading is the operator's metrics at one moment.
type reading struct {
	visits, goroutines, heap float64
	// requests are the API requests, by method.
	requests map[string]float64
}

func (o *operator) read(ctx context.Context) (reading, error) {
	own, err := get(ctx, o.web, o.metrics, o.token)
	if err != nil {
		return reading{}, fmt.Errorf("scrape the operator: %w", err)
	}
	r := reading{
		visits:     own.sum("controller_runtime_reconcile_total"),
		goroutines: own.sum("go_goroutines"),
		heap:       own.sum("go_memstats_heap_inuse_bytes"),
		requests:   map[string]float64{},
	}
	for _, metric := range own["rest_client_requests_total"].GetMetric() {
		r.requests[labelsOf(metric)["method"]] += metric.GetCounter().GetValue()
	}
	return r, nil
}

// settled reads the metrics once the operator has made no pass for five seconds.
func (o *operator) settled(ctx context.Context) (reading, error) {
	last, err := o.read(ctx)
	quiet := time.Now()
	for end := time.Now().Add(5 * time.Minute); err == nil && time.Now().Before(end) && time.Since(quiet) < 5*time.Second; {
		if err := command.Pause(ctx, time.Second); err != nil {
			return last, err
		}
		now, failed := o.read(ctx)
		if now.visits != last.visits {
			quiet = time.Now()
		}
		last, err = now, failed
	}
	return last, err
}

// keepProfile writes a profile to a file.
func (o *operator) keepProfile(ctx context.Context, name, file string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.profile+name, nil)
	if err != nil {
		return err
	}
	answer, err := o.web.Do(request)
	if err != nil {
		return fmt.Errorf("ask for the profile: %w", err)
	}
	defer answer.Body.Close()
	to, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, answer.Body)
	return errors.Join(err, to.Close())
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// programs are the processes of the control plane and of this program, which simulates the bots.
var programs = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "scale"}

// processes finds them in the cluster's own process namespace.
func processes() (map[string]int, error) {
	found := map[string]int{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if err != nil {
			continue // it has ended
		}
		name, _, _ := strings.Cut(string(line), "\x00")
		if name = filepath.Base(name); slices.Contains(programs, name) {
			found[name] = pid
		}
	}
	if len(found) < len(programs) {
		return nil, fmt.Errorf("of %v only %v run here: is this inside the cluster's namespaces?", programs, slices.Collect(maps.Keys(found)))
	}
	return found, nil
}

// busy returns the processor time that a process has used, in seconds.
func busy(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	const user, system, ticks = 11, 12, 100
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	total := 0.0
	for _, field := range []int{user, system} {
		if field < len(fields) {
			if n, err := strconv.ParseFloat(fields[field], 64); err == nil {
				total += n / ticks
			}
		}
	}
	return total
}

// machineBusy returns the processor time that the whole machine has used, in seconds.
func machineBusy() float64 {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	const idle, wait, guest, ticks = 4, 5, 9, 100
	total := 0.0
	for i, field := range strings.Fields(line) {
		if n, err := strconv.ParseFloat(field, 64); err == nil && i != idle && i != wait && i < guest {
			total += n / ticks
		}
	}
	return total
}

// resident returns a process's resident memory in bytes.
func resident(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

func busyAll(pids map[string]int) map[string]float64 {
	all := map[string]float64{}
	for name, pid := range pids {
		all[name] = busy(pid)
	}
	return all
}

func residentAll(pids map[string]int) map[string]int64 {
	all := map[string]int64{}
	for name, pid := range pids {
		all[name] = resident(pid)
	}
	return all
}

// since returns the use between two readings, as a share of the given seconds.
func since(before, after map[string]float64, over float64) map[string]float64 {
	used := map[string]float64{}
	for name, value := range after {
		if value != before[name] {
			used[name] = (value - before[name]) / over
		}
	}
	return used
}

type families map[string]*dto.MetricFamily

func parseMetrics(from io.Reader) (families, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(from)
}

// sum adds up a family's series.
func (f families) sum(name string) float64 {
	total := 0.0
	for _, metric := range f[name].GetMetric() {
		total += metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + metric.GetUntyped().GetValue()
	}
	return total
}

func labelsOf(metric *dto.Metric) map[string]string {
	labels := map[string]string{}
	for _, pair := range metric.GetLabel() {
		labels[pair.GetName()] = pair.GetValue()
	}
	return labels
}

// load is what the control plane has done so far.
type load struct {
	// writes are the API server's, by verb and resource, except those that keep nodes and leaders alive.
	writes              map[string]float64
	conflicts           float64
	reviews             float64
	etcdBytes, etcdPuts float64
	cpu                 map[string]float64
	machine             float64
	at                  time.Time
}

// foreign returns how many cores other work used between two measurements.
func foreign(before, after load) float64 {
	own := 0.0
	for name, spent := range after.cpu {
		own += spent - before.cpu[name]
	}
	return max(0, (after.machine-before.machine-own)/after.at.Sub(before.at).Seconds())
}

func (l load) total() float64 {
	total := 0.0
	for _, n := range l.writes {
		total += n
	}
	return total
}

// upkeep are writes that clusters make with or without sessions, or because this program reads metrics.
var upkeep = []string{"leases", "nodes", "tokenreviews", "subjectaccessreviews"}

// measureLoad asks the API server and etcd.
func (c *cluster) measureLoad(ctx context.Context) (load, error) {
	l := load{writes: map[string]float64{}, cpu: busyAll(c.pids), machine: machineBusy(), at: time.Now()}
	text, err := c.rest.Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return l, fmt.Errorf("read the API server's metrics: %w", err)
	}
	api, err := parseMetrics(bytes.NewReader(text))
	if err != nil {
		return l, fmt.Errorf("read the API server's metrics: %w", err)
	}
	for _, metric := range api["apiserver_request_total"].GetMetric() {
		labels := labelsOf(metric)
		switch labels["verb"] {
		case "POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION":
		default:
			continue
		}
		value := metric.GetCounter().GetValue()
		resource := labels["resource"]
		if strings.HasSuffix(resource, "reviews") {
			l.reviews += value
		}
		if slices.Contains(upkeep, resource) {
			continue
		}
		if labels["subresource"] != "" {
			resource += "/" + labels["subresource"]
		}
		l.writes[labels["verb"]+" "+resource] += value
		if labels["code"] == "409" {
			l.conflicts += value
		}
	}
	etcd, err := get(ctx, http.DefaultClient, "http://127.0.0.1:2379/metrics", "")
	if err != nil {
		return l, fmt.Errorf("read etcd's metrics: %w", err)
	}
	l.etcdBytes = etcd.sum("etcd_mvcc_db_total_size_in_use_in_bytes")
	l.etcdPuts = etcd.sum("etcd_mvcc_put_total")
	return l, nil
}

func get(ctx context.Context, web *http.Client, url, token string) (families, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := web.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d", url, answer.StatusCode)
	}
	return parseMetrics(answer.Body)
}

// machine describes the machine.
func machine() string {
	cpu, memory, kernel := "unknown processor", "", ""
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		_, rest, _ := strings.Cut(string(text), "model name\t: ")
		cpu, _, _ = strings.Cut(rest, "\n")
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib int64
		if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kib); err == nil {
			memory = fmt.Sprintf(", %d GiB", (kib+1<<19)>>20)
		}
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		kernel = ", Linux " + strings.TrimSpace(string(text))
	}
	return fmt.Sprintf("%d cores of %s%s%s, %s", runtime.NumCPU(), cpu, memory, kernel, runtime.Version())
}

// poll waits for a condition.
func poll(ctx context.Context, limit time.Duration, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return errors.New("waited in vain")
		case <-tick.C:
		}
	}
	return nil
}

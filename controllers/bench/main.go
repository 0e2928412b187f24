// Command bench measures the operator's own program against a real API server and bots that play their event streams:
// how soon a change shows, what a stream costs, and what an idle minute costs. It measures and never judges.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

func main() {
	sizes := flag.String("streams", "1,100,1000,5000", "numbers of sessions to measure with, by commas")
	crd := flag.String("crd", "config/crd", "folder of the CustomResourceDefinition")
	operator := flag.String("operator", "bin/operator", "the operator's program")
	idle := flag.Duration("idle", time.Minute, "how long to watch an idle operator")
	flag.Parse()
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *sizes, *crd, *operator, *idle); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures with each number of sessions in turn, each in a cluster of its own, and prints one table.
func run(ctx context.Context, sizes, crd, operator string, idle time.Duration) error {
	var rows []row
	for text := range strings.SplitSeq(sizes, ",") {
		size, err := strconv.Atoi(text)
		if err != nil || size < 1 {
			return fmt.Errorf("-streams: %q is no number of sessions", text)
		}
		r, err := measure(ctx, size, crd, operator, idle)
		if err != nil {
			return fmt.Errorf("with %d sessions: %w", size, err)
		}
		rows = append(rows, r)
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "streams\tall ready\tchange to watch: median\tp99\tvisits/change\twrites/change\trestart to all heard\tRSS\tidle: writes\tvisits\tCPU")
	for _, r := range rows {
		fmt.Fprintln(out, r)
	}
	if len(rows) > 1 {
		first, last := rows[0], rows[len(rows)-1]
		fmt.Fprintf(out, "memory per stream: %.1f KiB\n", float64(last.rss-first.rss)/1024/float64(last.streams-first.streams))
	}
	return out.Flush()
}

// row is what was measured with one number of sessions.
type row struct {
	streams        int
	ready, restart time.Duration
	median, p99    time.Duration
	visits, writes float64
	rss            int64
	idleWrites     float64
	idleVisits     float64
	idleCPU        float64
}

func (r row) String() string {
	return fmt.Sprintf("%d\t%s\t%s\t%s\t%.2f\t%.2f\t%s\t%.0f MiB\t%.0f\t%.0f\t%.2f %%", r.streams, r.ready.Round(10*time.Millisecond),
		r.median.Round(100*time.Microsecond), r.p99.Round(100*time.Microsecond), r.visits, r.writes, r.restart.Round(10*time.Millisecond),
		float64(r.rss)/(1<<20), r.idleWrites, r.idleVisits, r.idleCPU*100)
}

// poll waits for a condition.
func poll(ctx context.Context, limit time.Duration, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.New("waited in vain")
		case <-tick.C:
		}
	}
}

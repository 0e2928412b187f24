// Command scale measures the operator's own program with many sessions on a real control plane, compared with one
// StatefulSet per bot. It only measures; run.sh provides its cluster.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"sesi.dev/sesi/test/scale/internal/command"
)

// settings are the flags of a measurement.
type settings struct {
	size     int
	operator string
	dir      string
	phases   string
	idle     time.Duration
	changing time.Duration
	out      string
}

func main() {
	var s settings
	flag.IntVar(&s.size, "n", 100, "number of sessions")
	flag.StringVar(&s.operator, "operator", "bin/operator", "the operator's program")
	flag.StringVar(&s.dir, "dir", ".", "where logs and profiles are written")
	flag.StringVar(&s.phases, "phases", "changes,mass,restart,handover,dark,idle", "what is measured once all sessions are there, by commas; making changes connected bots before that")
	flag.DurationVar(&s.idle, "idle", 5*time.Minute, "how long to watch an idle operator")
	flag.DurationVar(&s.changing, "changing", time.Minute, "how long bots change")
	flag.StringVar(&s.out, "out", "", "file that takes the result; empty for none")
	flag.Parse()
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	command.Main("scale", func(ctx context.Context) error { return run(ctx, flag.Arg(0), flag.Args(), s) })
}

func run(ctx context.Context, what string, args []string, s settings) error {
	switch {
	case what == "sessions" && len(args) == 1:
		return write(measureSessions(ctx, s))(s.out)
	case what == "statefulsets" && len(args) == 1:
		return write(measureStatefulSets(ctx, s))(s.out)
	case what == "report" && len(args) == 3:
		return report(args[1], args[2], os.Stdout)
	}
	return fmt.Errorf("want sessions, statefulsets, or report RESULTS PICTURES, and not %q", strings.Join(args, " "))
}

// write stores a result as JSON. For a failed run it stores what was measured until then.
func write(r *result, failed error) func(file string) error {
	return func(file string) error {
		if r == nil || file == "" {
			return failed
		}
		data, err := json.MarshalIndent(r, "", " ")
		if err == nil {
			err = os.WriteFile(file, append(data, '\n'), 0o644)
		}
		return errors.Join(failed, err)
	}
}

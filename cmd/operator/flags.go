package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

var namespaceName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// parse reads the flags. environ gives what a cluster tells a pod by environment: where the operator runs and where the
// cluster's API is.
func parse(args []string, environ func(string) string, help io.Writer) (options, error) {
	o := options{
		namespace: environ("POD_NAMESPACE"),
		labels:    map[string]string{"app.kubernetes.io/name": "sesi", "app.kubernetes.io/component": "operator"},
		logLevel:  slog.LevelInfo,
	}
	if api, err := netip.ParseAddr(environ("KUBERNETES_SERVICE_HOST")); err == nil {
		o.closed = append(o.closed, netip.PrefixFrom(api, api.BitLen()))
	}
	flags := flag.NewFlagSet("operator", flag.ContinueOnError)
	flags.SetOutput(help)
	flags.StringVar(&o.botImage, "bot-image", "", "image of the bots of sessions that name none (required)")
	flags.Func("watch-namespaces", "namespaces to serve, by commas; left out, the whole cluster", func(value string) error {
		return each(value, func(name string) error {
			if !namespaceName.MatchString(name) {
				return fmt.Errorf("%q is no namespace", name)
			}
			o.namespaces = append(o.namespaces, name)
			return nil
		})
	})
	flags.StringVar(&o.namespace, "operator-namespace", o.namespace,
		"namespace of the operator, for its lease and for the bots' NetworkPolicies (default $POD_NAMESPACE)")
	flags.Func("operator-labels", "labels of the operator's pods, key=value by commas, for the bots' NetworkPolicies (default app.kubernetes.io/name=sesi,app.kubernetes.io/component=operator)", func(value string) error {
		o.labels = map[string]string{}
		return each(value, func(label string) error {
			key, value, found := strings.Cut(label, "=")
			if !found || key == "" {
				return fmt.Errorf("%q is not key=value", label)
			}
			o.labels[key] = value
			return nil
		})
	})
	flags.Func("closed-cidrs", "addresses that no bot may connect to, by commas, beside $KUBERNETES_SERVICE_HOST: those of the cluster's API servers", func(value string) error {
		return each(value, func(cidr string) error {
			prefix, err := netip.ParsePrefix(cidr)
			if err != nil {
				return fmt.Errorf("%q is no CIDR, such as 10.0.0.1/32", cidr)
			}
			o.closed = append(o.closed, prefix)
			return nil
		})
	})
	flags.BoolVar(&o.leaderElect, "leader-elect", true, "let one of several operators work at a time")
	flags.StringVar(&o.metrics, "metrics-bind-address", ":8443", "where /metrics is served over HTTPS to whoever the cluster lets read it; 0 for nowhere")
	flags.StringVar(&o.probes, "health-probe-bind-address", ":8081", "where /healthz and /readyz are served; 0 for nowhere")
	flags.StringVar(&o.profiles, "pprof-bind-address", "0", "where Go's profiles are served, to whoever asks: an address of the loopback; 0 for nowhere")
	qps := flags.Float64("kube-api-qps", 500, "requests a second to the cluster's API")
	flags.IntVar(&o.burst, "kube-api-burst", 1000, "requests to the cluster's API at once")
	flags.TextVar(&o.logLevel, "log-level", slog.LevelInfo, "debug, info, warn or error")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	o.qps = float32(*qps)
	switch {
	case flags.NArg() > 0:
		return options{}, fmt.Errorf("%q is no flag: the operator takes no arguments", flags.Arg(0))
	case o.botImage == "":
		return options{}, errors.New("-bot-image is missing: the image of the bots, such as registry.example/sesi/bot:1.0.0")
	case o.qps <= 0 || o.burst <= 0:
		return options{}, errors.New("-kube-api-qps and -kube-api-burst must be above 0")
	case o.leaderElect && o.namespace == "":
		return options{}, errors.New("-operator-namespace is missing: set $POD_NAMESPACE, or say -leader-elect=false outside of a cluster")
	}
	slices.Sort(o.namespaces)
	o.namespaces = slices.Compact(o.namespaces)
	return o, nil
}

// each calls do for every part of a list with commas.
func each(list string, do func(string) error) error {
	for part := range strings.SplitSeq(list, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if err := do(part); err != nil {
			return err
		}
	}
	return nil
}

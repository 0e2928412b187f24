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

	"sesi.dev/sesi/controllers/resources"
)

var namespaceName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// parse reads the flags. environ reads the pod's environment, which says where the operator and the cluster's API are.
func parse(args []string, environ func(string) string, help io.Writer) (options, error) {
	o := options{
		namespace: environ("POD_NAMESPACE"),
		labels:    map[string]string{"app.kubernetes.io/name": "sesi", "app.kubernetes.io/component": "operator"},
		logLevel:  slog.LevelInfo,
		template:  resources.TemplateAny,
	}
	if api, err := netip.ParseAddr(environ("KUBERNETES_SERVICE_HOST")); err == nil {
		o.closed = append(o.closed, netip.PrefixFrom(api, api.BitLen()))
	}
	flags := flag.NewFlagSet("operator", flag.ContinueOnError)
	flags.SetOutput(help)
	o.declareSpec(flags)
	qps := o.declareLimits(flags)
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	o.qps = float32(*qps)
	slices.Sort(o.namespaces)
	o.namespaces = slices.Compact(o.namespaces)
	return o, o.check(flags)
}

// declareSpec declares the flags that say what the operator creates, and where.
func (o *options) declareSpec(flags *flag.FlagSet) {
	flags.StringVar(&o.botImage, "bot-image", "", "bot image of sessions that name none (required)")
	flags.Func("watch-namespaces", "comma-separated namespaces to serve; without it, the whole cluster", func(value string) error {
		return each(value, func(name string) error {
			if !namespaceName.MatchString(name) {
				return fmt.Errorf("%q is not a valid namespace", name)
			}
			o.namespaces = append(o.namespaces, name)
			return nil
		})
	})
	flags.StringVar(&o.namespace, "operator-namespace", o.namespace,
		"namespace of the operator, for its lease and for the bots' NetworkPolicies (default $POD_NAMESPACE)")
	flags.Func("operator-labels", "comma-separated key=value labels of the operator's pods, for the bots' NetworkPolicies (default app.kubernetes.io/name=sesi,app.kubernetes.io/component=operator)", func(value string) (err error) {
		o.labels, err = parseLabels(value)
		return err
	})
	flags.Func("gateway-labels", "comma-separated key=value labels of the gateway's pods in the operator's namespace, which the bots' NetworkPolicies let in too (default none)", func(value string) (err error) {
		if o.gateway, err = parseLabels(value); err == nil && len(o.gateway) == 0 {
			o.gateway = nil // labels of none would let in every pod
		}
		return err
	})
	flags.Func("closed-cidrs", "comma-separated addresses that no bot may connect to, in addition to $KUBERNETES_SERVICE_HOST: the cluster's API servers", func(value string) error {
		return each(value, func(cidr string) error {
			prefix, err := netip.ParsePrefix(cidr)
			if err != nil {
				return fmt.Errorf("%q is not a CIDR such as 10.0.0.1/32", cidr)
			}
			o.closed = append(o.closed, prefix)
			return nil
		})
	})
	flags.Func("template-policy", "what a session's spec may change in its pod: none (no template, no image), safe (sidecars, but no host access, privileges, other ServiceAccount, bot image or command) or any (default any)", func(value string) (err error) {
		o.template, err = resources.ParseTemplatePolicy(value)
		return err
	})
	flags.Func("personal-data", "how a session's status shows the account's phone number, JID, LID and push name: shown, or masked as +62***89 (default shown)", func(value string) error {
		if value != "shown" && value != "masked" {
			return errors.New("use shown or masked")
		}
		o.masked = value == "masked"
		return nil
	})
}

// declareLimits declares the flags of the operator's own process. It returns the value of -kube-api-qps.
func (o *options) declareLimits(flags *flag.FlagSet) (qps *float64) {
	flags.BoolVar(&o.leaderElect, "leader-elect", true, "let only one of several operators work at a time")
	flags.StringVar(&o.metrics, "metrics-bind-address", ":8443", "address of /metrics, over HTTPS and for callers allowed to GET /metrics; 0 turns it off")
	flags.StringVar(&o.probes, "health-probe-bind-address", ":8081", "address of /healthz and /readyz; 0 turns them off")
	flags.StringVar(&o.profiles, "pprof-bind-address", "0", "address of Go's profiles, which need no login: use a loopback address; 0 turns them off")
	qps = flags.Float64("kube-api-qps", 500, "requests per second to the cluster's API")
	flags.IntVar(&o.burst, "kube-api-burst", 1000, "burst of requests to the cluster's API")
	flags.TextVar(&o.logLevel, "log-level", slog.LevelInfo, "debug, info, warn or error")
	return qps
}

// check returns an error for flags that are missing or do not fit together.
func (o *options) check(flags *flag.FlagSet) error {
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("%q is not a flag: the operator takes no arguments", flags.Arg(0))
	case o.botImage == "":
		return errors.New("-bot-image is missing: the image of the bots, such as registry.example/sesi/bot:1.0.0")
	case o.qps <= 0 || o.burst <= 0:
		return errors.New("-kube-api-qps and -kube-api-burst must be above 0")
	case o.leaderElect && o.namespace == "":
		return errors.New("-operator-namespace is missing: set $POD_NAMESPACE, or use -leader-elect=false outside a cluster")
	}
	return nil
}

// parseLabels reads key=value, key=value.
func parseLabels(list string) (map[string]string, error) {
	labels := map[string]string{}
	return labels, each(list, func(label string) error {
		key, value, found := strings.Cut(label, "=")
		if !found || key == "" {
			return fmt.Errorf("%q is not key=value", label)
		}
		labels[key] = value
		return nil
	})
}

// each calls do for every part of a comma-separated list.
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

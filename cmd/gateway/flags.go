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
	"time"
)

// options are the flags, read.
type options struct {
	address, probes  string
	certificate, key string
	namespaces       []string
	trusted          []netip.Prefix
	proxyRoots       string
	proxyNames       []string
	userHeader       string
	groupHeader      string
	locale           string
	rate             float64
	body             int64
	drain            time.Duration
	logLevel         slog.Level
}

var namespaceName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// parse reads the flags.
func parse(args []string, help io.Writer) (options, error) {
	o := options{logLevel: slog.LevelInfo}
	flags := flag.NewFlagSet("gateway", flag.ContinueOnError)
	flags.SetOutput(help)
	flags.StringVar(&o.address, "bind-address", ":8080", "address of the API and the desk")
	flags.StringVar(&o.probes, "probe-bind-address", ":9090", "address of /livez, /readyz and /metrics, without login")
	flags.StringVar(&o.certificate, "tls-cert-file", "", "serving certificate in PEM, read again when it changes; without it the API is served without TLS, for an Ingress in front")
	flags.StringVar(&o.key, "tls-key-file", "", "key of -tls-cert-file in PEM")
	flags.Func("watch-namespaces", "comma-separated namespaces to serve; without it, the whole cluster", func(value string) error {
		return each(value, func(name string) error {
			if !namespaceName.MatchString(name) {
				return fmt.Errorf("%q is not a valid namespace", name)
			}
			o.namespaces = append(o.namespaces, name)
			return nil
		})
	})
	flags.Func("trusted-proxies", "comma-separated CIDRs of the proxies whose X-Forwarded-For is believed, for audit lines and for slowing down wrong keys", func(value string) error {
		return each(value, func(cidr string) error {
			prefix, err := netip.ParsePrefix(cidr)
			if err != nil {
				return fmt.Errorf("%q is not a CIDR such as 10.0.0.0/8", cidr)
			}
			o.trusted = append(o.trusted, prefix.Masked())
			return nil
		})
	})
	flags.StringVar(&o.proxyRoots, "auth-proxy-ca-file", "", "CA in PEM of a proxy in front that signs people in and proves itself with a client certificate; needs -tls-cert-file and -auth-proxy-names")
	flags.Func("auth-proxy-names", "comma-separated common names that the certificate of the proxy of -auth-proxy-ca-file may have", func(value string) error {
		return each(value, func(name string) error {
			o.proxyNames = append(o.proxyNames, name)
			return nil
		})
	})
	flags.StringVar(&o.userHeader, "auth-proxy-user-header", "X-Remote-User", "header in which that proxy tells the user's name")
	flags.StringVar(&o.groupHeader, "auth-proxy-group-header", "X-Remote-Group", "header in which that proxy tells the user's groups, one in each")
	flags.StringVar(&o.locale, "locale", "id", "language of those who ask for none: id or en")
	flags.Float64Var(&o.rate, "rate", 200, "requests per second of one key or user, after a first burst of twice as many")
	size := flags.Int64("max-body-mib", 96, "largest body of a request, in MiB")
	flags.DurationVar(&o.drain, "drain", 5*time.Second, "how long the gateway keeps serving after it was told to stop, until endpoints and load balancers no longer send requests to it")
	flags.TextVar(&o.logLevel, "log-level", slog.LevelInfo, "debug, info, warn or error; audit lines are info")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	o.body = *size << 20
	switch {
	case flags.NArg() > 0:
		return options{}, fmt.Errorf("%q is not a flag: the gateway takes no arguments", flags.Arg(0))
	case (o.certificate == "") != (o.key == ""):
		return options{}, errors.New("-tls-cert-file and -tls-key-file go together: set both or none")
	case (o.proxyRoots == "") != (len(o.proxyNames) == 0):
		return options{}, errors.New("-auth-proxy-ca-file and -auth-proxy-names go together: set both or none")
	case o.proxyRoots != "" && o.certificate == "":
		return options{}, errors.New("-auth-proxy-ca-file needs -tls-cert-file: without TLS the proxy cannot prove itself")
	case o.proxyRoots != "" && (o.userHeader == "" || o.groupHeader == ""):
		return options{}, errors.New("-auth-proxy-user-header and -auth-proxy-group-header must name a header")
	case o.locale != "id" && o.locale != "en":
		return options{}, fmt.Errorf("-locale %q is not id or en", o.locale)
	case o.rate <= 0 || *size <= 0 || *size > 4096:
		return options{}, errors.New("-rate must be above 0, and -max-body-mib from 1 to 4096")
	case o.drain < 0 || o.drain > time.Minute:
		return options{}, errors.New("-drain must be from 0s to 1m")
	}
	slices.Sort(o.namespaces)
	o.namespaces = slices.Compact(o.namespaces)
	return o, nil
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

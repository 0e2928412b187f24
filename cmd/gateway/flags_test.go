package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	plain := options{address: ":8080", probes: ":9090", locale: "id", userHeader: "X-Remote-User", groupHeader: "X-Remote-Group", rate: 200, body: 96 << 20, drain: 5 * time.Second, logLevel: slog.LevelInfo}
	cases := map[string]struct {
		args string
		want func(*options)
		err  string
	}{
		"nothing":    {want: func(*options) {}},
		"namespaces": {args: "-watch-namespaces shop,bank,shop", want: func(o *options) { o.namespaces = []string{"bank", "shop"} }},
		"TLS":        {args: "-tls-cert-file a -tls-key-file b", want: func(o *options) { o.certificate, o.key = "a", "b" }},
		"a proxy":    {args: "-trusted-proxies 10.1.2.3/8", want: func(o *options) { o.trusted = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }},
		"people": {args: "-tls-cert-file a -tls-key-file b -auth-proxy-ca-file c -auth-proxy-names sso,front -auth-proxy-user-header X-User", want: func(o *options) {
			o.certificate, o.key, o.proxyRoots, o.proxyNames, o.userHeader = "a", "b", "c", []string{"sso", "front"}, "X-User"
		}},
		"a proxy of no name": {args: "-tls-cert-file a -tls-key-file b -auth-proxy-ca-file c", err: "go together"},
		"a proxy in clear":   {args: "-auth-proxy-ca-file c -auth-proxy-names sso", err: "needs -tls-cert-file"},
		"limits":             {args: "-rate 5 -max-body-mib 2 -drain 0s", want: func(o *options) { o.rate, o.body, o.drain = 5, 2<<20, 0 }},
		"half of TLS":        {args: "-tls-cert-file a", err: "go together"},
		"a key alone":        {args: "-tls-key-file b", err: "go together"},
		"names alone":        {args: "-tls-cert-file a -tls-key-file b -auth-proxy-names sso", err: "go together"},
		"no user header":     {args: "-tls-cert-file a -tls-key-file b -auth-proxy-ca-file c -auth-proxy-names sso -auth-proxy-user-header=", err: "must name a header"},
		"no group header":    {args: "-tls-cert-file a -tls-key-file b -auth-proxy-ca-file c -auth-proxy-names sso -auth-proxy-group-header=", err: "must name a header"},
		"a huge body":        {args: "-max-body-mib 4097", err: "from 1 to 4096"},
		"no body":            {args: "-max-body-mib 0", err: "from 1 to 4096"},
		"a negative drain":   {args: "-drain -1s", err: "-drain must be"},
		"a language":         {args: "-locale de", err: "is not id or en"},
		"no rate":            {args: "-rate 0", err: "above 0"},
		"a long drain":       {args: "-drain 1h", err: "-drain must be"},
		"a bad CIDR":         {args: "-trusted-proxies 10.0.0.1", err: "is not a CIDR"},
		"a bad namespace":    {args: "-watch-namespaces Shop", err: "is not a valid namespace"},
		"an argument":        {args: "serve", err: "takes no arguments"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := parse(strings.Fields(c.args), io.Discard)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error = %v, want %q", err, c.err)
				}
				return
			}
			want := plain
			c.want(&want)
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("parse = %v, %v\nwant    %v", got, err, want)
			}
		})
	}
}

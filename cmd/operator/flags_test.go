package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"sesi.dev/sesi/controllers/resources"
)

func TestParse(t *testing.T) {
	inPod := map[string]string{"POD_NAMESPACE": "sesi-system", "KUBERNETES_SERVICE_HOST": "10.96.0.1"}
	plain := options{
		botImage: "bot:1", template: resources.TemplateAny, namespace: "sesi-system", leaderElect: true, metrics: ":8443", probes: ":8081", profiles: "0", qps: 500, burst: 1000,
		labels: map[string]string{"app.kubernetes.io/name": "sesi", "app.kubernetes.io/component": "operator"},
		closed: []netip.Prefix{netip.MustParsePrefix("10.96.0.1/32")},
	}
	cases := map[string]struct {
		args    string
		environ map[string]string
		want    func(*options)
		err     string
	}{
		"in a pod":            {args: "-bot-image bot:1", environ: inPod, want: func(*options) {}},
		"namespaces":          {args: "-bot-image bot:1 -watch-namespaces shop,bank,shop", environ: inPod, want: func(o *options) { o.namespaces = []string{"bank", "shop"} }},
		"labels":              {args: "-bot-image bot:1 -operator-labels a=b,c=", environ: inPod, want: func(o *options) { o.labels = map[string]string{"a": "b", "c": ""} }},
		"a gateway":           {args: "-bot-image bot:1 -gateway-labels a=b", environ: inPod, want: func(o *options) { o.gateway = map[string]string{"a": "b"} }},
		"no gateway":          {args: "-bot-image bot:1 -gateway-labels ,", environ: inPod, want: func(*options) {}},
		"closed":              {args: "-bot-image bot:1 -closed-cidrs 192.0.2.7/32", environ: inPod, want: func(o *options) { o.closed = append(o.closed, netip.MustParsePrefix("192.0.2.7/32")) }},
		"at a desk":           {args: "-bot-image bot:1 -leader-elect=false -log-level debug", want: func(o *options) { o.leaderElect, o.namespace, o.closed, o.logLevel = false, "", nil, slog.LevelDebug }},
		"a template policy":   {args: "-bot-image bot:1 -template-policy safe", environ: inPod, want: func(o *options) { o.template = resources.TemplateSafe }},
		"masked":              {args: "-bot-image bot:1 -personal-data masked", environ: inPod, want: func(o *options) { o.masked = true }},
		"shown":               {args: "-bot-image bot:1 -personal-data shown", environ: inPod, want: func(*options) {}},
		"masked in a new way": {args: "-bot-image bot:1 -personal-data hashed", environ: inPod, err: "use shown or masked"},
		"an unknown policy":   {args: "-bot-image bot:1 -template-policy some", environ: inPod, err: "use none, safe or any"},
		"no image":            {environ: inPod, err: "-bot-image is missing"},
		"no namespace":        {args: "-bot-image bot:1", err: "-operator-namespace is missing"},
		"an argument":         {args: "-bot-image bot:1 serve", environ: inPod, err: "takes no arguments"},
		"a bad namespace":     {args: "-bot-image bot:1 -watch-namespaces Shop", environ: inPod, err: "is not a valid namespace"},
		"a bad label":         {args: "-bot-image bot:1 -operator-labels name", environ: inPod, err: "is not key=value"},
		"a bad CIDR":          {args: "-bot-image bot:1 -closed-cidrs 10.0.0.1", environ: inPod, err: "is not a CIDR"},
		"no requests at all":  {args: "-bot-image bot:1 -kube-api-qps 0", environ: inPod, err: "must be above 0"},
		"an unknown flag":     {args: "-bot-image bot:1 -replicas 3", environ: inPod, err: "not defined"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := parse(strings.Fields(c.args), func(key string) string { return c.environ[key] }, io.Discard)
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

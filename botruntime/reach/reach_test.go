package reach

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"sesi.dev/sesi/test/odd"
)

func TestGuardRefusesWhatIsNotTheInternet(t *testing.T) {
	cases := map[string]struct {
		allow    string
		loopback bool
		address  string
		ok       bool
	}{
		"the internet":                    {address: "93.184.216.34", ok: true},
		"the internet, IPv6":              {address: "2606:4700::1111", ok: true},
		"the internet behind NAT64":       {address: "64:ff9b::5db8:d822", ok: true},
		"metadata":                        {address: "169.254.169.254"},
		"metadata of a cloud, IPv6":       {address: "fd00:ec2::254"},
		"metadata in an IPv4-mapped form": {address: "::ffff:169.254.169.254", loopback: true},
		"metadata behind NAT64":           {address: "64:ff9b::a9fe:a9fe"},
		"metadata behind 6to4":            {address: "2002:a9fe:a9fe::1"},
		"metadata of Azure, public":       {address: "168.63.129.16"},
		"metadata of Google, IPv6":        {address: "fd20:ce::254"},
		"metadata behind the other NAT64": {address: "64:ff9b:1::a9fe:a9fe"},
		"loopback, IPv4-compatible":       {address: "::127.0.0.1", loopback: true},
		"Teredo":                          {address: "2001:0:a9fe:a9fe::1"},
		"metadata, translated":            {address: "::ffff:0:169.254.169.254"},
		"loopback, translated":            {address: "::ffff:0:127.0.0.1", loopback: true},
		"a form of tomorrow":              {address: "4000::1"},
		"the old 6bone":                   {address: "3ffe::1", ok: true},
		"unassigned, below private":       {address: "fbff::1"},
		"a relay of 6to4":                 {address: "192.88.99.1"},
		"link-local with a zone":          {address: "fe80::1%eth0"},
		"private":                         {address: "10.1.2.3"},
		"metadata of Alibaba":             {address: "100.100.100.200"},
		"carrier":                         {address: "100.64.3.4"},
		"unspecified":                     {address: "0.0.0.0", loopback: true},
		"unspecified, IPv6":               {address: "::", loopback: true},
		"broadcast":                       {address: "255.255.255.255"},
		"multicast":                       {address: "224.0.0.1"},
		"this network":                    {address: "0.1.2.3", loopback: true},
		"protocol assignments":            {address: "192.0.0.8"},
		"benchmarks":                      {address: "198.18.0.1"},
		"an example":                      {address: "192.0.2.1"},
		"a second example":                {address: "198.51.100.1"},
		"a third example":                 {address: "203.0.113.1"},
		"an example, IPv6":                {address: "2001:db8::1"},
		"a newer example, IPv6":           {address: "3fff::1"},
		"a class of tomorrow":             {address: "240.0.0.1"},
		"discarded":                       {address: "100::1"},
		"segments":                        {address: "5f00::1"},
		"site-local":                      {address: "fec0::1"},
		"multicast, IPv6":                 {address: "ff02::1"},
		"private, mapped":                 {address: "::ffff:10.1.2.3"},
		"private, mapped, allowed":        {allow: "10.0.0.0/8", address: "::ffff:10.1.2.3", ok: true},
		"link-local, allowed":             {allow: "fe80::/10", address: "fe80::1%eth0", ok: true},
		"loopback in a pod":               {address: "127.0.0.1"},
		"loopback on a machine":           {address: "127.0.0.1", loopback: true, ok: true},
		"loopback, IPv6":                  {address: "::1", loopback: true, ok: true},
		"loopback behind NAT64":           {address: "64:ff9b::7f00:1", loopback: true},
		"private, allowed":                {allow: "192.168.0.0/16, 10.0.0.0/8", address: "10.1.2.3", ok: true},
		"another private":                 {allow: "192.168.0.0/16", address: "10.1.2.3"},
		"one address":                     {allow: "10.1.2.3", address: "10.1.2.3", ok: true},
		"metadata, allowed":               {allow: "169.254.169.254", address: "169.254.169.254", ok: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g, err := New("WEBHOOK_ALLOW", c.allow, c.loopback)
			if err != nil {
				t.Fatal(err)
			}
			if err := g.Check(netip.MustParseAddr(c.address)); (err == nil) != c.ok {
				t.Errorf("got %v, want allowed %v", err, c.ok)
			}
		})
	}
}

func TestDialChecksWhatANameLeadsTo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for allow, ok := range map[string]bool{"": false, "other.example": false, "localhost": true, "LOCALHOST.": true, "127.0.0.0/8,::1": true} {
		g, err := New("WEBHOOK_ALLOW", allow, false)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := g.DialContext(t.Context(), "tcp", "localhost:"+port)
		if (err == nil) != ok {
			t.Errorf("allow %q: %v, want a connection %v", allow, err, ok)
		}
		if err == nil {
			_ = conn.Close()
			continue
		}
		var refused *RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "WEBHOOK_ALLOW") {
			t.Errorf("allow %q: %v does not name the setting", allow, err)
		}
	}
}

func TestNamesBelowADomain(t *testing.T) {
	g, err := New("WEBHOOK_ALLOW", "*.svc.cluster.local, n8n.internal", false)
	if err != nil {
		t.Fatal(err)
	}
	for host, ok := range map[string]bool{"a.b.svc.cluster.local": true, "svc.cluster.local": false, "evilsvc.cluster.local": false,
		"n8n.internal.": true, "x.n8n.internal": false} {
		if g.named(host) != ok {
			t.Errorf("%s: %v, want %v", host, !ok, ok)
		}
	}
}

func TestWhatIsNoRuleIsRefused(t *testing.T) {
	rules := odd.Rules()
	if len(rules) < 100 {
		t.Fatalf("only %d odd rules", len(rules))
	}
	for _, bad := range rules {
		if _, err := New("WEBHOOK_ALLOW", bad, false); err == nil || !strings.Contains(err.Error(), "WEBHOOK_ALLOW") {
			t.Errorf("%q: %v, want an error that names the setting", bad, err)
		}
	}
}

// A guard with private addresses opens those of a cluster, and never the machine's own or a cloud's metadata.
func TestPrivateAddresses(t *testing.T) {
	g, err := New("WEBHOOK_ALLOW", "", false)
	if err != nil {
		t.Fatal(err)
	}
	for address, open := range map[string]bool{
		"10.96.0.10": true, "192.168.1.5": true, "172.20.0.1": true, "100.64.3.4": true, "fd12::1": true, "93.184.216.34": true, "198.18.0.1": true, "fec0::1": true, "64:ff9b:1::a00:1": true, "::ffff:10.96.0.10": true,
		"127.0.0.1": false, "::1": false, "169.254.169.254": false, "100.100.100.200": false, "fd00:ec2::254": false, "fd00:ec2::23": false, "fd20:ce::254": false, "fd00:42::42": false, "168.63.129.16": false, "::ffff:127.0.0.1": false, "0.0.0.0": false,
	} {
		if err := g.WithPrivate().Check(netip.MustParseAddr(address)); (err == nil) != open {
			t.Errorf("%s: %v, want open: %t", address, err, open)
		}
	}
	if g.Check(netip.MustParseAddr("10.96.0.10")) == nil {
		t.Error("the guard itself became wider")
	}
}

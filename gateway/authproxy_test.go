package gateway_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/gateway"
	"sesi.dev/sesi/test/apiserver"
)

// signed returns a client certificate of a common name, signed by a CA of its own, and the CA.
func signed(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	certificate, err := x509.ParseCertificate(der)
	must(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// Only the proxy whose name is trusted, with a certificate of the trusted CA, says who a person is.
func TestPeopleBehindAProxy(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", echo)
	rules := []rbacv1.PolicyRule{rule("get", ""), rule("list", ""), rule("watch", "")}
	must(t, admin.Create(t.Context(), &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "people"}, Rules: rules}))
	must(t, admin.Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "people"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "people"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "siti@example.com"}, {APIGroup: rbacv1.GroupName, Kind: "Group", Name: "support"}},
	}))
	apiserver.UntilAllowed(t, admin, "siti@example.com", namespace, rules...)
	front, roots := signed(t, "front")
	stranger, _ := signed(t, "front")
	g, err := gateway.New(gateway.Options{Config: environment.Config, Locale: "en",
		AuthProxy: &gateway.AuthProxy{Roots: roots, Names: []string{"front"}, UserHeader: "X-Remote-User", GroupHeader: "X-Remote-Group"}})
	must(t, err)
	other, err := gateway.New(gateway.Options{Config: environment.Config,
		AuthProxy: &gateway.AuthProxy{Roots: roots, Names: []string{"another"}, UserHeader: "X-Remote-User", GroupHeader: "X-Remote-Group"}})
	must(t, err)
	path := bot.GatewayPath(namespace, "shop")
	rows := map[string]struct {
		at          *gateway.Gateway
		certificate *tls.Certificate
		header      http.Header
		path        string
		want        int
	}{
		"a person":                  {g, &front, http.Header{"X-Remote-User": {"siti@example.com"}}, path, 200},
		"a member of a group":       {g, &front, http.Header{"X-Remote-User": {"budi"}, "X-Remote-Group": {"sales", "support"}}, path, 200},
		"an earlier cookie":         {g, &front, http.Header{"X-Remote-User": {"siti@example.com"}, "Cookie": {"sesi-desk=ended"}}, path, 200},
		"a person without rights":   {g, &front, http.Header{"X-Remote-User": {"budi"}}, path, 404},
		"a person at the desk":      {g, &front, http.Header{"X-Remote-User": {"siti@example.com"}}, "/desk/sessions/" + namespace + "/shop", 200},
		"a page of another site":    {g, &front, http.Header{"X-Remote-User": {"siti@example.com"}, "Sec-Fetch-Site": {"cross-site"}}, path, 403},
		"the cluster's own user":    {g, &front, http.Header{"X-Remote-User": {"system:admin"}}, path, 401},
		"the cluster's own group":   {g, &front, http.Header{"X-Remote-User": {"budi"}, "X-Remote-Group": {"system:masters"}}, path, 404},
		"two names":                 {g, &front, http.Header{"X-Remote-User": {"siti@example.com", "budi"}}, path, 401},
		"nobody":                    {g, &front, http.Header{}, path, 401},
		"without a certificate":     {g, nil, http.Header{"X-Remote-User": {"siti@example.com"}}, path, 401},
		"a certificate of another":  {g, &stranger, http.Header{"X-Remote-User": {"siti@example.com"}}, path, 401},
		"a name that is not listed": {other, &front, http.Header{"X-Remote-User": {"siti@example.com"}}, path, 401},
	}
	servers := map[*gateway.Gateway]*httptest.Server{}
	for _, one := range []*gateway.Gateway{g, other} {
		must(t, one.Start(t.Context()))
		server := httptest.NewUnstartedServer(one)
		server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
		server.StartTLS()
		t.Cleanup(server.Close)
		servers[one] = server
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			config := servers[row.at].Client().Transport.(*http.Transport).TLSClientConfig.Clone()
			if row.certificate != nil {
				config.Certificates = []tls.Certificate{*row.certificate}
				config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return row.certificate, nil }
			}
			transport := &http.Transport{TLSClientConfig: config}
			defer transport.CloseIdleConnections()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, servers[row.at].URL+row.path, nil)
			must(t, err)
			request.Header = row.header
			answer, err := transport.RoundTrip(request)
			must(t, err)
			defer answer.Body.Close()
			body, _ := io.ReadAll(answer.Body)
			if answer.StatusCode != row.want {
				t.Errorf("answered %d %s, want %d", answer.StatusCode, body, row.want)
			}
		})
	}
}

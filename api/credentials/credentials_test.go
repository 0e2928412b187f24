package credentials

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

var january = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newSession(name string) *v1alpha1.WhatsAppSession {
	return &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", UID: "a-session"}}
}

func build(t *testing.T, session *v1alpha1.WhatsAppSession, existing *corev1.Secret, now time.Time) *corev1.Secret {
	t.Helper()
	secret, err := Build(session, existing, now)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func TestDecideRenewal(t *testing.T) {
	session := newSession("shop")
	good := build(t, session, nil, january)
	edited := func(key, value string) *corev1.Secret {
		secret := good.DeepCopy()
		secret.Data[key] = []byte(value)
		return secret
	}
	other := build(t, newSession("other"), nil, january)
	stranger := build(t, session, nil, january)

	cases := map[string]struct {
		secret *corev1.Secret
		now    time.Time
		want   Renewal
	}{
		"no Secret":                {nil, january, RenewalMissing},
		"new":                      {good, january, RenewalNone},
		"a day before it is due":   {good, january.AddDate(0, 0, 304), RenewalNone},
		"when it is due":           {good, january.AddDate(0, 0, 305), RenewalExpiring},
		"expired":                  {good, january.AddDate(2, 0, 0), RenewalExpiring},
		"a user's token":           {edited(KeyToken, "a-token-of-my-own-choice\n"), january, RenewalNone},
		"no token":                 {edited(KeyToken, ""), january, RenewalInvalid},
		"short token":              {edited(KeyToken, "short"), january, RenewalInvalid},
		"token with a space":       {edited(KeyToken, "a token with spaces in it"), january, RenewalInvalid},
		"no certificate":           {edited(KeyCertificate, ""), january, RenewalInvalid},
		"broken certificate":       {edited(KeyCertificate, "-----BEGIN"), january, RenewalInvalid},
		"another bot's key":        {edited(KeyPrivateKey, string(stranger.Data[KeyPrivateKey])), january, RenewalInvalid},
		"another session's Secret": {other, january, RenewalInvalid},
		"no roots":                 {edited(KeyRoots, ""), january, RenewalNone},
		"an empty Secret":          {&corev1.Secret{}, january, RenewalInvalid},
		"renewed when it is due":   {build(t, session, good, january.AddDate(0, 0, 305)), january.AddDate(0, 0, 305), RenewalNone},
		"replaced after an edit":   {build(t, session, edited(KeyCertificate, "x"), january), january, RenewalNone},
		"given a new token":        {build(t, session, edited(KeyToken, "x"), january), january, RenewalNone},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := DecideRenewal(session, c.secret, c.now); got != c.want {
				t.Errorf("DecideRenewal = %q, want %q", got, c.want)
			}
		})
	}
}

// TestRenewalKeeps: a renewal keeps the token that callers have, and the identity that an update of the Secret needs.
func TestRenewalKeeps(t *testing.T) {
	session := newSession("shop")
	first := build(t, session, nil, january)
	first.ResourceVersion, first.UID = "7", "u"
	second := build(t, session, first, january.AddDate(0, 11, 0))
	if string(second.Data[KeyToken]) != string(first.Data[KeyToken]) {
		t.Error("the token changed")
	}
	if string(second.Data[KeyCertificate]) == string(first.Data[KeyCertificate]) {
		t.Error("the certificate did not change")
	}
	if second.ResourceVersion != "7" || second.UID != "u" {
		t.Errorf("the update would go to version %q of %q", second.ResourceVersion, second.UID)
	}
	third := build(t, session, second, january.AddDate(1, 10, 0))
	if len(third.Data[KeyRoots]) > 2*len(second.Data[KeyCertificate])+100 {
		t.Error("the roots grow with every renewal")
	}
}

// TestTrusted: in real handshakes, a caller with the session's Secret accepts the present and the previous certificate of
// the bot and no other one.
func TestTrusted(t *testing.T) {
	now := time.Now()
	session := newSession("shop")
	first := build(t, session, nil, now)
	second := build(t, session, first, now)
	third := build(t, session, second, now)
	stranger := build(t, session, nil, now)

	cases := map[string]struct {
		served *corev1.Secret
		want   bool
	}{
		"present certificate":        {second, true},
		"previous certificate":       {first, true},
		"next certificate":           {third, false},
		"another issuer, same names": {stranger, false},
	}
	forCurl, forOperator := x509.NewCertPool(), x509.NewCertPool()
	forCurl.AppendCertsFromPEM(second.Data[KeyRoots])
	read, err := Read(session, second)
	if err != nil {
		t.Fatal(err)
	}
	for _, certificate := range read.Certificates {
		forOperator.AppendCertsFromPEM(certificate)
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			pair, err := tls.X509KeyPair(c.served.Data[KeyCertificate], c.served.Data[KeyPrivateKey])
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, "ok")
			}))
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}
			server.StartTLS()
			defer server.Close()

			for caller, roots := range map[string]*x509.CertPool{"curl": forCurl, "the operator": forOperator} {
				connection, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp",
					server.Listener.Addr().String(), &tls.Config{RootCAs: roots, ServerName: naming.ServerName(session)})
				if err == nil {
					connection.Close()
				}
				if (err == nil) != c.want {
					t.Errorf("handshake of %s: %v, want success: %t", caller, err, c.want)
				}
			}
		})
	}
}

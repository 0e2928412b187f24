package resources_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/controllers/resources"
)

// TestBotTakesItsEnvironment: the bot reads every variable that the operator sets, with the value that was meant. No other
// code knows both sides.
func TestBotTakesItsEnvironment(t *testing.T) {
	session := &v1alpha1.WhatsAppSession{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "default"},
		Spec: v1alpha1.WhatsAppSessionSpec{
			Pairing:        v1alpha1.Pairing{Method: v1alpha1.PairingPhoneCode, PhoneNumber: "+628123456789"},
			ProxySecretRef: &v1alpha1.ProxySecretRef{Name: "proxy", Port: 1080},
		},
	}
	pod, err := resources.BuildPod(session, resources.Options{BotImage: "bot"})
	if err != nil {
		t.Fatal(err)
	}
	settings, err := config.Load(environ(t, pod.Spec.Containers[0].Env), "")
	if err != nil {
		t.Fatal(err)
	}
	for what, holds := range map[string]bool{
		"the plain listener is the pod's own":        settings.Host == "127.0.0.1" && settings.Port == int(naming.PortPlain),
		"HTTPS is served to others":                  settings.TLS() && settings.TLSHost == "" && settings.TLSPort == int(naming.PortTLS),
		"health and metrics are served to others":    settings.MetricsHost == "0.0.0.0" && settings.MetricsPort == int(naming.PortMetrics),
		"the token is read from its file":            settings.HasToken() && settings.APIToken == "",
		"the instance is the pod":                    settings.Instance == "the-pods-uid",
		"the session is the spec's":                  settings.ClientID == "shop" && settings.AuthPath == "/data",
		"the phone is the spec's":                    settings.PairingPhoneNumber == "+628123456789",
		"the proxy is the Secret's":                  settings.ProxyURL != nil && settings.ProxyURL.Port() == "1080",
		"the Web version is remembered on the claim": settings.WebVersionCachePath == "/data/.wwebjs_cache",
		"the log format is the default":              settings.LogFormat == config.LogAuto,
	} {
		if !holds {
			t.Errorf("not true: %s; the bot reads %+v", what, settings)
		}
	}
}

// environ resolves a container's variables as the kubelet does.
func environ(t *testing.T, variables []corev1.EnvVar) []string {
	t.Helper()
	var lines []string
	for _, variable := range variables {
		value := variable.Value
		switch source := variable.ValueFrom; {
		case source == nil:
		case source.FieldRef != nil && source.FieldRef.FieldPath == "metadata.uid":
			value = "the-pods-uid"
		case source.SecretKeyRef != nil:
			value = "socks5://user:password@proxy.example:1080"
		default:
			t.Fatalf("variable %s comes from a source that this test does not know", variable.Name)
		}
		lines = append(lines, variable.Name+"="+value)
	}
	return lines
}

package charts_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/test/apiserver"
)

// withGateway are the values that a gateway needs.
const withGateway = "gateway.enabled=true,gateway.image.repository=sesi.dev/gateway,"

// TestGatewayRights holds that the gateway reads Secrets by watches alone, and cannot make pods.
func TestGatewayRights(t *testing.T) {
	var mine []string
	for _, line := range rights(t, renderCase(t, "everything", "wa-bots")) {
		if strings.Contains(line, "-gateway:") || strings.Contains(line, "-gateway-auth:") {
			_, right, _ := strings.Cut(line, ": ")
			mine = append(mine, right)
		}
	}
	want := []string{
		"create authentication.k8s.io tokenreviews", "create authorization.k8s.io subjectaccessreviews", "create secrets", "create sesi.dev whatsappsessions",
		"delete secrets", "delete sesi.dev whatsappsessions", "get sesi.dev whatsappsessions", "list events", "list pods,secrets", "list sesi.dev whatsappsessions",
		"patch secrets", "patch sesi.dev whatsappsessions", "watch pods,secrets", "watch sesi.dev whatsappsessions",
	}
	slices.Sort(mine)
	if !slices.Equal(mine, want) {
		t.Errorf("the gateway may\n%s\nwant\n%s", strings.Join(mine, "\n"), strings.Join(want, "\n"))
	}
}

// TestGatewayNeedsItsName holds that an Ingress or a route without a host is refused with the remedy.
func TestGatewayNeedsItsName(t *testing.T) {
	if _, err := helm(t, "template", "sesi", chart, "--values", valuesFile("default"), "--set", "gateway.enabled=true"); err == nil || !strings.Contains(err.Error(), "gateway.image.repository") {
		t.Errorf("without an image: %v", err)
	}
	for _, set := range []string{"gateway.ingress.enabled=true", "gateway.httpRoute.enabled=true,gateway.httpRoute.parentRefs[0].name=x"} {
		_, err := helm(t, "template", "sesi", chart, "--values", valuesFile("default"), "--set", withGateway+set)
		if err == nil || !strings.Contains(err.Error(), "gateway.host") {
			t.Errorf("%s: %v", set, err)
		}
	}
}

// TestGatewayRoute holds the HTTPRoute, whose kind no API server here knows: its parents, its host, where it leads, and
// that it ends no stream.
func TestGatewayRoute(t *testing.T) {
	for _, object := range render(t, "sesi", "--values", valuesFile("default"), "--set", withGateway+"gateway.host=wa.example.com,gateway.httpRoute.enabled=true,gateway.httpRoute.parentRefs[0].name=public") {
		if object.GetKind() != "HTTPRoute" {
			continue
		}
		got := string(asYAML(t, object.Object["spec"]))
		want := `hostnames:
- wa.example.com
parentRefs:
- name: public
rules:
- backendRefs:
  - name: sesi-gateway
    port: 80
  timeouts:
    request: 0s
`
		if got != want {
			t.Errorf("the route is\n%s", got)
		}
		return
	}
	t.Error("there is no HTTPRoute")
}

// TestGatewayWritesOnlyItsOwnSecrets tries on a real API server what the gateway's ServiceAccount may do to Secrets.
func TestGatewayWritesOnlyItsOwnSecrets(t *testing.T) {
	environment, api := apiserver.Strict(t)
	if err := api.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		t.Fatal(err)
	}
	kinds := []string{"ClusterRole", "ClusterRoleBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
	for _, object := range render(t, "sesi", "--values", valuesFile("default"), "--set", "gateway.enabled=true,gateway.image.repository=sesi.dev/gateway") {
		if slices.Contains(kinds, object.GetKind()) && strings.Contains(object.GetName(), "-gateway") {
			if err := api.Create(t.Context(), &object); err != nil {
				t.Fatalf("%s: %v", key(object), err)
			}
		}
	}
	config := rest.CopyConfig(environment.Config)
	config.Impersonate.UserName = "system:serviceaccount:" + namespace + ":sesi-gateway"
	gateway, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	secret := func(name string, kind corev1.SecretType) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: kind}
	}
	const settings = "sesi.dev/session-settings"
	if err := api.Create(t.Context(), secret("theirs", corev1.SecretTypeOpaque)); err != nil {
		t.Fatal(err)
	}
	refused := func(err error) bool { return err != nil && strings.Contains(err.Error(), settings) }
	// An API server needs a moment to take a policy over.
	end := time.Now().Add(2 * time.Minute)
	for try := 0; !refused(gateway.Create(t.Context(), secret(fmt.Sprint("opaque-", try), corev1.SecretTypeOpaque))); try++ {
		if time.Now().After(end) {
			t.Fatal("the gateway may create any Secret")
		}
		<-time.After(100 * time.Millisecond)
	}
	if err := gateway.Create(t.Context(), secret("shop.waha-1", settings)); err != nil {
		t.Errorf("its own: %v", err)
	}
	patch := client.RawPatch(types.MergePatchType, []byte(`{"stringData":{"secret":"x"}}`))
	if err := gateway.Patch(t.Context(), secret("shop.waha-1", settings), patch); err != nil {
		t.Errorf("change its own: %v", err)
	}
	if err := gateway.Patch(t.Context(), secret("theirs", corev1.SecretTypeOpaque), patch); !refused(err) {
		t.Errorf("change another: %v", err)
	}
	if err := gateway.Delete(t.Context(), secret("theirs", corev1.SecretTypeOpaque)); !refused(err) {
		t.Errorf("delete another: %v", err)
	}
	if err := gateway.Delete(t.Context(), secret("shop.waha-1", settings)); err != nil {
		t.Errorf("delete its own: %v", err)
	}
}

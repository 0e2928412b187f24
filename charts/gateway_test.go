package charts_test

import (
	"slices"
	"strings"
	"testing"
)

// withGateway are the values that a gateway needs.
const withGateway = "gateway.enabled=true,gateway.image.repository=sesi.dev/gateway,"

// TestGatewayRights holds that the gateway reads Secrets by watches alone, and can make neither pods nor Secrets.
func TestGatewayRights(t *testing.T) {
	var mine []string
	for _, line := range rights(t, renderCase(t, "everything", "wa-bots")) {
		if strings.Contains(line, "-gateway:") || strings.Contains(line, "-gateway-auth:") {
			_, right, _ := strings.Cut(line, ": ")
			mine = append(mine, right)
		}
	}
	want := []string{
		"create authentication.k8s.io tokenreviews", "create authorization.k8s.io subjectaccessreviews", "create sesi.dev whatsappsessions",
		"delete sesi.dev whatsappsessions", "get sesi.dev whatsappsessions", "list pods,secrets", "list sesi.dev whatsappsessions",
		"patch sesi.dev whatsappsessions", "watch pods,secrets", "watch sesi.dev whatsappsessions",
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

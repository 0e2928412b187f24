package charts_test

import (
	"slices"
	"strings"
	"testing"
)

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
	for _, set := range []string{"gateway.ingress.enabled=true", "gateway.httpRoute.enabled=true,gateway.httpRoute.parentRefs[0].name=x"} {
		_, err := helm(t, "template", "sesi", chart, "--set", "gateway.enabled=true,"+set)
		if err == nil || !strings.Contains(err.Error(), "gateway.host") {
			t.Errorf("%s: %v", set, err)
		}
	}
}

package v1alpha1_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// TestDefaults: nothing looks current before the operator has seen it, and an empty spec is complete.
func TestDefaults(t *testing.T) {
	got := create(t, "shop", v1alpha1.WhatsAppSessionSpec{})
	if got.Status.ObservedGeneration != -1 || got.Status.State != v1alpha1.StatePending {
		t.Errorf("status = generation %d, state %q; want -1, Pending", got.Status.ObservedGeneration, got.Status.State)
	}
	spec, err := json.Marshal(got.Spec)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"authPath":"/data","storage":{"claimTemplate":{"size":"256Mi","accessMode":"ReadWriteOncePod"},` +
		`"retentionPolicy":"Retain"},"pairing":{"method":"QR","qrMaxRetries":10},"conflict":{"takeover":true,` +
		`"timeout":"10s"},"backup":{"interval":"5m0s","keep":5},"messages":{"enabled":true,"retention":"168h0m0s","maxSize":"128Mi",` +
		`"receipts":"delivered","media":{"maxFile":"64Mi","maxSize":"160Mi","retention":"24h0m0s"},"pace":{"perMinute":0,"burst":10,"newChatsPerDay":0,"timeZone":"UTC"}},"suspended":false,"deletionPolicy":"Retain","locale":"id"}`
	if string(spec) != want {
		t.Errorf("spec = %s\nwant   %s", spec, want)
	}
}

// TestDefaultsOfParts: where a spec has some fields of a part, the others get their defaults.
func TestDefaultsOfParts(t *testing.T) {
	got := create(t, "shop", v1alpha1.WhatsAppSessionSpec{
		Storage: v1alpha1.Storage{ClaimName: "a"}, Pairing: v1alpha1.Pairing{QRMaxRetries: new(int32(3))},
		ProxySecretRef: &v1alpha1.ProxySecretRef{Name: "proxy", Port: 1080},
		Webhooks: []v1alpha1.Webhook{{
			Name: "a", URL: "https://a.example", SecretRef: &v1alpha1.WebhookSecretRef{Name: "b"},
			Filters: v1alpha1.WebhookFilters{Chats: []string{"12345@lid"}},
		}},
	}).Spec
	parts, err := json.Marshal([]any{got.Storage, got.Pairing, got.ProxySecretRef, got.Webhooks})
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"claimName":"a","retentionPolicy":"Retain"},{"method":"QR","qrMaxRetries":3},{"name":"proxy","key":"url","port":1080},` +
		`[{"name":"a","url":"https://a.example","format":"sesi","filters":{"chats":["12345@lid"],"groups":true,"fromMe":true},` +
		`"secretRef":{"name":"b","key":"secret"},"order":"chat","patience":"72h0m0s"}]]`
	if string(parts) != want {
		t.Errorf("parts = %s\nwant    %s", parts, want)
	}
}

// TestColumns holds what kubectl get shows, and what only -o wide adds.
func TestColumns(t *testing.T) {
	object := create(t, "shop", v1alpha1.WhatsAppSessionSpec{ClientID: "wa-finance-render"})
	connected := metav1.NewTime(time.Now().Add(-3 * time.Hour).Truncate(time.Second))
	object.Status = v1alpha1.WhatsAppSessionStatus{
		ClientID: "wa-finance-render",
		State:    bot.StateConnected,
		Reason:   string(bot.ReasonLoggedIn),
		NodeName: "node-1",
		Session:  &v1alpha1.SessionStatus{Exists: true, PhoneNumber: "+628123456789", LastConnectedAt: &connected},
		Conditions: []metav1.Condition{
			condition(v1alpha1.ConditionReady, metav1.ConditionTrue),
			condition(v1alpha1.ConditionSessionExists, metav1.ConditionTrue),
			condition(v1alpha1.ConditionSessionExpired, metav1.ConditionFalse),
			condition(v1alpha1.ConditionQRRequired, metav1.ConditionUnknown),
			condition(v1alpha1.ConditionEventsDelivered, metav1.ConditionTrue),
			condition(v1alpha1.ConditionSending, metav1.ConditionFalse),
		},
	}
	if err := api.Status().Update(t.Context(), object); err != nil {
		t.Fatal(err)
	}

	table := get(t, "/apis/sesi.dev/v1alpha1/namespaces/default/whatsappsessions/shop")
	var narrow, wide []string
	for i, column := range table.ColumnDefinitions {
		shown := fmt.Sprintf("%s=%v", strings.ToUpper(column.Name), table.Rows[0].Cells[i])
		if column.Priority == 0 {
			narrow = append(narrow, shown)
		} else {
			wide = append(wide, shown)
		}
	}
	wantNarrow := []string{"NAME=shop", "CLIENT-ID=wa-finance-render", "STATE=Connected", "SESSION=True", "EXPIRED=False",
		"QR-NEEDED=Unknown", "READY=True"}
	if len(narrow) != len(wantNarrow)+1 || !slices.Equal(narrow[:len(wantNarrow)], wantNarrow) || !strings.HasPrefix(narrow[len(wantNarrow)], "AGE=") {
		t.Errorf("kubectl get shows %q\nwant %q and AGE", narrow, wantNarrow)
	}
	wantWide := []string{"REASON=LoggedIn", "PHONE=+628123456789", "NODE=node-1", "LAST-CONNECTED=3h", "DELIVERED=True", "SENDING=False"}
	if !slices.Equal(wide, wantWide) {
		t.Errorf("-o wide adds %q\nwant %q", wide, wantWide)
	}
}

// TestSelectableFields: sessions can be selected by clientId, state and user action.
func TestSelectableFields(t *testing.T) {
	one := create(t, "one", v1alpha1.WhatsAppSessionSpec{ClientID: "shop"})
	create(t, "two", v1alpha1.WhatsAppSessionSpec{})
	three := create(t, "three", v1alpha1.WhatsAppSessionSpec{})
	three.Status.State, three.Status.Reason, three.Status.UserAction = bot.StateConnecting, string(bot.ReasonPasskeyRequired), bot.ActionSignPasskey
	if err := api.Status().Update(t.Context(), three); err != nil {
		t.Fatal(err)
	}
	one.Status.ClientID, one.Status.State, one.Status.UserAction = "shop", bot.StatePairing, bot.ActionScanQR
	if err := api.Status().Update(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	for selector, want := range map[string]string{
		"spec.clientId=shop":            "one",
		"status.clientId=shop":          "one",
		"status.state=Pairing":          "one",
		"status.userAction=ScanQR":      "one",
		"status.userAction=SignPasskey": "three",
		"status.state=Pending":          "two",
	} {
		table := get(t, "/apis/sesi.dev/v1alpha1/whatsappsessions?fieldSelector="+url.QueryEscape(selector))
		if len(table.Rows) != 1 || table.Rows[0].Cells[0] != want {
			t.Errorf("%s finds %d sessions, want %s", selector, len(table.Rows), want)
		}
	}
}

// TestFoundByShortNames holds the names that people type, and that kubectl delete all leaves sessions alone.
func TestFoundByShortNames(t *testing.T) {
	var list metav1.APIResourceList
	raw(t, "/apis/sesi.dev/v1alpha1", "application/json", &list)
	for _, resource := range list.APIResources {
		if resource.Name != "whatsappsessions" {
			continue
		}
		if !slices.Equal(resource.ShortNames, []string{"wasession", "was"}) {
			t.Errorf("short names = %q", resource.ShortNames)
		}
		if slices.Contains(resource.Categories, "all") {
			t.Error("kubectl delete all --all would delete sessions that only a person with the phone can link again")
		}
		return
	}
	t.Error("the API server does not serve whatsappsessions")
}

func condition(kind string, status metav1.ConditionStatus) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: "Test", LastTransitionTime: metav1.Now()}
}

func create(t *testing.T, name string, spec v1alpha1.WhatsAppSessionSpec) *v1alpha1.WhatsAppSession {
	t.Helper()
	object := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"}, Spec: spec}
	if err := api.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.Delete(context.WithoutCancel(t.Context()), object); err != nil {
			t.Errorf("deleting the session: %v", err)
		}
	})
	if err := api.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatal(err)
	}
	return object
}

// get asks as kubectl get does: for a table.
func get(t *testing.T, path string) metav1.Table {
	t.Helper()
	var table metav1.Table
	raw(t, path, "application/json;as=Table;v=v1;g=meta.k8s.io", &table)
	return table
}

func raw(t *testing.T, path, accept string, into any) {
	t.Helper()
	c, err := kubernetes.NewForConfig(restConfig)
	if err != nil {
		t.Fatal(err)
	}
	body, err := c.RESTClient().Get().RequestURI(path).SetHeader("Accept", accept).DoRaw(t.Context())
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
}

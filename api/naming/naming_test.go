package naming

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"sesi.dev/sesi/api/v1alpha1"
)

func session(namespace, name, claim, clientID string) *v1alpha1.WhatsAppSession {
	return &v1alpha1.WhatsAppSession{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       v1alpha1.WhatsAppSessionSpec{ClientID: clientID, Storage: v1alpha1.Storage{ClaimName: claim}},
	}
}

// TestDirectoryKey: two sessions share a key exactly if their bots would open the same directory. The value is fixed,
// because pods of an earlier release carry it.
func TestDirectoryKey(t *testing.T) {
	shop := session("a", "shop", "", "")
	for name, c := range map[string]struct {
		other *v1alpha1.WhatsAppSession
		same  bool
	}{
		"itself":                       {session("a", "shop", "", ""), true},
		"the defaults written out":     {session("a", "other", "wa-shop", "shop"), true},
		"another clientId":             {session("a", "other", "wa-shop", ""), false},
		"another claim":                {session("a", "shop", "claim", "shop"), false},
		"another namespace":            {session("b", "shop", "", ""), false},
		"claim and clientId exchanged": {session("a", "other", "shop", "wa-shop"), false},
	} {
		if got := DirectoryKey(shop) == DirectoryKey(c.other); got != c.same {
			t.Errorf("%s: same directory = %t, want %t", name, got, c.same)
		}
	}
	if want := "a/91fe25417497d34936b1779e69589f91"; DirectoryKey(shop) != want {
		t.Errorf("DirectoryKey = %s, want %s", DirectoryKey(shop), want)
	}
}

// TestNamesAreValid: the longest session name that the CRD allows, and a phone number, give names that the API server
// accepts.
func TestNamesAreValid(t *testing.T) {
	for _, name := range []string{strings.Repeat("a", 60), "628123456789"} {
		s := session("default", name, "", "")
		if errs := validation.IsDNS1035Label(Name(s)); errs != nil {
			t.Errorf("Name: %v", errs)
		}
		if errs := validation.IsQualifiedName(AccessLabel(s)); errs != nil {
			t.Errorf("AccessLabel: %v", errs)
		}
		for key, value := range Labels(s) {
			if errs := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); errs != nil {
				t.Errorf("label %s=%s: %v", key, value, errs)
			}
		}
		if errs := validation.IsValidLabelValue(Directory(s)); errs != nil {
			t.Errorf("Directory: %v", errs)
		}
	}
}

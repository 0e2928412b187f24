package gateway

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/v1alpha1"
)

// TestSearchOfNumbers: a part of a number finds the sessions that show it. Where numbers are masked, a whole number finds those
// that look so, and a part finds nothing that is hidden.
func TestSearchOfNumbers(t *testing.T) {
	for shown, searches := range map[string]map[string]bool{
		"+628123456789": {"+628123456789": true, "3456": true, "628123456700": false, "+62": true},
		"+62***89":      {"+628123456789": true, "628123456789": true, "628123456788": false, "+638123456789": false, "3456": false, "+62": true, "62812x": false},
	} {
		session := &v1alpha1.WhatsAppSession{
			ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "sales"},
			Status:     v1alpha1.WhatsAppSessionStatus{Session: &v1alpha1.SessionStatus{PhoneNumber: shown}},
		}
		for search, want := range searches {
			f := filter{search: search}
			if got := f.found(session); got != want {
				t.Errorf("a search for %s finds %s: %t", search, shown, got)
			}
		}
	}
}

package resources

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// TestClaimOutlives holds that a claim which is to be kept is never collected with its session.
func TestClaimOutlives(t *testing.T) {
	cases := map[string]struct {
		storage v1alpha1.Storage
		made    bool
		owned   bool
	}{
		"nothing said": {v1alpha1.Storage{}, true, false},
		"Retain":       {v1alpha1.Storage{RetentionPolicy: v1alpha1.RetentionRetain}, true, false},
		"Delete":       {v1alpha1.Storage{RetentionPolicy: v1alpha1.RetentionDelete}, true, true},
		"existing":     {v1alpha1.Storage{ClaimName: "mine"}, false, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			claim := BuildClaim(newSession("shop", v1alpha1.WhatsAppSessionSpec{Storage: c.storage}))
			if (claim != nil) != c.made {
				t.Fatalf("BuildClaim = %v, want one: %t", claim, c.made)
			}
			if claim != nil && metav1.IsControlledBy(claim, newSession("shop", v1alpha1.WhatsAppSessionSpec{})) != c.owned {
				t.Errorf("owners = %v, want the session: %t", claim.OwnerReferences, c.owned)
			}
		})
	}
}

func TestOwnsClaim(t *testing.T) {
	session := newSession("shop", v1alpha1.WhatsAppSessionSpec{})
	owner := []metav1.OwnerReference{{UID: session.UID, Controller: new(true)}}
	stranger := []metav1.OwnerReference{{UID: "stranger", Controller: new(true)}}
	ours := map[string]string{naming.LabelSession: "shop"}
	cases := map[string]struct {
		meta metav1.ObjectMeta
		want bool
	}{
		"left by a session of the name": {metav1.ObjectMeta{Labels: ours}, true},
		"made by this session":          {metav1.ObjectMeta{Labels: ours, OwnerReferences: owner}, true},
		"made for a deleted namesake":   {metav1.ObjectMeta{Labels: ours, OwnerReferences: stranger}, false},
		"made by a person":              {metav1.ObjectMeta{}, false},
		"of another session":            {metav1.ObjectMeta{Labels: map[string]string{naming.LabelSession: "other"}}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := OwnsClaim(session, &corev1.PersistentVolumeClaim{ObjectMeta: c.meta}); got != c.want {
				t.Errorf("OwnsClaim = %t, want %t", got, c.want)
			}
		})
	}
}

package resources

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// TestClaimOutlives: a retained claim has no owner, so it is never deleted with its session.
func TestClaimOutlives(t *testing.T) {
	cases := map[string]struct {
		storage v1alpha1.Storage
		made    bool
		owned   bool
	}{
		"default":  {v1alpha1.Storage{}, true, false},
		"Retain":   {v1alpha1.Storage{RetentionPolicy: v1alpha1.RetentionRetain}, true, false},
		"Delete":   {v1alpha1.Storage{RetentionPolicy: v1alpha1.RetentionDelete}, true, true},
		"existing": {v1alpha1.Storage{ClaimName: "mine"}, false, false},
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

// TestNoToolPrunesTheClaim: a retained claim outlives the GitOps application that its session is in. Argo CD deletes what bears
// the application's label, has no owner, and is not in git, unless an annotation forbids it.
func TestNoToolPrunesTheClaim(t *testing.T) {
	for name, template := range map[string]*v1alpha1.ClaimTemplate{
		"as it comes":           nil,
		"with a chart's labels": {Labels: map[string]string{"app.kubernetes.io/instance": "shop", "argocd.argoproj.io/instance": "shop", "team": "sales"}},
		"with an annotation":    {Labels: map[string]string{"example.com/app": "shop"}, Annotations: map[string]string{"backup": "daily"}},
	} {
		t.Run(name, func(t *testing.T) {
			claim := BuildClaim(newSession("shop", v1alpha1.WhatsAppSessionSpec{Storage: v1alpha1.Storage{ClaimTemplate: template}}))
			tracked := false
			for _, label := range []string{"app.kubernetes.io/instance", "argocd.argoproj.io/instance", "example.com/app"} {
				tracked = tracked || claim.Labels[label] == "shop"
			}
			if tracked && claim.Annotations["argocd.argoproj.io/sync-options"] != "Prune=false" {
				t.Errorf("Argo CD prunes the claim: labels %v, annotations %v", claim.Labels, claim.Annotations)
			}
			if template == nil && tracked {
				t.Errorf("the operator itself gives the claim an application's label: %v", claim.Labels)
			}
			if template != nil && (claim.Annotations["backup"] != template.Annotations["backup"] || claim.Labels["team"] != template.Labels["team"]) {
				t.Errorf("what the template asks for is missing: labels %v, annotations %v", claim.Labels, claim.Annotations)
			}
		})
	}
	own := v1alpha1.ClaimTemplate{Labels: map[string]string{"a": "b"}, Annotations: map[string]string{annotationSync: "Delete=false"}}
	claim := BuildClaim(newSession("shop", v1alpha1.WhatsAppSessionSpec{Storage: v1alpha1.Storage{ClaimTemplate: &own}}))
	if claim.Annotations[annotationSync] != "Delete=false" {
		t.Errorf("the session's own annotation became %q", claim.Annotations[annotationSync])
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
		"left by a deleted session":  {metav1.ObjectMeta{Labels: ours}, true},
		"made by this session":       {metav1.ObjectMeta{Labels: ours, OwnerReferences: owner}, true},
		"owned by a deleted session": {metav1.ObjectMeta{Labels: ours, OwnerReferences: stranger}, false},
		"created by a user":          {metav1.ObjectMeta{}, false},
		"another session's":          {metav1.ObjectMeta{Labels: map[string]string{naming.LabelSession: "other"}}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := OwnsClaim(session, &corev1.PersistentVolumeClaim{ObjectMeta: c.meta}); got != c.want {
				t.Errorf("OwnsClaim = %t, want %t", got, c.want)
			}
		})
	}
}

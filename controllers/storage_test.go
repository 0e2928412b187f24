package controllers

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/v1alpha1"
)

func TestClassifyClaim(t *testing.T) {
	phase := func(p corev1.PersistentVolumeClaimPhase) func(*scope) {
		return func(s *scope) { s.claim.Status.Phase = p }
	}
	gone := func(s *scope) { s.claim = nil }
	going := func(s *scope) { at := metav1.NewTime(noon); s.claim.DeletionTimestamp = &at }
	named := func(s *scope) { s.session.Spec.Storage.ClaimName = "mine"; s.claim.Labels = nil }
	ownedBy := func(kind string) func(*scope) {
		yes := true
		return func(s *scope) {
			s.claim.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: "kasir", UID: "an-earlier-one", Controller: &yes}}
		}
	}
	unlabelled := func(s *scope) { s.claim.Labels = nil }
	cases := map[string]struct {
		edits   []func(*scope)
		want    string
		outlook outlook
		says    string
	}{
		"bound":                {nil, v1alpha1.ReasonClaimBound, settled, "wa-kasir is bound"},
		"named, bound":         {[]func(*scope){named}, v1alpha1.ReasonClaimBound, settled, "mine is bound"},
		"pending":              {[]func(*scope){phase(corev1.ClaimPending)}, v1alpha1.ReasonClaimPending, moving, "kubectl describe pvc wa-kasir"},
		"no phase yet":         {[]func(*scope){phase("")}, v1alpha1.ReasonClaimPending, moving, "waits for a volume"},
		"lost":                 {[]func(*scope){phase(corev1.ClaimLost)}, v1alpha1.ReasonClaimLost, stalled, "restore the volume"},
		"going":                {[]func(*scope){going}, v1alpha1.ReasonClaimTerminating, moving, "take a backup"},
		"going, lost":          {[]func(*scope){going, phase(corev1.ClaimLost)}, v1alpha1.ReasonClaimTerminating, moving, "being deleted"},
		"not made yet":         {[]func(*scope){gone}, v1alpha1.ReasonClaimPending, moving, "being made"},
		"named, missing":       {[]func(*scope){named, gone}, v1alpha1.ReasonClaimNotFound, stalled, "no claim mine in this namespace: make it, or make the session anew"},
		"an earlier session's": {[]func(*scope){ownedBy("WhatsAppSession")}, v1alpha1.ReasonClaimTerminating, moving, "earlier session"},
		"another owner's":      {[]func(*scope){ownedBy("StatefulSet")}, v1alpha1.ReasonClaimTaken, stalled, "not made for this session"},
		"someone else's":       {[]func(*scope){unlabelled}, v1alpha1.ReasonClaimTaken, stalled, "make the session anew with it as spec.storage.claimName"},
		"an older session's":   {[]func(*scope){held}, v1alpha1.ReasonClaimShared, stalled, "older WhatsAppSession older"},
		"an older's, missing":  {[]func(*scope){named, gone, held}, v1alpha1.ReasonClaimShared, stalled, "make this one anew with another clientId"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := classifyClaim(visit(c.edits...))
			if got.reason != c.want || got.outlook != c.outlook || !strings.Contains(got.message, c.says) {
				t.Errorf("classifyClaim = %+v; want %s with %q", got, c.want, c.says)
			}
			if got.good() != (c.want == v1alpha1.ReasonClaimBound) {
				t.Errorf("the condition is %s", got.status)
			}
		})
	}
}

func TestDecideClaimOwners(t *testing.T) {
	backup := metav1.OwnerReference{Kind: "Backup", UID: "backup"}
	session := newSession("kasir")
	session.Spec.Storage.RetentionPolicy = v1alpha1.RetentionDelete
	claim := &corev1.PersistentVolumeClaim{}
	claim.OwnerReferences = []metav1.OwnerReference{backup}
	both := decideClaimOwners(session, claim)
	if len(both) != 2 || both[0].UID != backup.UID || both[1].UID != session.UID {
		t.Fatalf("owners with Delete = %+v", both)
	}
	claim.OwnerReferences = both
	if again := decideClaimOwners(session, claim); len(again) != 2 {
		t.Fatalf("owners are not stable: %+v", again)
	}
	session.Spec.Storage.RetentionPolicy = v1alpha1.RetentionRetain
	if kept := decideClaimOwners(session, claim); len(kept) != 1 || kept[0].UID != backup.UID {
		t.Fatalf("owners with Retain = %+v", kept)
	}
}

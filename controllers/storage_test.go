package controllers

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

func TestClassifyClaim(t *testing.T) {
	phase := func(p corev1.PersistentVolumeClaimPhase) func(*pass) {
		return func(s *pass) { s.claim.Status.Phase = p }
	}
	class := func(name string) func(*pass) { return func(s *pass) { s.claim.Spec.StorageClassName = &name } }
	volume := func(name string) func(*pass) { return func(s *pass) { s.claim.Spec.VolumeName = name } }
	gone := func(s *pass) { s.claim = nil }
	going := func(s *pass) { at := metav1.NewTime(noon); s.claim.DeletionTimestamp = &at }
	named := func(s *pass) { s.session.Spec.Storage.ClaimName = "mine"; s.claim.Labels = nil }
	ownedBy := func(kind string) func(*pass) {
		yes := true
		return func(s *pass) {
			s.claim.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: "kasir", UID: "an-earlier-one", Controller: &yes}}
		}
	}
	unlabelled := func(s *pass) { s.claim.Labels = nil }
	cases := map[string]struct {
		edits   []func(*pass)
		want    string
		outlook outlook
		says    string
	}{
		"bound":               {nil, v1alpha1.ReasonClaimBound, settled, "wa-kasir is bound"},
		"named, bound":        {[]func(*pass){named}, v1alpha1.ReasonClaimBound, settled, "mine is bound"},
		"pending, suspended":  {[]func(*pass){phase(corev1.ClaimPending), suspended}, v1alpha1.ReasonClaimPending, settled, "first pod"},
		"pending":             {[]func(*pass){phase(corev1.ClaimPending)}, v1alpha1.ReasonClaimPending, moving, "kubectl describe pvc wa-kasir"},
		"pending, no class":   {[]func(*pass){phase(corev1.ClaimPending)}, v1alpha1.ReasonClaimPending, moving, "names no StorageClass, and the cluster has no default"},
		"pending, of a class": {[]func(*pass){phase(corev1.ClaimPending), class("fast")}, v1alpha1.ReasonClaimPending, moving, "for a volume of StorageClass fast."},
		"pending, of an old class": {[]func(*pass){phase(corev1.ClaimPending), func(s *pass) {
			s.claim.Annotations = map[string]string{corev1.BetaStorageClassAnnotation: "slow"}
		}}, v1alpha1.ReasonClaimPending, moving, "for a volume of StorageClass slow."},
		"no phase yet, of a class": {[]func(*pass){phase(""), class("fast")}, v1alpha1.ReasonClaimPending, moving, "for a volume of StorageClass fast."},
		"its label is another's":   {[]func(*pass){func(s *pass) { s.claim.Labels[naming.LabelSession] = "toko" }}, v1alpha1.ReasonClaimTaken, stalled, "belongs to something else"},
		"pending, by hand":         {[]func(*pass){phase(corev1.ClaimPending), class("")}, v1alpha1.ReasonClaimPending, moving, "for a PersistentVolume that fits"},
		"pending, of a volume":     {[]func(*pass){phase(corev1.ClaimPending), volume("disk-1")}, v1alpha1.ReasonClaimPending, moving, "for the PersistentVolume disk-1."},
		"no phase yet":             {[]func(*pass){phase("")}, v1alpha1.ReasonClaimPending, moving, "is waiting for a volume"},
		"lost":                     {[]func(*pass){phase(corev1.ClaimLost)}, v1alpha1.ReasonClaimLost, stalled, "Restore the volume"},
		"going":                    {[]func(*pass){going}, v1alpha1.ReasonClaimTerminating, moving, "back it up now"},
		"going, lost":              {[]func(*pass){going, phase(corev1.ClaimLost)}, v1alpha1.ReasonClaimTerminating, moving, "will be deleted"},
		"not created yet":          {[]func(*pass){gone}, v1alpha1.ReasonClaimPending, moving, "Creating PVC"},
		"named, missing":           {[]func(*pass){named, gone}, v1alpha1.ReasonClaimNotFound, stalled, "PVC mine not found. Create it, or recreate the session"},
		"an earlier session's":     {[]func(*pass){ownedBy("WhatsAppSession")}, v1alpha1.ReasonClaimTerminating, moving, "deleted session"},
		"another owner's":          {[]func(*pass){ownedBy("StatefulSet"), noPod}, v1alpha1.ReasonClaimTaken, stalled, "belongs to something else"},
		"someone else's":           {[]func(*pass){unlabelled, noPod}, v1alpha1.ReasonClaimTaken, stalled, "spec.storage.claimName: wa-kasir to use it"},
		"its label is gone":        {[]func(*pass){unlabelled}, v1alpha1.ReasonClaimTaken, stalled, "kubectl label pvc wa-kasir sesi.dev/session=kasir"},
		"an older session's":       {[]func(*pass){held}, v1alpha1.ReasonClaimShared, stalled, "older WhatsAppSession older"},
		"an older's, missing":      {[]func(*pass){named, gone, held}, v1alpha1.ReasonClaimShared, stalled, "recreate this one with another clientId"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := passOf(c.edits...)
			if p.claim != nil { // as the cache holds it
				kept, err := slimClaim(p.claim)
				if err != nil {
					t.Fatal(err)
				}
				p.claim = kept.(*corev1.PersistentVolumeClaim)
			}
			got := classifyClaim(&p.input)
			if got.reason() != c.want || got.outlook != c.outlook || !strings.Contains(got.message, c.says) {
				t.Errorf("classifyClaim = %+v; want %s with %q", got, c.want, c.says)
			}
			if got.good() != (c.want == v1alpha1.ReasonClaimBound) {
				t.Errorf("the condition is %s", got.status())
			}
		})
	}
}

// What the API server understood and rejects stays so until someone edits it; a failure on the way does not.
func TestRefused(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	for want, all := range map[bool][]error{
		true: {apierrors.NewForbidden(pods, "wa-kasir", nil), apierrors.NewInvalid(schema.GroupKind{Kind: "Pod"}, "wa-kasir", nil), apierrors.NewBadRequest("no")},
		false: {apierrors.NewInternalError(errors.New("a webhook is down")), apierrors.NewTooManyRequests("later", 1), apierrors.NewConflict(pods, "wa-kasir", nil),
			errors.New("dial: connection refused"), nil},
	} {
		for _, err := range all {
			if got := refused(err); got != want {
				t.Errorf("refused(%v) = %t", err, got)
			}
		}
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

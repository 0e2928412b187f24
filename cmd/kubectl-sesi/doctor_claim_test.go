package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/apiserver"
)

// says sets a condition as the operator words it.
func says(kind, reason, message string) func(*v1alpha1.WhatsAppSession) {
	return func(s *v1alpha1.WhatsAppSession) {
		s.Status.Conditions = append(s.Status.Conditions, metav1.Condition{
			Type: kind, Status: metav1.ConditionFalse, Reason: reason, Message: message, LastTransitionTime: metav1.Now(),
		})
	}
}

func TestDoctorOnAPendingClaim(t *testing.T) {
	const bad, next, ok = "BAD", "NEXT", "ok"
	type claims = corev1.PersistentVolumeClaim
	fast := func(c *claims) { c.Spec.StorageClassName = new("fast") }
	placed := func(c *claims) { c.Annotations = map[string]string{"volume.kubernetes.io/selected-node": "node1"} }
	lazily := &storagev1.StorageClass{Provisioner: "disks.example", VolumeBindingMode: new(storagev1.VolumeBindingWaitForFirstConsumer)}
	atOnce := &storagev1.StorageClass{Provisioner: "disks.example", VolumeBindingMode: new(storagev1.VolumeBindingImmediate)}
	byHand := &storagev1.StorageClass{Provisioner: "kubernetes.io/no-provisioner", VolumeBindingMode: new(storagev1.VolumeBindingImmediate)}
	missing := apierrors.NewNotFound(storagev1.Resource("storageclasses"), "fast")
	hidden := apierrors.NewForbidden(storagev1.Resource("storageclasses"), "fast", errors.New("no"))
	rejected := says(v1alpha1.ConditionReady, v1alpha1.ReasonPodRejected, "The API server rejects pod wa-shop: exceeded quota: small.")
	pending := says(v1alpha1.ConditionReady, v1alpha1.ReasonClaimPending, "PVC wa-shop is waiting for a volume.")
	cases := map[string]struct {
		claim   []func(*claims)
		class   *storagev1.StorageClass
		err     error
		session []func(*v1alpha1.WhatsAppSession)
		want    string
		problem string
		remedy  string
	}{
		"lazily, no pod":            {[]func(*claims){fast}, lazily, nil, nil, ok, "", ""},
		"lazily, suspended":         {[]func(*claims){fast}, lazily, nil, []func(*v1alpha1.WhatsAppSession){isSuspended}, ok, "", ""},
		"lazily, a quota":           {[]func(*claims){fast}, lazily, nil, []func(*v1alpha1.WhatsAppSession){rejected}, ok, "", ""},
		"lazily, a node":            {[]func(*claims){fast, placed}, lazily, nil, nil, bad, "the provisioner disks.example of its StorageClass fast has made no volume yet", "kubectl describe pvc wa-shop"},
		"at once":                   {[]func(*claims){fast}, atOnce, nil, nil, bad, "the provisioner disks.example of its StorageClass fast", "kubectl describe pvc wa-shop"},
		"at once, suspended":        {[]func(*claims){fast}, atOnce, nil, []func(*v1alpha1.WhatsAppSession){isSuspended}, bad, "the provisioner disks.example", "kubectl describe pvc wa-shop"},
		"by hand":                   {[]func(*claims){fast}, byHand, nil, nil, bad, "no PersistentVolume of its StorageClass fast fits", "create one"},
		"no such class":             {[]func(*claims){fast}, nil, missing, nil, bad, "its StorageClass fast does not exist", "create that StorageClass"},
		"no such class, a quota":    {[]func(*claims){fast}, nil, missing, []func(*v1alpha1.WhatsAppSession){rejected}, bad, "its StorageClass fast does not exist", "create that StorageClass"},
		"no default":                {nil, nil, missing, nil, bad, "the cluster has no default", "mark a StorageClass as the default"},
		"without a class":           {[]func(*claims){func(c *claims) { c.Spec.StorageClassName = new("") }}, nil, missing, nil, bad, "no PersistentVolume fits", "create one"},
		"a volume by name":          {[]func(*claims){fast, func(c *claims) { c.Spec.VolumeName = "pv7" }}, atOnce, nil, nil, bad, "it waits for the PersistentVolume pv7", "kubectl describe pv pv7"},
		"hidden, suspended":         {[]func(*claims){fast}, nil, hidden, []func(*v1alpha1.WhatsAppSession){isSuspended}, next, "may wait for the first pod, which suspended keeps away", "kubectl sesi resume shop"},
		"hidden, a quota":           {[]func(*claims){fast}, nil, hidden, []func(*v1alpha1.WhatsAppSession){rejected}, next, "its StorageClass fast may wait for the bot's pod", "exceeded quota: small"},
		"hidden, a node":            {[]func(*claims){fast, placed}, nil, hidden, []func(*v1alpha1.WhatsAppSession){rejected}, bad, "it waits for a volume of its StorageClass fast", "kubectl describe pvc wa-shop"},
		"hidden, the claim":         {[]func(*claims){fast}, nil, hidden, []func(*v1alpha1.WhatsAppSession){pending}, bad, "it waits for a volume of its StorageClass fast", "kubectl describe pvc wa-shop"},
		"hidden, an older spec":     {[]func(*claims){fast}, nil, hidden, []func(*v1alpha1.WhatsAppSession){rejected, func(s *v1alpha1.WhatsAppSession) { s.Generation = 2 }}, bad, "it waits for a volume of its StorageClass fast", "kubectl describe pvc wa-shop"},
		"hidden, nothing was found": {[]func(*claims){fast}, nil, hidden, nil, bad, "it waits for a volume of its StorageClass fast", "kubectl describe pvc wa-shop"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			session := someSession("shop", append([]func(*v1alpha1.WhatsAppSession){is(v1alpha1.StatePending, v1alpha1.ReasonClaimPending, bot.ActionNone)}, c.session...)...)
			claim := &claims{ObjectMeta: metav1.ObjectMeta{Name: "wa-shop"}}
			for _, edit := range c.claim {
				edit(claim)
			}
			f := classifyPending(&session, claim, c.class, c.err)
			got := bad
			switch {
			case f.problem == "":
				got = ok
			case f.waits:
				got = next
			}
			if got != c.want || !strings.Contains(f.problem, c.problem) || !strings.Contains(f.remedy, c.remedy) || strings.Contains(f.remedy, "doctor") {
				t.Errorf("%s %+v\nwant %s, %q, %q", got, f, c.want, c.problem, c.remedy)
			}
		})
	}
}

// A quota that keeps the pod away is the cause, for a user who may read the StorageClass and for one who may not.
func TestDoctorOfAClaimThatWaitsForItsPod(t *testing.T) {
	namespace := space(t, "waits")
	class := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "lazily"}, Provisioner: "disks.example", VolumeBindingMode: new(storagev1.VolumeBindingWaitForFirstConsumer)}
	must(t, api.Create(t.Context(), class))
	t.Cleanup(func() { must(t, api.Delete(context.WithoutCancel(t.Context()), class)) })
	const quota = "The API server rejects pod wa-shop: exceeded quota: small."
	s := someSession("shop", is(v1alpha1.StatePending, v1alpha1.ReasonPodRejected, bot.ActionNone),
		says(v1alpha1.ConditionReady, v1alpha1.ReasonPodRejected, quota), says(v1alpha1.ConditionPodReady, v1alpha1.ReasonPodRejected, quota),
		says(v1alpha1.ConditionStorageReady, v1alpha1.ReasonClaimPending, "PVC wa-shop is waiting for a volume of StorageClass lazily."))
	s.Namespace = namespace
	create(t, s)
	must(t, api.Create(t.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "wa-shop"},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: new("lazily"),
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}},
		},
	}))
	named := metav1.ObjectMeta{Namespace: namespace, Name: "budi"}
	role := &rbacv1.Role{ObjectMeta: named, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"sesi.dev"}, Resources: []string{"whatsappsessions"}, Verbs: []string{"get"}},
		{APIGroups: []string{""}, Resources: []string{"pods", "persistentvolumeclaims"}, Verbs: []string{"get"}},
	}}
	must(t, api.Create(t.Context(), role))
	must(t, api.Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: named, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "budi"},
		Subjects: []rbacv1.Subject{{Kind: "User", Name: "budi"}},
	}))
	apiserver.UntilAllowed(t, api, "budi", namespace, role.Rules...)
	pod := "BAD   the bot's pod: PodRejected: " + quota + "\n      -> the message above says what to do; "
	for user, want := range map[string][]string{
		"": {"ok    the PVC wa-shop (Pending until its first pod has a node)\n", pod, "BAD   the session: it is Pending (PodRejected)\n      -> first solve what is BAD above; "},
		"budi": {"NEXT  the PVC wa-shop: it is Pending: its StorageClass lazily may wait for the bot's pod\n      -> " + quota + "\n", pod,
			"BAD   the Secret wa-shop: secrets \"wa-shop\" is forbidden: ", "      -> ask for the role edit in the namespace waits\n"},
	} {
		args := []string{"-n", namespace, "doctor", "shop"}
		if user != "" {
			args = append(args, "--as", user)
		}
		out, err := sesi(t, "", args...)
		for _, one := range want {
			if err == nil || !strings.Contains(out, one) {
				t.Errorf("as %q it lacks %q (%v):\n%s", user, one, err, out)
			}
		}
		if strings.Contains(out, "doctor") || strings.Contains(out, "missing") {
			t.Errorf("as %q it guesses, or leads back to itself:\n%s", user, out)
		}
	}
}

// What the operator says about a claim that does not exist is the cause. A claim of a deleted session is no reason for a
// backup of this one.
func TestDoctorOfAClaimThatIsNotThere(t *testing.T) {
	namespace := space(t, "claimless")
	const refused = "The API server rejects PVC wa-shop: exceeded quota: disks."
	s := someSession("shop", is(v1alpha1.StatePending, v1alpha1.ReasonClaimRejected, bot.ActionNone), says(v1alpha1.ConditionStorageReady, v1alpha1.ReasonClaimRejected, refused))
	s.Namespace = namespace
	create(t, s)
	if out, _ := sesi(t, "", "-n", namespace, "doctor", "shop"); !strings.Contains(out, "BAD   the PVC wa-shop: ClaimRejected: "+refused+"\n      -> the message above says what to do; ") {
		t.Errorf("it does not say why there is no PVC:\n%s", out)
	}
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: "wa-shop", Finalizers: []string{"sesi.dev/test"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "sesi.dev/v1alpha1", Kind: "WhatsAppSession", Name: "shop", UID: "of-a-deleted-one", Controller: new(true)}},
		},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, VolumeName: "pv7",
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}},
		},
	}
	must(t, api.Create(t.Context(), claim))
	claim.Status.Phase = corev1.ClaimLost
	must(t, api.Status().Update(t.Context(), claim))
	if out, _ := sesi(t, "", "-n", namespace, "doctor", "shop"); !strings.Contains(out, "BAD   the PVC wa-shop: it has lost its volume pv7\n      -> restore the volume, ") {
		t.Errorf("it does not say that the volume is lost:\n%s", out)
	}
	must(t, api.Delete(t.Context(), claim))
	if out, _ := sesi(t, "", "-n", namespace, "doctor", "shop"); !strings.Contains(out, "BAD   the PVC wa-shop: it is not this session's, and is being deleted\n      -> wait; ") {
		t.Errorf("it advises about the PVC of another session:\n%s", out)
	}
	must(t, api.Get(t.Context(), client.ObjectKeyFromObject(claim), claim))
	claim.Finalizers = nil
	must(t, api.Update(t.Context(), claim))
}

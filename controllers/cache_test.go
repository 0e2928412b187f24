package controllers

import (
	"fmt"
	"testing"
	"time"
	"unsafe"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/resources"
)

// decoded returns an object as it is decoded from the API server's answer: it shares nothing with other objects.
func decoded[T interface {
	client.Object
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}](t *testing.T, object, into T) T {
	t.Helper()
	data, err := object.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := into.Unmarshal(data); err != nil {
		t.Fatal(err)
	}
	return into
}

// What every session repeats is in memory once, and no object changes by that.
func TestTheCacheKeepsOnceWhatAllSessionsRepeat(t *testing.T) {
	kept := &egresses{}
	var policies []*networkingv1.NetworkPolicy
	for i := range 3 {
		session := newSession(fmt.Sprint("s", i))
		if i == 2 {
			session.Spec.ProxySecretRef = &v1alpha1.ProxySecretRef{Name: "proxy", Port: 1080}
		}
		built := resources.BuildNetworkPolicy(session, resources.Options{})
		policy := decoded(t, built, &networkingv1.NetworkPolicy{})
		if _, err := kept.slim(policy); err != nil {
			t.Fatal(err)
		}
		if !equality.Semantic.DeepEqual(policy.Spec, built.Spec) || !equality.Semantic.DeepEqual(policy.ObjectMeta, built.ObjectMeta) {
			t.Errorf("policy %d became %+v", i, policy)
		}
		policies = append(policies, policy)
	}
	if unsafe.SliceData(policies[0].Spec.Egress) != unsafe.SliceData(policies[1].Spec.Egress) {
		t.Error("two policies of one kind have two copies of their rules")
	}

	built, err := credentials.Build(newSession("kasir"), nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	secret := decoded(t, built, &corev1.Secret{})
	if _, err := slimSecret(secret); err != nil {
		t.Fatal(err)
	}
	if !equality.Semantic.DeepEqual(secret.Data, built.Data) || !equality.Semantic.DeepEqual(secret.ObjectMeta, built.ObjectMeta) {
		t.Errorf("the Secret became %+v", secret.ObjectMeta)
	}
	if unsafe.SliceData(secret.Data[credentials.KeyRoots]) != unsafe.SliceData(secret.Data[credentials.KeyCertificate]) {
		t.Error("the certificate is there twice")
	}
	renewed, err := credentials.Build(newSession("kasir"), built, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	secret = decoded(t, renewed, &corev1.Secret{})
	if _, err := slimSecret(secret); err != nil {
		t.Fatal(err)
	}
	if !equality.Semantic.DeepEqual(secret.Data, renewed.Data) {
		t.Error("the certificate before was lost")
	}
	if _, err := slimSecret(&corev1.Secret{}); err != nil { // someone else's, with our label
		t.Fatal(err)
	}
}

// Anyone may label a policy as the operator's, and each may have rules of its own. Few of them are kept for comparison.
func TestPoliciesOfOthersTakeNoMemory(t *testing.T) {
	kept := &egresses{}
	for port := range int32(100) {
		own := []networkingv1.NetworkPolicyEgressRule{{Ports: []networkingv1.NetworkPolicyPort{{Port: new(intstr.FromInt32(port + 1))}}}}
		if got := kept.share(own); !equality.Semantic.DeepEqual(got, own) {
			t.Errorf("the rules of port %d became %+v", port+1, got)
		}
	}
	if len(kept.known) != maxEgresses {
		t.Errorf("%d lists of rules are kept", len(kept.known))
	}
}

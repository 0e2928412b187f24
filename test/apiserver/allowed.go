package apiserver

import (
	"errors"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/test/poll"
)

// learning is how long the API server may take until it goes by what was written.
const learning = time.Minute

// UntilAllowed waits until the API server lets a user do what rules allow. It learns of a role and of its binding a moment
// after they are written, and a program that asks too early may remember the answer.
func UntilAllowed(t testing.TB, admin client.Client, user, namespace string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	for _, rule := range rules {
		for _, asked := range questions(rule, namespace) {
			asked.User = user
			allowed := func() bool {
				review := &authorizationv1.SubjectAccessReview{Spec: asked}
				if err := admin.Create(t.Context(), review); err != nil {
					t.Fatal(err)
				}
				return review.Status.Allowed
			}
			if !poll.Until(allowed, learning, nil) {
				t.Fatalf("the API server does not let %s do what its rule allows: %v", user, rule)
			}
		}
	}
}

// questions are those about each right of a rule.
func questions(rule rbacv1.PolicyRule, namespace string) (all []authorizationv1.SubjectAccessReviewSpec) {
	names := rule.ResourceNames
	if len(names) == 0 {
		names = []string{""}
	}
	for _, verb := range rule.Verbs {
		for _, path := range rule.NonResourceURLs {
			all = append(all, authorizationv1.SubjectAccessReviewSpec{
				NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: path, Verb: verb}})
		}
		for _, group := range rule.APIGroups {
			for _, of := range rule.Resources {
				for _, name := range names {
					resource, subresource, _ := strings.Cut(of, "/")
					all = append(all, authorizationv1.SubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
						Namespace: namespace, Verb: verb, Group: group, Resource: resource, Subresource: subresource, Name: name}})
				}
			}
		}
	}
	return all
}

// UntilRefused waits until the API server refuses to create an object, which it tries without creating it. It learns of a
// webhook, a quota or a namespace's labels a moment after they are written.
func UntilRefused(t testing.TB, admin client.Client, object client.Object) {
	t.Helper()
	refused := func() bool {
		err := admin.Create(t.Context(), object.DeepCopyObject().(client.Object), client.DryRunAll)
		var status apierrors.APIStatus // of a connection that ended there is none
		return errors.As(err, &status) && !apierrors.IsAlreadyExists(err)
	}
	if !poll.Until(refused, learning, nil) {
		t.Fatalf("the API server still accepts %s %s", object.GetNamespace(), object.GetName())
	}
}

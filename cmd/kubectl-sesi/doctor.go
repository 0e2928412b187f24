package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
	authv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/resources"
)

// skewLimit is how far this machine's, the API server's and the bot's clocks may differ.
const skewLimit = 30 * time.Second

// finding is what one check found; remedy says what to do when it is not well.
type finding struct {
	what, problem, remedy string
}

func well(what string) finding { return finding{what: what} }

func (t *tool) doctor() *cobra.Command {
	return t.forSession("doctor", "Check everything a session needs, and say what is wrong", func(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) error {
		checks := []func(context.Context, *cluster, *v1alpha1.WhatsAppSession) finding{
			checkRights, checkOperator, checkClaim, checkSecret, checkPolicy, checkPod, checkBot, checkSession,
		}
		bad := 0
		for _, check := range checks {
			one, cancel := context.WithTimeout(ctx, requestTimeout)
			f := check(one, c, s)
			cancel()
			if f.problem == "" {
				fmt.Fprintf(t.out, "ok    %s\n", f.what)
				continue
			}
			bad++
			fmt.Fprintf(t.out, "BAD   %s: %s\n      -> %s\n", f.what, f.problem, f.remedy)
		}
		if bad > 0 {
			return fmt.Errorf("%d of %d checks found something", bad, len(checks))
		}
		return nil
	})
}

// checkRights asks whether this user may do what the other commands need.
func checkRights(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) finding {
	const what = "your rights"
	clientset, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return finding{what, err.Error(), "check your kubeconfig"}
	}
	var missing []string
	for _, need := range []authv1.ResourceAttributes{
		{Group: v1alpha1.GroupVersion.Group, Resource: "whatsappsessions", Verb: "patch"},
		{Resource: "pods", Verb: "get"},
		{Resource: "pods", Subresource: "portforward", Verb: "create"},
		{Resource: "pods", Subresource: "log", Verb: "get"},
		{Resource: "secrets", Verb: "get"},
	} {
		need.Namespace = s.Namespace
		review, err := clientset.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx,
			&authv1.SelfSubjectAccessReview{Spec: authv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &need}}, metav1.CreateOptions{})
		if err != nil {
			return finding{what, err.Error(), "ask whoever runs the cluster"}
		}
		if !review.Status.Allowed {
			missing = append(missing, strings.TrimSuffix(need.Verb+" "+need.Resource+"/"+need.Subresource, "/"))
		}
	}
	if len(missing) > 0 {
		return finding{what, "you may not " + strings.Join(missing, ", "), "some commands will not work; ask for the role edit in the namespace " + s.Namespace}
	}
	return well(what)
}

// checkOperator sees by the status whether an operator follows the spec.
func checkOperator(_ context.Context, _ *cluster, s *v1alpha1.WhatsAppSession) finding {
	const what = "the operator follows this session"
	if s.Status.ObservedGeneration != s.Generation {
		return finding{what, fmt.Sprintf("it has seen generation %d of %d", s.Status.ObservedGeneration, s.Generation),
			"look at the operator's pods and logs; in namespaced mode it must be told of the namespace " + s.Namespace}
	}
	if stalled := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionStalled); stalled != nil {
		return finding{what, stalled.Reason + ": " + stalled.Message, "edit the spec: kubectl edit whatsappsession " + s.Name}
	}
	return well(what)
}

func checkClaim(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) finding {
	name := resources.ClaimName(s)
	what := "the claim " + name
	claim := &corev1.PersistentVolumeClaim{}
	if err := c.client.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: name}, claim); err != nil {
		return finding{what, err.Error(), "create it, or let the operator: spec.storage.claimTemplate"}
	}
	if claim.Status.Phase != corev1.ClaimBound {
		return finding{what, "it is " + string(claim.Status.Phase), "kubectl describe pvc " + name + "; a missing StorageClass or provisioner is the usual cause"}
	}
	return well(what)
}

func checkSecret(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) finding {
	what := "the Secret " + resources.Name(s)
	secret := &corev1.Secret{}
	if err := c.client.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: resources.Name(s)}, secret); err != nil {
		return finding{what, err.Error(), "the operator makes it; look at its logs"}
	}
	if _, err := resources.ReadCredentials(s, secret); err != nil {
		return finding{what, err.Error(), "delete the Secret; the operator makes a new one"}
	}
	return well(what)
}

func checkPolicy(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) finding {
	what := "the NetworkPolicy " + resources.Name(s)
	if err := c.client.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: resources.Name(s)}, &networkingv1.NetworkPolicy{}); err != nil {
		return finding{what, err.Error(), "the operator makes it; look at its logs"}
	}
	return well(what)
}

func checkPod(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) finding {
	const what = "the bot's pod"
	if _, err := c.pod(ctx, s); err != nil {
		return finding{what, err.Error(), "see the conditions: kubectl sesi status " + s.Name}
	}
	if ready := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionPodReady); ready != nil && ready.Status != "True" {
		return finding{what, ready.Reason + ": " + ready.Message, "kubectl describe pod " + resources.Name(s)}
	}
	return well(what)
}

// checkBot asks the bot itself, and compares clocks: a wrong one makes certificates and codes look ended.
func checkBot(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) finding {
	const what = "the bot answers"
	b, err := c.bot(ctx, s)
	if err != nil {
		return finding{what, err.Error(), "kubectl sesi logs " + s.Name}
	}
	defer b.close()
	response, err := b.request(ctx, http.MethodGet, "/api/health", nil)
	if err != nil {
		return finding{what, err.Error(), "kubectl sesi logs " + s.Name}
	}
	defer response.Body.Close()
	if there, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		if skew := time.Since(there); skew > skewLimit || skew < -skewLimit {
			return finding{"the clocks", fmt.Sprintf("the bot's differs from this machine's by %s", skew.Round(time.Second)), "set the clock of this machine or of the node"}
		}
	}
	return well(what)
}

func checkSession(_ context.Context, _ *cluster, s *v1alpha1.WhatsAppSession) finding {
	const what = "the session"
	if s.Status.State == bot.StateConnected {
		return well(what)
	}
	return finding{what, fmt.Sprintf("it is %s (%s)", s.Status.State, s.Status.Reason), or(advice(s), "wait; the bot goes on by itself")}
}

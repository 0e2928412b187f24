package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	authv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiversion "k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// skewLimit is how far this machine's, the API server's and the bot's clocks may differ.
const skewLimit = 30 * time.Second

// finding is the result of one check. remedy says what to do about a problem. waits marks what is not a fault but waits
// for a person, and skipped what could not be checked because something else is missing.
type finding struct {
	what, problem, remedy string
	skipped, waits        bool
}

func well(what string) finding { return finding{what: what} }

func (t *tool) doctor() *cobra.Command {
	return t.forSession("doctor", "Check everything a session needs, and show what is wrong", func(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) error {
		checks := []func(context.Context, *cluster, *v1alpha1.WhatsAppSession) finding{
			checkServer, checkRights, checkOperator, checkClaim, checkSecret, checkPolicy, checkPod, checkBot, checkVersion, checkSession, checkWebhooks, checkSending,
		}
		if s.DeletionTimestamp != nil { // what is missing has gone for good
			checks = []func(context.Context, *cluster, *v1alpha1.WhatsAppSession) finding{checkServer, checkRights, checkGoing}
		}
		bad := 0
		for _, check := range checks {
			one, cancel := context.WithTimeout(ctx, requestTimeout)
			f := check(one, c, s)
			cancel()
			switch {
			case f.skipped:
				fmt.Fprintf(t.out, "-     %s: not checked\n", f.what)
			case f.problem == "":
				fmt.Fprintf(t.out, "ok    %s\n", f.what)
			case f.waits:
				fmt.Fprintf(t.out, "NEXT  %s: %s\n      -> %s\n", f.what, printable(f.problem), printable(f.remedy))
			default:
				bad++
				fmt.Fprintf(t.out, "BAD   %s: %s\n      -> %s\n", f.what, printable(f.problem), printable(f.remedy))
			}
		}
		if bad > 0 {
			return fmt.Errorf("%d of %d checks failed", bad, len(checks))
		}
		return nil
	})
}

// checkServer asks the API server for its version, and compares its clock with this machine's.
func checkServer(ctx context.Context, c *cluster, _ *v1alpha1.WhatsAppSession) finding {
	const what = "the API server"
	client, err := rest.HTTPClientFor(c.config)
	if err != nil {
		return finding{what: what, problem: err.Error(), remedy: "check your kubeconfig"}
	}
	address, _, err := rest.DefaultServerUrlFor(c.config)
	if err != nil {
		return finding{what: what, problem: err.Error(), remedy: "check your kubeconfig"}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.JoinPath("version").String(), nil)
	if err != nil {
		return finding{what: what, problem: err.Error(), remedy: "check your kubeconfig"}
	}
	response, err := client.Do(request)
	if err != nil {
		return finding{what: what, problem: err.Error(), remedy: "check your kubeconfig and the network to the cluster"}
	}
	defer response.Body.Close()
	var version struct{ Major, Minor, GitVersion string }
	if err := json.NewDecoder(io.LimitReader(response.Body, maxVersion)).Decode(&version); err != nil {
		return finding{what: what, problem: "it does not report its version: " + err.Error(), remedy: "ask the cluster's administrator"}
	}
	if tooOld(version.Major, version.Minor) {
		return finding{what: what, problem: "it is " + version.GitVersion, remedy: fmt.Sprintf("upgrade the cluster to Kubernetes 1.%d or newer", oldestMinor)}
	}
	if problem := classifySkew("API server", response.Header, time.Now()); problem != "" {
		return finding{what: what, problem: problem, remedy: "set the clock of this machine or of the control plane"}
	}
	return well(what + " (" + version.GitVersion + ")")
}

// oldestMinor is the oldest Kubernetes 1.x that supports selectableFields.
const oldestMinor = 31

// maxVersion bounds the API server's answer about its version, in bytes.
const maxVersion = 64 << 10

// tooOld compares a version with oldestMinor; a version that cannot be read counts as new enough.
func tooOld(major, minor string) bool {
	n, err := strconv.Atoi(strings.TrimRight(minor, "+"))
	return err == nil && major == "1" && n < oldestMinor
}

// classifySkew compares the clock in an answer with this machine's clock. With a wrong clock, certificates and codes look
// expired.
func classifySkew(whose string, answer http.Header, now time.Time) (problem string) {
	there, err := http.ParseTime(answer.Get("Date"))
	if err != nil {
		return ""
	}
	if skew := now.Sub(there); skew > skewLimit || skew < -skewLimit {
		return fmt.Sprintf("the %s's clock differs from this machine's by %s", whose, skew.Abs().Round(time.Second))
	}
	return ""
}

// checkRights asks whether this user may do what the other commands need.
func checkRights(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) finding {
	const what = "your rights"
	clientset, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return finding{what: what, problem: err.Error(), remedy: "check your kubeconfig"}
	}
	var missing []string
	for _, need := range []authv1.ResourceAttributes{
		{Group: v1alpha1.GroupVersion.Group, Resource: "whatsappsessions", Verb: "patch"},
		{Resource: "pods", Verb: "get"},
		{Resource: "pods", Subresource: "portforward", Verb: "create"},
		{Resource: "pods", Subresource: "log", Verb: "get"},
		{Resource: "secrets", Verb: "get"},
		{Resource: "pods", Verb: "create"}, // restore runs a pod on the claim
		{Resource: "pods", Verb: "delete"},
		{Resource: "pods", Subresource: "attach", Verb: "create"},
	} {
		need.Namespace = s.Namespace
		review, err := clientset.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx,
			&authv1.SelfSubjectAccessReview{Spec: authv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &need}}, metav1.CreateOptions{})
		if err != nil {
			return finding{what: what, problem: err.Error(), remedy: "ask the cluster's administrator"}
		}
		if !review.Status.Allowed {
			missing = append(missing, strings.TrimSuffix(need.Verb+" "+need.Resource+"/"+need.Subresource, "/"))
		}
	}
	if len(missing) > 0 {
		return finding{what: what, problem: "you may not " + strings.Join(missing, ", "), remedy: "some commands will fail; ask for the role edit in the namespace " + s.Namespace}
	}
	return well(what)
}

// checkOperator checks by the status whether an operator handles the session.
func checkOperator(_ context.Context, _ *cluster, s *v1alpha1.WhatsAppSession) finding {
	const what = "the operator follows this session"
	if s.Status.ObservedGeneration != s.Generation {
		return finding{what: what, problem: fmt.Sprintf("it has seen generation %d of %d", s.Status.ObservedGeneration, s.Generation), remedy: "look at the operator's pods and logs; if it watches single namespaces, add this one to watchNamespaces: " + s.Namespace}
	}
	if stalled := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionStalled); stalled != nil {
		remedy := heed
		if stalled.Reason == v1alpha1.ReasonInvalidTemplate || stalled.Reason == v1alpha1.ReasonInvalidMessages {
			remedy = "edit the spec: kubectl edit whatsappsession " + s.Name
		}
		return finding{what: what, problem: stalled.Reason + ": " + stalled.Message, remedy: remedy}
	}
	return well(what)
}

// unmet is a condition that the operator has found not to be true for the present spec; nil for none.
func unmet(s *v1alpha1.WhatsAppSession, kind string) *metav1.Condition {
	found := meta.FindStatusCondition(s.Status.Conditions, kind)
	if found == nil || found.Status == metav1.ConditionTrue || s.Status.ObservedGeneration != s.Generation {
		return nil
	}
	return found
}

// absent is the finding about an object that could not be read. When the object does not exist, the condition of that kind
// tells why; remedy is for when the operator has said nothing.
func absent(s *v1alpha1.WhatsAppSession, what string, err error, kind, remedy string) finding {
	said := unmet(s, kind)
	switch {
	case apierrors.IsForbidden(err):
		return finding{what: what, problem: err.Error(), remedy: "ask for the role edit in the namespace " + s.Namespace}
	case !apierrors.IsNotFound(err):
		return finding{what: what, problem: err.Error(), remedy: "check your kubeconfig and the network to the cluster"}
	case said != nil:
		return finding{what: what, problem: said.Reason + ": " + said.Message, remedy: heed}
	}
	return finding{what: what, problem: err.Error(), remedy: remedy}
}

// heed is the remedy for what the operator itself explains.
const heed = "the message above says what to do; the operator retries when that changes"

func checkSecret(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) finding {
	what := "the Secret " + naming.Name(s)
	secret := &corev1.Secret{}
	if err := c.client.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: naming.Name(s)}, secret); err != nil {
		return absent(s, what, err, "", "the operator creates it; look at the operator's logs")
	}
	if _, err := credentials.Read(s, secret); err != nil {
		return finding{what: what, problem: err.Error(), remedy: "delete the Secret; the operator creates a new one"}
	}
	return well(what)
}

func checkPolicy(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) finding {
	what := "the NetworkPolicy " + naming.Name(s)
	if err := c.client.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: naming.Name(s)}, &networkingv1.NetworkPolicy{}); err != nil {
		return absent(s, what, err, "", "the operator creates it; look at the operator's logs")
	}
	return well(what)
}

func checkPod(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) finding {
	const what = "the bot's pod"
	if _, err := c.pod(ctx, s); err != nil {
		none := (*noPod)(nil)
		said := unmet(s, v1alpha1.ConditionPodReady)
		switch {
		case !errors.As(err, &none):
			return absent(s, what, err, "", "")
		case suspended(s):
			return finding{what: what, problem: none.problem, remedy: none.remedy, waits: true}
		case said != nil:
			return finding{what: what, problem: said.Reason + ": " + said.Message, remedy: heed}
		}
		return finding{what: what, problem: none.problem, remedy: "the operator creates it; look at the operator's logs"}
	}
	if ready := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionPodReady); ready != nil && ready.Status != "True" {
		return finding{what: what, problem: ready.Reason + ": " + ready.Message, remedy: "kubectl describe pod " + naming.Name(s)}
	}
	return well(what)
}

// checkBot calls the bot, and compares clocks.
func checkBot(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) finding {
	const what = "the bot answers"
	pod, err := c.pod(ctx, s)
	if err != nil {
		return finding{what: what, skipped: true}
	}
	b, err := c.reach(pod, naming.PortPlain)
	if err != nil {
		return finding{what: what, problem: err.Error(), remedy: "kubectl sesi logs " + s.Name}
	}
	defer b.close()
	response, err := b.get(ctx, bot.PathHealth, nil)
	if err != nil {
		return finding{what: what, problem: err.Error(), remedy: "kubectl sesi logs " + s.Name}
	}
	defer response.Body.Close()
	if problem := classifySkew("bot", response.Header, time.Now()); problem != "" {
		return finding{what: what, problem: problem, remedy: "set the clock of this machine or of the node"}
	}
	return well(what)
}

// checkVersion compares the bot's release with the plugin's: a bot of another release may lack a part of the API.
func checkVersion(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) finding {
	const what = "the bot's version"
	pod, err := c.pod(ctx, s)
	if err != nil {
		return finding{what: what, skipped: true}
	}
	b, err := c.reach(pod, naming.PortMetrics)
	if err != nil {
		return finding{what: what, skipped: true}
	}
	defer b.close()
	response, err := b.get(ctx, bot.PathMetrics, nil)
	if err != nil {
		return finding{what: what, skipped: true}
	}
	defer response.Body.Close()
	its := printable(botVersion(response.Body))
	if its == "" {
		return finding{what: what, skipped: true}
	}
	if otherRelease(its, version) {
		return finding{what: what, problem: "it is " + its + ", and this plugin is " + version,
			remedy: "use the plugin of the bot's release, or upgrade the operator and the bot's image"}
	}
	return well(what + " (" + its + ")")
}

var buildInfo = regexp.MustCompile(`^sesi_bot_build_info\{.*\bversion="([^"]*)"`)

// botVersion finds the version among a bot's metrics; "" when there is none.
func botVersion(metrics io.Reader) string {
	lines := bufio.NewScanner(io.LimitReader(metrics, 1<<20))
	for lines.Scan() {
		if found := buildInfo.FindStringSubmatch(lines.Text()); found != nil {
			return found[1]
		}
	}
	return ""
}

// otherRelease reports whether two versions are releases, and of different minor versions.
func otherRelease(a, b string) bool {
	one, err := apiversion.ParseSemantic(a)
	other, otherErr := apiversion.ParseSemantic(b)
	return err == nil && otherErr == nil && (one.Major() != other.Major() || one.Minor() != other.Minor())
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// requestTimeout bounds one request to the API server or the bot; pollInterval paces a wait.
const (
	requestTimeout = 30 * time.Second
	pollInterval   = 500 * time.Millisecond
)

var scheme = runtime.NewScheme()

func init() {
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
}

// cluster is the cluster that the flags and the kubeconfig name.
type cluster struct {
	config    *rest.Config
	client    client.Client
	namespace string
}

func (t *tool) cluster() (*cluster, error) {
	config, err := t.flags.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, err
	}
	namespace, _, err := t.flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, err
	}
	return &cluster{config: config, client: c, namespace: namespace}, nil
}

// on returns the run function of a command for one session, which its first argument names.
func (t *tool) on(do func(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := t.cluster()
		if err != nil {
			return err
		}
		s, err := c.session(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return do(cmd.Context(), c, s)
	}
}

func (c *cluster) session(ctx context.Context, name string) (*v1alpha1.WhatsAppSession, error) {
	s := &v1alpha1.WhatsAppSession{}
	err := c.client.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: name}, s)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("there is no WhatsAppSession %q in namespace %q; kubectl sesi list -A shows all", name, c.namespace)
	}
	return s, explain(err)
}

// explain explains the error of an API server that does not know the resource.
func explain(err error) error {
	if meta.IsNoMatchError(err) {
		return fmt.Errorf("the CRD whatsappsessions.sesi.dev is not installed; install the operator (%w)", err)
	}
	return err
}

// noPod says that a session has no pod, and what to do.
type noPod struct{ problem, remedy string }

func (e *noPod) Error() string { return e.problem + "; " + e.remedy }

// pod is the session's bot pod; the error is a *noPod if there is none.
func (c *cluster) pod(ctx context.Context, s *v1alpha1.WhatsAppSession) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	err := c.client.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: naming.Name(s)}, pod)
	if apierrors.IsNotFound(err) {
		if s.DeletionTimestamp != nil {
			return nil, &noPod{s.Name + " is being deleted and has no bot any more", "kubectl sesi doctor " + s.Name + " says what it waits for"}
		}
		if suspended(s) {
			return nil, &noPod{s.Name + " is suspended and has no bot", "kubectl sesi resume " + s.Name}
		}
		return nil, &noPod{fmt.Sprintf("%s has no bot yet (%s, %s)", s.Name, s.Status.State, s.Status.Reason), "kubectl sesi doctor " + s.Name + " shows why"}
	}
	return pod, err
}

// token is the session's API token. It goes into requests and nowhere else.
func (c *cluster) token(ctx context.Context, s *v1alpha1.WhatsAppSession) (string, error) {
	secret := &corev1.Secret{}
	if err := c.client.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: naming.Name(s)}, secret); err != nil {
		return "", fmt.Errorf("read the session's token: %w", err)
	}
	token := strings.TrimSpace(string(secret.Data[credentials.KeyToken]))
	if !bot.ValidToken(token) {
		return "", fmt.Errorf("the Secret %s has no valid token; is the operator running?", secret.Name)
	}
	return token, nil
}

func suspended(s *v1alpha1.WhatsAppSession) bool { return s.Spec.Suspended != nil && *s.Spec.Suspended }

// stays refuses to change a session that is being deleted: whatever is done, it goes.
func stays(s *v1alpha1.WhatsAppSession) error {
	if s.DeletionTimestamp != nil {
		return fmt.Errorf("%s is being deleted, so nothing was changed; kubectl sesi doctor %s says what it waits for", s.Name, s.Name)
	}
	return nil
}

// setSuspended edits the spec, unless it already has that value.
func (c *cluster) setSuspended(ctx context.Context, s *v1alpha1.WhatsAppSession, want bool) error {
	if suspended(s) == want {
		return nil
	}
	before := s.DeepCopy()
	s.Spec.Suspended = &want
	return c.client.Patch(ctx, s, client.MergeFrom(before))
}

// untilNoPod waits until the session's bot is gone.
func (c *cluster) untilNoPod(ctx context.Context, s *v1alpha1.WhatsAppSession, timeout time.Duration) error {
	key := client.ObjectKey{Namespace: s.Namespace, Name: naming.Name(s)}
	err := wait.PollUntilContextTimeout(ctx, pollInterval, timeout, true, func(ctx context.Context) (bool, error) {
		err := c.client.Get(ctx, key, &corev1.Pod{})
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
	if err != nil {
		return fmt.Errorf("the pod %s is not deleted in time: %w", key.Name, err)
	}
	return nil
}

// confirm asks before a command that cannot be undone, unless --yes was given.
func (t *tool) confirm(question string) error {
	if t.yes {
		return nil
	}
	fmt.Fprintf(t.err, "%s [y/N] ", question)
	var answer string
	if _, err := fmt.Fscanln(t.in, &answer); err != nil && !errors.Is(err, io.EOF) && answer == "" {
		return fmt.Errorf("not done: answer y, or give --yes")
	}
	if a := strings.ToLower(answer); a != "y" && a != "yes" {
		return fmt.Errorf("not done")
	}
	return nil
}

func (t *tool) addYes(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().BoolVarP(&t.yes, "yes", "y", false, "do not ask")
	return cmd
}

// names completes the names of sessions.
func (t *tool) names(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	c, err := t.cluster()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	all := &v1alpha1.WhatsAppSessionList{}
	if err := c.client.List(cmd.Context(), all, client.InNamespace(c.namespace)); err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names := make([]string, 0, len(all.Items))
	for i := range all.Items {
		names = append(names, all.Items[i].Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// forSession is a command about one session.
func (t *tool) forSession(verb, short string, do func(context.Context, *cluster, *v1alpha1.WhatsAppSession) error) *cobra.Command {
	return &cobra.Command{
		Use: verb + " NAME", Short: short, Args: cobra.ExactArgs(1), ValidArgsFunction: t.names, RunE: t.on(do),
	}
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/resources"
)

const (
	// transferTimeout bounds a backup or a restore; a session is a few megabytes.
	transferTimeout = 5 * time.Minute
	// goneTimeout bounds the wait for the bot's pod to end.
	goneTimeout = 2 * time.Minute
)

func (t *tool) restore() *cobra.Command {
	var path, image string
	cmd := t.forSession("restore", "Restore a backup: suspend the session, restore into its PVC, resume", func(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession) error {
		if err := stays(s); err != nil {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := t.confirm(fmt.Sprintf("Replace the session of %s with %s? The replaced data is kept in the PVC.", s.Name, path)); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, transferTimeout)
		defer cancel()
		return t.restoreInto(ctx, c, s, file, image)
	})
	cmd.Flags().StringVarP(&path, "filename", "f", "", "the backup")
	cmd.Flags().StringVar(&image, "image", "", "the bot's image, for a suspended session whose spec names none")
	_ = cmd.MarkFlagRequired("filename")
	return t.addYes(cmd)
}

// restoreInto runs the bot's restore command in a pod on the claim while the bot is suspended. Afterwards it resumes the
// session, also after a failure, unless the session was suspended before.
func (t *tool) restoreInto(ctx context.Context, c *cluster, s *v1alpha1.WhatsAppSession, backup io.Reader, image string) (err error) {
	if image, err = c.botImage(ctx, s, image); err != nil {
		return err
	}
	if !suspended(s) {
		if err := c.setSuspended(ctx, s, true); err != nil {
			return err
		}
		defer func() {
			resume, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
			defer cancel()
			err = errors.Join(err, c.setSuspended(resume, s, false))
		}()
	}
	fmt.Fprintln(t.err, "waiting for the bot's pod to end ...")
	if err := c.untilNoPod(ctx, s, goneTimeout); err != nil {
		return err
	}
	pod, err := restorePod(s, image)
	if err != nil {
		return err
	}
	if err := c.client.Create(ctx, pod); err != nil {
		return fmt.Errorf("create the restoring pod: %w", err)
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
		defer cancel()
		err = errors.Join(err, client.IgnoreNotFound(c.client.Delete(end, pod)), c.untilGone(end, pod))
	}()
	return t.feed(ctx, c, pod, backup)
}

// botImage is the image of the session's bot.
func (c *cluster) botImage(ctx context.Context, s *v1alpha1.WhatsAppSession, given string) (string, error) {
	if given != "" {
		return given, nil
	}
	pod, err := c.pod(ctx, s)
	if err == nil {
		for i := range pod.Spec.Containers {
			if pod.Spec.Containers[i].Name == naming.Container {
				return pod.Spec.Containers[i].Image, nil
			}
		}
	}
	if s.Spec.Image != "" {
		return s.Spec.Image, nil
	}
	return "", errors.New("cannot tell the bot's image: use --image")
}

// restorePod is the session's pod with another command, which runs once and reads the backup from its standard input. It
// has the same claim, user and limits. Its name, labels and owner are such that the operator does not take it for a bot.
func restorePod(s *v1alpha1.WhatsAppSession, image string) (*corev1.Pod, error) {
	pod, err := resources.BuildPod(s, resources.Options{BotImage: image})
	if err != nil {
		return nil, err
	}
	pod.Name, pod.OwnerReferences, pod.Annotations = naming.Name(s)+".restore", nil, nil // no session has a dot in its name
	delete(pod.Labels, naming.LabelSession)
	pod.Labels["app.kubernetes.io/component"] = "restore"
	bot := pod.Spec.Containers[0]
	bot.Image = image
	bot.Args = []string{"restore", "/dev/stdin"}
	bot.Stdin, bot.StdinOnce = true, true
	bot.Ports, bot.StartupProbe, bot.LivenessProbe, bot.ReadinessProbe = nil, nil, nil, nil
	pod.Spec.Containers, pod.Spec.InitContainers = []corev1.Container{bot}, nil
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	return pod, nil
}

// feed sends a running pod its standard input and waits until the pod ends.
func (t *tool) feed(ctx context.Context, c *cluster, pod *corev1.Pod, in io.Reader) error {
	clientset, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return err
	}
	if _, err := c.untilPhase(ctx, pod, corev1.PodRunning); err != nil {
		return err
	}
	url := clientset.CoreV1().RESTClient().Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("attach").
		VersionedParams(&corev1.PodAttachOptions{Container: naming.Container, Stdin: true, Stdout: true, Stderr: true}, clientgoscheme.ParameterCodec).URL()
	attach, err := newAttach(c.config, url)
	if err != nil {
		return err
	}
	output := &bytes.Buffer{}
	if err := attach.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: in, Stdout: output, Stderr: output}); err != nil {
		return fmt.Errorf("send the backup to the pod %s: %w", pod.Name, err)
	}
	ended, err := c.untilPhase(ctx, pod, corev1.PodSucceeded, corev1.PodFailed)
	if err != nil {
		return err
	}
	if output.Len() == 0 { // the pod may have ended before its output was attached
		if log, err := clientset.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{}).DoRaw(ctx); err == nil {
			output.Write(log)
		}
	}
	var clean strings.Builder
	if err := copyPrintable(&clean, output); err != nil {
		return err
	}
	text := strings.TrimSpace(clean.String())
	if ended == corev1.PodFailed {
		return fmt.Errorf("the backup was not restored and nothing was changed: %s", text)
	}
	fmt.Fprintln(t.out, text)
	return nil
}

// newAttach prefers websockets, and uses SPDY where a proxy or an old API server does not support them. A broken stream is
// not retried, because part of the input was already read.
func newAttach(config *rest.Config, to *url.URL) (remotecommand.Executor, error) {
	old, err := remotecommand.NewSPDYExecutor(config, http.MethodPost, to)
	if err != nil {
		return nil, err
	}
	websocket, err := remotecommand.NewWebSocketExecutor(config, http.MethodGet, to.String())
	if err != nil {
		return nil, err
	}
	return remotecommand.NewFallbackExecutor(websocket, old, knowsNoWebsocket)
}

// untilPhase waits until the pod has one of the phases or has ended.
func (c *cluster) untilPhase(ctx context.Context, pod *corev1.Pod, phases ...corev1.PodPhase) (corev1.PodPhase, error) {
	now := &corev1.Pod{}
	err := wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		if err := c.client.Get(ctx, client.ObjectKeyFromObject(pod), now); err != nil {
			return false, err
		}
		for _, phase := range append(phases, corev1.PodFailed, corev1.PodSucceeded) {
			if now.Status.Phase == phase {
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		return "", fmt.Errorf("the pod %s stays in phase %s: %w", pod.Name, now.Status.Phase, err)
	}
	return now.Status.Phase, nil
}

// untilGone waits until the pod is deleted and no longer uses the claim.
func (c *cluster) untilGone(ctx context.Context, pod *corev1.Pod) error {
	return wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		err := c.client.Get(ctx, client.ObjectKeyFromObject(pod), &corev1.Pod{})
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
}
